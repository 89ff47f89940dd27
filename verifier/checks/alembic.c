/* The schema revision that Alembic recorded in the database. */
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/session.h"

enum { REVISIONS_LIMIT_BYTES = 65536 };

static char *join(const struct strings *list)
{
    struct buffer text;
    buffer_init(&text, REVISIONS_LIMIT_BYTES);
    for (size_t i = 0; i < list->count; i++)
        buffer_printf(&text, "%s%s", i ? ", " : "", list->items[i]);
    return buffer_steal(&text);
}

static bool same_set(const struct strings *left, const struct strings *right)
{
    for (size_t i = 0; i < left->count; i++)
        if (!strings_contain(right, left->items[i]))
            return false;
    return left->count == right->count;
}

static int read_revisions(struct connection *connection, struct strings *ret_revisions,
                          struct outcome *outcome)
{
    cleanup(free_pointer) char *table = session_table(connection, "alembic_version", outcome);
    if (!table)
        return -1;
    cleanup(free_pointer) char *sql = xasprintf("select version_num from %s order by 1", table);
    cleanup(result_clear) PGresult *result = NULL;
    struct error error;
    if (connection_query(connection, sql, NULL, &result, NULL, &error) < 0) {
        outcome_fail(outcome, "alembic_version cannot be read: %s", error.text);
        return -1;
    }
    for (int i = 0; i < PQntuples(result); i++)
        strings_add(ret_revisions, PQgetvalue(result, i, 0));
    return 0;
}

void alembic_revision(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    (void)parameter;
    const struct strings *expected = &subject->scenario->alembic.revisions;
    cleanup(connection_closep) struct connection *connection = session_open(subject, outcome);
    cleanup(strings_free) struct strings found = {0};
    if (!connection || read_revisions(connection, &found, outcome) < 0)
        return;
    cleanup(free_pointer) char *expected_text = join(expected);
    cleanup(free_pointer) char *found_text = join(&found);
    outcome_value(outcome, "alembic: revision", "%s", found_text);
    if (same_set(expected, &found)) {
        outcome_pass(outcome, "%s", found_text);
        return;
    }
    outcome_detail(outcome, "expected: %s\nfound: %s", expected_text, found_text);
    if (found.count == 0)
        outcome_fail(outcome,
                     "alembic_version is empty, expected %s: the schema was never stamped, "
                     "or its row is lost",
                     expected_text);
    else if (found.count > expected->count)
        outcome_fail(outcome, "alembic_version has %zu revisions (%s), expected %s", found.count,
                     found_text, expected_text);
    else
        outcome_fail(outcome, "expected revision %s, found %s", expected_text, found_text);
}
