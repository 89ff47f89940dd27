#include "report/page.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "report/gate_words.h"
#include "report/html.h"
#include "report/page_parts.h"
#include "report/page_style.h"
#include "report/text.h"

/* A restore that took so much longer than twice its usual time is worth a word. */
enum { SLOWER_AT_LEAST_MS = 30000 };

/* Worst first: what has to be looked at stands on top. */
static int by_state(const void *one, const void *other)
{
    const struct standing *left = one, *right = other;
    if (left->severity != right->severity)
        return right->severity - left->severity;
    return strcmp(left->scenario->name, right->scenario->name);
}

static const struct {
    int severity;
    const char *class;
} looks[] = {
    [GATE_PROVEN] = {0, "good"},      [GATE_RED] = {5, "bad"},   [GATE_SLOW] = {4, "bad"},
    [GATE_OLD_BACKUP] = {2, "doubt"}, [GATE_OLD] = {3, "doubt"}, [GATE_NEVER] = {1, "doubt"},
    [GATE_UNKNOWN] = {1, "doubt"},
};

/* Proven, and yet something for a person to see: who needs the backup would wait. "" otherwise. */
static char *slower_words(const struct history_entries *entries, const struct gate *gate)
{
    int64_t usual_ms = restore_usual_ms(entries, gate->proven);
    if (usual_ms <= 0 || gate->restore_ms == INT64_MAX ||
        gate->restore_ms < 2 * usual_ms + SLOWER_AT_LEAST_MS)
        return xstrdup("");
    char usual[DURATION_TEXT_SIZE];
    duration_format(usual_ms, usual);
    return xasprintf("; usually the restore takes %s", usual);
}

/* As if there were nothing else: gives whether there is such a thing. */
static bool stand_by_alarm(const struct page_scenario *scenario, struct standing *standing)
{
    if (!scenario->alarm)
        return false;
    standing->word = scenario->alarm_word;
    standing->class = "bad";
    standing->severity = 5;
    standing->sentence = xstrdup(scenario->alarm);
    standing->sentence[0] = (char)toupper((unsigned char)standing->sentence[0]);
    return true;
}

static void stand(const struct page_scenario *scenario, const struct gate_limits *limits,
                  time_t now, struct standing *ret_standing)
{
    *ret_standing = (struct standing){.scenario = scenario, .now = now};
    if (!scenario->problem)
        gate_judge(scenario->entries, limits, now, &ret_standing->gate);
    if (stand_by_alarm(scenario, ret_standing))
        return;
    if (scenario->problem) {
        ret_standing->word = "unknown";
        ret_standing->class = "doubt";
        ret_standing->severity = 3;
        ret_standing->sentence = xasprintf("The history cannot be read: %s", scenario->problem);
        return;
    }
    enum gate_state state = ret_standing->gate.state;
    ret_standing->word = gate_word(state);
    ret_standing->class = looks[state].class;
    ret_standing->severity = looks[state].severity;
    cleanup(free_pointer) char *sentence =
        gate_sentence(&ret_standing->gate, limits, now, scenario->path);
    cleanup(free_pointer) char *slower = slower_words(scenario->entries, &ret_standing->gate);
    sentence[0] = (char)toupper((unsigned char)sentence[0]);
    ret_standing->sentence = xasprintf("%s%s", sentence, slower);
    if (*slower && state == GATE_PROVEN) {
        ret_standing->class = "doubt";
        ret_standing->severity = 1;
    }
}

/* --- what stands above all -------------------------------------------------------------------- */

static void add_header(xmlNode *body, const struct standing *standings, size_t count, time_t now)
{
    char date[TIME_TEXT_SIZE];
    size_t proven = 0;
    for (size_t i = 0; i < count; i++)
        proven += !standings[i].scenario->problem && !standings[i].scenario->alarm &&
                  standings[i].gate.state == GATE_PROVEN;
    time_format_utc(now, date);
    xmlNode *header = html_add(body, "header", NULL, NULL);
    html_add(header, "h1", NULL, "Backups, and whether they restore");
    cleanup(free_pointer) char *words =
        count == 0    ? xstrdup("There is no scenario.")
        : count == 1  ? xasprintf("The one is %sproven.", proven == 1 ? "" : "not ")
        : proven == 0 ? xasprintf("None of the %zu is proven.", count)
        : proven == count
            ? xasprintf("All %zu are proven.", count)
            : xasprintf("%zu of %zu %s proven.", proven, count, proven == 1 ? "is" : "are");
    html_add(header, "p", proven == count && count > 0 ? "badge good" : "badge bad", words);
    cleanup(free_pointer) char *when = xasprintf("As of %s. Nights are days in UTC.", date);
    html_add(header, "p", "faint", when);
}

static void add_overview(xmlNode *main, const struct standing *standings, size_t count)
{
    static const char *const heads[] = {"State", "Scenario", "What is known"};
    xmlNode *wide = html_add(main, "div", "wide", NULL);
    html_set(wide, "tabindex", "0");
    html_set(wide, "role", "region");
    html_set(wide, "aria-label", "All scenarios");
    xmlNode *table = html_add(wide, "table", NULL, NULL);
    xmlNode *head = html_add(html_add(table, "thead", NULL, NULL), "tr", NULL, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(heads); i++)
        html_set(html_add(head, "th", NULL, heads[i]), "scope", "col");
    xmlNode *rows = html_add(table, "tbody", NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct standing *standing = &standings[i];
        cleanup(free_pointer) char *class = xasprintf("badge %s", standing->class);
        xmlNode *row = html_add(rows, "tr", NULL, NULL);
        html_add(html_add(row, "td", NULL, NULL), "span", class, standing->word);
        xmlNode *link =
            html_add(html_add(row, "td", NULL, NULL), "a", NULL, standing->scenario->name);
        html_setf(link, "href", "#s%zu", i);
        html_add(row, "td", "text", standing->sentence);
    }
}

/* --- one scenario ----------------------------------------------------------------------------- */

static void add_scenario(xmlNode *main, const struct standing *standing, size_t index)
{
    cleanup(free_pointer) char *class = xasprintf("badge %s", standing->class);
    xmlNode *section = html_add(main, "section", NULL, NULL);
    html_setf(section, "id", "s%zu", index);
    xmlNode *title = html_add(section, "h2", NULL, NULL);
    html_add(title, "span", class, standing->word);
    html_text(title, standing->scenario->name);
    html_add(section, "p", NULL, standing->sentence);
    if (!standing->scenario->problem) {
        page_add_since(section, standing);
        page_add_nights(section, standing);
        page_add_facts(section, standing);
        page_add_charts(section, standing);
        page_add_schema(section, standing);
    }
    page_add_checks(section, standing->scenario->name, standing->scenario->report);
    page_add_locks(section, standing->scenario->name, standing->scenario->migration);
    if (!standing->scenario->problem)
        page_add_runs(section, standing);
}

int page_write(const struct page_scenario *scenarios, size_t count,
               const struct gate_limits *limits, time_t now, const char *reports,
               struct error *error)
{
    cleanup(free_pointer) struct standing *standings = xcalloc(count + 1, sizeof(*standings));
    for (size_t i = 0; i < count; i++)
        stand(&scenarios[i], limits, now, &standings[i]);
    qsort(standings, count, sizeof(*standings), by_state);
    xmlNode *body;
    xmlDoc *page = html_new("Backups, and whether they restore", page_style, &body);
    add_header(body, standings, count, now);
    xmlNode *main = html_add(body, "main", NULL, NULL);
    add_overview(main, standings, count);
    for (size_t i = 0; i < count; i++)
        add_scenario(main, &standings[i], i);
    cleanup(free_pointer) char *path = xasprintf("%s/index.html", reports);
    int outcome = html_write(page, path, error);
    html_free(page);
    for (size_t i = 0; i < count; i++)
        free(standings[i].sentence);
    return outcome;
}
