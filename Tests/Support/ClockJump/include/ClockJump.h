// Loaded before libc into a process, it adds to its clock of the day, and to no other clock, the
// seconds that stand in the file CLOCK_JUMP_FILE names, which is read at every call.
#ifndef CLOCK_JUMP_H
#define CLOCK_JUMP_H
#endif
