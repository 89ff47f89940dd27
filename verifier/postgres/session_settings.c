#include "postgres/session_settings.h"

#include <string.h>
#include <strings.h>

static const char *const names[] = {"search_path",
                                    "TimeZone",
                                    "DateStyle",
                                    "IntervalStyle",
                                    "statement_timeout",
                                    "lock_timeout",
                                    "idle_in_transaction_session_timeout",
                                    "transaction_timeout",
                                    "default_transaction_isolation",
                                    "check_function_bodies",
                                    "bytea_output",
                                    "extra_float_digits"};

static bool is_of_the_list(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strlen(names[i]) == length && strncasecmp(names[i], name, length) == 0)
            return true;
    return false;
}

int session_settings_read(struct connection *connection, struct strings *ret_settings,
                          struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    /* What is more particular comes last. */
    if (connection_query(connection,
                         "select unnest(setconfig) from pg_db_role_setting where setdatabase in "
                         "(0, (select oid from pg_database where datname = current_database())) "
                         "and setrole in (0, (select oid from pg_roles where rolname = "
                         "current_user)) order by setrole <> 0, setdatabase <> 0",
                         NULL, &result, NULL, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(result); i++) {
        const char *setting = PQgetvalue(result, i, 0);
        if (is_of_the_list(setting, strcspn(setting, "=")) && !strpbrk(setting, "\r\n"))
            strings_add(ret_settings, setting);
    }
    return 0;
}

/* What is more particular comes last. */
void session_settings_of(const struct surroundings *surroundings, const char *role,
                         struct strings *ret_settings)
{
    const struct {
        const char *role;
        bool of_database;
    } turns[] = {{"", false}, {"", true}, {role, false}, {role, true}};
    for (size_t turn = 0; turn < ARRAY_LENGTH(turns) && turns[turn].role; turn++)
        for (size_t i = 0; i < surroundings->setting_count; i++) {
            const struct setting *setting = &surroundings->settings[i];
            if (setting->of_database == turns[turn].of_database && setting->value &&
                strcmp(setting->role, turns[turn].role) == 0 &&
                is_of_the_list(setting->name, strlen(setting->name)))
                strings_addf(ret_settings, "%s=%s", setting->name, setting->value);
        }
}

/* Made in the session, which knows how lists are written, and taken over from there. A server of
 * another release may not know it. */
static int make(struct connection *connection, const char *setting, const char *database,
                struct error *error)
{
    size_t length = strcspn(setting, "=");
    cleanup(free_pointer) char *plain = xstrndup(setting, length);
    cleanup(free_pointer) char *name = identifier_quote(plain);
    cleanup(free_pointer) char *name_text = literal_quote(plain);
    cleanup(free_pointer) char *value = literal_quote(setting + length + 1);
    cleanup(free_pointer) char *quoted = identifier_quote(database);
    cleanup(result_clear) PGresult *known = NULL;
    const char *const parameters[] = {plain, NULL};
    if (connection_query(connection, "select from pg_settings where lower(name) = lower($1)",
                         parameters, &known, NULL, error) < 0)
        return -1;
    if (PQntuples(known) == 0)
        return 0;
    return connection_execute(connection, error,
                              "SELECT pg_catalog.set_config(%s, %s, false); "
                              "ALTER DATABASE %s SET %s FROM CURRENT; RESET %s",
                              name_text, value, quoted, name, name);
}

int session_settings_make(struct connection *connection, const struct strings *settings,
                          const char *database, struct error *error)
{
    for (size_t i = 0; i < settings->count; i++) {
        const char *setting = settings->items[i];
        size_t length = strcspn(setting, "=");
        if (setting[length] == '=' && is_of_the_list(setting, length) &&
            make(connection, setting, database, error) < 0)
            return error_prefix(error, "the setting %.*s: ", (int)length, setting);
    }
    return 0;
}
