/* restore-verifier dump: makes a backup of each scenario's database, the companion step of verify.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "commands/chores.h"
#include "commands/commands.h"
#include "commands/options.h"
#include "commands/watching.h"
#include "dump/create.h"
#include "dump/describe.h"
#include "dump/source.h"
#include "postgres/pooler.h"
#include "postgres/snapshot.h"
#include "postgres/tools.h"
#include "shelf/location.h"

struct dump_options {
    const char *force; /* NULL, "" or "empty" */
    bool if_missing;
    int64_t timeout_s; /* 0: the scenario's */
};

static const struct own_option dump_options[] = {
    {"force", "empty", OPTION_WORD, offsetof(struct dump_options, force),
     "Replace a backup of the same name, unless the new one has no tables or no rows, or fewer "
     "tables than one that verified; with =empty then too"},
    {"if-missing", NULL, OPTION_FLAG, offsetof(struct dump_options, if_missing),
     "Where there is a backup of the same name, leave it and make none"},
    {"timeout", "DURATION", OPTION_DURATION, offsetof(struct dump_options, timeout_s),
     "End each dump after this time (default: source.timeout, or 2h)"},
    {0},
};

static const struct usage dump_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words =
        "Make a backup of each scenario's database with pg_dump, under the name that the "
        "scenario gives it, and a manifest that says what the database held. A backup is "
        "there whole or not at all. The report of each, SCENARIO.dump.xml, says so too. Without "
        "names, the scenarios are those of the directory scenarios.",
    .options = dump_options,
    .takes_reports = true,
    .takes_format = true,
};

/* Under the names that a report of verify has for the same. */
static void tell_facts(const struct manifest *manifest, const struct backup_created *created,
                       struct facts *facts, struct outcome *outcome)
{
    struct backup_fact *backup = &facts->backup;
    text_copy(backup->path, sizeof(backup->path), created->path);
    text_copy(backup->sha256, sizeof(backup->sha256), created->sha256);
    text_copy(backup->server_version, sizeof(backup->server_version), manifest->server);
    text_copy(backup->pg_dump_version, sizeof(backup->pg_dump_version), manifest->pg_dump);
    text_copy(backup->encoding, sizeof(backup->encoding), manifest->encoding);
    backup->size_bytes = created->size_bytes;
    backup->time = manifest->began;
    int64_t rows = 0;
    for (size_t i = 0; i < manifest->tables.count; i++)
        if (manifest->tables.items[i].rows != NOT_COUNTED)
            rows += manifest->tables.items[i].rows;
    outcome_value(outcome, "backup.table_count", "%zu", manifest->tables.count);
    if (manifest->counted)
        outcome_value(outcome, "backup.row_count", "%" PRId64, rows);
}

/* Where what a dump learns is written down. */
struct dump_report {
    struct facts *facts;
    struct outcome *outcome;
    struct strings warnings;
    char *existing; /* the backup that was there already, and is left; or NULL */
};

/* A URL that has lost its database's name still leads somewhere. */
static void tell_database(const struct snapshot *snapshot, const struct address *address,
                          struct strings *notices)
{
    const char *name = address_get(address, "dbname");
    const char *dumped = snapshot_database(snapshot);
    if (!(name && *name) && strcmp(dumped, snapshot_user(snapshot)) == 0)
        strings_addf(notices,
                     "source.database names no database, so the server took the one that has "
                     "the user's name, %s",
                     dumped);
}

/* Dumps one snapshot of the database, and writes into the manifest what that snapshot shows. */
static int dump_snapshot(const struct scenario *scenario, enum host_kind host,
                         const struct backup_create_options *wanted,
                         struct backup_created *ret_created, struct dump_report *report,
                         struct error *error)
{
    struct strings *notices = &report->warnings;
    cleanup(snapshot_closep) struct snapshot *snapshot = NULL;
    cleanup(tools_freep) struct tools *tools = NULL;
    cleanup(manifest_free) struct manifest manifest = {0};
    cleanup(manifest_free) struct manifest before = {0};
    struct snapshot_question question = {.count = !scenario->source.no_counts};
    cleanup(free_pointer) struct version_table *version_tables =
        scenario_version_tables(scenario, &question.version_table_count);
    question.version_tables = version_tables;
    if (snapshot_open(wanted->database, wanted->deadline_ms, &snapshot, error) < 0 ||
        tools_find(TASK_DUMP, snapshot_server_version(snapshot) / 10000, &tools, error) < 0)
        return -1;
    chore_begin(report->facts, CHORE_COUNT_ROWS);
    if (manifest_describe(snapshot, &question, host_name(host), tools, &manifest, notices, error) <
        0)
        return -1;
    tell_database(snapshot, wanted->database, notices);
    bool has_before = manifest_latest(wanted->shelf, wanted->pattern, &before) == 0;
    struct backup_create_options create = *wanted;
    create.tools = tools;
    create.snapshot = snapshot_id(snapshot);
    create.manifest = &manifest;
    create.database_name = snapshot_database(snapshot);
    create.progress_bytes = &report->facts->chore.archive_bytes;
    chore_begin(report->facts, CHORE_DUMP);
    if (backup_create(&create, ret_created, error) < 0)
        return -1;
    manifest_suspect(&manifest, has_before ? &before : NULL, notices);
    tell_facts(&manifest, ret_created, report->facts, report->outcome);
    return 0;
}

static int refuse_set(const struct scenario *scenario, struct error *error)
{
    if (!backup_names_are_a_set(&scenario->backups.names))
        return 0;
    return cannot_verify(error, "backups.name is a set of files, and dump writes one file: make "
                                "them with the tool that they come from, or give backups.name one "
                                "pattern");
}

static int dump_database(const struct scenario *scenario, const struct common_options *common,
                         const struct dump_options *options, const struct address *database,
                         enum host_kind host, struct backup_created *ret_created,
                         struct dump_report *report, struct error *error)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    int64_t timeout_ms =
        options->timeout_s > 0 ? options->timeout_s * 1000 : scenario->source.timeout_ms;
    if (refuse_set(scenario, error) < 0 || location_open(scenario, &shelf, error) < 0)
        return -1;
    struct backup_create_options create = {.shelf = shelf,
                                           .pattern = scenario->backups.names.patterns[PART_WHOLE],
                                           .time = time(NULL),
                                           .force = options->force != NULL,
                                           .force_empty = options->force && *options->force,
                                           .scenario = scenario->name,
                                           .recorded_database = scenario->backups.database,
                                           .reports = common->reports,
                                           .database = database,
                                           .deadline_ms = deadline_after(timeout_ms)};
    if (options->if_missing && backup_existing(&create, &report->existing, error) < 0)
        return -1;
    if (report->existing)
        return 0;
    /* What would fail at the end is said before the database is bothered. */
    cleanup(free_pointer) char *path = NULL;
    if (backup_create_check(&create, &path, error) < 0 ||
        pooler_refuse(database, create.deadline_ms, error) < 0)
        return -1;
    return dump_snapshot(scenario, host, &create, ret_created, report, error);
}

static void tell_made(const struct scenario *scenario, const struct backup_created *created,
                      const struct common_options *common, struct dump_report *report)
{
    char size[SIZE_TEXT_SIZE];
    char duration[DURATION_TEXT_SIZE];
    size_format(created->size_bytes, size);
    duration_format(clock_ms() - report->outcome->started_ms, duration);
    if (!common->quiet)
        fprintf(stderr, "%s: %s, %s, in %s\n", scenario->name, created->path, size, duration);
    outcome_pass(report->outcome, "%s", size);
}

static void tell_existing(const struct scenario *scenario, const struct common_options *common,
                          const struct dump_report *report)
{
    if (!common->quiet)
        fprintf(stderr, "%s: %s is there already, and is left as it is\n", scenario->name,
                report->existing);
    text_copy(report->facts->backup.path, sizeof(report->facts->backup.path), report->existing);
    outcome_pass(report->outcome, "it was there already");
}

static void tell_warnings(const struct scenario *scenario, const struct dump_report *report)
{
    const struct strings *warnings = &report->warnings;
    for (size_t i = 0; i < warnings->count; i++) {
        fprintf(stderr, "%s: warning: %s\n", scenario->name, warnings->items[i]);
        if (report->outcome->verdict != VERDICT_PASS || i > 0)
            outcome_detail(report->outcome, "%s", warnings->items[i]);
        else
            outcome_warn(report->outcome, "%s", warnings->items[i]);
    }
}

static void dump(const struct scenario *scenario, const struct common_options *common,
                 const void *own, struct facts *facts, struct outcome *outcome, json_t **details)
{
    (void)details;
    const struct dump_options *options = own;
    struct error error;
    struct address database = {0};
    struct backup_created created = {0};
    cleanup(strings_free) struct strings notices = {0};
    struct dump_report report = {.facts = facts, .outcome = outcome};
    enum host_kind host = HOST_SELF_HOSTED;
    int dumped = source_address(scenario, &database, &host, &notices, &error);
    for (size_t i = 0; i < notices.count; i++)
        fprintf(stderr, "%s: %s\n", scenario->name, notices.items[i]);
    chore_begin(facts, CHORE_CONNECT);
    struct watching *watching = watching_start(common, scenario->name, facts, REPORT_DUMP);
    if (dumped == 0)
        dumped =
            dump_database(scenario, common, options, &database, host, &created, &report, &error);
    watching_end(watching);
    if (dumped < 0) {
        host_explain(host, &database, &error);
        fprintf(stderr, "restore-verifier: %s: no backup was made: %s\n", scenario->name,
                error.text);
        outcome_error(outcome, "no backup was made: %s", error.text);
    } else if (report.existing) {
        tell_existing(scenario, common, &report);
    } else {
        tell_made(scenario, &created, common, &report);
    }
    tell_warnings(scenario, &report);
    strings_free(&report.warnings);
    free(report.existing);
    backup_created_free(&created);
    address_free(&database);
}

int command_dump(int argc, char **argv)
{
    static const struct chore chore = {.kind = REPORT_DUMP,
                                       .check = "a backup is made",
                                       .holds_signals = true,
                                       .work = dump,
                                       .command = "dump"};
    struct common_options common;
    struct dump_options options = {0};
    options_parse(argc, argv, &dump_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    int exit_code = chores_run(&chore, &common, &options);
    common_options_free(&common);
    return exit_code;
}
