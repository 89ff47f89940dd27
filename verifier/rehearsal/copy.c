#include "rehearsal/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "postgres/reader.h"
#include "postgres/rights.h"
#include "postgres/session_settings.h"
#include "rehearsal/server_log.h"

const char copy_name[] = "restore_verifier_copy";

enum {
    CONNECT_TIMEOUT_MS = 30000,
    RULES_TIMEOUT_MS = 10000,
    RULES_LIMIT_BYTES = 1 << 20,
    POLL_US = 10000,
};

int copy_owner(struct connection *reader, char **ret_owner, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    /* Of a database without tables it is whoever owns the database. */
    if (connection_query(reader,
                         "select pg_get_userbyid(coalesce((select relowner from pg_class c join "
                         "pg_namespace n on n.oid = relnamespace where relkind in ('r', 'p') and "
                         "nspname <> 'information_schema' and nspname !~ '^pg_' and relowner <> 10 "
                         "group by 1 order by count(*) desc, 1 limit 1), "
                         "(select datdba from pg_database where datname = current_database())))",
                         NULL, &result, NULL, error) < 0)
        return -1;
    *ret_owner = xstrdup(PQgetvalue(result, 0, 0));
    return 0;
}

/* --- our superuser ---------------------------------------------------------------------------- */

static int set_login(const struct lent_server *server, bool login, struct error *error)
{
    cleanup(free_pointer) char *role = identifier_quote(address_get(server->server, "user"));
    return connection_execute(server->maintenance, error, "ALTER ROLE %s %s", role,
                              login ? "LOGIN" : "NOLOGIN");
}

int server_enter(const struct lent_server *server, const char *database, const char *options,
                 struct connection **ret_connection, struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    cleanup(address_free) struct address address = {0};
    struct error left_open;
    address_copy(server->server, &address);
    if (database)
        address_set(&address, "dbname", database);
    if (options)
        address_set(&address, "options", options);
    if (set_login(server, true, error) < 0)
        return -1;
    int opened = connection_open(&address, CONNECT_TIMEOUT_MS, &connection, error);
    if (opened == 0)
        opened = connection_execute(connection, error, OWN_NAMES_SQL);
    if (set_login(server, false, &left_open) < 0) {
        *error = left_open;
        return -1;
    }
    if (opened < 0)
        return -1;
    *ret_connection = take(&connection);
    return 0;
}

/* --- making ----------------------------------------------------------------------------------- */

/* Settings of a database are not a part of it. Those of the source are in the manifest; those of
 * the restored database, which its dump made, come behind them. */
static int settings_copy(const struct lent_server *server, struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    cleanup(connection_closep) struct connection *restored = NULL;
    cleanup(strings_free) struct strings settings = {0};
    if (reader_open(server->database, READER_TABLES, CONNECT_TIMEOUT_MS, &restored, error) < 0 ||
        session_settings_read(restored, &settings, error) < 0 ||
        server_enter(server, NULL, NULL, &connection, error) < 0)
        return -1;
    return session_settings_make(connection, server->settings, copy_name, error) < 0
               ? -1
               : session_settings_make(connection, &settings, copy_name, error);
}

int copy_make(const struct lent_server *server, const char *owner, struct error *error)
{
    cleanup(free_pointer) char *from = identifier_quote(address_get(server->database, "dbname"));
    cleanup(free_pointer) char *quoted = identifier_quote(owner);
    /* File by file: otherwise every page goes through the log since 15. */
    const char *strategy =
        connection_server_version(server->maintenance) >= 150000 ? " STRATEGY file_copy" : "";
    if (connection_execute(server->maintenance, error, "CREATE DATABASE %s TEMPLATE %s OWNER %s%s",
                           copy_name, from, quoted, strategy) < 0 ||
        settings_copy(server, error) < 0)
        return error_prefix(error, "a copy of the restored database cannot be made: ");
    return 0;
}

int copy_make_empty(const struct lent_server *server, const char *owner, struct error *error)
{
    cleanup(free_pointer) char *quoted = identifier_quote(owner);
    cleanup(free_pointer) char *encoding =
        literal_quote(server->encoding ? server->encoding : "UTF8");
    if (connection_execute(server->maintenance, error,
                           "CREATE DATABASE %s TEMPLATE template0 ENCODING %s LC_COLLATE 'C' "
                           "LC_CTYPE 'C' OWNER %s",
                           copy_name, encoding, quoted) < 0 ||
        settings_copy(server, error) < 0)
        return error_prefix(error, "an empty database cannot be made: ");
    return 0;
}

void copy_drop(const struct lent_server *server)
{
    struct error ignored; /* the server is about to go */
    connection_execute(server->maintenance, &ignored, "DROP DATABASE IF EXISTS %s", copy_name);
}

/* --- event triggers --------------------------------------------------------------------------- */

static const char observer_sql[] =
    "CREATE OR REPLACE FUNCTION pg_catalog.restore_verifier_saw_command() RETURNS event_trigger "
    "LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$ BEGIN "
    "RAISE LOG 'restore_verifier locks %', (SELECT coalesce(string_agg(relation || ':' || mode, ' "
    "'), '') FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND "
    "mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') AND "
    "database = (SELECT oid FROM pg_database WHERE datname = current_database())); END $$; "
    "CREATE OR REPLACE FUNCTION pg_catalog.restore_verifier_saw_rewrite() RETURNS event_trigger "
    "LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$ BEGIN "
    "RAISE LOG 'restore_verifier rewrite %', pg_event_trigger_table_rewrite_oid()::bigint; END $$; "
    "CREATE EVENT TRIGGER restore_verifier_saw_command ON ddl_command_end EXECUTE PROCEDURE "
    "pg_catalog.restore_verifier_saw_command(); "
    "CREATE EVENT TRIGGER restore_verifier_saw_rewrite ON table_rewrite EXECUTE PROCEDURE "
    "pg_catalog.restore_verifier_saw_rewrite()";

static const char unobserve_sql[] = "DROP EVENT TRIGGER IF EXISTS restore_verifier_saw_command; "
                                    "DROP EVENT TRIGGER IF EXISTS restore_verifier_saw_rewrite";

/* Triggers on login would run before anything can be said. */
static int enter(const struct lent_server *server, struct connection **ret_connection,
                 struct error *error)
{
    bool knows = connection_server_version(server->maintenance) >= 170000;
    return server_enter(server, copy_name, knows ? "-c event_triggers=off" : NULL, ret_connection,
                        error);
}

static int has_language(struct connection *connection, bool *ret_has, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, "select from pg_language where lanname = 'plpgsql'", NULL,
                         &result, NULL, error) < 0)
        return -1;
    *ret_has = PQntuples(result) > 0;
    return 0;
}

/* "ALTER EVENT TRIGGER x ENABLE ALWAYS", to put back what was switched off. */
static int switch_off(struct connection *connection, struct strings *ret_back, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection,
                         "select format('ALTER EVENT TRIGGER %I ', evtname), case evtenabled when "
                         "'R' then 'ENABLE REPLICA' when 'A' then 'ENABLE ALWAYS' else 'ENABLE' "
                         "end from pg_event_trigger where evtenabled <> 'D'",
                         NULL, &result, NULL, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(result); i++) {
        if (connection_execute(connection, error, "%sDISABLE", PQgetvalue(result, i, 0)) < 0)
            return -1;
        strings_addf(ret_back, "%s%s", PQgetvalue(result, i, 0), PQgetvalue(result, i, 1));
    }
    return 0;
}

static int observe(const struct lent_server *server, bool *ret_observed, struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    cleanup(strings_free) struct strings back = {0};
    bool can = false;
    if (enter(server, &connection, error) < 0 || has_language(connection, &can, error) < 0)
        return -1;
    if (can && (switch_off(connection, &back, error) < 0 ||
                connection_execute(connection, error, "%s", observer_sql) < 0))
        return -1;
    for (size_t i = 0; i < back.count; i++)
        if (connection_execute(connection, error, "%s", back.items[i]) < 0)
            return -1;
    *ret_observed = can;
    return 0;
}

static int unobserve(const struct lent_server *server, struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    return enter(server, &connection, error) < 0
               ? -1
               : connection_execute(connection, error, "%s", unobserve_sql);
}

/* --- rights ----------------------------------------------------------------------------------- */

/* What is logged is of the copy alone. */
static int settings_make(const struct lent_server *server, struct error *error)
{
    static const char *const settings[] = {"log_statement = 'all'",
                                           "log_min_duration_statement = 0",
                                           "log_min_messages = 'warning'",
                                           "log_min_error_statement = 'panic'",
                                           "log_error_verbosity = 'terse'",
                                           "log_temp_files = 0",
                                           "log_duration = off",
                                           "track_counts = on"};
    for (size_t i = 0; i < ARRAY_LENGTH(settings); i++)
        if (connection_execute(server->maintenance, error, "ALTER DATABASE %s SET %s", copy_name,
                               settings[i]) < 0)
            return -1;
    if (connection_server_version(server->maintenance) >= 130000 &&
        connection_execute(server->maintenance, error,
                           "ALTER DATABASE %s SET log_parameter_max_length = 0", copy_name) < 0)
        return -1;
    return connection_server_version(server->maintenance) < 170000
               ? 0
               : connection_execute(server->maintenance, error,
                                    "ALTER DATABASE %s SET event_triggers = on", copy_name);
}

static int connections_allow(const struct lent_server *server, bool allow, struct error *error)
{
    cleanup(free_pointer) char *name = identifier_quote(address_get(server->database, "dbname"));
    return connection_execute(server->maintenance, error, "ALTER DATABASE %s ALLOW_CONNECTIONS %s",
                              name, allow ? "true" : "false");
}

/* --- a password ------------------------------------------------------------------------------- */

/* In front of the rules that are there, which ask nobody for anything. */
static int rule_add(const struct lent_server *server, const char *owner, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    cleanup(free_pointer) char *quoted = identifier_quote(owner);
    cleanup(free_pointer) char *rule = xasprintf("local %s %s scram-sha-256\n", copy_name, quoted);
    struct buffer rules;
    if (connection_query(server->maintenance, "select current_setting('hba_file')", NULL, &result,
                         NULL, error) < 0)
        return -1;
    const char *path = PQgetvalue(result, 0, 0);
    if (file_read(path, RULES_LIMIT_BYTES, &rules, error) < 0)
        return -1;
    bool is_there = starts_with(rules.data, rule);
    /* Written where it is, so that it goes on belonging to the server. */
    cleanup(close_descriptor) int file = is_there ? -1 : open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    int outcome = 0;
    if (!is_there && file < 0)
        outcome = cannot_verify(error, "cannot write %s: %s", path, strerror(errno));
    else if (!is_there && (write_all(file, rule, strlen(rule), path, error) < 0 ||
                           write_all(file, rules.data, rules.length, path, error) < 0))
        outcome = -1;
    buffer_free(&rules);
    return outcome;
}

/* The server reads its rules when it comes to it; until then it asks for nothing. */
static int wait_for_rule(const struct lent_server *server, const char *owner, struct error *error)
{
    cleanup(address_free) struct address address = {0};
    address_copy(server->server, &address);
    address_set(&address, "dbname", copy_name);
    address_set(&address, "user", owner);
    address_set(&address, "passfile", "/dev/null/none");
    for (int64_t deadline_ms = deadline_after(RULES_TIMEOUT_MS); clock_ms() < deadline_ms;) {
        struct connection *connection;
        struct error refused;
        if (connection_open(&address, CONNECT_TIMEOUT_MS, &connection, &refused) < 0)
            return 0;
        /* Its end is logged, as that of those that are to be watched is: so it has to be over. */
        pid_t session = PQbackendPID(connection_raw(connection));
        connection_close(connection);
        do
            usleep(POLL_US);
        while (kill(session, 0) == 0 && clock_ms() < deadline_ms);
    }
    return cannot_verify(error, "the server does not ask for the password of the copy");
}

/* From now on the owner needs it to come to the copy. */
static int protect(const struct lent_server *server, const struct copy_rights *rights,
                   struct error *error)
{
    cleanup(free_pointer) char *quoted = identifier_quote(rights->owner);
    cleanup(free_pointer) char *literal = literal_quote(rights->password);
    if (connection_execute(server->maintenance, error,
                           "SET password_encryption = 'scram-sha-256'; ALTER ROLE %s PASSWORD %s",
                           quoted, literal) < 0 ||
        rule_add(server, rights->owner, error) < 0 ||
        connection_execute(server->maintenance, error, "SELECT pg_reload_conf()") < 0)
        return -1;
    return wait_for_rule(server, rights->owner, error);
}

/* --- for a while ------------------------------------------------------------------------------ */

int copy_open(const struct lent_server *server, const struct copy_rights *rights,
              bool *ret_observed, struct error *error)
{
    cleanup(free_pointer) char *quoted = identifier_quote(rights->owner);
    /* What is logged comes last, so that nothing of ours is. */
    if (observe(server, ret_observed, error) < 0 || connections_allow(server, false, error) < 0 ||
        connection_execute(server->maintenance, error, "ALTER ROLE %s LOGIN CONNECTION LIMIT -1%s",
                           quoted, rights->superuser ? " SUPERUSER" : "") < 0 ||
        (rights->password && protect(server, rights, error) < 0) ||
        settings_make(server, error) < 0)
        return error_prefix(error, "the copy cannot be opened: ");
    return 0;
}

int copy_close(const struct lent_server *server, int64_t *ret_log_end, struct error *error)
{
    if (rights_take(server->maintenance, error) < 0)
        return error_prefix(error, "the copy cannot be closed: ");
    *ret_log_end = server_log_end(server->log);
    if (connections_allow(server, true, error) < 0 || unobserve(server, error) < 0 ||
        connection_execute(server->maintenance, error, "ALTER ROLE %s LOGIN", reader_role) < 0)
        return error_prefix(error, "the copy cannot be closed: ");
    return 0;
}

void copy_address(const struct lent_server *server, struct address *ret_address)
{
    address_copy(server->database, ret_address);
    address_set(ret_address, "dbname", copy_name);
}
