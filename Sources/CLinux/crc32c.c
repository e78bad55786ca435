#include "CLinux.h"

// CRC32C as RFC 7143 wants it is bit-reversed: bit i of a register stands for x^(31-i) of a
// polynomial modulo P, bit i of a word of the message for x^(63-i). The instruction turns register
// r and word w into (r x^32 + w) x^32 mod P.
//
// It needs three cycles and can begin one every cycle, so that one chain of them runs at a third of
// what the processor can do. Large blocks are cut into three equal parts, whose chains run beside
// each other from registers a (the one so far), 0 and 0. The block's register is then
// a x^16n + b x^8n + c with parts of n bytes. A product without carries of a and the constant
// k = x^(16n-33), both reversed, is the word that stands for a k x; the instruction, from register
// 0, makes it a k x^33 = a x^16n. Both products are added first and reduced at once.

enum { LONG_PART = 1360, SHORT_PART = 168 };  // Bytes; three long ones and 16 more make 4096.

/// The constants of a part's length n: x^(8n-33) and x^(16n-33) modulo P, reversed.
struct joint { uint32_t once, twice; };
static const struct joint long_joint = {0x3F70CC6F, 0x5AA1F3CF};
static const struct joint short_joint = {0x1B3D8F29, 0xA60CE07B};

#if defined(__x86_64__)
#include <immintrin.h>
#define TARGET_CRC __attribute__((target("sse4.2")))
#define TARGET_JOIN __attribute__((target("sse4.2,pclmul")))

static int has_instruction(void) { return __builtin_cpu_supports("sse4.2"); }
static int has_multiplication(void) { return __builtin_cpu_supports("pclmul"); }

TARGET_CRC static inline uint32_t add_byte(uint32_t crc, uint8_t byte) {
  return _mm_crc32_u8(crc, byte);
}

TARGET_CRC static inline uint32_t add_word(uint32_t crc, uint64_t word) {
  return (uint32_t)_mm_crc32_u64(crc, word);
}

TARGET_JOIN static inline uint64_t multiply(uint32_t a, uint32_t b) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)a), _mm_cvtsi32_si128((int)b), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define TARGET_CRC __attribute__((target("+crc")))
#define TARGET_JOIN __attribute__((target("+crc+aes")))

static int has_instruction(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
static int has_multiplication(void) { return (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0; }

TARGET_CRC static inline uint32_t add_byte(uint32_t crc, uint8_t byte) {
  return __crc32cb(crc, byte);
}

TARGET_CRC static inline uint32_t add_word(uint32_t crc, uint64_t word) {
  return __crc32cd(crc, word);
}

TARGET_JOIN static inline uint64_t multiply(uint32_t a, uint32_t b) {
  return (uint64_t)vmull_p64(a, b);
}
#endif

#if defined(__x86_64__) || defined(__aarch64__)
static inline uint64_t word_at(const unsigned char *p) {
  uint64_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return word;
}

TARGET_CRC static uint32_t with_instruction(uint32_t crc, const unsigned char *p, size_t count) {
  for (; count >= 8; p += 8, count -= 8) crc = add_word(crc, word_at(p));
  for (; count; ++p, --count) crc = add_byte(crc, *p);
  return crc;
}

/// One block of three parts of `part` bytes each.
TARGET_JOIN static inline uint32_t add_block(uint32_t a, const unsigned char *p, size_t part,
                                             struct joint joint) {
  uint32_t b = 0, c = 0;
  for (size_t offset = 0; offset < part; offset += 8) {
    a = add_word(a, word_at(p + offset));
    b = add_word(b, word_at(p + part + offset));
    c = add_word(c, word_at(p + 2 * part + offset));
  }
  return add_word(0, multiply(a, joint.twice) ^ multiply(b, joint.once)) ^ c;
}

TARGET_JOIN static uint32_t interleaved(uint32_t crc, const unsigned char *p, size_t count) {
  for (; count >= 3 * LONG_PART; p += 3 * LONG_PART, count -= 3 * LONG_PART)
    crc = add_block(crc, p, LONG_PART, long_joint);
  for (; count >= 3 * SHORT_PART; p += 3 * SHORT_PART, count -= 3 * SHORT_PART)
    crc = add_block(crc, p, SHORT_PART, short_joint);
  return with_instruction(crc, p, count);
}
#endif

// One bit at a time over the reversed polynomial: only for processors without the instruction.
uint32_t clinux_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  for (const unsigned char *p = bytes; count; ++p, --count) {
    crc ^= *p;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u)));
  }
  return crc;
}

uint32_t clinux_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__) || defined(__aarch64__)
  if (has_instruction())
    return count >= 3 * SHORT_PART && has_multiplication() ? interleaved(crc, bytes, count)
                                                           : with_instruction(crc, bytes, count);
#endif
  return clinux_crc32c_portable(crc, bytes, count);
}
