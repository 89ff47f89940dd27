#include "postgres/identity.h"

#include <string.h>

enum { CONNECT_TIMEOUT_MS = 10000 };

/* NULL when it cannot be told: freed by the caller. */
static char *ask(struct connection *connection, const char *sql)
{
    cleanup(result_clear) PGresult *result = NULL;
    struct error ignored;
    if (connection_query(connection, sql, NULL, &result, NULL, &ignored) < 0 ||
        PQntuples(result) != 1 || PQgetisnull(result, 0, 0))
        return NULL;
    return xstrdup(PQgetvalue(result, 0, 0));
}

static bool answer_alike(struct connection *left, struct connection *right, const char *sql,
                         bool when_unknown)
{
    cleanup(free_pointer) char *one = ask(left, sql);
    cleanup(free_pointer) char *other = ask(right, sql);
    return one && other ? strcmp(one, other) == 0 : when_unknown;
}

static bool same_as_written(const struct address *left, const struct address *right)
{
    cleanup(address_free) struct address copy = {0};
    address_copy(right, &copy);
    const char *database = address_get(left, "dbname");
    address_set(&copy, "dbname", database ? database : "");
    cleanup(address_free) struct address other = {0};
    address_copy(left, &other);
    address_set(&other, "dbname", database ? database : "");
    return address_same(&other, &copy);
}

bool server_is_same(struct connection *connection, const struct address *connected,
                    const struct address *address)
{
    cleanup(connection_closep) struct connection *other = NULL;
    struct error ignored;
    if (same_as_written(connected, address))
        return true;
    if (connection_open(address, CONNECT_TIMEOUT_MS, &other, &ignored) < 0)
        return false;
    return answer_alike(connection, other,
                        "select extract(epoch from pg_postmaster_start_time())::numeric", false) &&
           answer_alike(connection, other, "select system_identifier from pg_control_system()",
                        true);
}
