/* restore-verifier dump: makes a backup of each scenario's database, the companion step of verify.
 */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/signals.h"
#include "commands/commands.h"
#include "commands/options.h"
#include "commands/source.h"
#include "dump/create.h"
#include "dump/describe.h"
#include "postgres/pooler.h"
#include "postgres/snapshot.h"
#include "postgres/tools.h"
#include "shelf/location.h"

struct dump_options {
    bool force;
};

static const struct own_option dump_options[] = {
    {"force", NULL, OPTION_FLAG, offsetof(struct dump_options, force),
     "Replace a backup of the same name"},
    {0},
};

static const struct usage dump_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words = "Make a backup of each scenario's database with pg_dump, under the name that the "
             "scenario gives it, and a manifest that says what the database held. A backup is "
             "there whole or not at all. Without names, the scenarios are those of the directory "
             "scenarios.",
    .options = dump_options,
};

/* Dumps one snapshot of the database, and writes into the manifest what that snapshot shows. */
static int dump_snapshot(const struct scenario *scenario, enum host_kind host,
                         const struct backup_create_options *wanted,
                         struct backup_created *ret_created, struct strings *notices,
                         struct error *error)
{
    cleanup(snapshot_closep) struct snapshot *snapshot = NULL;
    cleanup(tools_freep) struct tools *tools = NULL;
    cleanup(manifest_free) struct manifest manifest = {0};
    cleanup(manifest_free) struct manifest before = {0};
    if (snapshot_open(wanted->database, &snapshot, error) < 0 ||
        tools_find(TASK_DUMP, snapshot_server_version(snapshot) / 10000, &tools, error) < 0 ||
        manifest_describe(snapshot, !scenario->source.no_counts, host_name(host), tools, &manifest,
                          notices, error) < 0)
        return -1;
    bool has_before = manifest_latest(wanted->shelf, wanted->pattern, &before) == 0;
    struct backup_create_options create = *wanted;
    create.tools = tools;
    create.snapshot = snapshot_id(snapshot);
    create.manifest = &manifest;
    /* Told to stop, it leaves nothing behind first; then the signal does what it always does. */
    sigset_t before_hold;
    signals_hold(&before_hold);
    int made = backup_create(&create, ret_created, error);
    signals_release(&before_hold);
    if (made < 0)
        return -1;
    manifest_suspect(&manifest, has_before ? &before : NULL, notices);
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

static int dump_database(const struct scenario *scenario, const struct dump_options *options,
                         const struct address *database, enum host_kind host,
                         struct backup_created *ret_created, struct strings *warnings,
                         struct error *error)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    if (refuse_set(scenario, error) < 0 || location_open(scenario, &shelf, error) < 0)
        return -1;
    struct backup_create_options create = {.shelf = shelf,
                                           .pattern = scenario->backups.names.patterns[PART_WHOLE],
                                           .time = time(NULL),
                                           .force = options->force,
                                           .database = database,
                                           .deadline_ms = NO_DEADLINE};
    /* What would fail at the end is said before the database is bothered. */
    cleanup(free_pointer) char *path = NULL;
    if (backup_create_check(&create, &path, error) < 0 || pooler_refuse(database, error) < 0)
        return -1;
    return dump_snapshot(scenario, host, &create, ret_created, warnings, error);
}

static int dump(const struct scenario *scenario, const struct common_options *common,
                const void *own)
{
    const struct dump_options *options = own;
    struct error error;
    struct address database = {0};
    struct backup_created created = {0};
    cleanup(strings_free) struct strings notices = {0};
    cleanup(strings_free) struct strings warnings = {0};
    int64_t began_ms = clock_ms();
    enum host_kind host = HOST_SELF_HOSTED;
    int dumped = source_address(scenario, &database, &host, &notices, &error);
    for (size_t i = 0; i < notices.count; i++)
        fprintf(stderr, "%s: %s\n", scenario->name, notices.items[i]);
    if (dumped == 0)
        dumped = dump_database(scenario, options, &database, host, &created, &warnings, &error);
    if (dumped < 0) {
        host_explain(host, &database, &error);
        fprintf(stderr, "restore-verifier: %s: no backup was made: %s\n", scenario->name,
                error.text);
    } else if (!common->quiet) {
        char size[SIZE_TEXT_SIZE];
        char duration[DURATION_TEXT_SIZE];
        size_format(created.size_bytes, size);
        duration_format(clock_ms() - began_ms, duration);
        fprintf(stderr, "%s: %s, %s, in %s\n", scenario->name, created.path, size, duration);
    }
    for (size_t i = 0; i < warnings.count; i++)
        fprintf(stderr, "%s: warning: %s\n", scenario->name, warnings.items[i]);
    backup_created_free(&created);
    address_free(&database);
    return dumped < 0 ? EXIT_CANNOT_VERIFY : EXIT_VERIFIED;
}

int command_dump(int argc, char **argv)
{
    struct common_options common;
    struct dump_options options = {0};
    options_parse(argc, argv, &dump_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    int exit_code = scenarios_each(&common, dump, &options);
    common_options_free(&common);
    return exit_code;
}
