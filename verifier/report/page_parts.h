/* The parts of what reports/index.html says of one scenario, and words that evidence has as well.
 */
#ifndef REPORT_PAGE_PARTS_H
#define REPORT_PAGE_PARTS_H

#include <libxml/tree.h>

#include "report/page.h"

/* How a scenario's backup stands. */
struct standing {
    const struct page_scenario *scenario;
    struct gate gate; /* nothing is in it where the history could not be read */
    time_t now;
    const char *word;  /* "proven" */
    const char *class; /* of the style: good, bad, doubt */
    int severity;
    char *sentence;
};

/* page_parts.c */
void page_add_since(xmlNode *section, const struct standing *standing);
void page_add_nights(xmlNode *section, const struct standing *standing);
void page_add_facts(xmlNode *section, const struct standing *standing);
void page_add_charts(xmlNode *section, const struct standing *standing);
void page_add_schema(xmlNode *section, const struct standing *standing);
void page_add_runs(xmlNode *section, const struct standing *standing);

/* What is looked at as the night's run: a verification of the latest backup. */
bool is_night(const struct history_entry *entry);

/* Words for people; freed by the caller. */
char *moment_words(time_t time); /* "2026-07-01 02:00 UTC" */
char *duration_words(int64_t duration_ms);
char *size_words(int64_t size_bytes);
char *count_words(int64_t count);
int64_t rows_in_all(const struct history_entry *entry);
char *revisions_of(const struct history_entry *entry); /* of migrations */

/* A table that can be folded up; gives the place for its rows. */
xmlNode *page_add_table(xmlNode *section, const char *scenario, const char *title,
                        const char *const *heads, size_t count);

/* page_checks.c: from the JUnit report of the last run, where there is one; NULL: nowhere. */
void page_add_checks(xmlNode *section, const char *scenario, const char *path);

/* page_locks.c: what the last rehearsal of a migration kept from whom, from its JUnit report. */
void page_add_locks(xmlNode *section, const char *scenario, const char *path);

#endif
