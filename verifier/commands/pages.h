/* What the page of all scenarios (report/page.h), their metrics and the evidence are made from, and
 * the writing of the first two. */
#ifndef COMMANDS_PAGES_H
#define COMMANDS_PAGES_H

#include "base/error.h"
#include "commands/loading.h"
#include "report/page.h"

/* Scenarios with what is known of their runs. */
struct sources {
    struct source {
        char *name;
        struct history_entries entries;
        char *path;    /* where the history lies */
        char *problem; /* as in report/page.h */
        char *report;
        char *migration;
        char *alarm;
        const char *alarm_word;
        int64_t keep_s; /* how long lines are kept; 0: not known */
        int exit_code;  /* of what was gathered from directories (gathering.h) */
    } * items;
    size_t count;
};

/* With their own histories; a scenario that is wrong and a history that cannot be read are told on
 * the page, and what a history passes over on standard error. */
void sources_read(const struct loaded *loaded, const char *reports, struct sources *ret_sources);
void sources_free(struct sources *sources);

/* For report/; borrows all from the sources; freed by the caller. */
struct page_scenario *sources_told(const struct sources *sources);

/* `max_age_s` is how long ago a verification may be that proves a backup; 0: the usual. `metrics`
 * is a file (report/metrics.h); NULL: none. */
int sources_write_pages(const struct sources *sources, int64_t max_age_s, const char *reports,
                        const char *metrics, struct error *error);

/* The first and the last together. */
int write_pages(const struct loaded *loaded, int64_t max_age_s, const char *reports,
                const char *metrics, struct error *error);

#endif
