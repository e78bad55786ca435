#include "CFUSEShims.h"

#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <stddef.h>

#define AT(type, field, offset) \
  _Static_assert(offsetof(struct type, field) == (offset), #type "." #field)
#define SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

SIZE(fuse_in_header, 40);
AT(fuse_in_header, len, 0);
AT(fuse_in_header, opcode, 4);
AT(fuse_in_header, unique, 8);
AT(fuse_in_header, nodeid, 16);

SIZE(fuse_out_header, 16);
AT(fuse_out_header, len, 0);
AT(fuse_out_header, error, 4);
AT(fuse_out_header, unique, 8);

SIZE(fuse_init_in, 64);
AT(fuse_init_in, max_readahead, 8);
AT(fuse_init_in, flags, 12);
AT(fuse_init_in, flags2, 16);

SIZE(fuse_init_out, 64);
AT(fuse_init_out, max_readahead, 8);
AT(fuse_init_out, flags, 12);
AT(fuse_init_out, max_background, 16);
AT(fuse_init_out, congestion_threshold, 18);
AT(fuse_init_out, max_write, 20);
AT(fuse_init_out, time_gran, 24);
AT(fuse_init_out, max_pages, 28);
AT(fuse_init_out, map_alignment, 30);
AT(fuse_init_out, flags2, 32);

SIZE(fuse_open_in, 8);
AT(fuse_open_in, flags, 0);
SIZE(fuse_open_out, 16);
AT(fuse_open_out, fh, 0);
AT(fuse_open_out, open_flags, 8);

SIZE(fuse_interrupt_in, 8);
SIZE(fuse_write_in, 40);

_Static_assert(FUSE_OPEN == 14 && FUSE_WRITE == 16 && FUSE_INIT == 26, "opcodes");
_Static_assert(FUSE_INTERRUPT == 36, "opcodes");

SIZE(fuse_fallocate_in, 32);
AT(fuse_fallocate_in, offset, 8);
AT(fuse_fallocate_in, length, 16);
AT(fuse_fallocate_in, mode, 24);

SIZE(fuse_lseek_in, 24);
AT(fuse_lseek_in, offset, 8);
AT(fuse_lseek_in, whence, 16);
SIZE(fuse_lseek_out, 8);

_Static_assert(FUSE_FALLOCATE == 43 && FUSE_LSEEK == 46, "opcodes");
_Static_assert(FALLOC_FL_KEEP_SIZE == 1 && FALLOC_FL_PUNCH_HOLE == 2, "fallocate modes");
_Static_assert(FALLOC_FL_ZERO_RANGE == 0x10, "fallocate modes");
_Static_assert(SEEK_DATA == 3 && SEEK_HOLE == 4, "whence");
