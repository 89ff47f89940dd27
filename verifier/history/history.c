#include "history/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "history/lines.h"
#include "shelf/location.h"

struct history {
    char *scenario;
    int64_t keep_s;
    struct shelf *shelf;
    struct shelf *reports; /* where it lies else; NULL: nowhere */
};

void history_entries_free(struct history_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        history_entry_free(&entries->items[i]);
    free(entries->items);
    *entries = (struct history_entries){0};
}

static char *below(const char *location)
{
    return xasprintf("%s%shistory", location, ends_with(location, "/") ? "" : "/");
}

int history_open(const struct scenario *scenario, const char *reports, struct history **ret_history,
                 struct error *error)
{
    const char *named = scenario->history.location;
    if (scenario->history.none)
        return cannot_verify(error, "the scenario keeps no history (`history: none`)");
    cleanup(free_pointer) char *location =
        named ? xstrdup(named) : below(scenario->backups.location);
    cleanup(free_pointer) char *among_reports = reports && !named ? below(reports) : NULL;
    const struct store_options options = location_options(scenario, location);
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    if (shelf_open(&options, &shelf, error) < 0)
        return -1;
    *ret_history = xcalloc(1, sizeof(**ret_history));
    **ret_history =
        (struct history){.scenario = xstrdup(scenario->name),
                         .keep_s = scenario->history.keep_s,
                         .shelf = take(&shelf),
                         .reports = among_reports ? shelf_of_directory(among_reports) : NULL};
    return 0;
}

void history_free(struct history *history)
{
    if (!history)
        return;
    shelf_free(history->shelf);
    shelf_free(history->reports);
    free(history->scenario);
    free(history);
}

void history_freep(struct history **history)
{
    history_free(*history);
}

char *history_path(const struct history *history)
{
    return shelf_directory(history->shelf)
               ? xasprintf("%s/%s.jsonl", shelf_location(history->shelf), history->scenario)
               : xasprintf("%s/%s.*", shelf_location(history->shelf), history->scenario);
}

static int append(struct shelf *shelf, const struct history *history,
                  const struct history_entry *entry, time_t now, struct error *error)
{
    time_t since = now - history->keep_s;
    return shelf_directory(shelf)
               ? file_lines_append(shelf, history->scenario, entry, since, error)
               : object_lines_append(shelf, history->scenario, entry, since, error);
}

int history_append(struct history *history, const struct history_entry *entry, time_t now,
                   struct error *error)
{
    struct error neither;
    if (append(history->shelf, history, entry, now, error) == 0)
        return 0;
    return history->reports && append(history->reports, history, entry, now, &neither) == 0 ? 1
                                                                                            : -1;
}

static int read_lines_of(struct shelf *shelf, const char *scenario, struct history_entries *entries,
                         struct strings *notices, struct error *error)
{
    return shelf_directory(shelf) ? file_lines_read(shelf, scenario, entries, notices, error)
                                  : object_lines_read(shelf, scenario, entries, notices, error);
}

int history_read(struct history *history, struct history_entries *ret_entries,
                 struct strings *notices, struct error *error)
{
    struct history_entries entries = {0};
    int outcome = read_lines_of(history->shelf, history->scenario, &entries, notices, error);
    if (outcome == 0 && history->reports)
        outcome = read_lines_of(history->reports, history->scenario, &entries, notices, error);
    if (outcome < 0) {
        history_entries_free(&entries);
        return -1;
    }
    history_entries_sort(&entries);
    *ret_entries = entries;
    return 0;
}

/* --- files that lie anywhere ------------------------------------------------------------------ */

char *history_scenario_of(const char *file)
{
    size_t length = strcspn(file, "."); /* no name of a scenario has one */
    cleanup(free_pointer) char *scenario = xstrndup(file, length);
    bool is_history =
        length > 0 && (strcmp(file + length, ".jsonl") == 0 || object_lines_are_of(file, scenario));
    return is_history ? take(&scenario) : NULL;
}

int history_file_read(const char *path, struct history_entries *entries, struct strings *notices,
                      struct error *error)
{
    struct buffer content;
    if (file_read(path, LINES_LIMIT_BYTES, &content, error) < 0)
        return -1;
    lines_parse(content.data, content.length, path, entries, notices);
    buffer_free(&content);
    return 0;
}

/* --- lines ------------------------------------------------------------------------------------ */

static void parse_line(const char *text, size_t length, const char *path, size_t number,
                       struct history_entries *entries, struct strings *notices)
{
    struct error error;
    struct history_entry entry;
    cleanup(free_pointer) char *name = xasprintf("line %zu of %s", number, path);
    if (history_entry_parse(text, length, name, &entry, &error) < 0) {
        strings_addf(notices, "passed over: %s", error.text);
        entries->newer += error.fault == FAULT_MACHINE;
        entries->torn = error.fault == FAULT_BACKUP;
        return;
    }
    entries->torn = false;
    entries->items = xreallocarray(entries->items, entries->count + 1, sizeof(*entries->items));
    entries->items[entries->count++] = entry;
}

void lines_parse(const char *text, size_t length, const char *path, struct history_entries *entries,
                 struct strings *notices)
{
    const char *end = text + length;
    for (size_t number = 1; text < end; number++) {
        const char *feed = memchr(text, '\n', (size_t)(end - text));
        size_t size = (size_t)((feed ? feed : end) - text);
        if (size > 0)
            parse_line(text, size, path, number, entries, notices);
        text += size + 1;
    }
}

char *lines_format(const struct history_entries *entries, time_t since)
{
    struct buffer text;
    buffer_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->items[i].began < since)
            continue;
        cleanup(free_pointer) char *line = history_entry_format(&entries->items[i]);
        buffer_append_text(&text, line);
    }
    return buffer_steal(&text);
}

static int by_time(const void *one, const void *other)
{
    const struct history_entry *entry = one, *second = other;
    if (entry->began != second->began)
        return (entry->began > second->began) - (entry->began < second->began);
    return strcmp(entry->id, second->id);
}

void history_entries_sort(struct history_entries *entries)
{
    size_t kept = 0;
    if (entries->count > 0)
        qsort(entries->items, entries->count, sizeof(*entries->items), by_time);
    for (size_t i = 0; i < entries->count; i++) {
        struct history_entry *entry = &entries->items[i];
        if (kept > 0 && by_time(&entries->items[kept - 1], entry) == 0)
            history_entry_free(entry);
        else
            entries->items[kept++] = *entry;
    }
    entries->count = kept;
}
