/* Independent pieces of work, done by several threads. */
#ifndef ARCHIVE_POOL_H
#define ARCHIVE_POOL_H

#include <stddef.h>

#include "base/error.h"

/* Calls work(context, i) for i from 0 to count - 1, begun in that order, in up to `threads` threads
 * of which the caller's is one. After a failure nothing more is begun, and the failure of the
 * lowest i is returned. */
int pool_run(size_t count, int threads, int (*work)(void *context, size_t i, struct error *error),
             void *context, struct error *error);

#endif
