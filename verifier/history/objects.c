/* A history in a bucket: an object for each run, and now and then one for many. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "history/lines.h"

/* How many objects may lie there before they are put together. */
enum { SINGLE_MOST = 60, STAMP_SIZE = 32 };

/* SCENARIO.20261126T020000Z-0123456789abcdef.json */
static char *name_of(const char *scenario, time_t time, const char *id, const char *ending)
{
    char stamp[STAMP_SIZE];
    struct tm parts;
    gmtime_r(&time, &parts);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &parts);
    return xasprintf("%s.%s-%s.%s", scenario, stamp, id, ending);
}

/* The name of a scenario may have points, and be the beginning of another's. */
bool object_lines_are_of(const char *name, const char *scenario)
{
    static const char digits[] = "0123456789";
    size_t length = strlen(scenario);
    if (strncmp(name, scenario, length) != 0 || name[length] != '.')
        return false;
    const char *stamp = name + length + 1;
    return strspn(stamp, digits) == 8 && stamp[8] == 'T' && strspn(stamp + 9, digits) == 6 &&
           starts_with(stamp + 15, "Z-") && !strchr(stamp, '/') &&
           (ends_with(stamp, ".json") || ends_with(stamp, ".jsonl"));
}

struct listed {
    const char *scenario;
    struct strings names;
};

static int add_name(void *context, const struct shelf_entry *entry, struct error *error)
{
    struct listed *listed = context;
    (void)error;
    if (entry->kind == SHELF_FILE && object_lines_are_of(entry->name, listed->scenario))
        strings_add(&listed->names, entry->name);
    return 0;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The oldest first. */
static int list(struct shelf *shelf, const char *scenario, struct strings *ret_names,
                struct error *error)
{
    cleanup(free_pointer) char *beginning = xasprintf("%s.", scenario);
    struct listed listed = {.scenario = scenario};
    if (shelf_list(shelf, beginning, add_name, &listed, error) < 0) {
        strings_free(&listed.names);
        return -1;
    }
    if (listed.names.count > 0)
        qsort(listed.names.items, listed.names.count, sizeof(*listed.names.items), by_name);
    *ret_names = listed.names;
    return 0;
}

static int read_one(struct shelf *shelf, const char *name, struct history_entries *entries,
                    struct strings *notices, struct error *error)
{
    struct buffer content;
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    int outcome = shelf_read(shelf, name, LINES_LIMIT_BYTES, &content, error);
    if (outcome != 0) /* 1: put together with others since it was listed */
        return outcome;
    lines_parse(content.data, content.length, path, entries, notices);
    buffer_free(&content);
    return 0;
}

/* 1: something of the list was gone. */
static int read_all(struct shelf *shelf, const struct strings *names,
                    struct history_entries *entries, struct strings *notices, struct error *error)
{
    int gone = 0;
    for (size_t i = 0; i < names->count; i++) {
        int outcome = read_one(shelf, names->items[i], entries, notices, error);
        if (outcome < 0)
            return -1;
        gone |= outcome;
    }
    return gone;
}

/* Another run may put objects together while we read: then what is missing lies in a new one. */
int object_lines_read(struct shelf *shelf, const char *scenario, struct history_entries *entries,
                      struct strings *notices, struct error *error)
{
    enum { ATTEMPTS = 5 };
    int outcome = 1;
    for (int i = 0; i < ATTEMPTS && outcome > 0; i++) {
        cleanup(strings_free) struct strings names = {0};
        if (list(shelf, scenario, &names, error) < 0)
            return -1;
        outcome = read_all(shelf, &names, entries, notices, error);
    }
    return outcome > 0 ? cannot_verify(error, "the history in %s changes all the time: try again",
                                       shelf_location(shelf))
                       : outcome;
}

/* Adds the lines of the objects that can be read whole, and names them: the others stay. */
static int gather(struct shelf *shelf, const struct strings *names, struct history_entries *entries,
                  struct strings *ret_read, struct error *error)
{
    for (size_t i = 0; i < names->count; i++) {
        cleanup(strings_free) struct strings notices = {0};
        int outcome = read_one(shelf, names->items[i], entries, &notices, error);
        if (outcome < 0)
            return -1;
        if (outcome == 0 && notices.count == 0)
            strings_add(ret_read, names->items[i]);
    }
    history_entries_sort(entries);
    return 0;
}

/* Only what stands in the new object goes. What two do at the same time is done twice, and lost by
 * neither. */
static int put_together(struct shelf *shelf, const char *scenario, const struct strings *names,
                        const struct history_entry *newest, time_t since, struct error *error)
{
    struct history_entries entries = {0};
    cleanup(strings_free) struct strings read = {0};
    cleanup(free_pointer) char *name = name_of(scenario, newest->began, newest->id, "jsonl");
    int outcome = gather(shelf, names, &entries, &read, error);
    cleanup(free_pointer) char *text = lines_format(&entries, since);
    history_entries_free(&entries);
    if (outcome < 0 || shelf_write(shelf, name, text, error) < 0)
        return -1;
    for (size_t i = 0; i < read.count && outcome == 0; i++)
        outcome = shelf_remove(shelf, read.items[i], error);
    return outcome;
}

int object_lines_append(struct shelf *shelf, const char *scenario,
                        const struct history_entry *entry, time_t since, struct error *error)
{
    cleanup(free_pointer) char *name = name_of(scenario, entry->began, entry->id, "json");
    cleanup(free_pointer) char *line = history_entry_format(entry);
    cleanup(strings_free) struct strings names = {0};
    struct error unimportant; /* the line is there; the next run tries again */
    if (shelf_write(shelf, name, line, error) < 0)
        return -1;
    if (list(shelf, scenario, &names, &unimportant) == 0 && names.count > SINGLE_MOST)
        put_together(shelf, scenario, &names, entry, since, &unimportant);
    return 0;
}
