/* The last rehearsal of a scenario's migration: what it came to, and which table was kept from
 * whom, when and by what. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "checks/rehearsed.h"
#include "report/charts.h"
#include "report/html.h"
#include "report/junit_read.h"
#include "report/page_parts.h"

enum { MOST = 24, DRAWN = 12 };

struct blocked {
    char *table, *what, *by;
    double from_s, to_s;
};

static char *part_of(const xmlDoc *report, size_t number, const char *part)
{
    cleanup(free_pointer) char *name = xasprintf("blocked.%zu.%s", number, part);
    return junit_property(report, name);
}

static double seconds_of(const xmlDoc *report, size_t number, const char *part)
{
    cleanup(free_pointer) char *text = part_of(report, number, part);
    double seconds = strtod(text, NULL);
    return seconds > 0 && seconds < 1e9 ? seconds : 0;
}

/* Gives how many there are. */
static size_t read_blocked(const xmlDoc *report, struct blocked blocked[MOST])
{
    size_t count = 0;
    for (; count < MOST; count++) {
        struct blocked *next = &blocked[count];
        next->table = part_of(report, count + 1, "table");
        if (!*next->table) {
            free(next->table);
            break;
        }
        next->what = part_of(report, count + 1, "what");
        next->by = part_of(report, count + 1, "by");
        next->from_s = seconds_of(report, count + 1, "from_seconds");
        next->to_s = seconds_of(report, count + 1, "to_seconds");
        if (next->to_s < next->from_s)
            next->to_s = next->from_s;
    }
    return count;
}

static char *span_words(double seconds)
{
    char text[SPAN_TEXT_SIZE];
    span_format((int64_t)(seconds * 1e6), text);
    return xstrdup(text);
}

static void draw(xmlNode *figure, const struct blocked *blocked, size_t count, double whole_s)
{
    struct chart_bar bars[DRAWN];
    char *names[DRAWN];
    cleanup(free_pointer) char *end = span_words(whole_s);
    if (count > DRAWN)
        count = DRAWN;
    for (size_t i = 0; i < count; i++) {
        const struct blocked *one = &blocked[i];
        cleanup(free_pointer) char *lasted = span_words(one->to_s - one->from_s);
        bool reading = starts_with(one->what, "reading");
        names[i] = xasprintf("%s: %s for %s", one->table,
                             reading ? "neither read nor written" : "not written", lasted);
        bars[i] = (struct chart_bar){.name = names[i],
                                     .words = one->by,
                                     .class = reading ? "harder" : NULL,
                                     .from = one->from_s,
                                     .to = one->to_s};
    }
    chart_add_bars(figure, "Which table was blocked when, while the migration ran", bars, count,
                   whole_s, end);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
}

static void add_row(xmlNode *rows, const struct blocked *blocked)
{
    cleanup(free_pointer) char *from = span_words(blocked->from_s);
    cleanup(free_pointer) char *lasted = span_words(blocked->to_s - blocked->from_s);
    xmlNode *row = html_add(rows, "tr", NULL, NULL);
    html_add(row, "td", "text", blocked->table);
    html_add(row, "td", NULL, blocked->what);
    html_add(row, "td", "number", from);
    html_add(row, "td", "number", lasted);
    html_add(row, "td", "text", blocked->by);
}

static void add_blocked(xmlNode *section, const char *scenario, const xmlDoc *report,
                        double whole_s)
{
    static const char *const heads[] = {"Table", "Not possible", "From", "For", "Because of"};
    struct blocked blocked[MOST];
    size_t count = read_blocked(report, blocked);
    double end_s = whole_s;
    for (size_t i = 0; i < count; i++)
        end_s = blocked[i].to_s > end_s ? blocked[i].to_s : end_s;
    if (count == 0)
        html_add(section, "p", NULL, "No table that was there was blocked for a millisecond.");
    else
        draw(html_add(section, "figure", NULL, NULL), blocked, count, end_s);
    xmlNode *rows = count == 0 ? NULL
                               : page_add_table(section, scenario,
                                                "What the migration blocked, the longest first",
                                                heads, ARRAY_LENGTH(heads));
    for (size_t i = 0; i < count; i++) {
        add_row(rows, &blocked[i]);
        free(blocked[i].table);
        free(blocked[i].what);
        free(blocked[i].by);
    }
}

void page_add_locks(xmlNode *section, const char *scenario, const char *path)
{
    struct error ignored;
    struct junit_told told = {0};
    if (!path || junit_read(path, &told, &ignored) != 0)
        return;
    xmlDoc *report = junit_load(path);
    cleanup(free_pointer) char *duration =
        report ? junit_property(report, "migration.duration_seconds") : xstrdup("");
    cleanup(free_pointer) char *when = moment_words(told.began);
    html_add(section, "h3", NULL, "The last rehearsal of the migration");
    cleanup(free_pointer) char *words = xasprintf("%s: %s", when, told.headline);
    html_add(section, "p", NULL, words);
    if (*duration)
        add_blocked(section, scenario, report, strtod(duration, NULL));
    if (report)
        xmlFreeDoc(report);
    junit_told_free(&told);
}
