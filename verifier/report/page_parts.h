/* The parts of what reports/index.html says of one scenario. Used by page.c alone. */
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

/* A table that can be folded up; gives the place for its rows. */
xmlNode *page_add_table(xmlNode *section, const char *scenario, const char *title,
                        const char *const *heads, size_t count);

/* page_checks.c: from the JUnit report of the last run, where there is one. */
void page_add_checks(xmlNode *section, const char *scenario, const char *reports);

#endif
