/* restore-verifier gate: was the backup of each scenario verified lately, and did it pass? Answered
 * by histories alone, for those who ask before a deployment and for monitoring. */
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "commands/commands.h"
#include "commands/loading.h"
#include "history/gate.h"
#include "report/gate_words.h"
#include "report/json_fields.h"

struct gate_options {
    int64_t max_age_s;
    int64_t max_backup_age_s;
    int64_t rto_s;
};

static const struct own_option gate_options[] = {
    {"max-age", "DURATION", OPTION_DURATION, offsetof(struct gate_options, max_age_s),
     "How long ago the last verification may be (default: 48h)"},
    {"max-backup-age", "DURATION", OPTION_DURATION, offsetof(struct gate_options, max_backup_age_s),
     "How old the backup that verified may be by now"},
    {"rto", "DURATION", OPTION_DURATION, offsetof(struct gate_options, rto_s),
     "How long restoring it may have taken"},
    {0},
};

static const struct usage gate_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words = "Tell by its history whether the latest backup of each scenario was verified lately. "
             "Exit code 0: each was, and every check passed; 1: the last verification of one found "
             "something bad, or restoring took too long; 2: it is too long ago, or there is none. "
             "Nothing is restored, and no backup is read. Without names, the scenarios are those "
             "of the directory scenarios.",
    .options = gate_options,
    .takes_reports = true, /* where verify leaves a history that it may not write elsewhere */
    .takes_format = true,
    .looks_only = true,
};

/* The answer for one scenario. */
struct answer {
    const char *scenario; /* its name, or its file */
    const char *word;
    int exit_code;
    char *message;
    const struct gate *gate; /* NULL: the history could not be read */
};

/* --- telling ---------------------------------------------------------------------------------- */

static json_t *answer_json(const struct answer *answer)
{
    json_t *object = json_scenario(answer->scenario, answer->exit_code);
    json_object_set_new(object, "state", json_string(answer->word));
    json_set_text(object, "message", answer->message, SIZE_MAX);
    if (!answer->gate)
        return object;
    const struct history_entry *proven = answer->gate->proven;
    if (answer->gate->last)
        json_set_time(object, "last_verification", answer->gate->last->began);
    if (!proven)
        return object;
    json_set_time(object, "last_proven", proven->began);
    json_set_time(object, "backup_time", proven->backup_time);
    json_set_text(object, "backup", proven->backup, SIZE_MAX);
    if (answer->gate->restore_ms != INT64_MAX)
        json_set_seconds(object, "restore_seconds", answer->gate->restore_ms);
    return object;
}

/* The whole of it. */
struct gates {
    const struct common_options *common;
    struct gate_limits limits;
    time_t now;
    json_t *answers;
    int exit_code;
};

static void tell(struct gates *gates, const struct answer *answer)
{
    if (answer->exit_code > gates->exit_code)
        gates->exit_code = answer->exit_code;
    json_array_append_new(gates->answers, answer_json(answer));
    if (gates->common->json || (gates->common->quiet && answer->exit_code == EXIT_VERIFIED))
        return;
    fprintf(gates->common->text_on_stdout ? stdout : stderr, "%s: %s\n", answer->scenario,
            answer->message);
}

static void tell_error(struct gates *gates, const char *scenario, const char *reason)
{
    cleanup(free_pointer) char *message = xasprintf("cannot tell: %s", reason);
    tell(gates, &(struct answer){.scenario = scenario,
                                 .word = "unknown",
                                 .exit_code = EXIT_CANNOT_VERIFY,
                                 .message = message});
}

static void judge(struct gates *gates, const struct scenario *scenario)
{
    struct error error;
    struct history_entries entries = {0};
    cleanup(strings_free) struct strings notices = {0};
    cleanup(history_freep) struct history *history = NULL;
    if (history_open(scenario, gates->common->reports, &history, &error) < 0 ||
        history_read(history, &entries, &notices, &error) < 0) {
        tell_error(gates, scenario->name, error.text);
        return;
    }
    for (size_t i = 0; i < notices.count; i++)
        fprintf(stderr, "restore-verifier: %s: %s\n", scenario->name, notices.items[i]);
    struct gate gate;
    cleanup(free_pointer) char *path = history_path(history);
    gate_judge(&entries, &gates->limits, gates->now, &gate);
    cleanup(free_pointer) char *message = gate_sentence(&gate, &gates->limits, gates->now, path);
    tell(gates, &(struct answer){.scenario = scenario->name,
                                 .word = gate_word(gate.state),
                                 .exit_code = gate_exit_code(gate.state),
                                 .message = message,
                                 .gate = &gate});
    history_entries_free(&entries);
}

static int judge_all(const struct common_options *common, const struct gate_options *options,
                     const struct loaded *loaded)
{
    struct gates gates = {
        .common = common,
        .limits = {.max_age_s = options->max_age_s > 0 ? options->max_age_s : GATE_MAX_AGE_S,
                   .max_backup_age_s = options->max_backup_age_s,
                   .rto_ms = options->rto_s * 1000},
        .now = time(NULL),
        .answers = json_array(),
        .exit_code = loaded_exit_code(loaded),
    };
    for (size_t i = 0; i < loaded->paths.count; i++) {
        if (loaded->scenarios[i])
            judge(&gates, loaded->scenarios[i]);
        else
            tell_error(&gates, loaded->paths.items[i], "the scenario is wrong");
    }
    if (common->json)
        json_print_scenarios("gate", gates.answers, gates.exit_code, stdout);
    else
        json_decref(gates.answers);
    return gates.exit_code;
}

int command_gate(int argc, char **argv)
{
    struct common_options common;
    struct gate_options options = {0};
    struct loaded loaded;
    options_parse(argc, argv, &gate_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    scenarios_load_told(&common, &loaded);
    int exit_code = judge_all(&common, &options, &loaded);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "restore-verifier: cannot write to standard output\n");
        exit_code = EXIT_CANNOT_VERIFY;
    }
    loaded_free(&loaded);
    common_options_free(&common);
    return exit_code;
}
