/* restore-verifier sabotage: damages copies of each scenario's latest backup, verifies them as if
 * they were tonight's, and reports what was not noticed. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "commands/commands.h"
#include "commands/loading.h"
#include "commands/saboteur.h"
#include "report/json_fields.h"
#include "sabotage/sabotage.h"

struct sabotage_options {
    const char *seed;
    const char *only;
    int64_t timeout_s; /* 0: none */
};

static const struct own_option sabotage_options[] = {
    {"seed", "N", OPTION_TEXT, offsetof(struct sabotage_options, seed),
     "Choose what is damaged by this number, which the report of another run tells"},
    {"only", "GLOB", OPTION_TEXT, offsetof(struct sabotage_options, only),
     "Try only the damages whose name matches, such as 'a row *'"},
    {"timeout", "DURATION", OPTION_DURATION, offsetof(struct sabotage_options, timeout_s),
     "End the whole run after this time, such as 1h"},
    {0},
};

static const struct usage sabotage_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words =
        "Prove that the alarm works: damage copies of each scenario's latest backup, one after "
        "the other, verify each as if it were tonight's, and demand that verify calls it bad. The "
        "backup itself must be green, and is only read; the copies lie under TMPDIR, one at a "
        "time. What only an expectation of yours could have noticed, and none did, is a warning "
        "that says what to add; what every scenario must notice, a failure. The report of each is "
        "SCENARIO.sabotage.xml. Without names, the scenarios are those of the directory scenarios.",
    .options = sabotage_options,
    .takes_reports = true,
    .takes_format = true,
    .takes_verbose = true,
};

/* --- all together ----------------------------------------------------------------------------- */

/* -1: somebody does not get to read it. */
static int print_results(const struct common_options *common, const struct result *results,
                         size_t count, int exit_code)
{
    FILE *stream = common->text_on_stdout ? stdout : stderr;
    if (common->json)
        json_print("sabotage", results, count, exit_code, stdout);
    if (!common->quiet || results_exit_code(results, count) != EXIT_VERIFIED)
        console_print(results, count, wants_color(fileno(stream)), common->verbose, common->reports,
                      stream);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fputs("restore-verifier: cannot write to standard output\n", stderr);
    return -1;
}

static void prepare_all(struct alarm *alarm, const struct loaded *loaded, const char *only,
                        struct run *runs)
{
    for (size_t i = 0; i < loaded->paths.count; i++) {
        if (loaded->scenarios[i])
            saboteur_prepare(loaded->scenarios[i], only, &runs[i]);
        else
            run_refuse_file(runs, i, loaded, REPORT_SABOTAGE);
        run_tell_shard(&runs[i], loaded);
        saboteur_report(alarm, &runs[i]);
    }
}

static int worse_of(int one, int other)
{
    return one > other ? one : other;
}

static int sabotage(struct alarm *alarm, const char *only, const struct loaded *loaded)
{
    size_t count = loaded->paths.count;
    struct run *runs = xcalloc(count, sizeof(*runs));
    struct result *results = xcalloc(count, sizeof(*results));
    signals_block();
    workdir_sweep(workdir_parent());
    workdir_sweep("/tmp");
    prepare_all(alarm, loaded, only, runs);
    for (size_t i = 0; i < count; i++) {
        if (loaded->scenarios[i])
            saboteur_try(alarm, loaded->scenarios[i], &runs[i], NULL);
        results[i] = run_result(&runs[i]);
    }
    int exit_code = results_exit_code(results, count);
    exit_code = alarm->exit_code > exit_code ? alarm->exit_code : exit_code;
    if (print_results(alarm->common, results, count, exit_code) < 0)
        exit_code = EXIT_CANNOT_VERIFY;
    if (!alarm->common->quiet)
        fprintf(stderr, "The same again: --seed %" PRIu64 "\n", alarm->seed);
    for (size_t i = 0; i < count; i++)
        run_release(&runs[i]);
    free(results);
    free(runs);
    return worse_of(alarm->exit_code, exit_code);
}

/* Short enough to be typed. */
static int seed_choose(const char *text, uint64_t *ret_seed)
{
    uint32_t random = (uint32_t)clock_ms();
    char *end;
    if (!text) {
        if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
            random ^= (uint32_t)getpid();
        *ret_seed = random % 1000000;
        return 0;
    }
    errno = 0;
    *ret_seed = strtoull(text, &end, 10);
    if (errno == 0 && *text >= '0' && *text <= '9' && *end == '\0')
        return 0;
    fprintf(stderr, "restore-verifier: --seed takes a number, not `%s`\n", text);
    return -1;
}

static int selection_check(const char *only)
{
    for (size_t kind = 0; only && kind < SABOTAGE_COUNT; kind++)
        if (fnmatch(only, sabotage_name((enum sabotage_kind)kind), 0) == 0)
            return 0;
    if (!only)
        return 0;
    fprintf(stderr, "restore-verifier: --only '%s' matches no damage; there are:\n", only);
    for (size_t kind = 0; kind < SABOTAGE_COUNT; kind++)
        fprintf(stderr, "  %s\n", sabotage_name((enum sabotage_kind)kind));
    return -1;
}

int command_sabotage(int argc, char **argv)
{
    struct common_options common;
    struct sabotage_options options = {0};
    struct loaded loaded;
    struct alarm alarm = {.common = &common, .deadline_ms = NO_DEADLINE};
    int exit_code = EXIT_CANNOT_VERIFY;
    options_parse(argc, argv, &sabotage_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN);
    if (seed_choose(options.seed, &alarm.seed) == 0 && selection_check(options.only) == 0) {
        if (options.timeout_s > 0)
            alarm.deadline_ms = deadline_after(options.timeout_s * 1000);
        if (!common.quiet)
            alarm.progress =
                progress_new(stderr, isatty(STDERR_FILENO), wants_color(STDERR_FILENO));
        scenarios_load(&common, &loaded);
        exit_code = loaded_exit_code(&loaded);
        if (loaded.paths.count > 0) /* what is wrong with a scenario is among its results */
            exit_code = worse_of(exit_code, sabotage(&alarm, options.only, &loaded));
        else if (loaded.idle && common.json)
            json_print_scenarios("sabotage", json_array(), exit_code, stdout);
        loaded_free(&loaded);
        progress_free(alarm.progress);
    }
    common_options_free(&common);
    return exit_code;
}
