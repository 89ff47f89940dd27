#include "postgres/tools.h"

#include <glob.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum { VERSION_TIMEOUT_MS = 10000 };

static const char *const restore_programs[] = {"initdb", "postgres", "pg_restore", "psql", NULL};
static const char *const client_programs[] = {"pg_restore", "psql", NULL};
static const char *const dump_programs[] = {"pg_dump", NULL};

static const struct {
    const char *const *programs;
    const char *asked;   /* the program whose version counts */
    const char *package; /* Debian's, with the major version behind it */
} tasks[] = {
    [TASK_RESTORE] = {restore_programs, "postgres", "postgresql"},
    [TASK_CLIENT] = {client_programs, "pg_restore", "postgresql-client"},
    [TASK_DUMP] = {dump_programs, "pg_dump", "postgresql-client"},
};

int version_major(const char *version)
{
    char *end;
    long major = strtol(version, &end, 10);
    return end == version || major < 1 || major > 999 ? 0 : (int)major;
}

static void glob_add(const char *pattern, struct strings *directories)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        strings_add(directories, found.gl_pathv[i]);
    globfree(&found);
}

static void path_add(const char *list, struct strings *directories)
{
    while (*list) {
        size_t length = strcspn(list, ":");
        cleanup(free_pointer) char *directory = xstrndup(list, length);
        cleanup(free_pointer) char *real = length > 0 ? realpath(directory, NULL) : NULL;
        if (real)
            strings_add(directories, real);
        list += length;
        list += *list == ':';
    }
}

static void candidate_directories(struct strings *directories)
{
    const char *chosen = getenv("RESTORE_VERIFIER_PGBIN");
    if (chosen) {
        path_add(chosen, directories);
        return;
    }
    glob_add("/usr/lib/postgresql/*/bin", directories); /* Debian */
    glob_add("/usr/pgsql-*/bin", directories);          /* RPM */
    const char *path = getenv("PATH");
    if (path)
        path_add(path, directories);
}

static bool has_programs(const char *directory, const char *const *programs)
{
    for (; *programs; programs++) {
        cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, *programs);
        if (access(path, X_OK) < 0)
            return false;
    }
    return true;
}

/* Reads "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)". NULL when it says something else.
 */
static struct tools *tools_ask(const char *directory, const char *program)
{
    cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, program);
    const char *const argv[] = {path, "--version", NULL};
    struct process_options options = {.argv = argv};
    struct process_result result;
    struct error ignored;
    if (process_run(&options, deadline_after(VERSION_TIMEOUT_MS), &result, &ignored) < 0)
        return NULL;
    struct tools *tools = NULL;
    const char *version = strstr(result.output.data, "(PostgreSQL) ");
    if (result.exit_code == 0 && version) {
        version += strlen("(PostgreSQL) ");
        tools = xcalloc(1, sizeof(*tools));
        tools->directory = xstrdup(directory);
        tools->version = xstrndup(version, strcspn(version, "\n"));
        tools->major = version_major(version);
    }
    process_result_free(&result);
    return tools;
}

int tools_find(enum task task, int major, struct tools **ret_tools, struct error *error)
{
    struct strings directories = {0};
    candidate_directories(&directories);
    struct tools *best = NULL;
    int newest = 0;
    for (size_t i = 0; i < directories.count; i++) {
        if (!has_programs(directories.items[i], tasks[task].programs))
            continue;
        struct tools *tools = tools_ask(directories.items[i], tasks[task].asked);
        if (tools && tools->major > newest)
            newest = tools->major;
        if (tools && tools->major >= major && (!best || tools->major < best->major)) {
            tools_free(best);
            best = take(&tools);
        }
        tools_free(tools);
    }
    strings_free(&directories);
    if (best) {
        *ret_tools = best;
        return 0;
    }
    if (newest == 0)
        return cannot_verify(error,
                             "PostgreSQL's %s is not installed: install the package %s (apt-get "
                             "install %s), or name its directory in RESTORE_VERIFIER_PGBIN",
                             tasks[task].asked, tasks[task].package, tasks[task].package);
    return cannot_verify(error,
                         "PostgreSQL %d or newer is needed, and the newest on this machine is %d: "
                         "install the package %s-%d (from apt.postgresql.org where the system does "
                         "not have it)",
                         major, newest, tasks[task].package, major);
}

void tools_free(struct tools *tools)
{
    if (!tools)
        return;
    free(tools->directory);
    free(tools->version);
    free(tools);
}

void tools_freep(struct tools **tools)
{
    tools_free(*tools);
}

char *tools_program(const struct tools *tools, const char *program)
{
    return xasprintf("%s/%s", tools->directory, program);
}

int server_account(struct account *ret_account, struct error *error)
{
    if (geteuid() != 0) {
        *ret_account = (struct account){.uid = geteuid(), .gid = getegid()};
        return 0;
    }
    const struct passwd *user = getpwnam("restore-verifier");
    if (!user)
        user = getpwnam("nobody");
    if (!user || user->pw_uid == 0)
        return cannot_verify(error,
                             "PostgreSQL refuses to run as root and there is no user `nobody`: "
                             "make a user named restore-verifier (adduser --system "
                             "restore-verifier), or run this as an ordinary user");
    *ret_account = (struct account){.uid = user->pw_uid, .gid = user->pw_gid};
    return 0;
}
