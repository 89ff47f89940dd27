/* Numbers against what is expected of them. */
#include <math.h>

#include "scenario/expectation.h"

bool comparison_holds(enum comparison comparison, long double left, long double right)
{
    if (isnan(left) || isnan(right))
        return false; /* not even `!=`: what is no number proves nothing */
    switch (comparison) {
    case COMPARE_EQUAL:
    case COMPARE_SAME_AS:
        return left == right;
    case COMPARE_NOT_EQUAL:
        return left != right;
    case COMPARE_LESS:
        return left < right;
    case COMPARE_LESS_OR_EQUAL:
        return left <= right;
    case COMPARE_GREATER:
        return left > right;
    case COMPARE_GREATER_OR_EQUAL:
        return left >= right;
    case COMPARE_BETWEEN: /* has two other sides */
        break;
    }
    return false;
}

bool change_holds(const struct expectation *expectation, long double change)
{
    if (expectation->comparison == COMPARE_BETWEEN)
        return comparison_holds(COMPARE_GREATER_OR_EQUAL, change, expectation->low) &&
               comparison_holds(COMPARE_LESS_OR_EQUAL, change, expectation->high);
    return comparison_holds(expectation->comparison, change, expectation->low);
}

bool expectation_holds(const struct expectation *expectation, long double measured)
{
    if (expectation->comparison == COMPARE_SAME_AS || expectation->change || expectation->anomaly)
        return false;
    return change_holds(expectation, measured);
}

bool expectation_asks_history(const struct expectation *expectation)
{
    bool of_run =
        expectation->metric == METRIC_RESTORE_TIME || expectation->metric == METRIC_BACKUP_SIZE;
    return expectation->anomaly ||
           (expectation->change && (of_run || expectation->last_nights > 0));
}
