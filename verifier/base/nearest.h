/* The known word that somebody probably meant who wrote an unknown one. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* The candidate that `word` was probably meant to be, or NULL when none is near; borrowed. Of more
 * than 64 bytes none is near. */
const char *nearest(const char *word, const char *const *candidates, size_t count);

#endif
