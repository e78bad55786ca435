#ifndef CFUSE_SHIMS_H
#define CFUSE_SHIMS_H
#endif
