#include "postgres/guest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buffer.h"

/* PostgreSQL 15 is the first that does otherwise unless it is told. */
enum { FIRST_WITH_STRATEGIES = 150000 };

static const char guest_prefix[] = "restore_verifier_";

char *guest_name(void)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        random = (uint32_t)getpid();
    return xasprintf("%s%d_%08" PRIx32, guest_prefix, getpid(), random);
}

static int create(struct connection *connection, const struct guest_options *options,
                  const char *locale, struct error *error)
{
    struct buffer sql;
    buffer_init(&sql, 4096);
    cleanup(free_pointer) char *name = identifier_quote(options->name);
    buffer_printf(&sql, "CREATE DATABASE %s TEMPLATE template0 %s", name, locale);
    if (options->encoding) {
        cleanup(free_pointer) char *encoding = literal_quote(options->encoding);
        buffer_printf(&sql, " ENCODING %s", encoding);
    }
    if (options->owner) {
        cleanup(free_pointer) char *owner = identifier_quote(options->owner);
        buffer_printf(&sql, " OWNER %s", owner);
    }
    /* Twice as fast as by way of the log, but for two checkpoints. */
    if (options->on_our_server && connection_server_version(connection) >= FIRST_WITH_STRATEGIES)
        buffer_append_text(&sql, " STRATEGY FILE_COPY");
    int outcome = connection_execute(connection, error, "%s", sql.data);
    buffer_free(&sql);
    return outcome;
}

int guest_create(struct connection *connection, const struct guest_options *options,
                 bool *ret_locale_missing, struct error *error)
{
    *ret_locale_missing = false;
    if (options->locale && create(connection, options, options->locale, error) == 0)
        return 0;
    *ret_locale_missing = options->locale != NULL;
    bool utf8 = options->encoding && strcmp(options->encoding, "UTF8") == 0;
    if (utf8 && create(connection, options, "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'", error) == 0)
        return 0;
    if (create(connection, options, "LC_COLLATE 'C' LC_CTYPE 'C'", error) == 0)
        return 0;
    bool refused = strstr(error->text, "permission denied") != NULL;
    return error_prefix(error, "cannot create a database to restore into: %s",
                        refused ? "the user needs the right to create databases (ALTER ROLE ... "
                                  "CREATEDB): "
                                : "");
}

/* The lock's number comes from the name, in one space of 64 bits that we share with nobody we know
 * of. */
static int try_lock(struct connection *connection, const char *name, bool *ret_taken,
                    struct error *error)
{
    const char *const parameters[] = {name, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, "select pg_try_advisory_lock(hashtext($1), 1382443621)",
                         parameters, &result, NULL, error) < 0)
        return -1;
    *ret_taken = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    return 0;
}

int guest_lock(struct connection *connection, const char *name, struct error *error)
{
    bool taken = false;
    if (try_lock(connection, name, &taken, error) < 0)
        return -1;
    return taken ? 0 : cannot_verify(error, "another run holds the database %s", name);
}

int guest_keep(struct connection *connection, const char *name, struct error *error)
{
    cleanup(free_pointer) char *quoted = identifier_quote(name);
    return connection_execute(connection, error,
                              "COMMENT ON DATABASE %s IS 'kept: restore-verifier --keep'", quoted);
}

int guest_drop(struct connection *connection, const char *name, struct error *error)
{
    cleanup(free_pointer) char *quoted = identifier_quote(name);
    const char *const parameters[] = {name, NULL};
    cleanup(result_clear) PGresult *ignored = NULL;
    struct error unimportant;
    /* DROP DATABASE ... (FORCE) came with 13; this does for older servers too. */
    connection_query(connection,
                     "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 "
                     "and pid <> pg_backend_pid()",
                     parameters, &ignored, NULL, &unimportant);
    if (connection_execute(connection, error, "DROP DATABASE IF EXISTS %s", quoted) < 0)
        return error_prefix(error, "cannot drop the database %s, please drop it by hand: ", name);
    return 0;
}

int guest_sweep(struct connection *connection)
{
    cleanup(result_clear) PGresult *result = NULL;
    struct error ignored;
    if (connection_query(connection,
                         "select datname from pg_database where datname ~ "
                         "'^restore_verifier_[0-9]+_[0-9a-f]{8}$' and datdba = (select oid from "
                         "pg_roles where rolname = current_user) and "
                         "shobj_description(oid, 'pg_database') is null", /* guest_keep */
                         NULL, &result, NULL, &ignored) < 0)
        return 0;
    int dropped = 0;
    for (int i = 0; i < PQntuples(result); i++) {
        const char *name = PQgetvalue(result, i, 0);
        bool taken = false;
        if (try_lock(connection, name, &taken, &ignored) == 0 && taken &&
            guest_drop(connection, name, &ignored) == 0)
            dropped++;
    }
    return dropped;
}
