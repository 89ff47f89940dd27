/* This machine: where restores happen, PostgreSQL's programs, and the files of the project. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/account.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/workdir.h"
#include "postgres/tools.h"
#include "preflight/areas.h"
#include "stages/migration_files.h"

enum { UNPACKED_TIMES = 5 };

/* --- where restores happen -------------------------------------------------------------------- */

static void look_at_entering(struct area *area, const char *path)
{
    struct account account;
    struct error error;
    if (server_account(&account, &error) < 0) {
        finding_add(area, "work directory", NOT_READY, "%s", error.text);
        return;
    }
    cleanup(free_pointer) char *barrier = account_barrier(&account, path);
    cleanup(free_pointer) char *user = account_name(&account);
    if (barrier)
        finding_add(area, "work directory", NOT_READY,
                    "%s, as which PostgreSQL runs here, may not enter %s: set TMPDIR to a "
                    "directory that everybody may enter, such as /var/tmp, or allow it with chmod "
                    "o+x",
                    user, barrier);
    else
        finding_add(area, "work directory", READY,
                    "%s (TMPDIR), and PostgreSQL's user, %s, may enter it", workdir_parent(), user);
}

void look_at_work_directory(struct area *area)
{
    struct workdir *workdir = NULL;
    struct error error;
    if (workdir_create(workdir_parent(), &workdir, &error) < 0) {
        finding_add(area, "work directory", NOT_READY, "%s", error.text);
        return;
    }
    look_at_entering(area, workdir_path(workdir));
    if (workdir_remove(workdir, &error) < 0)
        finding_add(area, "work directory", READY_BUT, "%s", error.text);
}

/* The unpacked backup and the restored database lie there. How large they become, the source tells
 * roughly: indexes are as large there, and dead rows are not restored. */
void look_at_space(struct area *area)
{
    const struct learned *learned = &area->learned;
    bool is_elsewhere = area->scenario->restore.server != NULL;
    /* What a compressed dump restores to, where nobody has told. */
    int64_t restored = learned->database_bytes > 0 ? learned->database_bytes
                                                   : learned->backup_bytes * UNPACKED_TIMES;
    int64_t wanted = learned->backup_bytes + (is_elsewhere ? 0 : restored);
    int64_t free_bytes = free_space_bytes(workdir_parent());
    char room[SIZE_TEXT_SIZE], needed[SIZE_TEXT_SIZE];
    size_format(free_bytes, room);
    bool is_short = free_bytes < SPACE_KEPT_BYTES || free_bytes < wanted / 4;
    size_format(is_short ? wanted + SPACE_KEPT_BYTES : wanted, needed);
    if (free_bytes < 0)
        return;
    if (is_short)
        finding_add(area, "room to restore", NOT_READY,
                    "%s free in %s, and about %s are needed: make room, or set TMPDIR", room,
                    workdir_parent(), needed);
    else if (free_bytes < wanted + SPACE_KEPT_BYTES)
        finding_add(area, "room to restore", READY_BUT,
                    "%s free in %s, and up to %s may be needed: make room, or set TMPDIR", room,
                    workdir_parent(), needed);
    else
        finding_add(area, "room to restore", READY, "%s free in %s%s%s", room, workdir_parent(),
                    wanted > 0 ? ", for about " : "", wanted > 0 ? needed : "");
}

/* --- programs --------------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* As it would be started: from PATH, or, with a slash in it, seen from its directory. */
static bool program_is_there(const char *program, const char *directory)
{
    if (strchr(program, '/')) {
        cleanup(free_pointer) char *path = *program == '/' || !directory
                                               ? xstrdup(program)
                                               : xasprintf("%s/%s", directory, program);
        return is_program(path);
    }
    const char *path = getenv("PATH");
    for (const char *at = path ? path : ""; *at; at += *at == ':') {
        size_t length = strcspn(at, ":");
        cleanup(free_pointer) char *file = xasprintf("%.*s/%s", (int)length, at, program);
        if (is_program(file))
            return true;
        at += length;
    }
    return false;
}

static void look_at_command(struct area *area, const char *check, const char *program,
                            const char *directory)
{
    struct stat status;
    if (directory && (stat(directory, &status) < 0 || !S_ISDIR(status.st_mode)))
        finding_add(area, check, NOT_READY, "there is no directory %s to run %s in", directory,
                    program);
    else if (!program_is_there(program, directory))
        finding_add(area, check, NOT_READY,
                    "%s is not there, or cannot be run: install it, or name it with its path",
                    program);
    else
        finding_add(area, check, READY, "%s is there", program);
}

/* With the way back, where another program has it. */
static void look_at_migration(struct area *area, const struct migration_wanted *migration)
{
    const char *program = migration->command.count > 0 ? migration->command.items[0] : "alembic";
    const char *back = migration->back.count > 0 ? migration->back.items[0] : program;
    look_at_command(area, "migration", program, migration->directory);
    if (strcmp(back, program) != 0)
        look_at_command(area, "migration", back, migration->directory);
}

static void look_at_commands(struct area *area)
{
    const struct scenario *scenario = area->scenario;
    for (size_t i = 0; i < scenario->command_count; i++)
        look_at_command(area, "commands", scenario->commands[i].run.items[0],
                        scenario->commands[i].directory);
    if (scenario->migration.present)
        look_at_migration(area, &scenario->migration);
}

/* --- migrations ------------------------------------------------------------------------------- */

static void tell_migrations(struct area *area, int found, size_t count, const struct error *error)
{
    if (found < 0)
        finding_add(area, "migrations", NOT_READY, "%s", error->text);
    else
        finding_add(area, "migrations", READY, "%zu of them can be read", count);
}

static void look_at_migrations(struct area *area)
{
    const struct scenario *scenario = area->scenario;
    struct error error;
    for (size_t i = 0; i < scenario->alembic_count; i++) {
        const struct alembic_expectation *alembic = &scenario->alembic[i];
        cleanup(places_free) struct places places = {0};
        cleanup(migrations_free) struct migrations migrations = {0};
        if (alembic->migrations.count == 0 && !alembic->config)
            continue;
        int found = alembic_migrations_read(alembic, &places, &migrations, &error);
        tell_migrations(area, found, migrations.count, &error);
    }
    for (size_t i = 0; i < scenario->migrations_count; i++) {
        cleanup(strings_free) struct strings names = {0};
        if (scenario->migrations[i].directories.count == 0)
            continue;
        int found = tool_migrations_read(&scenario->migrations[i], &names, &error);
        tell_migrations(area, found, names.count, &error);
    }
}

void look_at_files(struct area *area)
{
    look_at_migrations(area);
    look_at_commands(area);
}
