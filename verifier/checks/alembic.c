/* The schema revision that Alembic recorded in the database, against the one that the scenario
 * names or the migrations of the project. */
#include "checks/alembic.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/session.h"
#include "postgres/version_table.h"

enum { REVISIONS_LIMIT_BYTES = 65536, LISTED_MIGRATIONS = 100 };

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

/* What a check of one history knows. */
struct look {
    const struct subject *subject;
    const struct alembic_expectation *alembic;
    struct strings found;
    char *found_text;
    struct outcome *outcome;
};

static int read_revisions(struct look *look)
{
    struct outcome *outcome = look->outcome;
    const char *table = look->alembic->table;
    cleanup(connection_closep) struct connection *connection = session_open(look->subject, outcome);
    if (!connection)
        return -1;
    cleanup(free_pointer) char *quoted = session_table(connection, table, outcome);
    if (!quoted) {
        if (outcome->verdict == VERDICT_FAIL)
            outcome_detail(outcome, "where Alembic's version_table has another name or schema, set "
                                    "`alembic.table` to it");
        return -1;
    }
    struct error error;
    if (version_table_read(connection, TOOL_ALEMBIC, quoted, &look->found, &error) < 0) {
        outcome_fail(outcome, "%s cannot be read: %s", table, error.text);
        return -1;
    }
    return 0;
}

/* Nothing was recorded, whatever is expected. */
static bool is_stamped(const struct look *look, const char *expected)
{
    if (look->found.count == 0)
        outcome_fail(look->outcome,
                     "%s is empty, expected %s: the schema was never stamped, or its row is lost",
                     look->alembic->table, expected);
    return look->found.count > 0;
}

static void judge_named(const struct look *look, const struct strings *expected)
{
    const struct strings *found = &look->found;
    struct outcome *outcome = look->outcome;
    cleanup(free_pointer) char *expected_text = join(expected);
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

/* --- against what is known from elsewhere ----------------------------------------------------- */

/* What the manifest of the dump knows of the table; NULL: nothing. */
static const struct strings *dumped_revisions(const struct look *look)
{
    const struct manifest *manifest = look->subject->manifest;
    const struct version_state *state =
        manifest ? version_states_find(&manifest->versions, look->alembic->table) : NULL;
    if (state)
        return &state->versions;
    bool usual = strcmp(look->alembic->table, "alembic_version") == 0;
    return manifest && usual ? &manifest->revisions : NULL;
}

static void judge_as_dumped(const struct look *look)
{
    const struct strings *expected = dumped_revisions(look);
    if (expected && (expected->count > 0 || look->found.count == 0))
        judge_named(look, expected);
    else if (expected)
        outcome_fail(look->outcome,
                     "the backup has revision %s, and the manifest of its dump knows of none",
                     look->found_text);
    else if (look->subject->manifest)
        outcome_error(look->outcome,
                      "the manifest of the dump does not tell the revision in %s: it was made "
                      "before the scenario named that table, or could not read it; dump again",
                      look->alembic->table);
    else
        outcome_error(look->outcome,
                      "the backup has no manifest to compare with: `restore-verifier "
                      "dump` writes one beside each backup");
}

static void judge_as_verified(const struct look *look)
{
    const struct facts *facts = look->subject->facts;
    const struct record *previous = look->subject->previous;
    const struct version_state *state =
        previous ? version_states_find(&previous->versions, look->alembic->table) : NULL;
    if (state)
        judge_named(look, &state->versions);
    else if (facts->previous.failed)
        outcome_from_error(look->outcome, &facts->previous.error);
    else
        warn_of_no_previous(look->subject, look->found_text, "its revision is", look->outcome);
}

/* --- against the migrations ------------------------------------------------------------------- */

/* Is there a migration for each revision? */
static bool are_known(const struct look *look, const struct migrations *migrations,
                      const struct places *places)
{
    for (size_t i = 0; i < look->found.count; i++) {
        if (migrations_find(migrations, look->found.items[i]))
            continue;
        outcome_fail(look->outcome,
                     "revision %s is in no file of %s: the database was migrated from other "
                     "files, or these are older than the backup",
                     look->found.items[i], places->directories.items[0]);
        return false;
    }
    return true;
}

static void say_pending(const struct look *look, const struct migrations *migrations,
                        const struct strings *pending)
{
    struct outcome *outcome = look->outcome;
    cleanup(strings_free) struct strings heads = {0};
    migrations_heads(migrations, &heads);
    cleanup(free_pointer) char *heads_text = join(&heads);
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

int alembic_migrations_read(const struct alembic_expectation *alembic, struct places *ret_places,
                            struct migrations *ret_migrations, struct error *error)
{
    *ret_places = (struct places){.recursive = true};
    for (size_t i = 0; i < alembic->migrations.count; i++)
        strings_add(&ret_places->directories, alembic->migrations.items[i]);
    if (alembic->config && places_from_config(alembic->config, ret_places, error) < 0)
        return error_prefix(error, "alembic.config: ");
    if (migrations_read(ret_places, ret_migrations, error) < 0)
        return error_prefix(error, "alembic.%s: ", alembic->config ? "config" : "migrations");
    return 0;
}

static void judge_migrations(const struct look *look)
{
    bool head = look->alembic->version == ALEMBIC_HEAD;
    cleanup(places_free) struct places places = {0};
    cleanup(migrations_free) struct migrations migrations = {0};
    cleanup(strings_free) struct strings pending = {0};
    struct error error;
    if (alembic_migrations_read(look->alembic, &places, &migrations, &error) < 0) {
        outcome_from_error(look->outcome, &error);
        return;
    }
    if (!is_stamped(look, head ? "the head" : "a known revision") ||
        !are_known(look, &migrations, &places))
        return;
    const char *earlier;
    const char *later;
    if (migrations_overlap(&migrations, &look->found, &earlier, &later)) {
        outcome_fail(
            look->outcome,
            "%s holds %s beside %s, which builds on it: Alembic refuses to go on from there",
            look->alembic->table, earlier, later);
        return;
    }
    migrations_pending(&migrations, &look->found, &pending);
    if (head && pending.count > 0)
        say_pending(look, &migrations, &pending);
    else
        outcome_pass(look->outcome, "%s, %s of %zu migration%s", look->found_text,
                     head ? "head" : "one", migrations.count, migrations.count == 1 ? "" : "s");
}

void alembic_revision(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    struct look look = {.subject = subject, .alembic = parameter, .outcome = outcome};
    if (read_revisions(&look) == 0) {
        look.found_text = join(&look.found);
        outcome_value(outcome, "alembic: revision", "%s", look.found_text);
        switch (look.alembic->version) {
        case ALEMBIC_REVISIONS:
            judge_named(&look, &look.alembic->revisions);
            break;
        case ALEMBIC_HEAD:
        case ALEMBIC_KNOWN:
            judge_migrations(&look);
            break;
        case ALEMBIC_SAME_AS_DUMP:
            judge_as_dumped(&look);
            break;
        case ALEMBIC_SAME_AS_LAST_VERIFIED:
            judge_as_verified(&look);
            break;
        }
    }
    strings_free(&look.found);
    free(look.found_text);
}
