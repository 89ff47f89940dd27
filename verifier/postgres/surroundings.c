#include "postgres/surroundings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/secret.h"

enum { STATEMENT_BYTES = 64 * 1024 };

/* Who owns something here, is granted something, or is named by a policy; the owner of the
 * database; and in whom these are, directly or not. */
#define INVOLVED_SQL                                                                               \
    "with recursive here as (select oid, datdba from pg_database where datname = "                 \
    "current_database()), involved as (select refobjid as oid from pg_shdepend, here "             \
    "where refclassid = 'pg_authid'::regclass and (dbid = here.oid or "                            \
    "classid = 'pg_database'::regclass and objid = here.oid) "                                     \
    "union select datdba from here "                                                               \
    "union select roleid from pg_auth_members m join involved i on i.oid = m.member) "

/* On one line each, as the manifest has them. */
static const char roles_sql[] = INVOLVED_SQL
    "select rolname, concat_ws(' ', case when rolcanlogin then 'login' end, "
    "case when rolcreatedb then 'createdb' end, case when rolcreaterole then 'createrole' end, "
    "case when not rolinherit then 'noinherit' end, case when rolsuper then 'superuser' end, "
    "case when rolreplication then 'replication' end, case when rolbypassrls then 'bypassrls' end) "
    "from pg_roles r where oid in (select oid from involved) and rolname !~ '^pg_|[[:cntrl:]]' "
    "and rolname <> 'postgres' order by 1";

static const char members_sql[] = INVOLVED_SQL
    "select distinct r.rolname, g.rolname from pg_auth_members m join pg_roles g on g.oid = roleid "
    "join pg_roles r on r.oid = member join involved i on i.oid = r.oid "
    "where concat(r.rolname, g.rolname) !~ '[[:cntrl:]]' order by 1, 2";

static const char settings_sql[] = INVOLVED_SQL
    "select coalesce(rolname, ''), setdatabase <> 0, split_part(setting, '=', 1), "
    "substr(setting, strpos(setting, '=') + 1) from pg_db_role_setting s "
    "cross join unnest(setconfig) as setting left join pg_roles r on r.oid = setrole, here "
    "where setdatabase in (0, here.oid) and (setrole = 0 or setrole in (select oid from involved)) "
    "and concat(rolname, setting) !~ '[[:cntrl:]]' order by setdatabase = 0, 1, 3";

static void add_words(struct strings *list, const char *words)
{
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        cleanup(free_pointer) char *word = xstrndup(at, length);
        strings_add(list, word);
        at += length;
    }
}

static int read_roles(struct connection *connection, struct surroundings *surroundings,
                      struct error *error)
{
    cleanup(result_clear) PGresult *roles = NULL;
    cleanup(result_clear) PGresult *members = NULL;
    if (connection_query(connection, roles_sql, NULL, &roles, NULL, error) < 0 ||
        connection_query(connection, members_sql, NULL, &members, NULL, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(roles); i++) {
        const char *name = PQgetvalue(roles, i, 0);
        struct role_around *role = surroundings_add_role(surroundings, name);
        add_words(&role->attributes, PQgetvalue(roles, i, 1));
        for (int j = 0; j < PQntuples(members); j++)
            if (strcmp(PQgetvalue(members, j, 0), name) == 0)
                strings_add(&role->member_of, PQgetvalue(members, j, 1));
    }
    return 0;
}

static int read_settings(struct connection *connection, struct surroundings *surroundings,
                         struct error *error)
{
    cleanup(result_clear) PGresult *settings = NULL;
    if (connection_query(connection, settings_sql, NULL, &settings, NULL, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(settings); i++)
        surroundings_add_setting(surroundings, PQgetvalue(settings, i, 0),
                                 *PQgetvalue(settings, i, 1) == 't', PQgetvalue(settings, i, 2),
                                 PQgetvalue(settings, i, 3));
    return 0;
}

int surroundings_read(struct connection *connection, struct surroundings *ret_surroundings,
                      struct error *error)
{
    struct surroundings surroundings = {0};
    if (read_roles(connection, &surroundings, error) < 0 ||
        read_settings(connection, &surroundings, error) < 0) {
        surroundings_free(&surroundings);
        return -1;
    }
    *ret_surroundings = surroundings;
    return 0;
}

void surroundings_add_setting(struct surroundings *surroundings, const char *role, bool of_database,
                              const char *name, const char *value)
{
    surroundings->settings = xreallocarray(surroundings->settings, surroundings->setting_count + 1,
                                           sizeof(*surroundings->settings));
    surroundings->settings[surroundings->setting_count++] =
        (struct setting){.role = xstrdup(role),
                         .of_database = of_database,
                         .name = xstrdup(name),
                         .value = value && !looks_secret(name, value) ? xstrdup(value) : NULL};
}

struct role_around *surroundings_add_role(struct surroundings *surroundings, const char *name)
{
    surroundings->roles = xreallocarray(surroundings->roles, surroundings->role_count + 1,
                                        sizeof(*surroundings->roles));
    struct role_around *role = &surroundings->roles[surroundings->role_count++];
    *role = (struct role_around){.name = xstrdup(name)};
    return role;
}

const struct role_around *surroundings_find_role(const struct surroundings *surroundings,
                                                 const char *name)
{
    for (size_t i = 0; i < surroundings->role_count; i++)
        if (strcmp(surroundings->roles[i].name, name) == 0)
            return &surroundings->roles[i];
    return NULL;
}

void surroundings_free(struct surroundings *surroundings)
{
    for (size_t i = 0; i < surroundings->setting_count; i++) {
        free(surroundings->settings[i].role);
        free(surroundings->settings[i].name);
        free(surroundings->settings[i].value);
    }
    for (size_t i = 0; i < surroundings->role_count; i++) {
        free(surroundings->roles[i].name);
        strings_free(&surroundings->roles[i].attributes);
        strings_free(&surroundings->roles[i].member_of);
    }
    free(surroundings->settings);
    free(surroundings->roles);
    *surroundings = (struct surroundings){0};
}

/* --- statements ------------------------------------------------------------------------------- */

/* "work_mem", "app.tenant": names and nothing else. */
static bool is_setting_name(const char *name)
{
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '_' && *at != '.')
            return false;
    return *name && !isdigit((unsigned char)*name);
}

/* Those whose values are lists of names, which are quoted one by one: GUC_LIST_QUOTE in guc.c. */
static bool is_list(const char *name)
{
    static const char *const lists[] = {"search_path", "temp_tablespaces",
                                        "local_preload_libraries", "session_preload_libraries"};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++)
        if (strcasecmp(name, lists[i]) == 0)
            return true;
    return false;
}

/* One name of a list as the server keeps it, quoted or not. Gives what follows it. */
static const char *add_item(const char *at, struct buffer *value)
{
    struct buffer item;
    buffer_init(&item, STATEMENT_BYTES);
    const bool quoted = *at == '"';
    for (at += quoted; *at && (quoted || *at != ','); at++) {
        if (quoted && *at == '"' && *++at != '"')
            break;
        buffer_append(&item, at, 1);
    }
    while (!quoted && item.length > 0 && item.data[item.length - 1] == ' ')
        item.data[--item.length] = '\0';
    cleanup(free_pointer) char *literal = literal_quote(item.data);
    buffer_printf(value, "%s%s", value->length > 0 ? ", " : "", literal);
    buffer_free(&item);
    return at + strspn(at, " ,");
}

static char *value_words(const struct setting *setting)
{
    struct buffer value;
    if (!is_list(setting->name) || !*setting->value)
        return literal_quote(setting->value);
    buffer_init(&value, STATEMENT_BYTES);
    for (const char *at = setting->value; *at;)
        at = add_item(at, &value);
    return buffer_steal(&value);
}

char *setting_statement(const struct setting *setting, const char *database)
{
    if (!setting->value || !is_setting_name(setting->name))
        return NULL;
    cleanup(free_pointer) char *role = identifier_quote(setting->role);
    cleanup(free_pointer) char *in = identifier_quote(database);
    cleanup(free_pointer) char *value = value_words(setting);
    if (!*setting->role && setting->of_database)
        return xasprintf("ALTER DATABASE %s SET %s TO %s", in, setting->name, value);
    return xasprintf("ALTER ROLE %s%s%s SET %s TO %s", *setting->role ? role : "ALL",
                     setting->of_database ? " IN DATABASE " : "", setting->of_database ? in : "",
                     setting->name, value);
}
