/* What a restored database defines, as pg_dump sees it: an archive without data, in memory. */
#ifndef STAGES_DEFINITIONS_H
#define STAGES_DEFINITIONS_H

#include "archive/archive.h"
#include "postgres/address.h"

struct definitions_source {
    const struct address *database; /* as the role that only reads */
    const char *server_version;     /* "15.18 (Debian ...)" */
    const char *programs; /* the directory with those of that server; "" or NULL: not known */
    const char *encoding; /* of names and definitions; NULL: the database's */
    bool throwaway;       /* the server is ours */
    int64_t deadline_ms;
};

/* `archive` must be all zero and needs archive_free() in every case. Only cannot_verify. */
int definitions_read(const struct definitions_source *source, struct archive *archive,
                     struct error *error);

#endif
