/* By what a database orders its texts: its own collation, and those that its indexes use or that
 * somebody made. An index on texts is right only for the version of the library that ordered it.
 */
#ifndef POSTGRES_COLLATIONS_H
#define POSTGRES_COLLATIONS_H

#include <stddef.h>

#include "postgres/connection.h"

/* "" where something is not known, or where the order has no version, as that of C. */
struct collation {
    char *name;     /* "default" for that of the database, else "public.german" */
    char *provider; /* "libc", "icu", "builtin" */
    char *locale;
    char *recorded; /* the version when the collation was made, or last refreshed */
    char *actual;   /* the version that the server has */
};

enum { COLLATION_TEXTS = 5 };

struct collations {
    struct collation *items;
    size_t count;
};

/* In UTF-8 where the connection is. Servers before PostgreSQL 10 tell nothing, and those before 15
 * no version that was recorded for the database. FAULT_MACHINE. */
int collations_read(struct connection *connection, struct collations *ret_collations,
                    struct error *error);

/* Copies the texts, which are in the order of the struct. */
void collations_add(struct collations *collations, const char *const texts[COLLATION_TEXTS]);
const struct collation *collations_find(const struct collations *collations, const char *name);
void collations_free(struct collations *collations); /* takes a zeroed one */

#endif
