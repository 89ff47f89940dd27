/* What other migration tools than Alembic wrote down: whether a migration failed, and which are
 * applied, against the dump, the last verified backup or the files of the project. */
#include <stdlib.h>

#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/versions.h"
#include "migrations/names.h"
#include "stages/migration_files.h"

struct look {
    struct versions versions;
    const struct migrations_expectation *expected;
    char *found_text; /* "12 migrations, the last of them 0012_x" */
};

static char *counted(size_t count, const char *words)
{
    return xasprintf("%zu migration%s%s", count, count == 1 ? "" : "s", words);
}

static char *describe(const struct strings *found)
{
    cleanup(free_pointer) char *number = counted(found->count, "");
    return found->count == 0
               ? xstrdup("no migrations")
               : xasprintf("%s, the last is %s", number, found->items[found->count - 1]);
}

static void list(struct outcome *outcome, const char *words, const struct strings *names)
{
    for (size_t i = 0; i < names->count && i < LISTED_MIGRATIONS; i++)
        outcome_detail(outcome, "%s: %s", words, names->items[i]);
    if (names->count > LISTED_MIGRATIONS)
        outcome_detail(outcome, "and %zu more", names->count - LISTED_MIGRATIONS);
}

/* --- against lists ---------------------------------------------------------------------------- */

static void judge_same(const struct look *look)
{
    struct outcome *outcome = look->versions.outcome;
    bool dump = look->expected->version == VERSION_SAME_AS_DUMP;
    const struct strings *expected =
        versions_expected(&look->versions, look->expected->version, look->found_text);
    cleanup(strings_free) struct strings missing = {0};
    cleanup(strings_free) struct strings added = {0};
    if (!expected)
        return;
    versions_lacking(expected, &look->versions.found, &missing);
    versions_lacking(&look->versions.found, expected, &added);
    if (missing.count == 0 && added.count == 0) {
        outcome_pass(outcome, "%s", look->found_text);
        return;
    }
    outcome_fail(outcome, "%s holds %zu of the %zu migrations of %s%s, and %zu others",
                 look->versions.table.name, expected->count - missing.count, expected->count,
                 dump ? "the dump" : "the last verified backup, ",
                 dump ? "" : look->versions.subject->previous->backup, added.count);
    list(outcome, "missing", &missing);
    list(outcome, "not expected", &added);
}

/* --- against files ---------------------------------------------------------------------------- */

static void judge_files(const struct look *look)
{
    struct outcome *outcome = look->versions.outcome;
    enum migration_tool tool = look->expected->tool;
    cleanup(strings_free) struct strings names = {0};
    cleanup(strings_free) struct strings unknown = {0};
    cleanup(strings_free) struct strings pending = {0};
    struct error error;
    if (tool_migrations_read(look->expected, &names, &error) < 0) {
        outcome_from_error(outcome, &error);
        return;
    }
    migration_names_unknown(tool, &names, &look->versions.found, &unknown);
    migration_names_pending(tool, &names, &look->versions.found, &pending);
    if (unknown.count > 0) {
        outcome_fail(outcome,
                     "%s is applied and in no file of %s: the database was migrated from other "
                     "files, or these are older than the backup",
                     strings_first(&unknown), strings_first(&look->expected->directories));
        list(outcome, "in no file", &unknown);
    } else if (look->expected->version == VERSION_HEAD && pending.count > 0) {
        cleanup(free_pointer) char *number = counted(pending.count, "");
        outcome->concern = CONCERN_BEHIND;
        outcome_fail(outcome, "%s %s not applied, the first is %s", number,
                     pending.count == 1 ? "is" : "are", strings_first(&pending));
        list(outcome, "not applied", &pending);
        outcome_detail(outcome, "the backup was made before they ran, or they never ran");
    } else {
        outcome_pass(outcome, "%s", look->found_text);
    }
}

/* --- all together ----------------------------------------------------------------------------- */

/* A backup that was made in the middle of a migration, or behind one that failed. */
static void judge_unfinished(const struct look *look)
{
    const struct strings *unfinished = &look->versions.unfinished;
    outcome_fail(look->versions.outcome,
                 "%s says %s: a migration failed, or was not done when the backup was made",
                 look->versions.table.name, strings_first(unfinished));
    list(look->versions.outcome, "not done", unfinished);
}

static void judge(const struct look *look)
{
    struct outcome *outcome = look->versions.outcome;
    enum version_wanted version = look->expected->version;
    if (look->versions.unfinished.count > 0) {
        judge_unfinished(look);
        return;
    }
    if (look->versions.found.count == 0)
        outcome_fail(outcome, "%s is empty: no migration was ever applied, or its rows are lost",
                     look->expected->table);
    else if (version == VERSION_ANY)
        outcome_pass(outcome, "%s", look->found_text);
    else if (version == VERSION_HEAD || version == VERSION_KNOWN)
        judge_files(look);
    else
        judge_same(look);
    if (look->expected->warn)
        versions_soften(outcome);
}

void migrations_state(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct migrations_expectation *expected = parameter;
    struct look look = {.versions = {.subject = subject,
                                     .table = {expected->tool, expected->table},
                                     .outcome = outcome},
                        .expected = expected};
    if (versions_read(&look.versions, "migrations.table") == 0) {
        look.found_text = describe(&look.versions.found);
        cleanup(free_pointer) char *name =
            xasprintf("%s: migrations", migration_tool_name(expected->tool));
        outcome_value(outcome, name, "%zu", look.versions.found.count);
        judge(&look);
    }
    versions_free(&look.versions);
    free(look.found_text);
}
