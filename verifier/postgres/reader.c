#include "postgres/reader.h"

const char reader_role[] = "restore_verifier_reader";

/* Before 14 there is no role that may read everything; being a member of every role, none of which
 * has special rights any more, comes near to it. */
static int grant_reading(struct connection *maintenance, struct error *error)
{
    if (connection_server_version(maintenance) >= 140000)
        return connection_execute(maintenance, error, "GRANT pg_read_all_data TO %s", reader_role);
    cleanup(free_pointer) char *sql =
        xasprintf("select format('GRANT %%I TO %s', rolname) from pg_roles where rolname !~ '^pg_' "
                  "and not rolsuper and rolname <> '%s'",
                  reader_role, reader_role);
    return connection_execute_each(maintenance, sql, error);
}

int reader_create(struct connection *maintenance, struct error *error)
{
    if (connection_execute(maintenance, error, "CREATE ROLE %s LOGIN BYPASSRLS", reader_role) < 0 ||
        grant_reading(maintenance, error) < 0 ||
        connection_execute(maintenance, error,
                           "ALTER ROLE %s SET default_transaction_read_only = on", reader_role) < 0)
        return error_prefix(error, "cannot make a role that only reads: ");
    return 0;
}

int reader_admit(struct connection *maintenance, const char *database, struct error *error)
{
    cleanup(free_pointer) char *quoted = identifier_quote(database);
    if (connection_execute(maintenance, error,
                           "ALTER DATABASE %s CONNECTION LIMIT -1; "
                           "REVOKE CREATE, TEMPORARY ON DATABASE %s FROM PUBLIC; "
                           "GRANT CONNECT ON DATABASE %s TO %s",
                           quoted, quoted, quoted, reader_role) < 0)
        return error_prefix(error, "cannot let a role that only reads into the database: ");
    return 0;
}

/* Functions are named with their schema and no operator is used, since until here names are looked
 * for where the backup says. "$user" would be a schema of the role's name, which only an attacker
 * makes. The path that the database has is kept under a name of our own. */
static const char names_sql[] =
    "SELECT pg_catalog.set_config('restore_verifier.names', "
    "pg_catalog.concat('pg_catalog, ', pg_catalog.regexp_replace("
    "pg_catalog.current_setting('search_path'), '\"[$]user\"|^ *$', 'pg_catalog', 'g'), "
    "', pg_temp'), false)";
static const char no_names_sql[] = "SET restore_verifier.names = 'pg_catalog, pg_temp'";

/* With row_security off, a table whose policies would hide rows from us is an error instead of a
 * smaller count. A server of an older release does not know the last setting. */
#define SETTINGS_SQL                                                                               \
    OWN_NAMES_SQL "; SET standard_conforming_strings = on; SET row_security = off; "               \
                  "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; "                                  \
                  "SET max_parallel_workers_per_gather = 2; "                                      \
                  "SELECT set_config('client_encoding', " CLIENT_ENCODING_SQL ", false); "         \
                  "SELECT set_config(name, '%s', false) from pg_settings "                         \
                  "where name = 'restrict_nonsystem_relation_kind'"

/* The transaction begins by itself: settings made in it would be undone when it fails. */
int reader_open(const struct address *database, enum reader_sight sight, int64_t timeout_ms,
                struct connection **ret_connection, struct error *error)
{
    bool relations = sight == READER_RELATIONS;
    cleanup(connection_closep) struct connection *connection = NULL;
    if (connection_open(database, timeout_ms, &connection, error) < 0 ||
        connection_execute(connection, error, "%s", relations ? names_sql : no_names_sql) < 0 ||
        connection_execute(connection, error, SETTINGS_SQL,
                           relations ? "foreign-table" : "view, foreign-table") < 0 ||
        connection_execute(connection, error, "BEGIN READ ONLY") < 0)
        return -1;
    *ret_connection = take(&connection);
    return 0;
}

int reader_see_names(struct connection *connection, bool see, struct error *error)
{
    return connection_execute(
        connection, error, "%s",
        see ? "SELECT set_config('search_path', current_setting('restore_verifier.names'), false)"
            : OWN_NAMES_SQL);
}
