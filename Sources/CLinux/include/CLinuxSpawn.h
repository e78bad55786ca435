#ifndef CLINUX_SPAWN_H
#define CLINUX_SPAWN_H

#include <sys/types.h>

/// Starts `path` in a session of its own: standard input and output are /dev/null, standard error
/// stays, `handed` is there as `number`, every descriptor above it is closed, signals are as new.
/// Returns 0 or -errno. Its parts are GNU's and cannot be seen from Swift.
int clinux_spawn_detached(pid_t *process_id, const char *path, char *const argv[], int handed,
                          int number);

#endif
