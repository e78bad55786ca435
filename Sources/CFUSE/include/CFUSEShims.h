// What Swift cannot check by itself: that the kernel's FUSE structs lie as our decoders read them.
#ifndef CFUSE_SHIMS_H
#define CFUSE_SHIMS_H
#endif
