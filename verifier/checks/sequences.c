/* Sequences go on where the archive says. One that does not gives out keys that rows already have.
 * Plain SQL is not looked into: psql ends at the first statement that fails. */
#include <string.h>

#include "base/memory.h"
#include "checks/sequences.h"
#include "checks/session.h"
#include "stages/exclusion.h"

/* The end of SELECT pg_catalog.setval('public.users_id_seq', 42, true); as SQL would print the
 * state that it makes; NULL when it is something else. */
static char *state_of(const char *definition)
{
    static const char comma[] = "', ";
    const char *value = NULL;
    for (const char *next = definition; (next = strstr(next, comma)); next++)
        value = next + strlen(comma);
    size_t digits = value ? strspn(value, "-0123456789") : 0;
    if (digits == 0)
        return NULL;
    bool used = starts_with(value + digits, ", true)");
    if (!used && !starts_with(value + digits, ", false)"))
        return NULL;
    return xasprintf("%.*s%s", (int)digits, value, used ? "" : ", not yet used");
}

/* False: it is not, or that cannot be told. */
static bool is_there(struct connection *connection, const struct archive_entry *entry,
                     const char *quoted, struct outcome *outcome)
{
    const char *const parameters[] = {quoted, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    struct error error;
    if (connection_query(connection, "select 1 where to_regclass($1) is not null", parameters,
                         &result, NULL, &error) < 0) {
        outcome_from_error(outcome, &error);
        return false;
    }
    if (PQntuples(result) == 1)
        return true;
    outcome_fail(outcome, "the sequence %s.%s is in the archive, and was not restored",
                 entry->schema, entry->tag);
    return false;
}

/* False: it does not agree, or cannot be looked at. */
static bool sequence_agrees(struct connection *connection, const struct archive_entry *entry,
                            struct outcome *outcome)
{
    cleanup(free_pointer) char *archived = state_of(entry->definition);
    cleanup(free_pointer) char *schema = identifier_quote(entry->schema);
    cleanup(free_pointer) char *name = identifier_quote(entry->tag);
    cleanup(free_pointer) char *quoted = xasprintf("%s.%s", schema, name);
    cleanup(free_pointer) char *sql =
        xasprintf("select last_value || case when is_called then '' else ', not yet used' end "
                  "from %s",
                  quoted);
    struct error error;
    if (!archived) {
        outcome_error(outcome, "where the sequence %s.%s goes on cannot be told from: %s",
                      entry->schema, entry->tag, entry->definition);
        return false;
    }
    if (!is_there(connection, entry, quoted, outcome))
        return false;
    cleanup(result_clear) PGresult *result = session_row(connection, sql, outcome);
    if (!result)
        return false;
    const char *restored = PQgetvalue(result, 0, 0);
    if (strcmp(restored, archived) != 0) {
        outcome_fail(outcome, "the sequence %s.%s is at %s in the archive, restored at %s",
                     entry->schema, entry->tag, archived, restored);
        return false;
    }
    if (session_next(connection, &error) == 0)
        return true;
    outcome_from_error(outcome, &error);
    return false;
}

bool sequences_agree(struct connection *connection, const struct subject *subject,
                     struct outcome *outcome)
{
    const struct archive *archive = subject->archive;
    cleanup(exclusion_free) struct exclusion exclusion;
    exclusion_find(archive, &subject->scenario->restore.exclude, &exclusion);
    for (size_t i = 0; i < archive->entry_count; i++)
        if (strcmp(archive->entries[i].description, "SEQUENCE SET") == 0 &&
            !exclusion.left_out[i] && !sequence_agrees(connection, &archive->entries[i], outcome))
            return false;
    return true;
}
