// Loaded before libc into a process whose heap allocations are to be counted: the first eight bytes
// of the file COUNT_FILE names are the count, in the machine's byte order.
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H
#endif
