/* What a report is headed by: whose fault it is, of everything that is wrong the most serious. */
#include <stdlib.h>

#include "base/memory.h"
#include "report/cases.h"

static const struct {
    const char *type; /* for programs */
    const char *headline;
    const char *remedy; /* what to do */
} concerns[CONCERN_COUNT] = {
    [CONCERN_BACKUP] =
        {"bad backup", "the backup is bad",
         "do not rely on this backup, and make a new one; `restore-verifier list` shows "
         "which one verified last"},
    [CONCERN_NOT_FOUND] = {"no backup", "no backup was found",
                           "check whether the job that makes the backups ran, and whether "
                           "backups.location and backups.name match where it writes"},
    [CONCERN_DATA] = {"unexpected data", "the data is not as expected",
                      "look at the restored data with `restore-verifier verify --keep`; if it is "
                      "right, change what the scenario expects"},
    [CONCERN_FUTURE] = {"backup in the future", "the backup is dated in the future",
                        "check the clock of the machine that makes the backups, and "
                        "backups.time_zone"},
    [CONCERN_AGE] = {"old backup", "the backup is too old",
                     "find out why the job that makes the backups has not made a newer one"},
    [CONCERN_REVISION] = {"unexpected revision", "the schema revision is not the expected one",
                          "check which revision production has, then fix that or the scenario"},
    [CONCERN_BEHIND] = {"backup behind", "the backup is behind the migrations",
                        "apply the migrations that are named and make a new backup; if they are "
                        "already applied, wait for the next one"},
    [CONCERN_OBJECTS] =
        {"unexpected objects", "the objects are not as expected",
         "find out what happened to the objects that are named; `restore-verifier sync` "
         "brings the copy up to date"},
    [CONCERN_TIME] = {"unexpected time", "the restore did not take the expected time",
                      "see where the time went with `restore-verifier verify --verbose`; if it "
                      "may take that long, change what the scenario expects"},
    [CONCERN_MIGRATION_FAILED] = {"failed migration", "the migration failed",
                                  "fix the migration before it reaches production, and rehearse "
                                  "again"},
    [CONCERN_MIGRATION] = {"unexpected migration", "the migration is not as expected",
                           "change the migration, or what is expected of it, and rehearse again"},
    [CONCERN_ALARM] = {"silent alarm", "damage went unnoticed",
                       "expect more in the scenario: the checks above say what would have noticed "
                       "it"},
    [CONCERN_SCENARIO] =
        {"wrong scenario", "the scenario is wrong",
         "mend the scenario, or what it takes from the environment, as the message says; "
         "`restore-verifier lint` checks the file, without a database"},
};

const char *concern_type(enum concern concern)
{
    return concerns[concern].type;
}

const struct kind_words *result_kind(const struct result *result)
{
    static const struct kind_words kinds[] = {
        [REPORT_VERIFY] = {"", "could not verify", "every check passed", "could not be verified"},
        [REPORT_PARTIAL] = {".partial", "could not verify", "every selected check passed",
                            "could not be verified"},
        [REPORT_DUMP] = {".dump", "no backup made", "a backup was made", "no backup was made"},
        [REPORT_SYNC] = {".sync", "copy not complete", "the copy is complete",
                         "the copy is not complete"},
        [REPORT_MIGRATION] = {".migration", "could not rehearse", "the migration went well",
                              "the migration could not be rehearsed"},
        [REPORT_SABOTAGE] = {".sabotage", "could not try the alarm", "the alarm works",
                             "the alarm could not be tried"},
    };
    return &kinds[result->kind];
}

/* The most serious of what the checks of that verdict are about. */
static enum concern concern_of(const struct result *result, enum verdict verdict)
{
    enum concern found = CONCERN_USUAL;
    for (size_t i = 0; i < result_check_count(result); i++) {
        if (case_verdict(result, i) != verdict || !result->outcomes)
            continue;
        enum concern concern = outcome_concern(&result->outcomes[i], &result->plan->checks[i]);
        if (found == CONCERN_USUAL || concern < found)
            found = concern;
    }
    return found == CONCERN_USUAL ? CONCERN_BACKUP : found;
}

static char *headline_of_all(const struct result *result, const struct totals *totals)
{
    const struct kind_words *kind = result_kind(result);
    if (totals->checks == totals->left_out)
        return xstrdup("nothing was checked");
    if (totals->failed > 0)
        return xasprintf("%s%s", concerns[concern_of(result, VERDICT_FAIL)].headline,
                         totals->errors > 0 ? ", and not everything could be verified" : "");
    /* When there is another reason too, mending the scenario is not enough. */
    if (totals->errors > 0 && concern_of(result, VERDICT_ERROR) == CONCERN_SCENARIO)
        return xstrdup(concerns[CONCERN_SCENARIO].headline);
    return xstrdup(totals->errors > 0 || totals->skipped > 0 ? kind->not_done : kind->passed);
}

/* A damage that does not apply stands in nobody's way; one that only an expectation could have
 * noticed leaves a gap. */
static char *headline_of_alarm(const struct result *result, const struct totals *totals)
{
    size_t noticed;
    size_t tried = result_damages(result, &noticed);
    const struct totals without_skips = {
        .checks = totals->checks, .failed = totals->failed, .errors = totals->errors};
    const struct totals *seen = tried > 0 ? &without_skips : totals;
    cleanup(free_pointer) char *words =
        seen == &without_skips && totals->failed + totals->errors == 0 && noticed < tried
            ? xstrdup("the alarm has gaps")
            : headline_of_all(result, seen);
    return tried > 0 ? xasprintf("%s: %zu of %zu damage%s noticed", words, noticed, tried,
                                 tried == 1 ? "" : "s")
                     : take(&words);
}

char *result_headline(const struct result *result)
{
    struct totals totals;
    result_totals(result, &totals);
    if (result->kind == REPORT_SABOTAGE)
        return headline_of_alarm(result, &totals);
    char *headline = headline_of_all(result, &totals);
    if (totals.left_out == 0)
        return headline;
    char *partial = xasprintf("%s (%d of %d check%s)", headline, totals.checks - totals.left_out,
                              totals.checks, totals.checks == 1 ? "" : "s");
    free(headline);
    return partial;
}

static const char *remedy_of_kind(enum report_kind kind)
{
    switch (kind) {
    case REPORT_VERIFY:
    case REPORT_PARTIAL:
        break;
    case REPORT_DUMP:
    case REPORT_SYNC:
        return "fix what prevented it, and run it again";
    case REPORT_MIGRATION:
        return "fix what prevented it, and rehearse again: nothing is known of the "
               "migration yet";
    case REPORT_SABOTAGE:
        return "fix what prevented it, and try again: nothing is known of the alarm yet";
    }
    return "fix what prevented it, and verify again: the backup may be good or bad";
}

/* By whoever ran it, by its time, or by the machine: a stage was still at work. */
static bool was_cut_short(const struct result *result)
{
    for (size_t i = 0; result->facts && i < STAGE_COUNT; i++)
        if (result->facts->stages[i].state == STAGE_RUNNING)
            return true;
    return false;
}

const char *result_remedy(const struct result *result)
{
    struct totals totals;
    result_totals(result, &totals);
    if (result_exit_code(result) == 0)
        return NULL;
    if (totals.failed > 0)
        return concerns[concern_of(result, VERDICT_FAIL)].remedy;
    if (totals.errors > 0 && concern_of(result, VERDICT_ERROR) == CONCERN_SCENARIO)
        return concerns[CONCERN_SCENARIO].remedy;
    if (was_cut_short(result))
        return "run it again: it was ended before it was done, and nothing is known yet";
    return remedy_of_kind(result->kind);
}
