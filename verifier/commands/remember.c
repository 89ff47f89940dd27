#include "commands/remember.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history/history.h"
#include "report/cases.h"
#include "report/text.h"
#include "shelf/location.h"
#include "shelf/record.h"

enum { HEADLINE_BYTES = 440 };

char *result_headline_whole(const struct result *result)
{
    struct cases cases;
    cleanup(free_pointer) char *headline = result_headline(result);
    cleanup(free_pointer) char *whole = xstrdup(headline);
    enum verdict wanted = result_exit_code(result) == 1 ? VERDICT_FAIL : VERDICT_ERROR;
    cases_build(result, &cases);
    for (size_t i = 0; i < cases.count; i++) {
        if (cases.items[i].verdict != wanted)
            continue;
        free(whole);
        whole = xasprintf("%s: %s: %s", headline, cases.items[i].name, cases.items[i].message);
        break;
    }
    cases_free(&cases);
    cleanup(free_pointer) char *clean = text_line(whole);
    return text_shorten(clean, HEADLINE_BYTES, NULL);
}

static void add_totals(const struct result *result, struct history_entry *entry)
{
    struct totals totals;
    result_totals(result, &totals);
    entry->exit_code = result_exit_code(result);
    entry->checks = totals.checks;
    entry->passed = totals.passed;
    entry->warnings = totals.warnings;
    entry->failed = totals.failed;
    entry->errors = totals.errors;
    entry->skipped = totals.skipped;
    entry->contents_compared = plan_compared_contents(result->plan, result->outcomes);
}

static void add_facts(const struct facts *facts, struct history_entry *entry)
{
    const struct backup_fact *backup = &facts->backup;
    const char *slash = strrchr(backup->path, '/');
    free(entry->backup);
    entry->began = facts->began;
    entry->backup = xstrdup(slash ? slash + 1 : backup->path);
    entry->given = backup->given;
    entry->backup_time = backup->time;
    entry->backup_size_bytes = backup->size_bytes;
    text_copy(entry->sha256, sizeof(entry->sha256), backup->sha256);
    free(entry->server);
    entry->server = clean_line(facts->server.version);
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++)
        if (facts->stages[stage].state == STAGE_DONE || facts->stages[stage].state == STAGE_FAILED)
            named_numbers_add(&entry->stages, stage_name(stage), facts->stages[stage].duration_ms);
}

/* The record that this run left says what it found in the database. Without one the line has less.
 */
static void add_record(const struct scenario *scenario, const struct facts *facts,
                       struct history_entry *entry)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(free_pointer) char *name = NULL;
    struct record record = {0};
    struct error ignored;
    const struct backup_state state = {.name = entry->backup,
                                       .size_bytes = facts->backup.size_bytes,
                                       .modified = facts->backup.modified};
    if (!*facts->record.path ||
        location_open_file(scenario, facts->record.path, &shelf, &name, &ignored) < 0 ||
        record_read_named(shelf, name, &state, &record, &ignored) != 0)
        return;
    for (size_t i = 0; i < record.object_count; i++)
        named_numbers_add(&entry->objects, record.objects[i].name, record.objects[i].value);
    entry->tables = record.tables;
    entry->versions = record.versions;
    entry->schema = record.schema;
    record.tables = (struct table_counts){0};
    record.versions = (struct version_states){0};
    record.schema = (struct schema_totals){0};
    record_free(&record);
    history_entry_cut(entry);
}

static const char *command_of(enum report_kind kind)
{
    switch (kind) {
    case REPORT_VERIFY:
        return "verify";
    case REPORT_DUMP:
        return "dump";
    case REPORT_SYNC:
        return "sync";
    case REPORT_MIGRATION:
        return "rehearse";
    case REPORT_PARTIAL:
    case REPORT_SABOTAGE:
        return NULL;
    }
    return NULL;
}

static int append(const struct scenario *scenario, const struct run *run, const char *command,
                  const char *reports, struct error *error)
{
    const struct result result = run_result(run);
    cleanup(history_freep) struct history *history = NULL;
    if (history_open(scenario, reports, &history, error) < 0)
        return -1;
    struct history_entry entry = {.command = xstrdup(command),
                                  .duration_ms = result_duration_ms(&result),
                                  .headline = result_headline_whole(&result),
                                  .program = xstrdup("restore-verifier " PROGRAM_VERSION),
                                  .server = xstrdup(""),
                                  .backup = xstrdup("")};
    history_entry_name(&entry);
    add_totals(&result, &entry);
    add_facts(run->facts, &entry);
    add_record(scenario, run->facts, &entry);
    int outcome = history_append(history, &entry, entry.began, error);
    history_entry_free(&entry);
    return outcome;
}

/* Whatever the scenario is named whose file "…/NAME.jsonl" it speaks of. Caller frees. */
static char *without_file(const char *text, const char *scenario)
{
    cleanup(free_pointer) char *file = xasprintf("/%s.", scenario);
    const char *found = strstr(text, file);
    return found ? xasprintf("%.*s/*.%s", (int)(found - text), text, found + strlen(file))
                 : xstrdup(text);
}

static bool says_the_same(const struct remembered *one, const char *scenario, const char *text)
{
    cleanup(free_pointer) char *before = without_file(one->text, one->first);
    cleanup(free_pointer) char *now = without_file(text, scenario);
    return strcmp(before, now) == 0;
}

/* Takes the text. */
static void say(struct remembering *remembering, const char *scenario, char *text)
{
    for (size_t i = 0; i < remembering->count; i++)
        if (says_the_same(&remembering->items[i], scenario, text)) {
            remembering->items[i].count++;
            free(text);
            return;
        }
    remembering->items =
        xreallocarray(remembering->items, remembering->count + 1, sizeof(*remembering->items));
    remembering->items[remembering->count++] =
        (struct remembered){.text = text, .first = xstrdup(scenario), .count = 1};
}

/* Then the first dump makes the place of the backups, and with it that of the history. */
static bool comes_before_the_first_dump(const struct scenario *scenario)
{
    return scenario->source.database && !scenario->history.location &&
           !starts_with(scenario->backups.location, "s3://") &&
           access(scenario->backups.location, F_OK) < 0 && errno == ENOENT;
}

void remember(const struct scenario *scenario, const struct run *run, const char *reports,
              struct remembering *remembering)
{
    struct error error;
    const char *command = command_of(run->kind);
    if (!command || scenario->history.none)
        return;
    int appended = append(scenario, run, command, reports, &error);
    /* Of a backup that was named on the command line nobody asks the history. */
    if (run->facts->backup.given)
        return;
    if (appended > 0 && !comes_before_the_first_dump(scenario))
        say(remembering, run->name,
            xasprintf("the history goes on in %s/history, because it cannot be kept where the "
                      "backups lie: %s; set `history` to keep it elsewhere",
                      reports, error.text));
    else if (appended < 0)
        say(remembering, run->name, xasprintf("this run is not in the history: %s", error.text));
}

void remembering_tell(struct remembering *remembering)
{
    for (size_t i = 0; i < remembering->count; i++) {
        struct remembered *one = &remembering->items[i];
        if (one->count == 1)
            fprintf(stderr, "restore-verifier: %s: %s\n", one->first, one->text);
        else
            fprintf(stderr, "restore-verifier: %s and %zu other scenario%s: %s\n", one->first,
                    one->count - 1, one->count == 2 ? "" : "s", one->text);
        free(one->text);
        free(one->first);
    }
    free(remembering->items);
    *remembering = (struct remembering){0};
}
