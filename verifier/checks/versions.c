#include "checks/versions.h"

#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/session.h"

char *versions_join(const struct strings *list)
{
    struct buffer text;
    buffer_init(&text, VERSIONS_LIMIT_BYTES);
    for (size_t i = 0; i < list->count; i++)
        buffer_printf(&text, "%s%s", i ? ", " : "", list->items[i]);
    return buffer_steal(&text);
}

void versions_lacking(const struct strings *list, const struct strings *other,
                      struct strings *ret_lacking)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strings_contain(other, list->items[i]))
            strings_add(ret_lacking, list->items[i]);
}

int versions_read(struct versions *versions, const char *key)
{
    struct outcome *outcome = versions->outcome;
    const char *table = versions->table.name;
    cleanup(connection_closep) struct connection *connection =
        session_open(versions->subject, outcome);
    if (!connection)
        return -1;
    /* The tool's own name is nobody's mistake. */
    bool named = strcmp(table, migration_tool_table(versions->table.tool)) != 0;
    cleanup(free_pointer) char *quoted =
        session_table(connection, named ? versions->subject : NULL, table, outcome);
    if (!quoted) {
        if (outcome->verdict == VERDICT_FAIL)
            outcome_detail(outcome,
                           "where the project's own configuration names another table or "
                           "schema, set `%s` to it",
                           key);
        return -1;
    }
    struct error error;
    if (version_table_read(connection, versions->table.tool, quoted, &versions->found,
                           &versions->unfinished, &error) < 0) {
        outcome_fail(outcome, "%s cannot be read: %s", table, error.text);
        return -1;
    }
    return 0;
}

void versions_free(struct versions *versions)
{
    strings_free(&versions->found);
    strings_free(&versions->unfinished);
}

void versions_soften(struct outcome *outcome)
{
    if (outcome->verdict != VERDICT_FAIL)
        return;
    cleanup(free_pointer) char *words = xstrdup(outcome->message);
    outcome_warn(outcome, "%s", words);
}

/* --- what is known from elsewhere ------------------------------------------------------------- */

static const struct strings *dumped(const struct versions *versions)
{
    const struct manifest *manifest = versions->subject->manifest;
    const char *table = versions->table.name;
    if (versions->subject->facts->manifest.state == MANIFEST_UNREADABLE) {
        outcome_skip(versions->outcome, "not looked at, because `backup is intact` did not pass");
        return NULL;
    }
    if (!manifest) {
        outcome_error(versions->outcome,
                      "the backup has no manifest to compare with: `restore-verifier dump` writes "
                      "one beside each backup");
        return NULL;
    }
    const struct version_state *state = version_states_find(&manifest->versions, table);
    if (state)
        return &state->versions;
    /* That one is always looked for. */
    if (strcmp(table, migration_tool_table(TOOL_ALEMBIC)) == 0)
        return &manifest->revisions;
    outcome_error(versions->outcome,
                  "the manifest of the dump does not tell what is in %s: it was made before the "
                  "scenario named that table, or could not read it; dump again",
                  table);
    return NULL;
}

static const struct strings *last_verified(const struct versions *versions, const char *found)
{
    const struct record *previous = versions->subject->previous;
    const struct version_state *state =
        previous ? version_states_find(&previous->versions, versions->table.name) : NULL;
    if (state)
        return &state->versions;
    if (versions->subject->facts->previous.failed)
        outcome_from_error(versions->outcome, &versions->subject->facts->previous.error);
    else
        warn_of_no_previous(versions->subject, found, "its migrations are", versions->outcome);
    return NULL;
}

const struct strings *versions_expected(const struct versions *versions, enum version_wanted wanted,
                                        const char *found)
{
    return wanted == VERSION_SAME_AS_DUMP ? dumped(versions) : last_verified(versions, found);
}
