/* What somebody appended to a plain dump runs after its rows are there. */
#include "base/memory.h"
#include "checks/kinds.h"

void blame_appended(const struct subject *subject, struct outcome *outcome)
{
    if (outcome->verdict != VERDICT_FAIL || !archive_appended_changes_rows(subject->archive))
        return;
    cleanup(free_pointer) char *appended = archive_appended(subject->archive);
    cleanup(free_pointer) char *difference = xstrdup(outcome->message);
    outcome_error(outcome,
                  "%s; but %s, and may have changed that, so it cannot be held against the file: "
                  "back up the dump alone",
                  difference, appended);
}
