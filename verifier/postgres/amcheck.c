#include "postgres/amcheck.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 30000 };

/* Only those of the library itself: a function of that name could be anybody's. */
#define OWN_FUNCTIONS_SQL                                                                          \
    "from pg_proc p join pg_namespace n on n.oid = pronamespace join pg_language l on l.oid = "    \
    "prolang where lanname = 'c' and probin = '$libdir/amcheck' "

static const char grants_sql[] =
    "select format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', "
    "p.oid::regprocedure) " OWN_FUNCTIONS_SQL "and proname in ('bt_index_check', 'verify_heapam')";

static const char functions_sql[] =
    "select proname, format('%I.%I', nspname, proname) " OWN_FUNCTIONS_SQL
    "and (prosrc = 'verify_heapam' or prosrc = 'bt_index_check' and pronargs > 1)";

static int is_installed(struct connection *connection, struct error *error)
{
    const int major = connection_server_version(connection) / 10000;
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, "select from pg_available_extensions where name = 'amcheck'",
                         NULL, &result, NULL, error) < 0)
        return -1;
    if (PQntuples(result) > 0)
        return 0;
    return cannot_verify(error,
                         "the extension amcheck is not installed for PostgreSQL %d: Debian's "
                         "package postgresql-%d has it, elsewhere that of PostgreSQL's contrib",
                         major, major);
}

int amcheck_make(const struct address *database, struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    if (connection_open(database, CONNECT_TIMEOUT_MS, &connection, error) < 0 ||
        connection_execute(connection, error, OWN_NAMES_SQL) < 0 ||
        is_installed(connection, error) < 0)
        return -1;
    if (connection_execute(connection, error,
                           "CREATE EXTENSION IF NOT EXISTS amcheck WITH SCHEMA pg_catalog") < 0 ||
        connection_execute_each(connection, grants_sql, error) < 0)
        return error_prefix(error, "the extension amcheck cannot be made there: ");
    return 0;
}

int amcheck_make_for_all(struct connection *maintenance, const struct address *server,
                         struct error *error)
{
    struct address empty;
    if (connection_execute(maintenance, error, "ALTER DATABASE template0 ALLOW_CONNECTIONS true") <
        0)
        return -1;
    address_copy(server, &empty);
    address_set(&empty, "dbname", "template0");
    int made = amcheck_make(&empty, error);
    address_free(&empty);
    struct error closed; /* what could not be made is told first */
    if (connection_execute(maintenance, &closed,
                           "ALTER DATABASE template0 ALLOW_CONNECTIONS false") == 0 ||
        made < 0)
        return made;
    *error = closed;
    return -1;
}

int amcheck_find(struct connection *connection, struct amcheck_functions *ret_functions,
                 struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, functions_sql, NULL, &result, NULL, error) < 0)
        return -1;
    *ret_functions = (struct amcheck_functions){0};
    for (int i = 0; i < PQntuples(result); i++) {
        bool of_tables = strcmp(PQgetvalue(result, i, 0), "verify_heapam") == 0;
        char **name = of_tables ? &ret_functions->table : &ret_functions->index;
        free(*name);
        *name = xstrdup(PQgetvalue(result, i, 1));
    }
    return 0;
}

void amcheck_functions_free(struct amcheck_functions *functions)
{
    free(functions->index);
    free(functions->table);
    *functions = (struct amcheck_functions){0};
}
