#include "commands/run.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "harness/harness.h"
#include "postgres/cluster.h"

/* --- preparing -------------------------------------------------------------------------------- */

/* A run that cannot start still leaves a report: a plan of one check that has its verdict already.
 */
static void run_refuse(struct run *run, const char *check_name, const char *reason)
{
    plan_free(&run->plan);
    run->plan.checks = xcalloc(1, sizeof(*run->plan.checks));
    run->plan.count = 1;
    run->plan.checks[0].group = xstrdup("scenario");
    run->plan.checks[0].name = xstrdup(check_name);
    run->outcomes_size = sizeof(*run->outcomes);
    run->outcomes = shared_alloc(run->outcomes_size);
    outcome_error(&run->outcomes[0], "%s", reason);
    run->scenario = NULL;
}

/* "scenarios/bugspark.yaml" -> "bugspark" */
static char *name_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return xstrndup(name, strcspn(name, "."));
}

static void run_start(struct run *run, char *name)
{
    *run = (struct run){.name = name, .facts = shared_alloc(sizeof(*run->facts))};
    run->facts->began = time(NULL);
}

void run_refuse_file(struct run *run, const char *path, const struct strings *problems)
{
    cleanup(free_pointer) char *of_this_file = xasprintf("%s:", path);
    struct buffer text;
    buffer_init(&text, 8192);
    for (size_t i = 0; i < problems->count; i++)
        if (starts_with(problems->items[i], of_this_file))
            buffer_printf(&text, "%s%s", text.length ? "\n" : "", problems->items[i]);
    run_start(run, name_of_file(path));
    run_refuse(run, "scenario file is valid", text.data);
    buffer_free(&text);
}

static int make_work(struct run *run, struct error *error)
{
    if (workdir_create(workdir_parent(), &run->work, error) < 0)
        return -1;
    run->stages.work = workdir_path(run->work);
    run->stages.socket_work = run->stages.work;
    /* libpq takes a comma in the name of a socket's directory for the beginning of another host. */
    if (strlen(run->stages.work) <= SOCKET_PARENT_LIMIT && !strchr(run->stages.work, ','))
        return 0;
    if (workdir_create("/tmp", &run->socket_work, error) < 0)
        return error_prefix(error,
                            "a server's socket cannot be in TMPDIR, whose name is too long or "
                            "has a comma, and: ");
    run->stages.socket_work = workdir_path(run->socket_work);
    return 0;
}

void run_prepare(struct run *run, const struct scenario *scenario,
                 const struct run_settings *settings)
{
    struct error error;
    run_start(run, xstrdup(scenario->name));
    run->scenario = scenario;
    plan_build(scenario, settings->only, &run->plan);
    run->is_partial = settings->only != NULL;
    if (run->plan.count == 0) {
        cleanup(free_pointer) char *reason = xasprintf(
            "no check of the scenario matches --only '%s': nothing was verified", settings->only);
        run_refuse(run, "a check is run", reason);
        return;
    }
    run->stages = (struct stages_options){.backup = settings->backup,
                                          .server = settings->server,
                                          .reports = settings->reports,
                                          .keep = settings->keep,
                                          .always_restore = settings->always_restore};
    run->object_checks = xcalloc(run->plan.count, sizeof(*run->object_checks));
    run->stages.object_checks = run->object_checks;
    run->stages.object_check_count = plan_object_checks(&run->plan, run->object_checks);
    if (make_work(run, &error) < 0) {
        run_refuse(run, "a work directory can be made", error.text);
        return;
    }
    run->outcomes_size = plan_most(&run->plan) * sizeof(*run->outcomes);
    run->outcomes = shared_alloc(run->outcomes_size);
}

void run_follow(struct run *run)
{
    plan_expand(&run->plan, &run->facts->databases);
}

struct result run_result(const struct run *run)
{
    return (struct result){
        .scenario = run->name, .facts = run->facts, .plan = &run->plan, .outcomes = run->outcomes};
}

void run_release(struct run *run)
{
    shared_free(run->outcomes, run->outcomes_size);
    shared_free(run->facts, sizeof(*run->facts));
    plan_free(&run->plan);
    free(run->object_checks);
    free(run->name);
    free(run->kept);
}

/* --- in the worker ---------------------------------------------------------------------------- */

static void leave_record(struct run *run, struct stages *stages)
{
    struct totals totals;
    struct result result = run_result(run);
    result_totals(&result, &totals);
    stages_record(stages, outcomes_prove(&run->plan, run->outcomes, !run->is_partial),
                  totals.passed, totals.warnings);
}

void run_work(void *context)
{
    struct run *run = context;
    struct facts *facts = run->facts;
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    facts->began = time(NULL);
    facts->began_ms = clock_ms();
    struct stages *stages = stages_run(run->scenario, &run->stages, facts);
    struct subject subject = {.scenario = run->scenario,
                              .facts = facts,
                              .archive = stages_archive(stages),
                              .manifest = stages_manifest(stages),
                              .previous = stages_previous(stages),
                              .database = stages_database(stages),
                              .objects = stages_objects(stages),
                              .now = facts->began};
    run_follow(run);
    struct error error;
    stage_begin(facts, STAGE_CHECK);
    int checked = harness_run(run->name, &run->plan, &subject, run->outcomes, &error);
    stage_end(facts, STAGE_CHECK, checked, &error);
    if (checked < 0)
        outcomes_close(run->outcomes, run->plan.count, error.text);
    leave_record(run, stages);
    stages_stop(stages);
}

/* --- when the worker has ended ---------------------------------------------------------------- */

static const char *stage_reached(const struct facts *facts)
{
    for (enum stage stage = STAGE_COUNT; stage-- > STAGE_FIND;)
        if (stage != STAGE_OBJECTS && facts->stages[stage].state == STAGE_RUNNING)
            return stage_name(stage);
    /* It runs beside the others, and is what is waited for when none of them does. */
    return facts->stages[STAGE_OBJECTS].state == STAGE_RUNNING ? stage_name(STAGE_OBJECTS)
                                                               : "start";
}

void run_close(struct run *run, const struct worker *worker)
{
    cleanup(free_pointer) char *reason = NULL;
    const char *stage = stage_reached(run->facts);
    switch (worker->end) {
    case WORKER_INTERRUPTED:
        reason = xasprintf("interrupted at stage `%s`: the run was told to end", stage);
        break;
    case WORKER_OVERDUE:
        reason = xasprintf("stopped at stage `%s`: the time that --timeout gives was over", stage);
        break;
    case WORKER_DIED:
        reason =
            WIFSIGNALED(worker->status)
                ? xasprintf("the worker was killed by signal %d (%s) at stage `%s`",
                            WTERMSIG(worker->status), strsignal(WTERMSIG(worker->status)), stage)
                : xasprintf("the worker ended with code %d at stage `%s`",
                            WEXITSTATUS(worker->status), stage);
        break;
    case WORKER_DONE:
    case WORKER_NOT_ENDED:
        reason = xstrdup("the check was not run");
        break;
    }
    outcomes_close(run->outcomes, run->plan.count, reason);
}

static void append_quoted(struct buffer *words, const char *path)
{
    buffer_append_text(words, words->length > 0 ? " '" : "'");
    for (; *path; path++)
        buffer_append(words, *path == '\'' ? "'\\''" : path, *path == '\'' ? 4 : 1);
    buffer_append_text(words, "'");
}

static void keep_directories(struct run *run)
{
    struct workdir *const directories[] = {run->work, run->socket_work};
    struct buffer words;
    buffer_init(&words, (size_t)16 * PATH_MAX);
    for (size_t i = 0; i < ARRAY_LENGTH(directories); i++) {
        if (!directories[i])
            continue;
        append_quoted(&words, workdir_path(directories[i]));
        workdir_keep(directories[i]); /* frees it, with its path */
    }
    run->kept = buffer_steal(&words);
}

void run_clean_up(struct run *run, const struct worker *worker, struct strings *complaints)
{
    struct error error;
    if (run->stages.keep && worker->end == WORKER_DONE && *run->facts->server.psql) {
        if (run->facts->server.pid > 0) {
            keep_directories(run);
            return;
        }
        run->kept = xstrdup(""); /* on somebody's own server, where no directory of ours is used */
    }
    const struct stage_fact *stop = &run->facts->stages[STAGE_STOP];
    if (stop->state == STAGE_FAILED)
        strings_add(complaints, stop->error.text);
    if (worker->end != WORKER_DONE &&
        stages_clean_up(run->scenario, &run->stages, run->facts, &error) < 0)
        strings_add(complaints, error.text);
    if (workdir_remove(run->work, &error) < 0)
        strings_add(complaints, error.text);
    if (workdir_remove(run->socket_work, &error) < 0)
        strings_add(complaints, error.text);
}
