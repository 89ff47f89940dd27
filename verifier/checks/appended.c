/* What somebody appended to a plain dump runs after its rows are there. */
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
