// libFuzzer's entry for programs with a main of their own; the library comes with the compiler.
// Source: compiler-rt, lib/fuzzer/FuzzerInterface.h and llvm.org/docs/LibFuzzer.html.
#ifndef ISCSIFS_FUZZER_H
#define ISCSIFS_FUZZER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(
    int *argc, char ***argv, int (*user_callback)(const uint8_t *data, size_t size));

#endif
