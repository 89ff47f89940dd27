/* What another account may do with a file, asked with that account's own rights.
 *
 * Whoever asks is somebody else for a moment, with all threads of the process: only while there is
 * one. As another user than root nothing is changed, and everything is allowed that is ours.
 */
#ifndef BASE_ACCOUNT_H
#define BASE_ACCOUNT_H

#include <stdbool.h>

#include "base/process.h"

/* `mode` as for access(2). */
bool account_may(const struct account *account, const char *path, int mode);

/* The first directory on the way to `path`, or `path` itself, that the account cannot pass; to be
 * freed by the caller. NULL: it gets there. */
char *account_barrier(const struct account *account, const char *path);

/* "nobody", or "the user 1234": to be freed by the caller. */
char *account_name(const struct account *account);

#endif
