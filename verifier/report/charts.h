/* Small charts as SVG in a page: a number over time. */
#ifndef REPORT_CHARTS_H
#define REPORT_CHARTS_H

#include <libxml/tree.h>
#include <stdint.h>
#include <time.h>

struct chart_point {
    time_t time;
    int64_t value;
};

/* A line through the points, the oldest first, with its largest value and its first and last day
 * written on its axes. `words` writes a value (freed by the caller). Fewer than two points make no
 * chart. */
void chart_add(xmlNode *parent, const char *title, const struct chart_point *points, size_t count,
               char *(*words)(int64_t value));

/* Something that lasts, on a line of its own. */
struct chart_bar {
    const char *name;
    const char *words; /* of hovering */
    const char *class; /* of the style, or NULL */
    double from, to;
};

/* Bars below each other, on an axis from 0 to `whole` whose end is written as `end`. `label` is for
 * those who cannot see it. */
void chart_add_bars(xmlNode *parent, const char *label, const struct chart_bar *bars, size_t count,
                    double whole, const char *end);

#endif
