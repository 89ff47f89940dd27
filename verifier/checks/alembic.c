/* The schema revision that Alembic recorded in the database, against the one that the scenario
 * names or the migrations of the project. */
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/session.h"
#include "migrations/migrations.h"

enum { REVISIONS_LIMIT_BYTES = 65536, LISTED_MIGRATIONS = 10 };

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
    cleanup(free_pointer) char *table = session_table(connection, NULL, "alembic_version", outcome);
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

/* Nothing was recorded, whatever is expected. */
static bool is_stamped(const struct strings *found, const char *expected, struct outcome *outcome)
{
    if (found->count == 0)
        outcome_fail(outcome,
                     "alembic_version is empty, expected %s: the schema was never stamped, "
                     "or its row is lost",
                     expected);
    return found->count > 0;
}

static void judge_named(const struct strings *expected, const struct strings *found,
                        const char *found_text, struct outcome *outcome)
{
    cleanup(free_pointer) char *expected_text = join(expected);
    if (same_set(expected, found)) {
        outcome_pass(outcome, "%s", found_text);
        return;
    }
    outcome_detail(outcome, "expected: %s\nfound: %s", expected_text, found_text);
    if (!is_stamped(found, expected_text, outcome))
        return;
    if (found->count > expected->count)
        outcome_fail(outcome, "alembic_version has %zu revisions (%s), expected %s", found->count,
                     found_text, expected_text);
    else
        outcome_fail(outcome, "expected revision %s, found %s", expected_text, found_text);
}

/* Is there a migration for each revision? */
static bool are_known(const struct migrations *migrations, const struct strings *found,
                      const char *directory, struct outcome *outcome)
{
    for (size_t i = 0; i < found->count; i++) {
        if (migrations_find(migrations, found->items[i]))
            continue;
        outcome_fail(outcome,
                     "revision %s is in no file of %s: the database was migrated from other "
                     "files, or these are older than the backup",
                     found->items[i], directory);
        return false;
    }
    return true;
}

static void say_pending(const struct migrations *migrations, const struct strings *pending,
                        const char *found_text, struct outcome *outcome)
{
    cleanup(strings_free) struct strings heads = {0};
    migrations_heads(migrations, &heads);
    cleanup(free_pointer) char *heads_text = join(&heads);
    outcome_fail(outcome, "expected revision %s, found %s: %zu migration%s not applied", heads_text,
                 found_text, pending->count, pending->count == 1 ? " is" : "s are");
    outcome_detail(outcome, "expected: %s\nfound: %s", heads_text, found_text);
    for (size_t i = 0; i < pending->count && i < LISTED_MIGRATIONS; i++)
        outcome_detail(outcome, "not applied: %s (%s)", pending->items[i],
                       migrations_find(migrations, pending->items[i])->file);
    outcome_detail(outcome, "the backup was made before they ran, or they never ran");
}

static void judge_migrations(const struct scenario *scenario, const struct strings *found,
                             const char *found_text, struct outcome *outcome)
{
    const char *directory = scenario->alembic.migrations;
    bool head = scenario->alembic.version == ALEMBIC_HEAD;
    cleanup(migrations_free) struct migrations migrations = {0};
    cleanup(strings_free) struct strings pending = {0};
    struct error error;
    if (migrations_read(directory, &migrations, &error) < 0) {
        outcome_from_error(outcome, &error);
        return;
    }
    if (!is_stamped(found, head ? "the head" : "a known revision", outcome) ||
        !are_known(&migrations, found, directory, outcome))
        return;
    migrations_pending(&migrations, found, &pending);
    if (head && pending.count > 0)
        say_pending(&migrations, &pending, found_text, outcome);
    else
        outcome_pass(outcome, "%s, %s of %zu migrations", found_text, head ? "head" : "one",
                     migrations.count);
}

void alembic_revision(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    (void)parameter;
    const struct scenario *scenario = subject->scenario;
    cleanup(connection_closep) struct connection *connection = session_open(subject, outcome);
    cleanup(strings_free) struct strings found = {0};
    if (!connection || read_revisions(connection, &found, outcome) < 0)
        return;
    cleanup(free_pointer) char *found_text = join(&found);
    outcome_value(outcome, "alembic: revision", "%s", found_text);
    if (scenario->alembic.version == ALEMBIC_REVISIONS)
        judge_named(&scenario->alembic.revisions, &found, found_text, outcome);
    else
        judge_migrations(scenario, &found, found_text, outcome);
}
