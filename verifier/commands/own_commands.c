#include "commands/own_commands.h"

#include <string.h>

#include "base/clock.h"
#include "rehearsal/own_command.h"

static bool waits(const struct run *run, size_t index)
{
    return strcmp(run->plan.checks[index].group, COMMANDS_GROUP) == 0 &&
           run->outcomes[index].verdict == VERDICT_NONE;
}

static void judge(const struct command_end *end, bool came, struct outcome *outcome)
{
    const char *left = end->left_running > 0 ? "; processes that it left running were ended" : "";
    if (end->overdue && !came)
        outcome_error(outcome, "it did not come to the database before its time was over, and was "
                               "ended: nothing is known of what was restored");
    else if (end->overdue)
        outcome_fail(outcome, "it did not end in time, and was ended");
    else if (end->exit_code != 0 && came)
        outcome_fail(outcome, "it %s%s", end->how, left);
    else if (end->exit_code != 0)
        outcome_error(outcome,
                      "it %s before it came to the database, so nothing is known of what was "
                      "restored%s",
                      end->how, left);
    else if (!came)
        outcome_error(outcome,
                      "it exited with code 0 and never came to the database, so it looked "
                      "at nothing: hand it the address by ${restored.url}, as it reads it");
    else
        outcome_pass(outcome, "exited with code 0%s", left);
    if (!came && !end->has_network)
        outcome_detail(outcome,
                       "it had no network, and reaches the database through a unix socket");
    if (outcome->verdict != VERDICT_PASS && *end->last_lines)
        outcome_detail(outcome, "what it printed last:\n%s", end->last_lines);
}

static void look(struct own_commands *commands, const struct own_command *wanted,
                 struct outcome *outcome)
{
    struct command_end end = {0};
    struct error error;
    bool came = false;
    outcome->started_ms = clock_ms();
    if (own_command_run(commands, wanted, &end, &came, &error) < 0)
        outcome_from_error(outcome, &error);
    else
        judge(&end, came, outcome);
    outcome->duration_ms = clock_ms() - outcome->started_ms;
    command_end_free(&end);
}

static bool is_restored(const struct subject *subject)
{
    return subject->facts->stages[STAGE_RESTORE].state == STAGE_DONE;
}

void own_commands_look(const struct run *run, const struct subject *subject,
                       const struct stages *stages)
{
    struct own_commands *commands = NULL;
    struct lent_server server;
    struct error error;
    int begun = 1; /* not tried */
    for (size_t i = 0; i < run->plan.count; i++) {
        const struct check *check = &run->plan.checks[i];
        struct outcome *outcome = &run->outcomes[i];
        if (!waits(run, i))
            continue;
        if (!is_restored(subject)) {
            check_look(check, subject, outcome); /* says why */
            continue;
        }
        if (begun > 0) {
            begun = stages_lend(stages, &server, &error);
            if (begun == 0)
                begun = own_commands_begin(&server, &commands, &error);
        }
        if (begun == 0)
            look(commands, check->parameter, outcome);
        else
            outcome_from_error(outcome, &error);
    }
    own_commands_end(commands);
}
