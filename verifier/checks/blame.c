/* Who else may be to blame for a difference between the backup and what was restored: what somebody
 * appended to a plain dump, which runs after its rows are there, or an older server. */
#include <string.h>

#include "base/memory.h"
#include "checks/kinds.h"

void blame_appended(const struct subject *subject, struct outcome *outcome)
{
    if (outcome->verdict != VERDICT_FAIL || !archive_appended_changes_rows(subject->archive) ||
        subject->facts->stages[STAGE_RESTORE].state != STAGE_DONE)
        return; /* what does not restore is bad whoever wrote it */
    cleanup(free_pointer) char *appended = archive_appended(subject->archive);
    cleanup(free_pointer) char *difference = xstrdup(outcome->message);
    outcome_error(outcome,
                  "%s; but %s, which may have made the difference, so nobody can tell whether the "
                  "dump is whole: leave nothing but the dump in the file",
                  difference, appended);
}

void blame_server(const struct subject *subject, struct outcome *outcome)
{
    const struct server_fact *server = &subject->facts->server;
    if (outcome->verdict != VERDICT_FAIL || server->needed_major == 0)
        return;
    cleanup(free_pointer) char *found = xstrdup(outcome->message);
    outcome_error(outcome,
                  "%s; but it was restored into PostgreSQL %.*s and asks for %d: verify it with "
                  "that version",
                  found, (int)strcspn(server->version, " "), server->version, server->needed_major);
}
