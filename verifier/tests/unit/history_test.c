#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "history/gate.h"
#include "history/lines.h"
#include "scratch.h"
#include "unit.h"

enum { HOUR = 3600, DAY = 24 * HOUR, NOW = 1800000000 };

/* --- lines ------------------------------------------------------------------------------------ */

static void fill(struct history_entry *entry, time_t began, int exit_code)
{
    *entry = (struct history_entry){.command = xstrdup("verify"),
                                    .began = began,
                                    .duration_ms = 1234,
                                    .exit_code = exit_code,
                                    .headline = xstrdup(exit_code ? "bad" : "every check passed"),
                                    .checks = 7,
                                    .passed = 6,
                                    .program = xstrdup("p"),
                                    .server = xstrdup("15"),
                                    .backup = xstrdup("b.dump"),
                                    .backup_time = began - HOUR,
                                    .backup_size_bytes = 99,
                                    .contents_compared = exit_code == 0};
    history_entry_name(entry);
    named_numbers_add(&entry->stages, "restore", 65432);
    named_numbers_add(&entry->objects, "object_count in a/", 12);
    table_counts_add(&entry->tables, "public", "users", 500, 500);
    strings_add(&version_states_add(&entry->versions, "alembic_version")->versions, "abc");
}

START_TEST(test_a_line_is_read_as_it_was_written)
{
    struct history_entry entry, again;
    struct error error;
    fill(&entry, NOW, _i);
    cleanup(free_pointer) char *line = history_entry_format(&entry);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_int_eq(history_entry_parse(line, strlen(line) - 1, "x", &again, &error), 0);
    cleanup(free_pointer) char *same = history_entry_format(&again);
    ck_assert_str_eq(line, same);
    free(again.line); /* and from what was understood */
    again.line = NULL;
    cleanup(free_pointer) char *second = history_entry_format(&again);
    ck_assert_str_eq(line, second);
    ck_assert_int_eq(again.duration_ms, 1234);
    ck_assert_int_eq(again.contents_compared, _i == 0);
    ck_assert_int_eq(*named_numbers_find(&again.stages, "restore"), 65432);
    ck_assert_int_eq(table_counts_find(&again.tables, "public", "users")->rows, 500);
    history_entry_free(&entry);
    history_entry_free(&again);
}
END_TEST

/* What is put in the place of the first `old` of a good line, and what is said of it. */
static const struct {
    const char *old, *new, *words;
} damages[] = {
    {"\"exit_code\":0", "\"exit_code\":-1", "\"exit_code\" is not a whole number"},
    {"\"exit_code\":0", "\"exit_code\":\"0\"", "\"exit_code\" is not a whole number"},
    {"\"began\":\"2027", "\"began\":\"1927", "\"began\" is not a time"},
    {"\"seconds\":1.234", "\"seconds\":-1", "\"seconds\" is not a number of seconds"},
    {"\"restore\":65.432", "\"restore\":\"x\"", "\"restore\" is not a number of seconds"},
    {"\"restore\":65.432", "\"restore\":1e300", "\"restore\" is not a number of seconds"},
    {"\"stages\":{", "\"stage\":{", "\"stages\" is not an object"},
    {"restore-verifier history", "another", "it does not say that it is a"},
    {"\"version\":1", "\"version\":2", "written by a newer version"},
    {"\"users\":500", "\"users\":\"many\"", "\"users\" is not a number of rows"},
    {"\"command\":\"verify\"", "\"command\":5", "\"command\" is not a line of text"},
    {"\"contents_compared\":true", "\"contents_compared\":1", "\"contents_compared\" is not"},
    {"}", "", "is damaged"},
};

START_TEST(test_a_damaged_line_is_refused)
{
    struct history_entry entry, again;
    struct error error;
    fill(&entry, NOW, 0);
    cleanup(free_pointer) char *line = history_entry_format(&entry);
    history_entry_free(&entry);
    const char *found = strstr(line, damages[_i].old);
    ck_assert_ptr_nonnull(found);
    cleanup(free_pointer) char *damaged = xasprintf(
        "%.*s%s%s", (int)(found - line), line, damages[_i].new, found + strlen(damages[_i].old));
    ck_assert_int_eq(history_entry_parse(damaged, strlen(damaged), "line 1", &again, &error), -1);
    ck_assert_msg(strstr(error.text, damages[_i].words), "%s", error.text);
}
END_TEST

START_TEST(test_of_many_tables_the_largest_are_kept)
{
    struct history_entry entry;
    fill(&entry, NOW, 0);
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof(name), "t%d", i);
        table_counts_add(&entry.tables, "public", name, i, i);
    }
    table_counts_sort(&entry.tables);
    history_entry_cut(&entry);
    ck_assert_uint_eq(entry.tables.count, HISTORY_MOST_TABLES);
    ck_assert_int_eq(entry.tables_left_out, 101);
    ck_assert_ptr_nonnull(table_counts_find(&entry.tables, "public", "users"));
    ck_assert_ptr_nonnull(table_counts_find(&entry.tables, "public", "t299"));
    ck_assert_ptr_null(table_counts_find(&entry.tables, "public", "t100"));
    history_entry_free(&entry);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------ */

static void open_history(const char *backups, const char *reports, struct history **ret_history)
{
    struct scenario scenario = {.history = {.keep_s = 400 * DAY}};
    struct error error;
    cleanup(free_pointer) char *location = xstrdup(backups);
    cleanup(free_pointer) char *name = xstrdup("shop");
    scenario.backups.location = location;
    scenario.name = name;
    ck_assert_int_eq(history_open(&scenario, reports, ret_history, &error), 0);
}

static void append(struct history *history, time_t began, int exit_code)
{
    struct history_entry entry;
    struct error error;
    fill(&entry, began, exit_code);
    ck_assert_msg(history_append(history, &entry, began, &error) == 0, "%s", error.text);
    history_entry_free(&entry);
}

static size_t count(struct history *history, size_t *ret_notices)
{
    struct history_entries entries;
    cleanup(strings_free) struct strings notices = {0};
    struct error error;
    ck_assert_int_eq(history_read(history, &entries, &notices, &error), 0);
    for (size_t i = 1; i < entries.count; i++)
        ck_assert_int_le(entries.items[i - 1].began, entries.items[i].began);
    size_t found = entries.count;
    history_entries_free(&entries);
    if (ret_notices)
        *ret_notices = notices.count;
    else
        ck_assert_uint_eq(notices.count, 0);
    return found;
}

START_TEST(test_old_lines_go_when_a_new_one_comes)
{
    cleanup(history_freep) struct history *history = NULL;
    cleanup(scratch_free) char *directory = scratch_new();
    open_history(directory, NULL, &history);
    ck_assert_uint_eq(count(history, NULL), 0);
    append(history, NOW - 500 * DAY, 0);
    append(history, NOW - 300 * DAY, 0);
    ck_assert_uint_eq(count(history, NULL), 2);
    append(history, NOW, 0);
    ck_assert_uint_eq(count(history, NULL), 2);
}
END_TEST

/* What a crash left at the end, and how many lines are there when two were written around it. */
static const struct {
    const char *name, *torn;
    size_t notices;
} torn_lines[] = {
    {"nothing", "", 0},
    {"a beginning", "{\"format\":\"rest", 1},
    {"an empty line", "\n\n", 0},
    {"bytes", "\x01\xff\xfe", 1},
};

START_TEST(test_a_torn_line_costs_itself)
{
    cleanup(history_freep) struct history *history = NULL;
    cleanup(scratch_free) char *directory = scratch_new();
    open_history(directory, NULL, &history);
    append(history, NOW, 0);
    cleanup(free_pointer) char *path = xasprintf("%s/history/shop.jsonl", directory);
    FILE *file = fopen(path, "a");
    ck_assert_ptr_nonnull(file);
    fputs(torn_lines[_i].torn, file);
    fclose(file);
    append(history, NOW + 1, 0);
    size_t notices;
    ck_assert_uint_eq(count(history, &notices), 2);
    ck_assert_uint_eq(notices, torn_lines[_i].notices);
}
END_TEST

enum { WRITERS = 6, LINES_EACH = 25 };

/* Some of the lines make others go, so that the file is replaced while others wait for it. */
static void write_some(const char *directory, int writer)
{
    cleanup(history_freep) struct history *history = NULL;
    open_history(directory, NULL, &history);
    for (int i = 0; i < LINES_EACH; i++) {
        if (writer == 0)
            append(history, NOW - 401 * DAY + i, 0);
        append(history, NOW + writer * LINES_EACH + i, 0);
    }
}

START_TEST(test_writers_at_the_same_time_lose_nothing)
{
    cleanup(scratch_free) char *directory = scratch_new();
    for (int writer = 0; writer < WRITERS; writer++)
        if (fork() == 0) {
            write_some(directory, writer);
            _exit(0);
        }
    for (int writer = 0; writer < WRITERS; writer++) {
        int status;
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
    cleanup(history_freep) struct history *history = NULL;
    open_history(directory, NULL, &history);
    ck_assert_uint_eq(count(history, NULL), WRITERS * LINES_EACH);
}
END_TEST

START_TEST(test_where_backups_cannot_lie_it_lies_among_the_reports)
{
    struct history_entry entry;
    struct error error;
    cleanup(history_freep) struct history *history = NULL;
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(free_pointer) char *missing = xasprintf("%s/none", directory);
    open_history(missing, directory, &history);
    fill(&entry, NOW, 0);
    ck_assert_int_eq(history_append(history, &entry, NOW, &error), 1);
    ck_assert_msg(strstr(error.text, missing), "%s", error.text);
    history_entry_free(&entry);
    ck_assert_uint_eq(count(history, NULL), 1);
}
END_TEST

/* --- objects ---------------------------------------------------------------------------------- */

static void put_object(struct shelf *shelf, const char *scenario, time_t began)
{
    struct history_entry entry;
    struct error error;
    fill(&entry, began, 0);
    ck_assert_msg(object_lines_append(shelf, scenario, &entry, began - 400 * DAY, &error) == 0,
                  "%s", error.text);
    history_entry_free(&entry);
}

static size_t count_objects(struct shelf *shelf, const char *scenario)
{
    struct history_entries entries = {0};
    cleanup(strings_free) struct strings notices = {0};
    struct error error;
    ck_assert_int_eq(object_lines_read(shelf, scenario, &entries, &notices, &error), 0);
    ck_assert_uint_eq(notices.count, 0);
    history_entries_sort(&entries);
    size_t found = entries.count;
    history_entries_free(&entries);
    return found;
}

static int count_entry(void *context, const struct shelf_entry *entry, struct error *error)
{
    (void)entry;
    (void)error;
    ++*(size_t *)context;
    return 0;
}

START_TEST(test_objects_are_put_together)
{
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(directory, true);
    size_t names = 0;
    struct error error;
    put_object(shelf, "shop", NOW - 500 * DAY);
    for (int i = 0; i < 150; i++)
        put_object(shelf, "shop", NOW + i);
    put_object(shelf, "shop.eu", NOW);
    ck_assert_uint_eq(count_objects(shelf, "shop"), 150);
    ck_assert_uint_eq(count_objects(shelf, "shop.eu"), 1);
    ck_assert_int_eq(shelf_list(shelf, "shop", count_entry, &names, &error), 0);
    ck_assert_uint_lt(names, 64);
}
END_TEST

/* One that nobody can read stays where it is. */
START_TEST(test_a_damaged_object_is_left_alone)
{
    static const char name[] = "shop.20260101T000000Z-0123456789abcdef.json";
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(directory, true);
    struct error error;
    struct shelf_entry entry;
    ck_assert_int_eq(shelf_write(shelf, name, "{\"format", &error), 0);
    for (int i = 0; i < 70; i++)
        put_object(shelf, "shop", NOW + i);
    ck_assert_int_eq(shelf_look(shelf, name, &entry, &error), 0);
    struct history_entries entries = {0};
    cleanup(strings_free) struct strings notices = {0};
    ck_assert_int_eq(object_lines_read(shelf, "shop", &entries, &notices, &error), 0);
    ck_assert_uint_eq(entries.count, 70);
    ck_assert_uint_eq(notices.count, 1);
    history_entries_free(&entries);
}
END_TEST

START_TEST(test_objects_of_several_writers_are_not_lost)
{
    cleanup(scratch_free) char *directory = scratch_new();
    for (int writer = 0; writer < WRITERS; writer++)
        if (fork() == 0) {
            cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(directory, true);
            for (int i = 0; i < LINES_EACH; i++)
                put_object(shelf, "shop", NOW + writer * LINES_EACH + i);
            _exit(0);
        }
    for (int writer = 0; writer < WRITERS; writer++) {
        int status;
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(directory, true);
    ck_assert_uint_eq(count_objects(shelf, "shop"), WRITERS * LINES_EACH);
}
END_TEST

/* --- the gate --------------------------------------------------------------------------------- */

/* What was run: hours ago, exit code. */
struct past {
    int hours_ago, exit_code;
    const char *command;
    bool given;
};

static const struct {
    const char *name;
    struct past past[4];
    struct gate_limits limits;
    enum gate_state state;
    int exit_code;
    size_t unseeing, future;
} gates[] = {
    {"never", {{0}}, {48 * HOUR, 0, 0}, GATE_NEVER, 2, 0, 0},
    {"green", {{3, 0, "verify", false}}, {48 * HOUR, 0, 0}, GATE_PROVEN, 0, 0, 0},
    {"too long ago", {{49, 0, "verify", false}}, {48 * HOUR, 0, 0}, GATE_OLD, 2, 0, 0},
    {"red after green",
     {{27, 0, "verify", false}, {3, 1, "verify", false}},
     {48 * HOUR, 0, 0},
     GATE_RED,
     1,
     0,
     0},
    {"green after red",
     {{27, 1, "verify", false}, {3, 0, "verify", false}},
     {48 * HOUR, 0, 0},
     GATE_PROVEN,
     0,
     0,
     0},
    {"red long ago", {{900, 1, "verify", false}}, {48 * HOUR, 0, 0}, GATE_RED, 1, 0, 0},
    {"could not look since",
     {{27, 0, "verify", false}, {3, 2, "verify", false}},
     {48 * HOUR, 0, 0},
     GATE_PROVEN,
     0,
     1,
     0},
    {"could not look for long",
     {{49, 0, "verify", false}, {27, 2, "verify", false}, {3, 2, "verify", false}},
     {48 * HOUR, 0, 0},
     GATE_OLD,
     2,
     2,
     0},
    {"red, then could not look",
     {{27, 1, "verify", false}, {3, 2, "verify", false}},
     {48 * HOUR, 0, 0},
     GATE_RED,
     1,
     1,
     0},
    {"never could look", {{3, 2, "verify", false}}, {48 * HOUR, 0, 0}, GATE_NEVER, 2, 1, 0},
    {"a dump proves nothing", {{3, 0, "dump", false}}, {48 * HOUR, 0, 0}, GATE_NEVER, 2, 0, 0},
    {"nor does a backup that was given",
     {{3, 0, "verify", true}},
     {48 * HOUR, 0, 0},
     GATE_NEVER,
     2,
     0,
     0},
    {"in the future", {{-5, 0, "verify", false}}, {48 * HOUR, 0, 0}, GATE_NEVER, 2, 0, 1},
    {"slow", {{3, 0, "verify", false}}, {48 * HOUR, 0, 60000}, GATE_SLOW, 1, 0, 0},
    {"fast enough", {{3, 0, "verify", false}}, {48 * HOUR, 0, 66000}, GATE_PROVEN, 0, 0, 0},
    {"an old backup",
     {{3, 0, "verify", false}},
     {48 * HOUR, 2 * HOUR, 0},
     GATE_OLD_BACKUP,
     2,
     0,
     0},
    {"a young one", {{3, 0, "verify", false}}, {48 * HOUR, 5 * HOUR, 0}, GATE_PROVEN, 0, 0, 0},
};

START_TEST(test_the_gate)
{
    struct history_entry items[4];
    struct history_entries entries = {.items = items};
    for (size_t i = 0; i < ARRAY_LENGTH(items) && gates[_i].past[i].command; i++) {
        const struct past *past = &gates[_i].past[i];
        struct history_entry *entry = &items[entries.count++];
        fill(entry, NOW - (time_t)past->hours_ago * HOUR, past->exit_code);
        free(entry->command);
        entry->command = xstrdup(past->command);
        entry->given = past->given;
    }
    struct gate gate;
    gate_judge(&entries, &gates[_i].limits, NOW, &gate);
    ck_assert_msg(gate.state == gates[_i].state, "%s: %s", gates[_i].name, gate_word(gate.state));
    ck_assert_int_eq(gate_exit_code(gate.state), gates[_i].exit_code);
    ck_assert_uint_eq(gate.unseeing, gates[_i].unseeing);
    ck_assert_uint_eq(gate.future, gates[_i].future);
    for (size_t i = 0; i < entries.count; i++)
        history_entry_free(&items[i]);
}
END_TEST

Suite *history_suite(void)
{
    Suite *suite = suite_create("history");
    add_table_test(suite, test_a_line_is_read_as_it_was_written, 2);
    add_table_test(suite, test_a_damaged_line_is_refused, ARRAY_LENGTH(damages));
    add_test(suite, test_of_many_tables_the_largest_are_kept);
    add_test(suite, test_old_lines_go_when_a_new_one_comes);
    add_table_test(suite, test_a_torn_line_costs_itself, ARRAY_LENGTH(torn_lines));
    add_test(suite, test_writers_at_the_same_time_lose_nothing);
    add_test(suite, test_where_backups_cannot_lie_it_lies_among_the_reports);
    add_test(suite, test_objects_are_put_together);
    add_test(suite, test_a_damaged_object_is_left_alone);
    add_test(suite, test_objects_of_several_writers_are_not_lost);
    add_table_test(suite, test_the_gate, ARRAY_LENGTH(gates));
    return suite;
}
