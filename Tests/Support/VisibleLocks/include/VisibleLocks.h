#ifndef VISIBLE_LOCKS_H
#define VISIBLE_LOCKS_H

// Nothing to call: see VisibleLocks.c.

#endif
