/* reports/index.html: how every scenario's backup stands, and how it came to that, for people.
 *
 * It is made from histories and from the JUnit reports of the last runs, is one file that asks no
 * network for anything, runs no script, and is read on a phone as on a wall. It is built as a tree
 * (html.h), so that whatever a backup or a server is called stays text.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/error.h"
#include "history/gate.h"

/* Borrowed, all of it. */
struct page_scenario {
    const char *name;
    const struct history_entries *entries;
    const char *path;      /* where the history lies */
    const char *problem;   /* why it could not be read; NULL: it was */
    const char *report;    /* the JUnit report of the last run; NULL: none, or not known */
    const char *migration; /* that of the last rehearsal of its migration */
    /* Why it is not good whatever its history says, and the word for that; NULL: nothing is. */
    const char *alarm;
    const char *alarm_word;
};

/* `reports` gets the page, which replaces the last one in one step. */
int page_write(const struct page_scenario *scenarios, size_t count,
               const struct gate_limits *limits, time_t now, const char *reports,
               struct error *error);

#endif
