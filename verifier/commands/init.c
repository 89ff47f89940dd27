/* restore-verifier init: writes a scenario from what a database or a backup holds. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "commands/commands.h"
#include "commands/options.h"
#include "draft/place.h"
#include "draft/sources.h"
#include "draft/write.h"
#include "postgres/hosts.h"
#include "report/text.h"
#include "shelf/age.h"
#include "shelf/backup_list.h"
#include "shelf/backup_read.h"
#include "shelf/manifest.h"

enum { ASKING_TIMEOUT_MS = 10 * 60 * 1000 };

struct init_options {
    const char *from;
    bool force;
};

static const struct own_option init_options[] = {
    {"from", "URL|BACKUP", OPTION_TEXT, offsetof(struct init_options, from),
     "What to write it from: a database, a backup, a directory of backups, or s3://bucket/prefix "
     "(default: the database of DATABASE_URL)"},
    {"force", NULL, OPTION_FLAG, offsetof(struct init_options, force),
     "Replace a file that is there"},
    {0},
};

static const struct usage init_usage = {
    .arguments = "[FILE]",
    .words =
        "Write a scenario from what a database or a backup holds: its tables and how many rows "
        "they must at least have, how fresh they are, its migration table, its foreign keys. "
        "It is commented and verifies as it is; then make it yours. A database is only read; "
        "tables of more than 64 MiB are not counted. FILE is by default the database's name "
        "with .yaml, in this directory; - prints it. Passwords are not written: the scenario "
        "takes the URL from DATABASE_URL.",
    .options = init_options,
};

static void complain(const char *text)
{
    cleanup(free_pointer) char *clean = text_clean(text, SIZE_MAX, TEXT_BLOCK);
    fprintf(stderr, "restore-verifier: %s\n", clean);
}

static int fail(const struct error *error)
{
    complain(error->text);
    return error->fault == FAULT_BACKUP ? EXIT_BAD_BACKUP : EXIT_CANNOT_VERIFY;
}

/* --- what it is written from ------------------------------------------------------------------ */

static bool is_url(const char *from)
{
    return (strstr(from, "://") && !starts_with(from, "s3://")) ||
           (strchr(from, '=') && access(from, F_OK) < 0);
}

static int from_database(const char *url, struct draft *ret_draft, struct error *error)
{
    cleanup(address_free) struct address address = {0};
    cleanup(strings_free) struct strings notices = {0};
    if (address_parse(url, &address, error) < 0)
        return -1;
    address_take_environment(&address);
    address_resolve_files(&address);
    enum host_kind host = host_recognise(&address);
    int result = host_adjust(host, NULL, &address, &notices, error);
    if (result == 0)
        result = draft_of_database(&address, host, deadline_after(ASKING_TIMEOUT_MS), ret_draft,
                                   &notices, error);
    for (size_t i = 0; i < notices.count; i++)
        complain(notices.items[i]);
    if (result < 0) {
        host_explain(host, &address, error);
        return -1;
    }
    cleanup(free_pointer) char *where = address_describe(&address);
    ret_draft->origin = xasprintf("the database at %s", where);
    return 0;
}

static bool has_manifest(const struct backup_file *backup, const struct archive *archive)
{
    cleanup(manifest_free) struct manifest manifest = {0};
    struct error ignored;
    return backup->part_count == 0 &&
           manifest_select(backup->shelf, backup->name, archive->stored_bytes, archive->sha256,
                           &manifest, &ignored) == 0 &&
           strcmp(manifest.sha256, archive->sha256) == 0;
}

/* When it was made, for telling its date from others in its name. */
static time_t made_at(const struct backup_file *backup, const struct tm *creation)
{
    struct tm copy = creation ? *creation : (struct tm){0};
    copy.tm_isdst = -1;
    return creation ? mktime(&copy) : backup->modified;
}

/* Its name, and how old it is by that, or by what else tells. */
static void date_backup(const struct backup_file *backup, const struct tm *creation,
                        const struct strings *others, struct draft *draft)
{
    const struct name_hints hints = {others, made_at(backup, creation)};
    struct backup_file dated = *backup;
    draft->pattern = draft_pattern(backup->name, &hints, &draft->is_undated, &draft->rivals);
    draft->is_undated = draft->is_undated || draft->rivals.count > 0;
    dated.has_name_date =
        name_pattern_match(draft->pattern, backup->name, &dated.name_date) && !draft->is_undated;
    if (draft->is_undated)
        dated.name_date = date_of_file(backup->modified);
    const struct backup_time made = draft->is_undated && creation
                                        ? backup_time_of_header(&dated, creation)
                                        : backup_time(&dated, creation);
    draft->backup_age_s = (int64_t)(time(NULL) - made.time);
}

static void describe_backup(const struct backup_file *backup, const struct archive *archive,
                            const struct strings *others, struct draft *draft)
{
    const struct tm *creation = archive->has_creation_time ? &archive->creation_local : NULL;
    draft->origin = xasprintf("the backup %s", backup->path);
    draft->location = xstrdup(shelf_location(backup->shelf));
    draft->has_header = creation != NULL;
    date_backup(backup, creation, others, draft);
    draft->has_manifest = has_manifest(backup, archive);
}

static int from_backup(const char *path, int jobs, struct draft *ret_draft, struct error *error)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(free_pointer) char *whole =
        starts_with(path, "s3://") ? xstrdup(path) : path_absolute(path);
    cleanup(strings_free) struct strings others = {0};
    struct backup_file backup = {0};
    struct archive archive = {0};
    const struct archive_options reading = {.threads = jobs};
    if (place_find(whole, &shelf, &backup, &others, error) < 0)
        return -1;
    int result = backup_read(&archive, &backup, &reading, error);
    if (result == 0) {
        draft_of_archive(&archive, ret_draft);
        describe_backup(&backup, &archive, &others, ret_draft);
    }
    archive_free(&archive);
    backup_file_free(&backup);
    return result;
}

/* --- where it goes ---------------------------------------------------------------------------- */

/* The schema that was installed together with this program. */
static char *schema_path(void)
{
    static const char share[] = "share/restore-verifier/scenario.schema.json";
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/'); /* PREFIX/bin/restore-verifier */
    if (slash)
        *slash = '\0';
    slash = strrchr(program, '/');
    cleanup(free_pointer) char *beside =
        slash ? xasprintf("%.*s/%s", (int)(slash - program), program, share) : NULL;
    if (beside && access(beside, R_OK) == 0)
        return take(&beside);
    return xasprintf("/usr/%s", share);
}

/* What comes before the date in the names of backups, or before the ending. */
static char *name_of_pattern(const char *pattern)
{
    cleanup(free_pointer) char *stem = xstrndup(pattern, strcspn(pattern, "%."));
    size_t length = strlen(stem);
    while (length > 0 && strchr("-_", stem[length - 1]))
        stem[--length] = '\0';
    return draft_scenario_name(length > 0 ? stem : "backup");
}

static int write_file(const char *path, const char *text, bool force, struct error *error)
{
    if (force)
        return file_replace(path, text, strlen(text), error);
    cleanup(close_descriptor) int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0 && errno == EEXIST)
        return cannot_verify(error, "%s exists already: --force replaces it, or name another file",
                             path);
    if (file < 0)
        return cannot_verify(error, "cannot write %s: %s", path, strerror(errno));
    if (write_all(file, text, strlen(text), path, error) == 0)
        return 0;
    unlink(path); /* a part of it would stand in the way of the next try */
    return -1;
}

static void tell_next(const struct draft *draft, const char *path, const char *from)
{
    const char *url = getenv("DATABASE_URL");
    bool is_set = url && (!from || strcmp(url, from) == 0);
    fprintf(stderr, "%s: written, of %zu table%s. Next:\n", path, draft->table_count,
            draft->table_count == 1 ? "" : "s");
    if (draft->rivals.count > 0)
        fprintf(
            stderr,
            "  look at backups.name in it: there is more than one date in that of the backup\n");
    if (draft->location)
        fprintf(stderr, "  restore-verifier verify %s\n", path);
    else
        fprintf(stderr, "%s  restore-verifier check %s\n  restore-verifier nightly %s\n",
                is_set ? "" : "  export DATABASE_URL=...    # the database that was given here\n",
                path, path);
}

/* That of the file, so that both have one name; else that of what it is written from. */
static char *scenario_name_for(const struct draft *draft, const char *file)
{
    const char *base = file && strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    if (base && ends_with(base, ".yaml")) {
        cleanup(free_pointer) char *stem = xstrndup(base, strlen(base) - strlen(".yaml"));
        return draft_scenario_name(stem);
    }
    if (draft->database)
        return draft_scenario_name(draft->database);
    return draft->pattern ? name_of_pattern(draft->pattern) : xstrdup("database");
}

static int put(const struct draft *draft, const char *file, const struct init_options *options,
               bool quiet)
{
    struct error error;
    cleanup(free_pointer) char *name = scenario_name_for(draft, file);
    cleanup(free_pointer) char *schema = schema_path();
    cleanup(free_pointer) char *path = file ? xstrdup(file) : xasprintf("%s.yaml", name);
    cleanup(free_pointer) char *text = draft_write(draft, name, schema);
    if (strcmp(path, "-") == 0) {
        fputs(text, stdout);
        if (fflush(stdout) == 0 && !ferror(stdout))
            return EXIT_VERIFIED;
        complain("cannot write to standard output");
        return EXIT_CANNOT_VERIFY;
    }
    if (write_file(path, text, options->force, &error) < 0)
        return fail(&error);
    if (!quiet)
        tell_next(draft, path, options->from);
    return EXIT_VERIFIED;
}

/* What would fail at the end is said before the database is bothered. */
static int check_free(const char *file, bool force, struct error *error)
{
    struct stat status;
    if (!file || strcmp(file, "-") == 0 || stat(file, &status) < 0)
        return 0;
    if (S_ISDIR(status.st_mode))
        return cannot_verify(error, "%s is a directory: name a file, such as %s/my.yaml", file,
                             file);
    if (force)
        return 0;
    return cannot_verify(error, "%s exists already: --force replaces it, or name another file",
                         file);
}

static int init(const struct common_options *common, const struct init_options *options)
{
    struct error error;
    struct draft draft = {0};
    const char *from = options->from ? options->from : getenv("DATABASE_URL");
    const char *file = common->paths.count > 0 ? common->paths.items[0] : NULL;
    if (common->paths.count > 1)
        complain("init writes one scenario: name one file");
    else if (!from || !*from)
        complain("from what? Name a database or a backup with --from, or set DATABASE_URL");
    if (common->paths.count > 1 || !from || !*from)
        return EXIT_CANNOT_VERIFY;
    if (check_free(file, options->force, &error) < 0 ||
        (is_url(from) ? from_database(from, &draft, &error)
                      : from_backup(from, common->jobs, &draft, &error)) < 0)
        return fail(&error);
    int exit_code = put(&draft, file, options, common->quiet);
    draft_free(&draft);
    return exit_code;
}

int command_init(int argc, char **argv)
{
    struct common_options common;
    struct init_options options = {0};
    options_parse(argc, argv, &init_usage, &common, &options);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    int exit_code = init(&common, &options);
    common_options_free(&common);
    return exit_code;
}
