#include "commands/rehearsing.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "checks/rehearsed.h"
#include "harness/harness.h"
#include "report/files.h"

enum { ORPHANS_TIMEOUT_MS = 10000 };

bool rehearsing_is_asked_for(const struct scenario *scenario)
{
    if (scenario->migration.present)
        return true;
    const struct alembic_expectation *alembic = scenario->alembic;
    return scenario->alembic_count > 0 && !scenario->restore.server &&
           (alembic->config || alembic->migrations.count > 0);
}

void rehearsing_prepare(const struct scenario *scenario, const char *reports,
                        struct rehearsing *ret_rehearsing)
{
    struct plan plan;
    rehearsed_plan(scenario, &plan);
    run_prepare_plan(&ret_rehearsing->report, scenario, REPORT_MIGRATION, &plan);
    ret_rehearsing->rehearsal = shared_alloc(sizeof(*ret_rehearsing->rehearsal));
    ret_rehearsing->done = shared_alloc(sizeof(*ret_rehearsing->done));
    struct result result = rehearsing_result(ret_rehearsing);
    ret_rehearsing->log_path = result_file_path(&result, reports, "log");
}

/* --- in the worker ---------------------------------------------------------------------------- */

/* What a migration is about to change, or says nothing of what the backup holds, stands in nobody's
 * way: an old backup, revisions, objects, how long the restore took. */
static bool is_in_the_way(const struct check *check, const struct outcome *outcome)
{
    if (outcome->verdict == VERDICT_PASS || check_is_of_objects(check))
        return false;
    enum concern concern = outcome_concern(outcome, check);
    return outcome->verdict != VERDICT_FAIL ||
           (concern != CONCERN_REVISION && concern != CONCERN_BEHIND && concern != CONCERN_AGE &&
            concern != CONCERN_TIME);
}

static bool is_good(const struct run *run)
{
    for (size_t i = 0; i < run->plan.count; i++)
        if (is_in_the_way(&run->plan.checks[i], &run->outcomes[i]))
            return false;
    return run->plan.count > 0;
}

static void skip_from(struct rehearsing *rehearsing, size_t first, const char *why)
{
    for (size_t i = first; i < rehearsing->report.plan.count; i++)
        outcome_skip(&rehearsing->report.outcomes[i], "%s", why);
}

static int rehearse(struct rehearsing *rehearsing, const struct run *run,
                    const struct stages *stages, struct error *error)
{
    struct lent_server server;
    struct rehearsal_order order = {
        .scenario = run->scenario, .server = &server, .log_path = rehearsing->log_path};
    if (stages_lend(stages, &server, error) < 0)
        return -1;
    return rehearsal_run(&order, rehearsing->rehearsal, error);
}

void rehearsing_work(struct rehearsing *rehearsing, const struct run *run,
                     const struct stages *stages)
{
    struct outcome *outcomes = rehearsing->report.outcomes;
    struct error error;
    if (!is_good(run)) {
        skip_from(rehearsing, 0, "not rehearsed, because the backup is not good");
        return;
    }
    *rehearsing->done = true;
    stage_begin(run->facts, STAGE_REHEARSE);
    outcomes[0].started_ms = clock_ms();
    int rehearsed = rehearse(rehearsing, run, stages, &error);
    stage_end(run->facts, STAGE_REHEARSE, rehearsed, &error);
    if (rehearsed == 0) {
        rehearsed_judge(run->scenario, rehearsing->rehearsal, run->facts, &rehearsing->report.plan,
                        outcomes);
        return;
    }
    outcome_from_error(&outcomes[0], &error);
    skip_from(rehearsing, 1, "not judged, because the migration could not be rehearsed");
}

/* --- in the main process ---------------------------------------------------------------------- */

void rehearsing_close(struct rehearsing *rehearsing, const struct run *run,
                      const struct pids *spared)
{
    struct run *report = &rehearsing->report;
    children_end(spared, deadline_after(ORPHANS_TIMEOUT_MS));
    outcomes_close(report->outcomes, report->plan.count,
                   "the run ended before the migration was rehearsed");
    report->facts->backup = run->facts->backup;
    report->facts->server = run->facts->server;
    report->facts->began = run->facts->began;
    report->facts->began_ms = run->facts->stages[STAGE_REHEARSE].started_ms;
    report->facts->stages[STAGE_REHEARSE] = run->facts->stages[STAGE_REHEARSE];
}

struct result rehearsing_result(const struct rehearsing *rehearsing)
{
    struct result result = run_result(&rehearsing->report);
    result.rehearsal = rehearsing->rehearsal;
    return result;
}

void rehearsing_release(struct rehearsing *rehearsing)
{
    if (!rehearsing->rehearsal)
        return;
    run_release(&rehearsing->report);
    shared_free(rehearsing->rehearsal, sizeof(*rehearsing->rehearsal));
    shared_free(rehearsing->done, sizeof(*rehearsing->done));
    free(rehearsing->log_path);
}
