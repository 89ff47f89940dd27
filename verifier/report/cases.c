#include "report/cases.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/text.h"

size_t result_check_count(const struct result *result)
{
    return result->plan ? result->plan->count : 0;
}

enum verdict case_verdict(const struct result *result, size_t index)
{
    if (!result->outcomes)
        return VERDICT_ERROR;
    switch (result->outcomes[index].verdict) {
    case VERDICT_PASS:
    case VERDICT_FAIL:
    case VERDICT_SKIP:
        return result->outcomes[index].verdict;
    case VERDICT_NONE:
    case VERDICT_ERROR:
        break;
    }
    return VERDICT_ERROR; /* also for a number that is no verdict at all */
}

bool case_is_left_out(const struct result *result, size_t index)
{
    return result->outcomes && result->outcomes[index].left_out &&
           case_verdict(result, index) == VERDICT_SKIP;
}

static const char *message_for_nothing(const struct report_case *one, bool spoke)
{
    if (!spoke)
        return "nothing is proven: the run is still going on, or it was killed before its end";
    switch (one->verdict) {
    case VERDICT_PASS:
        return one->warn ? "passed with a warning that was not said" : "";
    case VERDICT_FAIL:
        return "failed, and did not say why";
    case VERDICT_SKIP:
        return "skipped, and did not say why";
    case VERDICT_NONE:
    case VERDICT_ERROR:
        break;
    }
    return "could not be looked at, and did not say why";
}

static void case_fill(const struct result *result, size_t index, struct report_case *one)
{
    static const struct outcome nothing;
    const struct outcome *outcome = result->outcomes ? &result->outcomes[index] : &nothing;
    one->verdict = case_verdict(result, index);
    enum concern concern = outcome_concern(outcome, &result->plan->checks[index]);
    one->type = one->verdict == VERDICT_FAIL || concern == CONCERN_SCENARIO
                    ? concern_type(concern)
                    : result_kind(result)->type;
    one->warn = one->verdict == VERDICT_PASS && outcome->warn;
    one->duration_ms = outcome->duration_ms > 0 ? outcome->duration_ms : 0;
    one->message = text_clean(outcome->message, sizeof(outcome->message), TEXT_BLOCK);
    one->details = text_clean(outcome->details, sizeof(outcome->details), TEXT_BLOCK);
    if (one->message[0] == '\0') {
        bool spoke = outcome->verdict != VERDICT_NONE;
        free(one->message);
        one->message = xstrdup(message_for_nothing(one, spoke));
    }
    one->value_count =
        outcome->value_count < OUTCOME_VALUES ? outcome->value_count : OUTCOME_VALUES;
    for (size_t i = 0; i < one->value_count; i++) {
        one->values[i].name = clean_line(outcome->values[i].name);
        one->values[i].text = clean_line(outcome->values[i].text);
    }
}

static bool name_is_taken(const struct cases *cases, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(cases->items[i].name, name) == 0)
            return true;
    return false;
}

/* Readers drop or merge a second case of the same name, and with it perhaps the failure. */
static char *unique_name(const struct cases *cases, size_t index, const char *name)
{
    cleanup(free_pointer) char *clean = text_line(name);
    if (clean[0] == '\0') {
        free(clean);
        clean = xstrdup("check without a name");
    }
    if (!name_is_taken(cases, index, clean))
        return take(&clean);
    for (size_t number = 2;; number++) {
        cleanup(free_pointer) char *numbered = xasprintf("%s (%zu)", clean, number);
        if (!name_is_taken(cases, index, numbered))
            return take(&numbered);
    }
}

/* Dashboards know neither the exit code nor that a skip may be no good: without an error among the
 * cases they would show green where the exit code is 2. */
static void add_missing_error(const struct result *result, struct cases *cases)
{
    struct totals totals;
    result_totals(result, &totals);
    if (result_exit_code(result) != 2 || totals.errors > 0)
        return;
    struct report_case one = {
        .verdict = VERDICT_ERROR, .group = xstrdup("run"), .type = result_kind(result)->type};
    one.details = xstrdup("");
    if (result->kind == REPORT_SABOTAGE) {
        one.name = xstrdup("restore-verifier: no damage was tried");
        one.message = xstrdup("no damage could be tried, so nothing is proven about the alarm");
    } else if (totals.checks == totals.left_out) {
        one.name = xstrdup("restore-verifier: no check was run");
        one.message = xstrdup("no check was run, so nothing is proven about this backup");
    } else {
        one.name = unique_name(cases, cases->count, "restore-verifier: checks were skipped");
        one.message = xasprintf("%d of %d check%s %s skipped and no failure explains why, so this "
                                "backup is not verified",
                                totals.skipped, totals.checks, totals.checks == 1 ? "" : "s",
                                totals.skipped == 1 ? "was" : "were");
    }
    size_t place = 0; /* with the others that are not about one of several databases */
    while (place < cases->count && !cases->items[place].database)
        place++;
    memmove(&cases->items[place + 1], &cases->items[place],
            (cases->count - place) * sizeof(*cases->items));
    cases->items[place] = one;
    cases->count++;
}

void cases_build(const struct result *result, struct cases *ret_cases)
{
    size_t count = result_check_count(result);
    struct cases cases = {xcalloc(count + 1, sizeof(*cases.items)), count};
    for (size_t i = 0; i < count; i++) {
        case_fill(result, i, &cases.items[i]);
        cases.items[i].group = text_line(result->plan->checks[i].group);
        if (result->plan->checks[i].database)
            cases.items[i].database = text_line(result->plan->checks[i].database);
        cases.items[i].name = unique_name(&cases, i, result->plan->checks[i].name);
    }
    add_missing_error(result, &cases);
    *ret_cases = cases;
}

char *case_seen(const struct report_case *one)
{
    if (one->message[0] != '\0')
        return xstrndup(one->message, strcspn(one->message, "\n"));
    if (one->value_count == 1)
        return xstrdup(one->values[0].text);
    char *all = xstrdup("");
    for (size_t i = 0; i < one->value_count; i++) {
        char *longer = xasprintf("%s%s%s %s", all, i > 0 ? ", " : "", one->values[i].name,
                                 one->values[i].text);
        free(all);
        all = longer;
    }
    return all;
}

void cases_free(struct cases *cases)
{
    for (size_t i = 0; i < cases->count; i++) {
        struct report_case *one = &cases->items[i];
        free(one->group);
        free(one->database);
        free(one->name);
        free(one->message);
        free(one->details);
        for (size_t j = 0; j < one->value_count; j++) {
            free(one->values[j].name);
            free(one->values[j].text);
        }
    }
    free(cases->items);
    *cases = (struct cases){0};
}

int64_t result_duration_ms(const struct result *result)
{
    if (!result->facts || result->facts->began_ms == 0)
        return 0;
    int64_t end_ms = result->facts->began_ms;
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        const struct stage_fact *stage = &result->facts->stages[i];
        bool ended = stage->state == STAGE_DONE || stage->state == STAGE_FAILED;
        if (ended && stage->started_ms + stage->duration_ms > end_ms)
            end_ms = stage->started_ms + stage->duration_ms;
    }
    for (size_t i = 0; result->outcomes && i < result_check_count(result); i++) {
        const struct outcome *outcome = &result->outcomes[i];
        if (outcome->started_ms > 0 && outcome->started_ms + outcome->duration_ms > end_ms)
            end_ms = outcome->started_ms + outcome->duration_ms;
    }
    return end_ms - result->facts->began_ms;
}

char *result_file_name(const struct result *result)
{
    const char *slash = strrchr(result->scenario, '/');
    char *name = xstrdup(slash ? slash + 1 : result->scenario);
    size_t length = strlen(name);
    if (ends_with(name, ".yaml"))
        name[length - strlen(".yaml")] = '\0';
    else if (ends_with(name, ".yml"))
        name[length - strlen(".yml")] = '\0';
    for (char *c = name; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' || (*c == '.' && c != name);
        if (!plain)
            *c = '_';
    }
    if (name[0] == '\0') {
        free(name);
        name = xstrdup("unnamed");
    }
    if (strlen(name) > 200)
        name[200] = '\0'; /* file systems take 255 with the endings */
    char *whole = xasprintf("%s%s", name, result_kind(result)->suffix);
    free(name);
    return whole;
}
