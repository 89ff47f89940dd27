#include "commands/noticing.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "report/cases.h"

void warned_checks(const struct result *result, struct strings *ret_names)
{
    for (size_t i = 0; i < result_check_count(result); i++)
        if (case_verdict(result, i) == VERDICT_PASS && result->outcomes[i].warn)
            strings_add(ret_names, result->plan->checks[i].name);
}

/* What is asked of the bucket alone cannot depend on the backup: it may have changed meanwhile. How
 * long a restore takes depends on the machine. */
static bool may_notice(const struct check *check)
{
    if (check->concern == CONCERN_TIME)
        return false;
    return !check_is_of_objects(check) || check->needs == STAGE_RESTORE;
}

static size_t count_of(const struct result *result, enum verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < result_check_count(result); i++)
        count += case_verdict(result, i) == verdict && may_notice(&result->plan->checks[i]);
    return count;
}

static bool is_any(const struct check *check)
{
    (void)check;
    return true;
}

/* The first check of that verdict that counts, and what it said; NULL: none. */
static const struct check *first_of(const struct result *result, enum verdict verdict,
                                    bool (*counts)(const struct check *),
                                    const struct outcome **ret_outcome)
{
    static const struct outcome nothing;
    *ret_outcome = &nothing;
    for (size_t i = 0; i < result_check_count(result); i++)
        if (case_verdict(result, i) == verdict && counts(&result->plan->checks[i])) {
            *ret_outcome = &result->outcomes[i];
            return &result->plan->checks[i];
        }
    return NULL;
}

/* The message without the directory that only we know; to be freed by the caller. */
static char *quoted(const struct outcome *said, const char *directory)
{
    struct buffer words;
    cleanup(free_pointer) char *message = xstrndup(said->message, sizeof(said->message));
    buffer_init(&words, sizeof(said->message));
    const char *at = message;
    for (const char *found; (found = strstr(at, directory));) {
        buffer_append(&words, at, (size_t)(found - at));
        at = found + strlen(directory) + (found[strlen(directory)] == '/');
    }
    buffer_append_text(&words, at);
    return buffer_steal(&words);
}

/* "`backup is intact` and 2 more"; to be freed by the caller. */
static char *who(const struct result *result, const struct check *first)
{
    size_t count = count_of(result, VERDICT_FAIL);
    return count > 1 ? xasprintf("`%s` and %zu more", first->name, count - 1)
                     : xasprintf("`%s`", first->name);
}

static void judge_noticed(const struct result *result, const struct sabotage_fact *fact,
                          const char *directory, struct outcome *outcome)
{
    const struct outcome *said;
    const struct check *check = first_of(result, VERDICT_FAIL, may_notice, &said);
    cleanup(free_pointer) char *names = who(result, check);
    cleanup(free_pointer) char *headline = result_headline(result);
    cleanup(free_pointer) char *message = quoted(said, directory);
    outcome_pass(outcome, "seen by %s: %s", names, fact->done);
    outcome_detail(outcome, "%s\n%s: %s", headline, check->name, message);
}

/* Red, but nobody says that the backup is bad. */
static void judge_error(const struct result *result, const struct sabotage_fact *fact,
                        const char *directory, struct outcome *outcome)
{
    const struct outcome *said;
    const struct check *check = first_of(result, VERDICT_ERROR, may_notice, &said);
    cleanup(free_pointer) char *message = quoted(said, directory);
    bool scenario = outcome_concern(said, check) == CONCERN_SCENARIO;
    if (fact->right_as_error)
        outcome_pass(outcome, "seen by `%s`, as an error: %s", check->name, fact->done);
    else if (scenario && !fact->must)
        outcome_warn(outcome, "%s: verify is red, but `%s` takes it for a mistake of the scenario",
                     fact->done, check->name);
    else
        outcome_error(outcome,
                      "%s: verify does not say that the backup is bad, but that it could not look: "
                      "`%s`: %s",
                      fact->done, check->name, message);
    outcome_detail(outcome, "%s: %s", check->name, message);
}

/* A check that warns now and did not before; NULL: none. */
static const struct check *new_warning(const struct result *result, const struct strings *before,
                                       const struct outcome **ret_outcome)
{
    for (size_t i = 0; i < result_check_count(result); i++) {
        const struct check *check = &result->plan->checks[i];
        *ret_outcome = &result->outcomes[i];
        if (case_verdict(result, i) == VERDICT_PASS && result->outcomes[i].warn &&
            !strings_contain(before, check->name))
            return check;
    }
    return NULL;
}

static void judge_green(const struct result *result, const struct sabotage_fact *fact,
                        const struct strings *before, const char *directory,
                        struct outcome *outcome)
{
    const struct outcome *said;
    const struct check *check = new_warning(result, before, &said);
    cleanup(free_pointer) char *warning = check ? quoted(said, directory) : NULL;
    cleanup(free_pointer) char *words =
        check ? xasprintf("%s: only `%s` warned", fact->done, check->name)
              : xasprintf("%s: nobody noticed", fact->done);
    const char *remedy = *fact->remedy ? "; " : "";
    if (fact->must)
        outcome_fail(outcome, "%s, and every scenario must", words);
    else
        outcome_warn(outcome, "%s%s%s", words, remedy, fact->remedy);
    outcome->concern = CONCERN_ALARM;
    if (check)
        outcome_detail(outcome, "%s: %s", check->name, warning);
}

void noticing_judge(const struct result *result, const struct sabotage_fact *fact,
                    const struct strings *before, const char *directory, struct outcome *outcome)
{
    if (count_of(result, VERDICT_FAIL) > 0)
        judge_noticed(result, fact, directory, outcome);
    else if (count_of(result, VERDICT_ERROR) > 0)
        judge_error(result, fact, directory, outcome);
    else if (result_check_count(result) == 0 || count_of(result, VERDICT_SKIP) > 0)
        outcome_error(outcome, "%s: verify did not look at everything", fact->done);
    else
        judge_green(result, fact, before, directory, outcome);
}

bool noticing_is_green(const struct result *result, struct outcome *outcome)
{
    const struct outcome *said;
    const struct check *check = first_of(result, VERDICT_FAIL, is_any, &said);
    int code = result_exit_code(result);
    if (code == 0) {
        outcome_pass(outcome, "every check passed");
        return true;
    }
    if (!check)
        check = first_of(result, VERDICT_ERROR, is_any, &said);
    cleanup(free_pointer) char *words =
        check ? xasprintf("`%s`: %.*s", check->name, (int)sizeof(said->message), said->message)
              : xstrdup("not every check was run");
    if (code == 1)
        outcome_fail(outcome, "the undamaged backup is not green: %s", words);
    else
        outcome_error(outcome, "the undamaged backup is not green: %s", words);
    if (check)
        outcome->concern = outcome_concern(said, check);
    return false;
}
