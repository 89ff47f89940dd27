#include "postgres/tools.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/processors.h"
#include "postgres/tuning.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static const struct {
    const char *version;
    int major;
} versions[] = {
    {"15.18 (Debian 15.18-0+deb12u1)", 15},
    {"9.6.24", 9},
    {"18beta1", 18},
    {"17", 17},
    {"", 0},
    {"devel", 0},
    {"-3", 0},
    {"0", 0},
    {"99999999999999999999", 0},
};

START_TEST(majors_of_versions)
{
    ck_assert_int_eq(version_major(versions[_i].version), versions[_i].major);
}
END_TEST

/* DIRECTORY/VERSION with shell scripts that say they are PostgreSQL's programs. */
static void install(const char *directory, const char *version)
{
    static const char *const programs[] = {"initdb", "postgres", "pg_restore", "psql", "pg_dump"};
    cleanup(free_pointer) char *bin = scratch_path(directory, version);
    ck_assert_int_eq(mkdir(bin, 0755), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(programs); i++) {
        cleanup(free_pointer) char *path = scratch_path(bin, programs[i]);
        cleanup(free_pointer) char *script =
            xasprintf("#!/bin/sh\necho '%s (PostgreSQL) %s (fake)'\n", programs[i], version);
        scratch_write(path, script, 0755);
    }
}

static const struct {
    const char *installed; /* separated by colons, in this order */
    enum task task;
    int major;
    int found; /* 0: an error */
    const char *words;
} finds[] = {
    {"13.1:15.2:17.3", TASK_RESTORE, 15, 15, ""},
    {"17.3:15.2:13.1", TASK_RESTORE, 14, 15, ""},
    {"13.1:15.2:17.3", TASK_RESTORE, 16, 17, ""},
    {"13.1:15.2:17.3", TASK_RESTORE, 0, 13, ""},
    {"13.1:15.2:17.3", TASK_CLIENT, 14, 15, ""},
    {"17.3:15.2:13.1", TASK_DUMP, 14, 15, ""},
    {"13.1:15.2", TASK_RESTORE, 17, 0,
     "the newest on this machine is 15: install the package postgresql-17 "},
    {"13.1:15.2", TASK_CLIENT, 17, 0, "install the package postgresql-client-17 "},
    {"13.1", TASK_DUMP, 16, 0, "install the package postgresql-client-16 "},
    {"", TASK_RESTORE, 15, 0,
     "PostgreSQL's postgres is not installed: install the package postgresql "},
    {"", TASK_DUMP, 15, 0, "install the package postgresql-client "},
};

START_TEST(the_fitting_installation_is_found)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *versions_text = xstrdup(finds[_i].installed);
    struct buffer list;
    buffer_init(&list, 4096);
    buffer_append_text(&list, "/nowhere/bin:");
    char *rest = versions_text, *next;
    while ((next = strtok_r(rest, ":", &rest))) {
        install(scratch, next);
        buffer_printf(&list, ":%s/%s", scratch, next);
    }
    setenv("RESTORE_VERIFIER_PGBIN", list.data, 1);
    buffer_free(&list);
    struct tools *tools = NULL;
    struct error error = {0};
    int outcome = tools_find(finds[_i].task, finds[_i].major, &tools, &error);
    ck_assert_int_eq(outcome, finds[_i].found ? 0 : -1);
    if (outcome == 0) {
        ck_assert_int_eq(tools->major, finds[_i].found);
        ck_assert(ends_with(tools->version, " (fake)"));
        cleanup(free_pointer) char *program = tools_program(tools, "psql");
        ck_assert_int_eq(access(program, X_OK), 0);
    } else {
        ck_assert_int_eq(error.fault, FAULT_MACHINE);
        ck_assert_msg(strstr(error.text, finds[_i].words), "%s", error.text);
    }
    tools_free(take(&tools));
    if (*finds[_i].installed && finds[_i].task != TASK_DUMP) {
        ck_assert_int_eq(tools_find_newest(finds[_i].task, &tools, &error), 0);
        ck_assert_int_eq(tools->major, strstr(finds[_i].installed, "17.3") ? 17 : 15);
        tools_free(tools);
    } else if (!*finds[_i].installed) {
        ck_assert_int_eq(tools_find_newest(finds[_i].task, &tools, &error), -1);
        ck_assert_msg(strstr(error.text, finds[_i].words), "%s", error.text);
    }
}
END_TEST

static const struct {
    char version[32];
    bool know;
} psqls[] = {
    {"12.22", false},        {"13.21", false},  {"13.22", true},          {"14.18", false},
    {"14.19", true},         {"15.13", false},  {"15.14 (Debian)", true}, {"16.9", false},
    {"16.10", true},         {"17.5", false},   {"17.6", true},           {"17beta1", false},
    {"18.0 (Debian)", true}, {"19devel", true},
};

START_TEST(later_releases_know_restrict)
{
    char version[32];
    memcpy(version, psqls[_i].version, sizeof(version));
    struct tools tools = {.version = version, .major = version_major(version)};
    ck_assert_int_eq(tools_know_restrict(&tools), psqls[_i].know);
}
END_TEST

static const struct {
    const char *name;
    const char *script;
    mode_t mode;
} broken[] = {
    {"fails", "#!/bin/sh\necho 'postgres (PostgreSQL) 16.1'\nexit 1\n", 0755},
    {"is another program", "#!/bin/sh\necho 'postgres 16.1'\n", 0755},
    {"says nothing", "#!/bin/sh\n", 0755},
    {"is killed", "#!/bin/sh\necho 'postgres (PostgreSQL) 16.1'\nkill -9 $$\n", 0755},
    {"has no interpreter", "#!/nowhere/sh\n", 0755},
};

START_TEST(a_broken_installation_is_none)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    install(scratch, "16.1");
    cleanup(free_pointer) char *bin = scratch_path(scratch, "16.1");
    cleanup(free_pointer) char *program = scratch_path(bin, "postgres");
    scratch_write(program, broken[_i].script, broken[_i].mode);
    setenv("RESTORE_VERIFIER_PGBIN", bin, 1);
    struct tools *tools = NULL;
    struct error error = {0};
    ck_assert_msg(tools_find(TASK_RESTORE, 15, &tools, &error) == -1, "%s", broken[_i].name);
    ck_assert_ptr_nonnull(strstr(error.text, "is not installed"));
}
END_TEST

START_TEST(an_incomplete_installation_is_none)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    install(scratch, "16.1");
    cleanup(free_pointer) char *bin = scratch_path(scratch, "16.1");
    cleanup(free_pointer) char *initdb = scratch_path(bin, "initdb");
    ck_assert_int_eq(unlink(initdb), 0);
    setenv("RESTORE_VERIFIER_PGBIN", bin, 1);
    cleanup(tools_freep) struct tools *tools = NULL;
    struct error error = {0};
    ck_assert_int_eq(tools_find(TASK_RESTORE, 15, &tools, &error), -1);
    ck_assert_int_eq(tools_find(TASK_CLIENT, 15, &tools, &error), 0);
    cleanup(tools_freep) struct tools *beside = NULL;
    ck_assert_int_eq(tools_in(TASK_RESTORE, bin, &beside), -1);
    ck_assert_int_eq(tools_in(TASK_DUMP, bin, &beside), 0);
    cleanup(free_pointer) char *program = tools_program(beside, "pg_dump");
    ck_assert_int_eq(access(program, X_OK), 0);
}
END_TEST

START_TEST(a_relative_directory_holds_everywhere)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    install(scratch, "16.1");
    ck_assert_int_eq(chdir(scratch), 0);
    setenv("RESTORE_VERIFIER_PGBIN", "16.1", 1);
    cleanup(tools_freep) struct tools *tools = NULL;
    struct error error = {0};
    ck_assert_int_eq(tools_find(TASK_RESTORE, 15, &tools, &error), 0);
    ck_assert_int_eq(*tools->directory, '/');
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(servers_never_run_as_root)
{
    struct account account = {0};
    struct error error = {0};
    ck_assert_msg(server_account(&account, &error) == 0, "%s", error.text);
    ck_assert_uint_ne(account.uid, 0);
}
END_TEST

static const struct {
    int64_t memory_mib;
    int64_t backup_mib;
    int jobs;
    int major;
    const char *has;
    const char *has_not; /* NULL: nothing */
} tunings[] = {
    {4096, 0, 2, 15, "shared_buffers=512MB", NULL},
    {4096, 1, 2, 15, "shared_buffers=128MB", NULL},
    {4096, 8, 2, 15, "shared_buffers=256MB", NULL},
    {4096, 16, 2, 15, "shared_buffers=512MB", NULL},
    {4096, INT64_MAX >> 20, 2, 15, "shared_buffers=512MB", NULL},
    {512, 1, 2, 15, "shared_buffers=64MB", NULL},
    {4096, 0, 2, 15, "maintenance_work_mem=512MB", NULL},
    {65536, 0, 2, 15, "shared_buffers=1024MB", NULL},
    {65536, 0, 2, 15, "maintenance_work_mem=1024MB", NULL},
    {0, 0, 8, 15, "shared_buffers=16MB", NULL},
    {0, 0, 8, 15, "maintenance_work_mem=16MB", NULL},
    {4096, 0, 8, 15, "max_connections=28", NULL},
    {4096, 0, 2, 15, "max_locks_per_transaction=1024", NULL},
    {4096, 0, 1, 15, "max_parallel_maintenance_workers=0", NULL},
    {4096, 0, 2, 11, "jit=off", NULL},
    {4096, 0, 2, 10, "fsync=off", "jit=off"},
    {4096, 0, 2, 17, "event_triggers=off", NULL},
    {4096, 0, 2, 16, "jit=off", "event_triggers=off"},
    {4096, 0, 2, 15, "listen_addresses=", NULL},
};

START_TEST(a_server_is_tuned_to_its_machine)
{
    cleanup(strings_free) struct strings settings = {0};
    tuning_settings(&(struct tuning){.memory_bytes = tunings[_i].memory_mib << 20,
                                     .backup_bytes = tunings[_i].backup_mib << 20,
                                     .jobs = tunings[_i].jobs,
                                     .major = tunings[_i].major},
                    &settings);
    ck_assert_msg(strings_contain(&settings, tunings[_i].has), "no %s", tunings[_i].has);
    if (tunings[_i].has_not)
        ck_assert(!strings_contain(&settings, tunings[_i].has_not));
    ck_assert_int_gt(available_memory_bytes(), 0);
}
END_TEST

/* Limits and what is used of them, of the groups /, /a and /a/b; 0: no such file. */
static const struct {
    const char *own;
    const char *limits[3];
    int64_t left;
} groups[] = {
    {"0::/a/b\n", {NULL, NULL, NULL}, 9000},
    {"0::/a/b\n", {NULL, "max", "max"}, 9000},
    {"0::/a/b\n", {NULL, NULL, "5000"}, 4000},
    {"0::/a/b\n", {NULL, "3000", "5000"}, 2000},
    {"0::/a/b\n", {NULL, "8000", "5000"}, 4000},
    {"1:memory:/a\n0::/a\n", {NULL, "3000", "2000"}, 2000},
    {"0::/\n", {"7000", "3000", NULL}, 6000}, /* in a container */
    {"0::/elsewhere/c\n", {"7000", NULL, NULL}, 6000},
    {"0::/a/b\n", {NULL, NULL, "500"}, 0},
    {"", {"7000", NULL, NULL}, 6000},
};

START_TEST(memory_is_what_every_cgroup_leaves)
{
    static const char *const names[] = {"", "/a", "/a/b"};
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *own = scratch_path(scratch, "own");
    scratch_write(own, groups[_i].own, 0600);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        cleanup(free_pointer) char *group = xasprintf("%s/tree%s", scratch, names[i]);
        cleanup(free_pointer) char *max = scratch_path(group, "memory.max");
        cleanup(free_pointer) char *current = scratch_path(group, "memory.current");
        mkdir(group, 0700);
        if (groups[_i].limits[i]) {
            scratch_write(max, groups[_i].limits[i], 0600);
            scratch_write(current, "1000\n", 0600);
        }
    }
    cleanup(free_pointer) char *tree = scratch_path(scratch, "tree");
    ck_assert_int_eq(cgroup_memory_bytes(tree, own, 9000), groups[_i].left);
}
END_TEST

static const struct {
    const char *limits[2]; /* of a group, and of one in it, which is ours */
    int left;              /* of 8 */
} shares[] = {
    {{NULL, NULL}, 8},
    {{NULL, "max 100000\n"}, 8},
    {{NULL, "200000 100000\n"}, 2},
    {{NULL, "150000 100000\n"}, 2},
    {{NULL, "10000 100000\n"}, 1},
    {{NULL, "9900000 100000\n"}, 8},
    {{"100000 100000\n", "300000 100000\n"}, 1},
    {{NULL, "nonsense\n"}, 8},
};

START_TEST(processors_are_what_every_cgroup_leaves)
{
    static const char *const names[] = {"/tree", "/tree/own"};
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *own = scratch_path(scratch, "own");
    cleanup(free_pointer) char *tree = scratch_path(scratch, "tree");
    scratch_write(own, "0::/own\n", 0600);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        cleanup(free_pointer) char *group = xasprintf("%s%s", scratch, names[i]);
        cleanup(free_pointer) char *max = scratch_path(group, "cpu.max");
        mkdir(group, 0700);
        if (shares[_i].limits[i])
            scratch_write(max, shares[_i].limits[i], 0600);
    }
    ck_assert_int_eq(cgroup_processors(tree, own, 8), shares[_i].left);
    ck_assert_int_ge(processors(), 1);
}
END_TEST

Suite *tools_suite(void)
{
    Suite *suite = suite_create("postgres/tools");
    add_table_test(suite, majors_of_versions, ARRAY_LENGTH(versions));
    add_table_test(suite, the_fitting_installation_is_found, ARRAY_LENGTH(finds));
    add_table_test(suite, later_releases_know_restrict, ARRAY_LENGTH(psqls));
    add_table_test(suite, a_broken_installation_is_none, ARRAY_LENGTH(broken));
    add_test(suite, an_incomplete_installation_is_none);
    add_test(suite, a_relative_directory_holds_everywhere);
    add_test(suite, servers_never_run_as_root);
    add_table_test(suite, memory_is_what_every_cgroup_leaves, ARRAY_LENGTH(groups));
    add_table_test(suite, processors_are_what_every_cgroup_leaves, ARRAY_LENGTH(shares));
    add_table_test(suite, a_server_is_tuned_to_its_machine, ARRAY_LENGTH(tunings));
    return suite;
}
