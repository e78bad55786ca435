// The libfuse3 low-level API at one fixed version, so that every file sees the same structs.
#ifndef CFUSE3_H
#define CFUSE3_H
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#endif
