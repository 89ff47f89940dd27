/* The schema of a database that was restored, as pg_dump sees it: a custom archive without data.
 *
 * What was restored is somebody else's SQL. pg_dump finds nothing by the database's search_path,
 * and runs none of its functions: it asks the catalogs, which print definitions from the trees that
 * they hold. It runs as the role that only reads (reader.h), and is confined as what restores is.
 */
#ifndef POSTGRES_SCHEMA_DUMP_H
#define POSTGRES_SCHEMA_DUMP_H

#include "base/error.h"
#include "base/process.h"
#include "postgres/address.h"
#include "postgres/tools.h"

struct schema_dump_options {
    const struct tools *tools; /* from tools_find(TASK_DUMP, the server's major version) */
    const struct account *account;
    const struct address *database;
    const char *encoding; /* of names and definitions; NULL: the database's */
    bool throwaway;       /* the server is ours: reached by its socket, and by nothing else */
    int output;           /* an open file that the archive goes into */
    int64_t deadline_ms;
};

/* Only cannot_verify. */
int schema_dump_run(const struct schema_dump_options *options, struct error *error);

#endif
