#include "report/report.h"

#include <string.h>

#include "report/cases.h"

void result_totals(const struct result *result, struct totals *ret_totals)
{
    struct totals totals = {.checks = (int)result_check_count(result)};
    for (size_t i = 0; i < result_check_count(result); i++) {
        if (case_is_left_out(result, i)) {
            totals.left_out++;
            continue;
        }
        switch (case_verdict(result, i)) {
        case VERDICT_PASS:
            totals.passed++;
            totals.warnings += result->outcomes[i].warn;
            break;
        case VERDICT_FAIL:
            totals.failed++;
            break;
        case VERDICT_SKIP:
            totals.skipped++;
            break;
        case VERDICT_NONE:
        case VERDICT_ERROR:
            totals.errors++;
            break;
        }
    }
    *ret_totals = totals;
}

size_t result_damages(const struct result *result, size_t *ret_noticed)
{
    size_t tried = 0;
    size_t noticed = 0;
    for (size_t i = 0; i < result_check_count(result); i++) {
        if (strcmp(result->plan->checks[i].group, DAMAGE_GROUP) != 0 ||
            case_verdict(result, i) == VERDICT_SKIP)
            continue;
        tried++;
        noticed += case_verdict(result, i) == VERDICT_PASS && !result->outcomes[i].warn;
    }
    if (ret_noticed)
        *ret_noticed = noticed;
    return tried;
}

int result_exit_code(const struct result *result)
{
    struct totals totals;
    result_totals(result, &totals);
    if (totals.errors > 0 || totals.checks == totals.left_out)
        return 2;
    if (totals.failed > 0)
        return 1;
    if (result->kind == REPORT_SABOTAGE)
        return result_damages(result, NULL) == 0 ? 2 : 0;
    return totals.skipped > 0 ? 2 : 0;
}

int results_exit_code(const struct result *results, size_t count)
{
    int worst = count == 0 ? 2 : 0;
    for (size_t i = 0; i < count; i++) {
        int code = result_exit_code(&results[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}
