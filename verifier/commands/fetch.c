/* restore-verifier fetch: gets a backup out of its place, checked, and tells how it is restored for
 * real. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "commands/commands.h"
#include "commands/options.h"
#include "report/text.h"
#include "shelf/fetch.h"
#include "shelf/location.h"
#include "stages/recipe.h"

struct fetch_own {
    const char *backup;
    bool force;
};

static const struct own_option fetch_options[] = {
    {"backup", "NAME", OPTION_TEXT, offsetof(struct fetch_own, backup),
     "Fetch this one instead of the latest: its name where the backups lie, a path, or "
     "s3://bucket/key; one file of a set stands for all"},
    {"force", NULL, OPTION_FLAG, offsetof(struct fetch_own, force),
     "Replace what has its name in DIR"},
    {0},
};

static const struct usage fetch_usage = {
    .arguments = "SCENARIO.yaml DIR",
    .words = "Get the latest backup of a scenario out of its bucket or directory into DIR, and "
             "print the commands of a real restore. It gets its name there when it was read to its "
             "end, is intact, and is the one that its manifest speaks of; a bad one leaves nothing "
             "(exit code 1). --jobs says how many threads read it.",
    .options = fetch_options,
    .takes_jobs = true,
    .looks_only = true,
};

/* `found`: there is one, so that it is what is bad. */
static int fail(const char *name, bool found, const struct error *error)
{
    bool is_bad = error->fault == FAULT_BACKUP;
    cleanup(free_pointer) char *clean = text_line(error->text);
    fprintf(stderr, "restore-verifier: %s: nothing was fetched: %s%s%s\n", name,
            is_bad && found ? "the backup is bad: " : "", clean,
            is_bad && found ? "; `restore-verifier list` shows which one verified last, and "
                              "--backup NAME fetches that"
                            : "");
    return is_bad ? EXIT_BAD_BACKUP : EXIT_CANNOT_VERIFY;
}

/* One level, so that a mistyped path or an unmounted disk is seen. */
static int make_directory(const char *path, struct error *error)
{
    struct stat status;
    if (mkdir(path, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return cannot_verify(error, "cannot make the directory %s: %s", path, strerror(errno));
    if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode))
        return cannot_verify(error, "%s is not a directory", path);
    return 0;
}

static int find(const struct scenario *scenario, const char *named, struct shelf **ret_shelf,
                struct backup_file *ret_backup, struct error *error)
{
    const struct backup_names *names = &scenario->backups.names;
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(free_pointer) char *name = NULL;
    cleanup(strings_free) struct strings notices = {0};
    bool is_path = named && strchr(named, '/');
    if ((is_path ? location_open_file(scenario, named, &shelf, &name, error)
                 : location_open(scenario, &shelf, error)) < 0)
        return -1;
    int found = named ? backup_stat(shelf, name ? name : named, names, ret_backup, error)
                      : backup_find(shelf, names, ret_backup, &notices, error);
    for (size_t i = 0; i < notices.count; i++) {
        cleanup(free_pointer) char *clean = text_line(notices.items[i]);
        fprintf(stderr, "restore-verifier: %s: %s\n", scenario->name, clean);
    }
    if (found == 0)
        *ret_shelf = take(&shelf);
    return found;
}

/* --- what is told ----------------------------------------------------------------------------- */

static void tell_fetched(const struct archive *archive, bool has_manifest, const char *path)
{
    char size[SIZE_TEXT_SIZE];
    int64_t rows = 0;
    cleanup(free_pointer) char *clean = text_line(path);
    for (size_t i = 0; i < archive->table_count; i++)
        rows += archive->tables[i].totals.rows;
    size_format(archive->stored_bytes, size);
    fprintf(stderr, "%s: %s, %zu table%s, %lld row%s, read to its end and intact; %s\n", clean,
            size, archive->table_count, archive->table_count == 1 ? "" : "s", (long long)rows,
            rows == 1 ? "" : "s",
            has_manifest ? "it is the file that its manifest speaks of"
                         : "it has no manifest, so that only its own structure was checked");
}

static void print_recipe(const struct archive *archive, const struct manifest *manifest,
                         const char *path)
{
    cleanup(strings_free) struct strings needs = {0};
    cleanup(strings_free) struct strings commands = {0};
    restore_needs(archive, manifest, &needs);
    restore_commands(archive, manifest, path, &commands);
    cleanup(free_pointer) char *listed = strings_listed(&needs);
    cleanup(free_pointer) char *clean = text_line(listed);
    puts("# To restore it for real, on the server that PGHOST, PGUSER and the like name:");
    if (needs.count > 0)
        printf("# it needs %s\n", clean);
    for (size_t i = 0; i < commands.count; i++) {
        cleanup(free_pointer) char *line = text_line(commands.items[i]);
        puts(line);
    }
}

/* --- the command ------------------------------------------------------------------------------ */

static int fetch_backup(const struct backup_file *backup, const struct backup_names *names,
                        const char *directory, const struct common_options *common, bool force,
                        struct error *error)
{
    cleanup(manifest_free) struct manifest manifest = {0};
    cleanup(free_pointer) char *path = NULL;
    struct archive archive = {0};
    const struct fetch_options options = {.directory = directory,
                                          .names = names,
                                          .replace = force,
                                          .threads = common->jobs > 0 ? common->jobs : 0};
    int64_t size_bytes = backup->size_bytes;
    for (size_t i = 0; i < backup->part_count; i++)
        if (strcmp(backup->parts[i].name, backup->name) == 0)
            size_bytes = backup->parts[i].size_bytes;
    int found = manifest_select(backup->shelf, backup->name, size_bytes, NULL, &manifest, error);
    const struct manifest *known = found == 0 ? &manifest : NULL;
    int result = found < 0 ? -1 : backup_fetch(backup, known, &options, &archive, &path, error);
    if (result == 0 && !common->quiet) {
        tell_fetched(&archive, known != NULL, path);
        print_recipe(&archive, known, path);
    }
    archive_free(&archive);
    return result;
}

static int fetch(const struct scenario *scenario, const struct common_options *common,
                 const struct fetch_own *own, const char *directory)
{
    struct error error;
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(free_pointer) char *whole = path_absolute(directory);
    struct backup_file backup = {0};
    time_zone_use(scenario->backups.time_zone);
    int result = find(scenario, own->backup, &shelf, &backup, &error);
    bool found = result == 0;
    if (found)
        result = make_directory(whole, &error);
    if (result == 0)
        result = fetch_backup(&backup, &scenario->backups.names, whole, common, own->force, &error);
    backup_file_free(&backup);
    if (result < 0)
        return fail(scenario->name, found, &error);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_VERIFIED;
    fputs("restore-verifier: cannot write to standard output\n", stderr);
    return EXIT_CANNOT_VERIFY;
}

static int fetch_of_file(const char *path, const struct common_options *common,
                         const struct fetch_own *own, const char *directory)
{
    struct scenario *scenario = NULL;
    cleanup(strings_free) struct strings problems = {0};
    if (scenario_load_to_look(path, &scenario, &problems) < 0) {
        for (size_t i = 0; i < problems.count; i++)
            fprintf(stderr, "%s\n", problems.items[i]);
        return EXIT_CANNOT_VERIFY;
    }
    int exit_code = fetch(scenario, common, own, directory);
    scenario_free(scenario);
    return exit_code;
}

int command_fetch(int argc, char **argv)
{
    struct common_options common;
    struct fetch_own own = {0};
    int exit_code = EXIT_CANNOT_VERIFY;
    options_parse(argc, argv, &fetch_usage, &common, &own);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    if (common.paths.count == 2 && *common.paths.items[1])
        exit_code = fetch_of_file(common.paths.items[0], &common, &own, common.paths.items[1]);
    else
        fprintf(stderr, "%s: name one scenario and the directory to fetch into\n", argv[0]);
    common_options_free(&common);
    return exit_code;
}
