#include "commands/chores.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/signals.h"
#include "commands/commands.h"
#include "commands/loading.h"
#include "commands/remember.h"
#include "commands/run.h"
#include "report/json_fields.h"
#include "report/json_result.h"

/* The whole of it. */
struct chores {
    const struct chore *chore;
    const struct common_options *common;
    const void *own;
    const struct loaded *loaded;
    struct run *runs;  /* as many as there are files */
    json_t *scenarios; /* what is told of each as JSON */
    struct remembering remembering;
    int exit_code;
};

static void raise_code(struct chores *chores, int exit_code)
{
    chores->exit_code = exit_code > chores->exit_code ? exit_code : chores->exit_code;
}

static bool is_asked_for(const struct chores *chores, size_t index)
{
    const struct scenario *scenario = chores->loaded->scenarios[index];
    return !scenario || !chores->chore->is_asked_for || chores->chore->is_asked_for(scenario);
}

/* That a report cannot be written is told, and keeps nobody from making a backup. */
static void leave_report(struct chores *chores, size_t index)
{
    struct error error;
    struct result result = run_result(&chores->runs[index]);
    const char *directory = chores->common->reports;
    if (chores->chore->no_report)
        return;
    int left = is_asked_for(chores, index) ? report_write(&result, directory, &error)
                                           : report_remove(&result, directory, &error);
    if (left == 0)
        return;
    fprintf(stderr, "restore-verifier: %s: %s\n", chores->runs[index].name, error.text);
    raise_code(chores, EXIT_CANNOT_VERIFY);
}

static void prepare(struct chores *chores)
{
    const struct loaded *loaded = chores->loaded;
    const struct chore *chore = chores->chore;
    for (size_t i = 0; i < loaded->paths.count; i++) {
        if (loaded->scenarios[i])
            run_prepare_chore(&chores->runs[i], loaded->scenarios[i], chore->kind, chore->check);
        else
            run_refuse_file(chores->runs, i, loaded, chore->kind);
        run_tell_shard(&chores->runs[i], loaded);
        leave_report(chores, i);
    }
}

static void work(struct chores *chores, size_t index)
{
    const struct scenario *scenario = chores->loaded->scenarios[index];
    struct run *run = &chores->runs[index];
    json_t *details = NULL;
    struct outcome *outcome = &run->outcomes[0];
    if (!is_asked_for(chores, index)) {
        if (!chores->common->quiet)
            chores->chore->tell_not_asked_for(scenario);
        return;
    }
    if (scenario) {
        sigset_t before;
        if (chores->chore->holds_signals)
            signals_hold(&before);
        time_zone_use(scenario->backups.time_zone);
        run->facts->began = time(NULL);
        run->facts->began_ms = outcome->started_ms = clock_ms();
        chores->chore->work(scenario, chores->common, chores->own, run->facts, outcome, &details);
        outcome->duration_ms = clock_ms() - outcome->started_ms;
        leave_report(chores, index);
        if (!chores->chore->no_report)
            remember(scenario, run, chores->common->reports, &chores->remembering);
        if (chores->chore->holds_signals)
            signals_release(&before);
    }
    struct result result = run_result(run);
    json_t *object = result_object(&result);
    if (details)
        json_object_set_new(object, chores->chore->details_key, details);
    json_array_append_new(chores->scenarios, object);
    raise_code(chores, result_exit_code(&result));
}

static void tell_json(struct chores *chores)
{
    if (!chores->common->json) {
        json_decref(chores->scenarios);
        return;
    }
    json_print_scenarios(chores->chore->command, chores->scenarios, chores->exit_code, stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    fputs("restore-verifier: cannot write to standard output\n", stderr);
    raise_code(chores, EXIT_CANNOT_VERIFY);
}

int chores_run(const struct chore *chore, const struct common_options *common, const void *own)
{
    struct loaded loaded;
    scenarios_load_told(common, &loaded);
    struct chores chores = {
        .chore = chore,
        .common = common,
        .own = own,
        .loaded = &loaded,
        .runs = xcalloc(loaded.paths.count, sizeof(*chores.runs)),
        .scenarios = json_array(),
        .exit_code = loaded.problems.count > 0 ? EXIT_CANNOT_VERIFY : EXIT_VERIFIED,
    };
    prepare(&chores);
    for (size_t i = 0; i < loaded.paths.count; i++)
        work(&chores, i);
    remembering_tell(&chores.remembering);
    tell_json(&chores);
    for (size_t i = 0; i < loaded.paths.count; i++)
        run_release(&chores.runs[i]);
    free(chores.runs);
    loaded_free(&loaded);
    return chores.exit_code;
}
