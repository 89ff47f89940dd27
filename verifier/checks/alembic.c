/* The schema revision that Alembic recorded in the database, against the one that the scenario
 * names or the migrations of the project. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/versions.h"
#include "stages/migration_files.h"

static bool same_set(const struct strings *left, const struct strings *right)
{
    for (size_t i = 0; i < left->count; i++)
        if (!strings_contain(right, left->items[i]))
            return false;
    return left->count == right->count;
}

/* What a check of one history knows. */
struct look {
    struct versions versions;
    const struct alembic_expectation *alembic;
    char *found_text;
};

/* Nothing was recorded, whatever is expected. */
static bool is_stamped(const struct look *look, const char *expected)
{
    if (look->versions.found.count == 0)
        outcome_fail(look->versions.outcome,
                     "%s is empty, expected %s: the schema was never stamped, or its row is lost",
                     look->alembic->table, expected);
    return look->versions.found.count > 0;
}

static void judge_named(const struct look *look, const struct strings *expected)
{
    const struct strings *found = &look->versions.found;
    struct outcome *outcome = look->versions.outcome;
    cleanup(free_pointer) char *expected_text = versions_join(expected);
    if (same_set(expected, found)) {
        outcome_pass(outcome, "%s", look->found_text);
        return;
    }
    outcome_detail(outcome, "expected: %s\nfound: %s", expected_text, look->found_text);
    if (!is_stamped(look, expected_text))
        return;
    if (found->count > expected->count)
        outcome_fail(outcome, "%s has %zu revisions (%s), expected %s", look->alembic->table,
                     found->count, look->found_text, expected_text);
    else
        outcome_fail(outcome, "expected revision %s, found %s", expected_text, look->found_text);
}

static void judge_same(const struct look *look)
{
    const struct strings *expected =
        versions_expected(&look->versions, look->alembic->version, look->found_text);
    if (!expected)
        return;
    if (expected->count == 0 && look->versions.found.count > 0)
        outcome_fail(look->versions.outcome,
                     "the backup has revision %s, and when it was dumped there was none",
                     look->found_text);
    else
        judge_named(look, expected);
}

/* --- against the migrations ------------------------------------------------------------------- */

/* Is there a migration for each revision? */
static bool are_known(const struct look *look, const struct migrations *migrations,
                      const struct places *places)
{
    for (size_t i = 0; i < look->versions.found.count; i++) {
        if (migrations_find(migrations, look->versions.found.items[i]))
            continue;
        outcome_fail(look->versions.outcome,
                     "revision %s is in no file of %s: the database was migrated from other "
                     "files, or these are older than the backup",
                     look->versions.found.items[i], strings_first(&places->directories));
        return false;
    }
    return true;
}

static void say_pending(const struct look *look, const struct migrations *migrations,
                        const struct strings *pending)
{
    struct outcome *outcome = look->versions.outcome;
    cleanup(strings_free) struct strings heads = {0};
    migrations_heads(migrations, &heads);
    outcome->concern = CONCERN_BEHIND;
    cleanup(free_pointer) char *heads_text = versions_join(&heads);
    outcome_fail(outcome, "expected revision %s, found %s: %zu migration%s not applied", heads_text,
                 look->found_text, pending->count, pending->count == 1 ? " is" : "s are");
    outcome_detail(outcome,
                   "expected: %s\nfound: %s\n"
                   "the backup was made before they ran, or they never ran; in their order:",
                   heads_text, look->found_text);
    for (size_t i = 0; i < pending->count && i < LISTED_MIGRATIONS; i++) {
        const struct migration *migration = migrations_find(migrations, pending->items[i]);
        outcome_detail(outcome, "%zu. %s%s%s", i + 1, migration->revision,
                       *migration->title ? " " : "", migration->title);
    }
    if (pending->count > LISTED_MIGRATIONS)
        outcome_detail(outcome, "and %zu more", pending->count - LISTED_MIGRATIONS);
}

static void judge_migrations(const struct look *look)
{
    bool head = look->alembic->version == VERSION_HEAD;
    cleanup(places_free) struct places places = {0};
    cleanup(migrations_free) struct migrations migrations = {0};
    cleanup(strings_free) struct strings pending = {0};
    struct error error;
    if (alembic_migrations_read(look->alembic, &places, &migrations, &error) < 0) {
        outcome_from_error(look->versions.outcome, &error);
        return;
    }
    if (!is_stamped(look, head ? "the head" : "a known revision") ||
        !are_known(look, &migrations, &places))
        return;
    const char *earlier;
    const char *later;
    if (migrations_overlap(&migrations, &look->versions.found, &earlier, &later)) {
        outcome_fail(
            look->versions.outcome,
            "%s holds %s beside %s, which builds on it: Alembic refuses to go on from there",
            look->alembic->table, earlier, later);
        return;
    }
    migrations_pending(&migrations, &look->versions.found, &pending);
    if (head && pending.count > 0)
        say_pending(look, &migrations, &pending);
    else
        outcome_pass(look->versions.outcome, "%s, %s of %zu migration%s", look->found_text,
                     head ? "head" : "one", migrations.count, migrations.count == 1 ? "" : "s");
}

void alembic_revision(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct alembic_expectation *alembic = parameter;
    struct look look = {.versions = {.subject = subject,
                                     .table = {TOOL_ALEMBIC, alembic->table},
                                     .outcome = outcome},
                        .alembic = alembic};
    if (versions_read(&look.versions, "alembic.table") == 0) {
        look.found_text = versions_join(&look.versions.found);
        outcome_value(outcome, "alembic: revision", "%s", look.found_text);
        switch (alembic->version) {
        case VERSION_LISTED:
            judge_named(&look, &alembic->revisions);
            break;
        case VERSION_HEAD:
        case VERSION_KNOWN:
            judge_migrations(&look);
            break;
        case VERSION_SAME_AS_DUMP:
        case VERSION_SAME_AS_LAST_VERIFIED:
            judge_same(&look);
            break;
        case VERSION_ANY: /* of other tools */
            break;
        }
        if (alembic->warn)
            versions_soften(outcome);
    }
    versions_free(&look.versions);
    free(look.found_text);
}
