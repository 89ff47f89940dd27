#include "postgres/rights.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { END_TIMEOUT_MS = 10000, POLL_US = 10000 };

/* PostgreSQL's own roles that only look. Of the others some reach programs and files, and those of
 * releases to come may. */
#define LOOKING_ROLES_SQL                                                                          \
    "'pg_read_all_data', 'pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', "              \
    "'pg_stat_scan_tables', 'pg_database_owner'"

#define FILE_ROLES_SQL                                                                             \
    "'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'"

int rights_find(struct connection *connection, char **ret_danger, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection,
                         "select 'is a superuser' from pg_roles where rolname = current_user and "
                         "rolsuper union all "
                         "select 'is a member of ' || rolname from pg_roles where rolname in "
                         "(" FILE_ROLES_SQL ") and pg_has_role(current_user, oid, 'member')",
                         NULL, &result, NULL, error) < 0)
        return -1;
    *ret_danger = PQntuples(result) > 0 ? xstrdup(PQgetvalue(result, 0, 0)) : NULL;
    return 0;
}

/* --- taking ----------------------------------------------------------------------------------- */

/* A session that a function of the backup has opened to this very server would outlive the restore.
 */
static int end_sessions(struct connection *maintenance, struct error *error)
{
    int64_t deadline_ms = deadline_after(END_TIMEOUT_MS);
    for (;;) {
        cleanup(result_clear) PGresult *ended = NULL;
        if (connection_query(maintenance,
                             "select pg_terminate_backend(pid) from pg_stat_activity where "
                             "backend_type = 'client backend' and pid <> pg_backend_pid()",
                             NULL, &ended, NULL, error) < 0)
            return -1;
        if (PQntuples(ended) == 0)
            return 0;
        if (clock_ms() >= deadline_ms)
            return cannot_verify(error, "%d session%s of the restore %s not end", PQntuples(ended),
                                 PQntuples(ended) == 1 ? "" : "s",
                                 PQntuples(ended) == 1 ? "does" : "do");
        usleep(POLL_US);
    }
}

/* Each query gives statements. Nobody logs in before sessions are ended, or one could come anew. */
static const char no_login_sql[] =
    "select format('ALTER ROLE %I NOLOGIN', rolname) from pg_roles where rolcanlogin";

/* The rights to read are what is left of a superuser's. */
static const char reading_sql[] =
    "select format('GRANT pg_read_all_data TO %I', rolname) from pg_roles where rolsuper and "
    "rolname <> current_user and current_setting('server_version_num')::int >= 140000";
static const char attributes_sql[] =
    "select format('ALTER ROLE %I NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION %s', rolname, "
    "case when rolsuper then 'BYPASSRLS' else '' end) from pg_roles where rolname <> current_user "
    "and (rolsuper or rolcreaterole or rolcreatedb or rolreplication)";

/* Of PostgreSQL's own roles and of the connected one. Since 16 a grant is revoked only in the name
 * of who granted it. */
static const char memberships_sql[] =
    "select format('REVOKE %I FROM %I %s CASCADE', granted.rolname, member.rolname, "
    "case when current_setting('server_version_num')::int >= 160000 "
    "then 'GRANTED BY ' || quote_ident(grantor.rolname) else '' end) "
    "from pg_auth_members m join pg_roles granted on granted.oid = m.roleid "
    "join pg_roles member on member.oid = m.member left join pg_roles grantor on grantor.oid = "
    "m.grantor where member.rolname !~ '^pg_' and (granted.rolname = current_user or "
    "granted.rolname ~ '^pg_' and granted.rolname not in (" LOOKING_ROLES_SQL "))";

/* A database's search_path is a part of what its queries mean, and a setting that any user may make
 * does no harm, but for those by which sessions are somebody else's, load a library, or end. */
static const char settings_sql[] =
    "select distinct case setdatabase when 0 then 'ALTER ROLE ALL' "
    "else format('ALTER DATABASE %I', datname) end || format(' RESET %I', s.name) "
    "from (select setdatabase, split_part(unnest(setconfig), '=', 1) as name "
    "from pg_db_role_setting where setrole = 0) s left join pg_database d on d.oid = setdatabase "
    "where lower(s.name) in ('role', 'session_authorization', 'local_preload_libraries', "
    "'statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout', "
    "'idle_in_transaction_session_timeout') or exists (select from pg_settings p where "
    "lower(p.name) = lower(s.name) and context <> 'user')";

/* ALTER SYSTEM writes into a file that the server reads when it is told to, and at its next start.
 * The server's new sessions have what it has read, so that is waited for. */
static int reset_server(struct connection *maintenance, struct error *error)
{
    cleanup(result_clear) PGresult *changed = NULL;
    if (connection_query(maintenance,
                         "select from pg_file_settings where sourcefile like '%auto.conf' limit 1",
                         NULL, &changed, NULL, error) < 0)
        return -1;
    if (PQntuples(changed) == 0)
        return 0;
    cleanup(result_clear) PGresult *now = NULL;
    if (connection_execute(maintenance, error, "ALTER SYSTEM RESET ALL") < 0 ||
        connection_query(maintenance, "select clock_timestamp(), pg_reload_conf()", NULL, &now,
                         NULL, error) < 0)
        return -1;
    const char *const parameters[] = {PQgetvalue(now, 0, 0), NULL};
    for (int64_t deadline_ms = deadline_after(END_TIMEOUT_MS); clock_ms() < deadline_ms;) {
        cleanup(result_clear) PGresult *loaded = NULL;
        if (connection_query(maintenance, "select 1 where pg_conf_load_time() >= $1::timestamptz",
                             parameters, &loaded, NULL, error) < 0)
            return -1;
        if (PQntuples(loaded) > 0)
            return 0;
        usleep(POLL_US);
    }
    return cannot_verify(error, "the server does not read its settings again");
}

int rights_take(struct connection *maintenance, struct error *error)
{
    if (connection_execute_each(maintenance, no_login_sql, error) < 0 ||
        end_sessions(maintenance, error) < 0 ||
        connection_execute_each(maintenance, reading_sql, error) < 0 ||
        connection_execute_each(maintenance, attributes_sql, error) < 0 ||
        connection_execute_each(maintenance, memberships_sql, error) < 0 ||
        connection_execute_each(maintenance, settings_sql, error) < 0 ||
        reset_server(maintenance, error) < 0)
        return error_prefix(error, "the rights that the restore needed cannot be taken back: ");
    return 0;
}

/* --- looking ---------------------------------------------------------------------------------- */

/* What extensions that are trusted make belongs to the server's superuser: PostgreSQL does so. A
 * superuser can have made anything a part of an extension. */
static const char left_sql[] =
    "select 'the role ' || rolname || ' is a superuser' from pg_roles where rolsuper and oid <> 10 "
    "union all "
    "select 'the role ' || member.rolname || ' is a member of ' || granted.rolname from "
    "pg_auth_members m join pg_roles granted on granted.oid = m.roleid join pg_roles member on "
    "member.oid = m.member where m.roleid = 10 or granted.rolname in (" FILE_ROLES_SQL ") "
    "union all "
    "select 'the function ' || p.oid::regprocedure::text || ' would run as the superuser of the "
    "server' from pg_proc p where prosecdef and proowner = 10 and (%s or not exists (select from "
    "pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e')) "
    "union all "
    "select 'everybody may call ' || p.oid::regprocedure::text from pg_proc p where proname in "
    "('lo_import', 'lo_export', 'pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', "
    "'pg_stat_file') and pronamespace = 'pg_catalog'::regnamespace and "
    "has_function_privilege(oid, 'execute') limit 1";

int rights_are_taken(struct connection *connection, bool by_superuser, struct error *error)
{
    cleanup(result_clear) PGresult *left = NULL;
    cleanup(free_pointer) char *sql = xasprintf(left_sql, by_superuser ? "true" : "false");
    if (connection_query(connection, sql, NULL, &left, NULL, error) < 0)
        return error_prefix(error,
                            "who has which rights in the restored database cannot be told: ");
    if (PQntuples(left) == 0)
        return 0;
    return cannot_verify(error,
                         "in the restored database %s: with such rights the backup's SQL reaches "
                         "out of the database, so nothing there is looked at; change that in the "
                         "source",
                         PQgetvalue(left, 0, 0));
}
