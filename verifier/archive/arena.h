/* Strings that live and die together, packed, with a limit on their sum. */
#ifndef ARCHIVE_ARENA_H
#define ARCHIVE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(size_t limit_bytes);
void arena_free(struct arena *arena); /* takes NULL */

/* Room for `size` bytes, NUL-filled at their end only by the caller; NULL when the limit would be
 * passed. Aligned for int. */
void *arena_take(struct arena *arena, size_t size);

/* Counts memory that is kept elsewhere against the same limit: -1 when it would be passed. */
int arena_count(struct arena *arena, size_t size);

#endif
