#include "checks/rehearsed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "checks/session.h"

enum { LISTED_INTERVALS = 5, LISTED_TABLES = 20 };

static const char group[] = "migration";
static const char succeeds[] = "the migration succeeds";
static const char nothing_invalid[] = "nothing is left invalid";
static const char back_succeeds[] = "the way back succeeds";
static const char back_schema[] = "the way back restores the schema";
static const char back_rows[] = "the way back restores every row";

/* What all judgements look at. */
struct judging {
    const struct scenario *scenario;
    const struct rehearsal *rehearsal;
    const struct facts *facts;
};

/* --- the plan --------------------------------------------------------------------------------- */

static void add(struct plan *plan, const char *name, enum concern concern)
{
    plan_add_plain(plan, group, name);
    plan->checks[plan->count - 1].concern = concern;
}

static bool expects(const struct scenario *scenario, enum metric metric)
{
    for (size_t i = 0; i < scenario->migration.check_count; i++)
        if (scenario->migration.checks[i].metric == metric)
            return true;
    return false;
}

void rehearsed_plan(const struct scenario *scenario, struct plan *ret_plan)
{
    const struct migration_wanted *wanted = &scenario->migration;
    struct plan plan = {0};
    add(&plan, succeeds, CONCERN_MIGRATION_FAILED);
    for (size_t i = 0; i < wanted->check_count; i++)
        add(&plan, wanted->checks[i].text, CONCERN_MIGRATION);
    add(&plan, nothing_invalid, CONCERN_MIGRATION);
    if (wanted->back.count > 0) {
        add(&plan, back_succeeds, CONCERN_MIGRATION_FAILED);
        add(&plan, back_schema, CONCERN_MIGRATION);
        if (!expects(scenario, METRIC_LOST_ON_RETURN))
            add(&plan, back_rows, CONCERN_MIGRATION);
    }
    *ret_plan = plan;
}

/* --- words ------------------------------------------------------------------------------------ */

void span_format(int64_t duration_us, char text[SPAN_TEXT_SIZE])
{
    _Static_assert(DURATION_TEXT_SIZE <= SPAN_TEXT_SIZE, "a longer text needs more");
    if (duration_us < 1000000)
        snprintf(text, SPAN_TEXT_SIZE, "%" PRId64 " ms", (duration_us + 500) / 1000);
    else
        duration_format(duration_us / 1000, text);
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static bool went_well(const struct rehearsed_command *command)
{
    return command->ran && !command->overdue && command->exit_code == 0;
}

static void detail_lines(struct outcome *outcome, const char *title, const char *lines)
{
    if (*lines)
        outcome_detail(outcome, "%s\n%s", title, lines);
}

/* --- how the command ended -------------------------------------------------------------------- */

/* What stands in front of a failure that only a right or a package would have prevented. */
static const char *advice_on(const char *error)
{
    static const char *const of_rights[] = {"permission denied", "must be superuser",
                                            "must be owner", "must be a superuser"};
    for (size_t i = 0; i < ARRAY_LENGTH(of_rights); i++)
        if (strstr(error, of_rights[i]))
            return "; it ran as the owner of the tables, without special rights: where the role "
                   "in production has more, say `superuser: true` under `migration`";
    return "";
}

/* Nothing that the migration does wrong: this machine lacks something. */
static bool is_of_machine(const char *error)
{
    return strstr(error, "could not open extension control file") ||
           (starts_with(error, "extension ") && strstr(error, " is not available"));
}

/* "public.users 60 rows, public.projects 3 rows" */
static void different_tables(const struct rehearsal *rehearsal, struct outcome *outcome)
{
    size_t listed = 0;
    for (size_t i = 0; i < rehearsal->table_count && listed < LISTED_TABLES; i++) {
        const struct rehearsed_table *table = &rehearsal->tables[i];
        if (table->different == 0)
            continue;
        listed++;
        outcome_detail(outcome, "%s: %" PRId64 " row%s", table->name, table->different,
                       plural(table->different));
    }
}

/* Where a failure leaves a database. */
static void tell_state(const struct rehearsal *rehearsal, struct outcome *outcome)
{
    const struct rehearsed_difference *left = &rehearsal->after_failure;
    if (!left->known)
        return;
    if (left->objects == 0 && left->rows == 0 &&
        strcmp(rehearsal->revision_before, rehearsal->revision_after) == 0 && !*rehearsal->unsound)
        outcome_detail(outcome, "it left the database as it was: nothing was committed");
    else
        outcome_detail(outcome,
                       "it left the database changed: revision %s, %" PRId64
                       " object%s of the schema not as before, %" PRId64 " row%s",
                       *rehearsal->revision_after ? rehearsal->revision_after : "not known",
                       left->objects, plural(left->objects), left->rows, plural(left->rows));
    detail_lines(outcome, "the schema, against that before:", left->listed);
    different_tables(rehearsal, outcome);
    detail_lines(outcome, "left unfinished:", rehearsal->unsound);
    if (rehearsal->again.ran)
        outcome_detail(outcome, "run again from there, it %s",
                       went_well(&rehearsal->again) ? "succeeds" : rehearsal->again.how);
}

/* What a program says last is mostly why it failed. Borrowed. */
static const char *last_line(const char *lines)
{
    const char *end = strrchr(lines, '\n');
    return end ? end + 1 : lines;
}

static void tell_failure(const struct judging *judging, const struct rehearsed_command *command,
                         const char *what, struct outcome *outcome)
{
    const char *printed = last_line(command->last_lines);
    const char *said = *command->first_error ? command->first_error : NULL;
    const char *reason = said ? said : printed;
    cleanup(free_pointer) char *words =
        xasprintf("%s %s%s%s%s", what, command->how, *reason ? ": " : "", reason,
                  said ? advice_on(said) : "");
    if (!command->connected)
        outcome_error(outcome,
                      "%s %s before it came to the copy, so nothing is known of the migration%s%s",
                      what, command->how, *printed ? "; it printed last: " : "", printed);
    else if (said && is_of_machine(said))
        outcome_error(outcome, "%s: install the extension's package on this machine", words);
    else
        outcome_fail(outcome, "%s", words);
    if (!command->connected && !command->has_network)
        outcome_detail(outcome, "it had no network, and reaches the copy through a unix socket "
                                "alone: with `network: true` under `migration` it has this "
                                "machine's, with `tcp: true` a port");
    if (*judging->rehearsal->log)
        outcome_detail(outcome, "all that it printed: %s", judging->rehearsal->log);
    detail_lines(outcome, "what it printed last:", command->last_lines);
}

static void tell_success(const struct rehearsal *rehearsal, struct outcome *outcome)
{
    const struct rehearsed_command *command = &rehearsal->command;
    char duration[SPAN_TEXT_SIZE];
    span_format(command->duration_us, duration);
    cleanup(free_pointer) char *revisions =
        *rehearsal->revision_after
            ? xasprintf(", %s -> %s",
                        *rehearsal->revision_before ? rehearsal->revision_before : "nothing",
                        rehearsal->revision_after)
            : xstrdup("");
    cleanup(free_pointer) char *seen =
        xasprintf("%s%s, %" PRId64 " transaction%s", duration, revisions, rehearsal->transactions,
                  plural(rehearsal->transactions));
    if (command->left_running > 0)
        outcome_warn(outcome,
                     "%s; it left %" PRId64 " process%s running, which may not have been done yet: "
                     "they were ended",
                     seen, command->left_running, command->left_running == 1 ? "" : "es");
    else if (*rehearsal->unheeded)
        outcome_warn(outcome, "%s; %s", seen, rehearsal->unheeded);
    else if (rehearsal->changed_nothing && rehearsal->pending_left != 0)
        outcome_warn(outcome, "%s; it changed nothing: does it run the migration?", seen);
    else if (rehearsal->pending_left > 0)
        outcome_warn(outcome, "%s; %" PRId64 " migration%s still to come", seen,
                     rehearsal->pending_left, rehearsal->pending_left == 1 ? " is" : "s are");
    else
        outcome_pass(outcome, "%s", seen);
}

/* The command says that all is well, and the copy says otherwise. */
static bool tell_undone(const struct rehearsal *rehearsal, struct outcome *outcome)
{
    bool applied_none = rehearsal->pending_left > 0 &&
                        strcmp(rehearsal->revision_before, rehearsal->revision_after) == 0;
    if (*rehearsal->unheeded && !rehearsal->unheeded_probe)
        outcome_fail(outcome, "the command exited with code 0, but %s", rehearsal->unheeded);
    else if (applied_none)
        outcome_fail(outcome,
                     "the command exited with code 0, and none of the %" PRId64 " migration%s that "
                     "%s to come was applied: does the project commit what it does?",
                     rehearsal->pending_left, plural(rehearsal->pending_left),
                     rehearsal->pending_left == 1 ? "was" : "were");
    else
        return false;
    detail_lines(outcome, "what it printed last:", rehearsal->command.last_lines);
    return true;
}

static void judge_command(const struct judging *judging, struct outcome *outcome)
{
    const struct rehearsal *rehearsal = judging->rehearsal;
    const struct rehearsed_command *command = &rehearsal->command;
    outcome->duration_ms = command->duration_us / 1000;
    outcome_value(outcome, "migration.seconds", "%.3f", (double)command->duration_us / 1e6);
    if (!went_well(command)) {
        tell_failure(judging, command, "the command", outcome);
        tell_state(rehearsal, outcome);
    } else if (!command->connected) {
        outcome_error(outcome, "the command exited with code 0 and never came to the copy, so it "
                               "looked for its database elsewhere: hand it the address by "
                               "${migration.url}, as the project reads it");
        detail_lines(outcome, "what it printed last:", command->last_lines);
    } else if (!tell_undone(rehearsal, outcome)) {
        tell_success(rehearsal, outcome);
    }
}

/* --- expectations ----------------------------------------------------------------------------- */

/* The table of that name, with its schema or in any; the outcome says that there is none. */
static const struct rehearsed_table *table_of(const struct rehearsal *rehearsal, const char *name,
                                              struct outcome *outcome)
{
    const struct rehearsed_table *found = rehearsal_table(rehearsal, name);
    cleanup(free_pointer) char *in_public = xasprintf("public.%s", name);
    if (!found)
        found = rehearsal_table(rehearsal, in_public);
    for (size_t i = 0; i < rehearsal->table_count && !found && !strchr(name, '.'); i++) {
        const char *dot = strchr(rehearsal->tables[i].name, '.');
        if (dot && strcmp(dot + 1, name) == 0)
            found = &rehearsal->tables[i];
    }
    if (found)
        return found;
    const char **names = xcalloc(rehearsal->table_count + 1, sizeof(*names));
    for (size_t i = 0; i < rehearsal->table_count; i++) {
        const char *dot = strchr(rehearsal->tables[i].name, '.');
        names[i] = strchr(name, '.') || !dot ? rehearsal->tables[i].name : dot + 1;
    }
    const char *near = nearest(name, names, rehearsal->table_count);
    outcome_mistake(outcome, "the database has no table %s%s%s%s", name,
                    near ? ": did you mean `" : "", near ? near : "", near ? "`?" : "");
    free(names);
    return NULL;
}

static int64_t measure_table(const struct rehearsed_table *table, enum metric metric)
{
    switch ((int)metric) {
    case METRIC_WRITE_BLOCKED:
        return table->write_blocked_us;
    case METRIC_READ_BLOCKED:
        return table->read_blocked_us;
    case METRIC_ROWS_INSERTED:
        return table->inserted;
    case METRIC_ROWS_UPDATED:
        return table->updated;
    case METRIC_ROWS_DELETED:
        return table->deleted;
    case METRIC_LOST_ON_RETURN:
        return table->different;
    default:
        return 0;
    }
}

static bool is_longest(enum metric metric)
{
    return metric == METRIC_WRITE_BLOCKED || metric == METRIC_READ_BLOCKED;
}

/* Of times the longest, of rows the sum; what migration tools write down does not count. */
static int64_t measure_all(const struct rehearsal *rehearsal, enum metric metric)
{
    int64_t all = 0;
    for (size_t i = 0; i < rehearsal->table_count; i++) {
        const struct rehearsed_table *table = &rehearsal->tables[i];
        int64_t one = measure_table(table, metric);
        if (is_longest(metric))
            all = one > all ? one : all;
        else if (!table->of_tool)
            all += one;
    }
    return all;
}

static bool is_of_rows(enum metric metric)
{
    return metric == METRIC_ROWS_INSERTED || metric == METRIC_ROWS_UPDATED ||
           metric == METRIC_ROWS_DELETED;
}

static void list_intervals(const struct rehearsal *rehearsal, const char *table, bool reading,
                           struct outcome *outcome)
{
    size_t listed = 0;
    for (size_t i = 0; i < rehearsal->interval_count && listed < LISTED_INTERVALS; i++) {
        const struct rehearsed_interval *interval = &rehearsal->intervals[i];
        char blocked[SPAN_TEXT_SIZE], took[SPAN_TEXT_SIZE];
        if ((table && strcmp(table, interval->table) != 0) || (reading && !interval->reading))
            continue;
        listed++;
        span_format(interval->to_us - interval->from_us, blocked);
        span_format(interval->taker.duration_us, took);
        outcome_detail(
            outcome, "%s: %s for %s, by a lock (%s) of: %s (%s)", interval->table,
            interval->reading ? "not read or written" : "not written", blocked, interval->mode,
            *interval->taker.text ? interval->taker.text : "a statement not known", took);
        for (size_t j = 0; j < REHEARSED_DURING && *interval->during[j].text; j++) {
            span_format(interval->during[j].duration_us, took);
            outcome_detail(outcome, "    held during: %s (%s)", interval->during[j].text, took);
        }
    }
}

static void list_rows(const struct rehearsal *rehearsal, enum metric metric,
                      struct outcome *outcome)
{
    size_t listed = 0;
    for (size_t i = 0; i < rehearsal->table_count && listed < LISTED_TABLES; i++) {
        const struct rehearsed_table *table = &rehearsal->tables[i];
        int64_t rows = measure_table(table, metric);
        if (rows == 0 || table->of_tool)
            continue;
        listed++;
        outcome_detail(outcome, "%s: %" PRId64 " row%s", table->name, rows, plural(rows));
    }
}

/* True: it cannot be judged, and the outcome says why. */
static bool is_unknown(const struct judging *judging, enum metric metric, struct outcome *outcome)
{
    const struct rehearsal *rehearsal = judging->rehearsal;
    if (!went_well(&rehearsal->command) || !rehearsal->command.connected)
        outcome_skip(outcome, "not judged, because `%s` did not pass", succeeds);
    else if (is_of_rows(metric) && !rehearsal->rows_known)
        outcome_error(outcome,
                      "PostgreSQL %.20s does not count rows without a network: such expectations "
                      "need 15 or newer",
                      judging->facts->server.version);
    else if (metric == METRIC_LOST_ON_RETURN && !rehearsal->after_back.known)
        outcome_skip(outcome, "not judged, because `%s` did not pass", back_succeeds);
    else
        return false;
    return true;
}

static void judge_expectation(const struct judging *judging, const struct expectation *expectation,
                              struct outcome *outcome)
{
    const struct rehearsal *rehearsal = judging->rehearsal;
    enum metric metric = expectation->metric;
    const struct rehearsed_table *table = NULL;
    cleanup(free_pointer) char *name = metric_name(expectation);
    char text[SPAN_TEXT_SIZE];
    if (is_unknown(judging, metric, outcome))
        return;
    if (expectation->arguments.count > 0 &&
        !(table = table_of(rehearsal, expectation->arguments.items[0], outcome)))
        return;
    int64_t measured = metric == METRIC_DURATION           ? rehearsal->command.duration_us
                       : metric == METRIC_TABLES_REWRITTEN ? rehearsal_rewritten(rehearsal)
                       : table                             ? measure_table(table, metric)
                                                           : measure_all(rehearsal, metric);
    bool of_time = is_longest(metric) || metric == METRIC_DURATION;
    if (of_time)
        span_format(measured, text);
    else
        snprintf(text, sizeof(text), "%" PRId64, measured);
    session_judge(expectation, name, of_time ? (long double)measured / 1e6L : (long double)measured,
                  text, outcome);
    if (outcome->verdict == VERDICT_PASS && !outcome->warn)
        return;
    if (is_longest(metric))
        list_intervals(rehearsal, table ? table->name : NULL, metric == METRIC_READ_BLOCKED,
                       outcome);
    else if (is_of_rows(metric) || metric == METRIC_LOST_ON_RETURN)
        list_rows(rehearsal, metric, outcome);
    for (size_t i = 0; i < rehearsal->table_count && metric == METRIC_TABLES_REWRITTEN; i++)
        if (rehearsal->tables[i].rewritten)
            outcome_detail(outcome, "%s was rewritten", rehearsal->tables[i].name);
}

/* --- what is left, and the way back ----------------------------------------------------------- */

/* A constraint that is NOT VALID is often meant so; an index that is not valid never is. */
static void judge_unsound(const struct judging *judging, struct outcome *outcome)
{
    const struct rehearsal *rehearsal = judging->rehearsal;
    cleanup(free_pointer) char *first =
        xstrndup(rehearsal->unsound, strcspn(rehearsal->unsound, "\n"));
    if (is_unknown(judging, METRIC_DURATION, outcome))
        return;
    if (!*first)
        outcome_pass(outcome, "no index, no constraint");
    else if (strstr(rehearsal->unsound, "the index "))
        outcome_fail(outcome, "an index is left that is not used: %s", first);
    else
        outcome_warn(outcome, "%s: validate it later", first);
    if (strchr(rehearsal->unsound, '\n'))
        outcome_detail(outcome, "%s", rehearsal->unsound);
}

static void judge_back(const struct judging *judging, struct outcome *outcome)
{
    const struct rehearsal *rehearsal = judging->rehearsal;
    char duration[SPAN_TEXT_SIZE];
    span_format(rehearsal->back.duration_us, duration);
    outcome->duration_ms = rehearsal->back.duration_us / 1000;
    if (is_unknown(judging, METRIC_DURATION, outcome))
        return;
    if (*rehearsal->back_problem)
        outcome_mistake(outcome, "%s", rehearsal->back_problem);
    else if (!went_well(&rehearsal->back))
        tell_failure(judging, &rehearsal->back, "the way back", outcome);
    else if (strcmp(rehearsal->revision_back, rehearsal->revision_before) != 0)
        outcome_fail(outcome, "the way back ended at revision %s; before it was %s",
                     *rehearsal->revision_back ? rehearsal->revision_back : "none",
                     *rehearsal->revision_before ? rehearsal->revision_before : "none");
    else
        outcome_pass(outcome, "%s%s%s", duration, *rehearsal->revision_back ? ", back at " : "",
                     rehearsal->revision_back);
}

static void judge_return(const struct judging *judging, bool of_schema, struct outcome *outcome)
{
    const struct rehearsal *rehearsal = judging->rehearsal;
    const struct rehearsed_difference *difference = &rehearsal->after_back;
    if (is_unknown(judging, METRIC_LOST_ON_RETURN, outcome))
        return;
    if (!went_well(&rehearsal->back)) {
        outcome_skip(outcome, "not judged, because `%s` did not pass", back_succeeds);
        return;
    }
    int64_t count = of_schema ? difference->objects : difference->rows;
    if (of_schema && count > 0) {
        outcome_fail(outcome, "%" PRId64 " object%s not as before: %.*s", count,
                     count == 1 ? " is" : "s are", (int)strcspn(difference->listed, "\n"),
                     difference->listed);
        detail_lines(outcome, "against the schema before:", difference->listed);
    } else if (count > 0) {
        outcome_warn(outcome,
                     "%" PRId64 " row%s from the backup's: where that must not be, expect "
                     "`lost_on_return = 0` under migration, checks",
                     count, count == 1 ? " differs" : "s differ");
        different_tables(rehearsal, outcome);
    } else {
        outcome_pass(outcome, of_schema ? "entry by entry" : "value for value");
    }
}

/* --- all of them ------------------------------------------------------------------------------ */

static void judge_named(const struct judging *judging, const char *name, struct outcome *outcome)
{
    if (strcmp(name, succeeds) == 0)
        judge_command(judging, outcome);
    else if (strcmp(name, nothing_invalid) == 0)
        judge_unsound(judging, outcome);
    else if (strcmp(name, back_succeeds) == 0)
        judge_back(judging, outcome);
    else
        judge_return(judging, strcmp(name, back_schema) == 0, outcome);
}

void rehearsed_judge(const struct scenario *scenario, const struct rehearsal *rehearsal,
                     const struct facts *facts, const struct plan *plan, struct outcome *outcomes)
{
    const struct judging judging = {.scenario = scenario, .rehearsal = rehearsal, .facts = facts};
    const struct migration_wanted *wanted = &scenario->migration;
    for (size_t i = 0; i < plan->count; i++)
        if (i >= 1 && i <= wanted->check_count)
            judge_expectation(&judging, &wanted->checks[i - 1], &outcomes[i]);
        else
            judge_named(&judging, plan->checks[i].name, &outcomes[i]);
}
