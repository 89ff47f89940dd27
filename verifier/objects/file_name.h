/* Keys as file names below a directory, reversibly.
 *
 * Most keys are their own file name. Where one cannot be, a part of it (what stands between
 * slashes) is written otherwise:
 *
 *     %XX    a byte: `%` itself, control characters, the dots of `.` and `..`, and the first dot of
 *            a first part that begins with `.restore-verifier` (names that sync uses itself)
 *     %_     an empty part: of `a//b`, `/a`, `a/`
 *     %-     at the end of a part: goes on in the next one, without a slash (longer than 255 bytes)
 *     %~     at the end of the last part: there is a folder of that name beside it (`a` and `a/b`)
 *
 * In a directory that takes names which differ only in case for the same, capital letters and all
 * bytes beyond ASCII (which such file systems normalize) are written as %XX too.
 *
 * A name that this could not have written (of a copy that another program made: `50%.png`) stands
 * for itself.
 */
#ifndef OBJECTS_FILE_NAME_H
#define OBJECTS_FILE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum { FILE_NAME_LIMIT = 255 };

#define OWN_NAMES ".restore-verifier" /* what sync's own files in the directory begin with */

/* The path of a key, relative to the directory; never empty, absolute, or with a part that is `.`
 * or `..`. NUL-terminated, freed by the caller. */
char *file_name_of_key(const char *key, size_t key_length, bool folds_case);

/* The key of a path; `ret_key` is an initialized buffer that is replaced. `ret_yields` (may be
 * NULL) tells whether the name ended in %~. */
void key_of_file_name(const char *path, bool folds_case, struct buffer *ret_key, bool *ret_yields);

#endif
