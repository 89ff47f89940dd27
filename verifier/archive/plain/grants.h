/* The statements of a plain dump about rights: their texts are kept (archive/grants.h). */
#ifndef ARCHIVE_PLAIN_GRANTS_H
#define ARCHIVE_PLAIN_GRANTS_H

#include <stdbool.h>
#include <stddef.h>

struct catalog_name;

struct plain_grant {
    const char *database; /* as of a plain_table; known when the totals are */
    char *text;           /* as grant_statement gives it */
    const struct catalog_name *in;
};

struct plain_grants {
    struct plain_grant *items; /* in the order of the file */
    size_t count;
    size_t capacity;
    size_t bytes;
    bool cut; /* some were too many, or too long, to be kept */
};

/* A statement that has ended; `is_cut`: only its beginning is given. */
void plain_grants_statement(struct plain_grants *grants, const char *statement, bool is_cut,
                            const struct catalog_name *database);
/* Once the databases are in the totals: which of them each is about. */
void plain_grants_settle(struct plain_grants *grants);
void plain_grants_free(struct plain_grants *grants); /* takes a zeroed one */

#endif
