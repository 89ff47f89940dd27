#include "report/page_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "history/period.h"
#include "report/charts.h"
#include "report/html.h"
#include "report/text.h"

enum {
    NIGHTS = 60,
    RUNS = 20,
    POINTS = 120,
    CHARTED_TABLES = 3,
    CHARTED_OBJECTS = 2,
    STAGES_MOST = 12,
    DAY_S = 86400
};

bool is_night(const struct history_entry *entry)
{
    return strcmp(entry->command, "verify") == 0 && !entry->given;
}

char *moment_words(time_t time)
{
    char text[TIME_TEXT_SIZE];
    struct tm parts;
    if (time <= 0)
        return xstrdup("not known");
    gmtime_r(&time, &parts);
    strftime(text, sizeof(text), "%F %H:%M UTC", &parts);
    return xstrdup(text);
}

char *duration_words(int64_t duration_ms)
{
    char text[DURATION_TEXT_SIZE];
    duration_format(duration_ms, text);
    return xstrdup(text);
}

char *size_words(int64_t size_bytes)
{
    char text[SIZE_TEXT_SIZE];
    size_format(size_bytes, text);
    return xstrdup(text);
}

char *count_words(int64_t count)
{
    char text[COUNT_TEXT_SIZE];
    count_format(count, text);
    return xstrdup(text);
}

/* --- since when ------------------------------------------------------------------------------- */

/* Of what is red: the first night that was, behind the last that passed. */
void page_add_since(xmlNode *section, const struct standing *standing)
{
    const struct history_entries *entries = standing->scenario->entries;
    const struct history_entry *first = NULL;
    size_t runs = 0;
    for (size_t i = 0; i < entries->count; i++) {
        const struct history_entry *entry = &entries->items[i];
        if (!is_night(entry))
            continue;
        if (entry->exit_code == 0) {
            first = NULL;
            runs = 0;
        } else if (entry->exit_code == 1) {
            first = first ? first : entry;
            runs++;
        }
    }
    if (!first)
        return;
    cleanup(free_pointer) char *since = moment_words(first->began);
    bool same = standing->gate.last && strcmp(standing->gate.last->headline, first->headline) == 0;
    cleanup(free_pointer) char *words =
        xasprintf("Red since %s, in %zu run%s%s%s", since, runs, runs == 1 ? "" : "s",
                  same ? "." : ". It began with: ", same ? "" : first->headline);
    html_add(section, "p", NULL, words);
}

/* --- nights ----------------------------------------------------------------------------------- */

/* A day's last run that could look; or else its last. */
static const struct history_entry *run_of_day(const struct history_entries *entries, time_t day)
{
    const struct history_entry *found = NULL;
    for (size_t i = 0; i < entries->count; i++) {
        const struct history_entry *entry = &entries->items[i];
        if (is_night(entry) && entry->began / DAY_S == day &&
            (!found || entry->exit_code < 2 || found->exit_code >= 2))
            found = entry;
    }
    return found;
}

static void add_night(xmlNode *strip, const struct history_entry *run, time_t day)
{
    static const struct {
        const char *class, *sign, *words;
    } looks[] = {{"good", "\xe2\x9c\x93", "verified"},
                 {"bad", "\xe2\x9c\x97", "red"},
                 {"doubt", "?", "could not look"}};
    char date[DAY_TEXT_SIZE];
    day_format(day * DAY_S, date);
    size_t look = !run ? 0 : run->exit_code == 0 ? 0 : run->exit_code == 1 ? 1 : 2;
    xmlNode *night = html_add(strip, "li", run ? looks[look].class : "none",
                              run ? looks[look].sign : "\xc2\xb7");
    if (run && run->exit_code != 0)
        html_setf(night, "title", "%s: %s: %s", date, looks[look].words, run->headline);
    else
        html_setf(night, "title", "%s: %s", date, run ? looks[look].words : "nothing happened");
}

void page_add_nights(xmlNode *section, const struct standing *standing)
{
    const struct history_entries *entries = standing->scenario->entries;
    time_t today = standing->now / DAY_S;
    time_t first = today;
    for (size_t i = 0; i < entries->count; i++)
        if (is_night(&entries->items[i]) && entries->items[i].began / DAY_S < first)
            first = entries->items[i].began / DAY_S;
    if (first < today - NIGHTS + 1)
        first = today - NIGHTS + 1;
    cleanup(free_pointer) char *title =
        today == first ? xstrdup("The last night")
                       : xasprintf("The last %lld nights", (long long)today - (long long)first + 1);
    html_add(section, "h3", NULL, title);
    xmlNode *strip = html_add(section, "ol", "strip", NULL);
    for (time_t day = first; day <= today; day++)
        add_night(strip, run_of_day(entries, day), day);
}

/* --- facts of the last night that passed ------------------------------------------------------ */

static void add_fact(xmlNode *list, const char *name, const char *value)
{
    if (!*value)
        return;
    html_add(list, "dt", NULL, name);
    html_add(list, "dd", NULL, value);
}

int64_t rows_in_all(const struct history_entry *entry)
{
    int64_t rows = 0;
    for (size_t i = 0; i < entry->tables.count; i++)
        if (entry->tables.items[i].rows > 0)
            rows += entry->tables.items[i].rows;
    return rows;
}

char *revisions_of(const struct history_entry *entry)
{
    struct strings all = {0};
    for (size_t i = 0; i < entry->versions.count; i++)
        for (size_t j = 0; j < entry->versions.items[i].versions.count; j++)
            strings_add(&all, entry->versions.items[i].versions.items[j]);
    char *words = all.count > 0 && all.count <= 5 ? strings_listed(&all)
                  : all.count > 5                 ? xasprintf("%zu applied", all.count)
                                                  : xstrdup("");
    strings_free(&all);
    return words;
}

static char *stages_of(const struct history_entry *entry)
{
    struct buffer words;
    buffer_init(&words, SIZE_MAX / 2);
    for (size_t i = 0; i < entry->stages.count; i++) {
        cleanup(free_pointer) char *took = duration_words(entry->stages.items[i].value);
        buffer_printf(&words, "%s%s %s", i == 0 ? "" : ", ", entry->stages.items[i].name, took);
    }
    return buffer_steal(&words);
}

void page_add_facts(xmlNode *section, const struct standing *standing)
{
    const struct history_entry *proven = standing->gate.proven;
    if (!proven)
        return;
    cleanup(free_pointer) char *when = moment_words(proven->began);
    cleanup(free_pointer) char *made = moment_words(proven->backup_time);
    cleanup(free_pointer) char *size = size_words(proven->backup_size_bytes);
    cleanup(free_pointer) char *rows = count_words(rows_in_all(proven));
    cleanup(free_pointer) char *in_tables = xasprintf(
        "%s in %" PRId64 " tables", rows, (int64_t)proven->tables.count + proven->tables_left_out);
    cleanup(free_pointer) char *revisions = revisions_of(proven);
    cleanup(free_pointer) char *stages = stages_of(proven);
    xmlNode *list = html_add(section, "dl", NULL, NULL);
    add_fact(list, "Last proven", when);
    add_fact(list, "Backup", proven->backup);
    add_fact(list, "Made", made);
    add_fact(list, "Size", size);
    add_fact(list, "Rows", proven->tables.count > 0 ? in_tables : "");
    add_fact(list, "Migrations", revisions);
    add_fact(list, "Restored into", proven->server);
    add_fact(list, "Time", stages);
}

/* --- charts ----------------------------------------------------------------------------------- */

typedef int64_t measure(const struct history_entry *entry, const void *context);

static int64_t restore_time(const struct history_entry *entry, const void *context)
{
    const int64_t *found = named_numbers_find(&entry->stages, "restore");
    (void)context;
    return found ? *found : NOT_COUNTED;
}

static int64_t backup_size(const struct history_entry *entry, const void *context)
{
    (void)context;
    return entry->backup_size_bytes;
}

static int64_t table_rows(const struct history_entry *entry, const void *context)
{
    const struct table_count *wanted = context;
    const struct table_count *found =
        table_counts_find(&entry->tables, wanted->schema, wanted->name);
    return found ? found->rows_total : NOT_COUNTED;
}

static int64_t of_objects(const struct history_entry *entry, const void *context)
{
    const int64_t *found = named_numbers_find(&entry->objects, context);
    return found ? *found : NOT_COUNTED;
}

/* Of nights that passed: what a bad backup measured is no trend. */
static void add_chart(xmlNode *charts, const struct history_entries *entries, const char *title,
                      measure *value_of, const void *context, char *(*words)(int64_t value))
{
    struct chart_point points[POINTS];
    size_t count = 0;
    for (size_t i = entries->count; i-- > 0 && count < POINTS;) {
        const struct history_entry *entry = &entries->items[i];
        int64_t value = is_night(entry) && entry->exit_code == 0 ? value_of(entry, context) : -1;
        if (value >= 0)
            points[POINTS - ++count] = (struct chart_point){entry->began, value};
    }
    chart_add(charts, title, points + POINTS - count, count, words);
}

/* How long each stage took; some run side by side. */
static void add_stages(xmlNode *charts, const struct history_entry *proven)
{
    struct chart_bar bars[STAGES_MOST];
    char *names[STAGES_MOST];
    size_t count = 0;
    int64_t longest_ms = 1;
    for (size_t i = 0; i < proven->stages.count && count < STAGES_MOST; i++, count++) {
        int64_t took_ms = proven->stages.items[i].value;
        cleanup(free_pointer) char *took = duration_words(took_ms);
        longest_ms = took_ms > longest_ms ? took_ms : longest_ms;
        names[count] = xasprintf("%s: %s", proven->stages.items[i].name, took);
        bars[count] =
            (struct chart_bar){.name = names[count], .words = names[count], .to = (double)took_ms};
    }
    cleanup(free_pointer) char *end = duration_words(longest_ms);
    xmlNode *figure = count > 0 ? html_add(charts, "figure", NULL, NULL) : NULL;
    if (figure) {
        html_add(figure, "figcaption", NULL, "How long each stage took when it was last proven");
        chart_add_bars(figure, "How long each stage took", bars, count, (double)longest_ms, end);
    }
    for (size_t i = 0; i < count; i++)
        free(names[i]);
}

/* Those with most rows, `count` of them. */
static size_t largest_tables(const struct history_entry *entry, const struct table_count **ret_all)
{
    size_t count = 0;
    for (size_t n = 0; n < CHARTED_TABLES; n++) {
        const struct table_count *best = NULL;
        for (size_t i = 0; i < entry->tables.count; i++) {
            const struct table_count *table = &entry->tables.items[i];
            bool taken = false;
            for (size_t k = 0; k < count; k++)
                taken |= ret_all[k] == table;
            if (!taken && table->rows > 0 && (!best || table->rows > best->rows))
                best = table;
        }
        if (best)
            ret_all[count++] = best;
    }
    return count;
}

void page_add_charts(xmlNode *section, const struct standing *standing)
{
    const struct history_entries *entries = standing->scenario->entries;
    const struct table_count *tables[CHARTED_TABLES] = {0};
    size_t count = standing->gate.proven ? largest_tables(standing->gate.proven, tables) : 0;
    xmlNode *charts = html_add(section, "div", "charts", NULL);
    add_chart(charts, entries, "Time of the restore", restore_time, NULL, duration_words);
    add_chart(charts, entries, "Size of the backup", backup_size, NULL, size_words);
    for (size_t i = 0; i < count; i++) {
        cleanup(free_pointer) char *title =
            xasprintf("Rows of %s.%s", tables[i]->schema, tables[i]->name);
        add_chart(charts, entries, title, table_rows, tables[i], count_words);
    }
    if (!standing->gate.proven)
        return;
    const struct named_numbers *objects = &standing->gate.proven->objects;
    for (size_t i = 0; i < objects->count && i < CHARTED_OBJECTS; i++) {
        const char *metric = objects->items[i].name;
        add_chart(charts, entries, metric, of_objects, metric,
                  starts_with(metric, "total_size") ? size_words : count_words);
    }
    add_stages(charts, standing->gate.proven);
}

/* --- the schema ------------------------------------------------------------------------------- */

static void compare_kind(const struct schema_totals *before, const struct schema_total *now,
                         struct strings *changes)
{
    const struct schema_total *was = schema_totals_get(before, now->kind);
    if (!was)
        strings_addf(changes, "%s: %" PRId64 " new", now->kind, now->count);
    else if (was->count != now->count)
        strings_addf(changes, "%s: %" PRId64 ", before %" PRId64, now->kind, now->count,
                     was->count);
    else if (strcmp(was->sha256, now->sha256) != 0)
        strings_addf(changes, "%s: still %" PRId64 ", not the same", now->kind, now->count);
}

static char *changes_between(const struct history_entry *before, const struct history_entry *now)
{
    struct strings changes = {0};
    for (size_t i = 0; i < now->schema.count; i++)
        compare_kind(&before->schema, &now->schema.items[i], &changes);
    for (size_t i = 0; i < before->schema.count; i++)
        if (!schema_totals_get(&now->schema, before->schema.items[i].kind))
            strings_addf(&changes, "%s: none, before %" PRId64, before->schema.items[i].kind,
                         before->schema.items[i].count);
    char *words = changes.count > 0 ? strings_listed(&changes) : NULL;
    strings_free(&changes);
    return words;
}

/* How many objects of each kind there are, from one night that passed to the next. */
void page_add_schema(xmlNode *section, const struct standing *standing)
{
    const struct history_entries *entries = standing->scenario->entries;
    const struct history_entry *before = NULL;
    xmlNode *list = NULL;
    for (size_t i = 0; i < entries->count; i++) {
        const struct history_entry *entry = &entries->items[i];
        if (!is_night(entry) || entry->exit_code != 0 || entry->schema.count == 0)
            continue;
        cleanup(free_pointer) char *changes = before ? changes_between(before, entry) : NULL;
        before = entry;
        if (!changes)
            continue;
        char day[DAY_TEXT_SIZE];
        day_format(entry->began, day);
        if (!list) {
            html_add(section, "h3", NULL, "Changes of the schema");
            list = html_add(section, "ul", NULL, NULL);
        }
        cleanup(free_pointer) char *line = xasprintf("%s: %s", day, changes);
        html_add(list, "li", NULL, line);
    }
}

/* --- runs ------------------------------------------------------------------------------------- */

static void add_run(xmlNode *rows, const struct history_entry *entry)
{
    static const char *const verdicts[] = {"passed", "red", "could not look"};
    int64_t restore_ms = restore_time(entry, NULL);
    cleanup(free_pointer) char *when = moment_words(entry->began);
    cleanup(free_pointer) char *size = size_words(entry->backup_size_bytes);
    cleanup(free_pointer) char *restore =
        restore_ms >= 0 ? duration_words(restore_ms) : xstrdup("");
    xmlNode *row = html_add(rows, "tr", NULL, NULL);
    html_add(row, "td", "number", when);
    html_add(row, "td", NULL, entry->command);
    html_add(row, "td", NULL, verdicts[entry->exit_code < 2 ? entry->exit_code : 2]);
    html_add(row, "td", "number", *entry->backup ? size : "");
    html_add(row, "td", "number", restore);
    html_add(row, "td", "text", entry->backup);
    html_add(row, "td", "text", entry->headline);
}

void page_add_runs(xmlNode *section, const struct standing *standing)
{
    static const char *const heads[] = {
        "When", "What", "Verdict", "Size", "Restore", "Backup", "What was the matter"};
    const struct history_entries *entries = standing->scenario->entries;
    size_t count = entries->count;
    if (count > RUNS)
        count = RUNS;
    if (count == 0)
        return;
    cleanup(free_pointer) char *title =
        count == 1 ? xstrdup("The last run") : xasprintf("The last %zu runs", count);
    xmlNode *table =
        page_add_table(section, standing->scenario->name, title, heads, ARRAY_LENGTH(heads));
    for (size_t i = 0; i < count; i++)
        add_run(table, &entries->items[entries->count - 1 - i]);
}

xmlNode *page_add_table(xmlNode *section, const char *scenario, const char *title,
                        const char *const *heads, size_t count)
{
    xmlNode *details = html_add(section, "details", NULL, NULL);
    html_add(details, "summary", NULL, title);
    xmlNode *wide = html_add(details, "div", "wide", NULL);
    html_set(wide, "tabindex", "0"); /* so that it can be scrolled by keys */
    html_set(wide, "role", "region");
    html_setf(wide, "aria-label", "%s: %s", scenario, title);
    xmlNode *table = html_add(wide, "table", NULL, NULL);
    xmlNode *head = html_add(html_add(table, "thead", NULL, NULL), "tr", NULL, NULL);
    for (size_t i = 0; i < count; i++)
        html_set(html_add(head, "th", NULL, heads[i]), "scope", "col");
    return html_add(table, "tbody", NULL, NULL);
}
