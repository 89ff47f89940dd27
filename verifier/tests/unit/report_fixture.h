/* Results to report on, made by hand. */
#ifndef TESTS_UNIT_REPORT_FIXTURE_H
#define TESTS_UNIT_REPORT_FIXTURE_H

#include "report/report.h"

enum { SAMPLE_CHECKS = 80 };

struct sample {
    struct facts facts;
    struct check checks[SAMPLE_CHECKS];
    struct outcome outcomes[SAMPLE_CHECKS];
    struct plan plan;
    struct result result; /* points at all of the above */
};

struct sample *sample_new(const char *scenario); /* without checks and with empty facts */
void sample_free(struct sample *sample);

/* `name` is borrowed. The outcome can be changed further. */
struct outcome *sample_add(struct sample *sample, const char *group, const char *name,
                           enum verdict verdict, const char *message);
void sample_value(struct outcome *outcome, const char *name, const char *text);

/* A restore of which everything is known, with one check of each verdict. */
struct sample *sample_mixed(void);

char *print_json(const struct result *results, size_t count);
char *print_console(const struct result *results, size_t count, bool color, bool verbose);

#endif
