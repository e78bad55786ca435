#include "CLinux.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#define HAVE_CRC_INSTRUCTION __builtin_cpu_supports("sse4.2")
__attribute__((target("sse4.2")))
static uint32_t with_instruction(uint32_t crc, const unsigned char *p, size_t count) {
  uint64_t wide = crc;
  for (; count >= 8; p += 8, count -= 8) {
    uint64_t word;
    __builtin_memcpy(&word, p, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = (uint32_t)wide;
  for (; count; ++p, --count) crc = _mm_crc32_u8(crc, *p);
  return crc;
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define HAVE_CRC_INSTRUCTION 1
static uint32_t with_instruction(uint32_t crc, const unsigned char *p, size_t count) {
  for (; count >= 8; p += 8, count -= 8) {
    uint64_t word;
    __builtin_memcpy(&word, p, 8);
    crc = __crc32cd(crc, word);
  }
  for (; count; ++p, --count) crc = __crc32cb(crc, *p);
  return crc;
}
#else
#define HAVE_CRC_INSTRUCTION 0
static uint32_t with_instruction(uint32_t crc, const unsigned char *p, size_t count) {
  (void)p; (void)count;
  return crc;
}
#endif

// One bit at a time over the reversed polynomial: only for processors without the instruction.
static uint32_t by_bit(uint32_t crc, const unsigned char *p, size_t count) {
  for (; count; ++p, --count) {
    crc ^= *p;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u)));
  }
  return crc;
}

uint32_t clinux_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return HAVE_CRC_INSTRUCTION ? with_instruction(crc, bytes, count) : by_bit(crc, bytes, count);
}
