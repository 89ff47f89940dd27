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

static struct tools *tools_copy(const struct tools *tools)
{
    struct tools *copy = xcalloc(1, sizeof(*copy));
    *copy = (struct tools){xstrdup(tools->directory), xstrdup(tools->version), tools->major};
    return copy;
}

static void keep(struct tools **kept, struct tools *tools)
{
    tools_free(*kept);
    *kept = tools;
}

/* The one for `major`, and the newest of those that were asked on the way; NULL: there is none. */
static void search(enum task task, int major, struct tools **ret_best, struct tools **ret_newest)
{
    struct strings directories = {0};
    candidate_directories(&directories);
    bool found = false;
    for (size_t i = 0; i < directories.count && !found; i++) {
        const char *directory = directories.items[i];
        if (!has_programs(directory, tasks[task].programs))
            continue;
        struct tools *tools = tools_ask(directory, tasks[task].asked);
        if (!tools)
            continue;
        if (!*ret_newest || tools->major > (*ret_newest)->major)
            keep(ret_newest, tools_copy(tools));
        if (tools->major >= major && (!*ret_best || tools->major < (*ret_best)->major))
            keep(ret_best, tools);
        else
            tools_free(tools);
        found = *ret_best && (*ret_best)->major == major; /* none is better */
    }
    strings_free(&directories);
}

static int refuse_none(enum task task, struct error *error)
{
    return cannot_verify(error,
                         "PostgreSQL's %s is not installed: install the package %s (apt-get "
                         "install %s), or name its directory in RESTORE_VERIFIER_PGBIN",
                         tasks[task].asked, tasks[task].package, tasks[task].package);
}

char *tools_advice(enum task task, int major)
{
    return xasprintf("install the package %s-%d (from apt.postgresql.org where the system does "
                     "not have it)",
                     tasks[task].package, major);
}

int tools_find(enum task task, int major, struct tools **ret_tools, struct error *error)
{
    cleanup(tools_freep) struct tools *best = NULL, *newest = NULL;
    search(task, major, &best, &newest);
    if (best) {
        *ret_tools = take(&best);
        return 0;
    }
    if (!newest)
        return refuse_none(task, error);
    cleanup(free_pointer) char *advice = tools_advice(task, major);
    return cannot_verify(error,
                         "PostgreSQL %d or newer is needed, and the newest on this machine is %d: "
                         "%s",
                         major, newest->major, advice);
}

int tools_find_newest(enum task task, struct tools **ret_tools, struct error *error)
{
    cleanup(tools_freep) struct tools *best = NULL, *newest = NULL;
    search(task, 0, &best, &newest);
    if (!newest)
        return refuse_none(task, error);
    *ret_tools = take(&newest);
    return 0;
}

int tools_in(enum task task, const char *directory, struct tools **ret_tools)
{
    if (!has_programs(directory, tasks[task].programs))
        return -1;
    *ret_tools = xcalloc(1, sizeof(**ret_tools));
    (*ret_tools)->directory = xstrdup(directory);
    return 0;
}

bool tools_know_restrict(const struct tools *tools)
{
    static const struct {
        int major, minor;
    } first[] = {{13, 22}, {14, 19}, {15, 14}, {16, 10}, {17, 6}};
    const char *dot = strchr(tools->version, '.');
    for (size_t i = 0; i < ARRAY_LENGTH(first); i++)
        if (tools->major == first[i].major)
            return dot && strtol(dot + 1, NULL, 10) >= first[i].minor;
    return tools->major >= 18;
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
