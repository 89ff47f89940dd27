/* What every report is written from: the checks of a result with their verdicts, as texts that may
 * be shown (text.h), taken out of shared memory that a crashed process may have left in any state.
 */
#ifndef REPORT_CASES_H
#define REPORT_CASES_H

#include "report/report.h"

struct report_value {
    char *name;
    char *text;
};

struct report_case {
    char *group;
    const char *type;     /* of a failure or an error, for programs */
    char *name;           /* unique within its result */
    char *database;       /* of several, the one that it looks at; or NULL */
    enum verdict verdict; /* never VERDICT_NONE: a check that said nothing is an error */
    bool warn;
    int64_t duration_ms;
    char *message; /* never "" unless it passed */
    char *details; /* lines, or "" */
    struct report_value values[OUTCOME_VALUES];
    size_t value_count;
};

struct cases {
    struct report_case *items;
    size_t count; /* at least 1; a case more than checks when only that makes the result red */
};

void cases_build(const struct result *result, struct cases *ret_cases);
void cases_free(struct cases *cases);

/* What it said, on one line: of a check that passed without a word, the values that it saw; freed
 * by the caller. */
char *case_seen(const struct report_case *one);

/* The verdict of check `index` of the plan. */
enum verdict case_verdict(const struct result *result, size_t index);

/* Was check `index` left out of a partial run? */
bool case_is_left_out(const struct result *result, size_t index);

size_t result_check_count(const struct result *result);

/* Of a run that damages copies: how many it tried, and how many were noticed (may be NULL). */
size_t result_damages(const struct result *result, size_t *ret_noticed);

/* From the run's beginning to the end of the last thing that is known to have ended. */
int64_t result_duration_ms(const struct result *result);

/* The name that the report's file has, without its ending; to be freed by the caller. */
char *result_file_name(const struct result *result);

/* What is particular to each kind of report. */
struct kind_words {
    const char *suffix; /* of the scenario's name, for files and suites */
    const char *type;   /* of an error, for programs */
    const char *passed; /* headlines */
    const char *not_done;
};
const struct kind_words *result_kind(const struct result *result);

/* For programs, what a failure or an error is about; borrowed. */
const char *concern_type(enum concern concern);

#endif
