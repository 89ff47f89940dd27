/* A small directory stands for the data directory, and empty files for the programs. */
#include "postgres/ready_cluster.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

enum { NOBODY = 65534, DAY_S = 86400 };

/* What a test works with. */
struct world {
    char *scratch;
    struct tools tools;
    char *data;  /* as initdb left it */
    char *cache; /* where clusters are kept */
    struct account account;
};

static char version_15_1[] = "15.1", version_15_2[] = "15.2";
static const char *const initdb[] = {"initdb", "--locale=C", NULL};

static void world_make(struct world *world)
{
    *world = (struct world){.scratch = scratch_new(), .account = {geteuid(), getegid()}};
    world->tools =
        (struct tools){.directory = world->scratch, .version = version_15_1, .major = 15};
    cleanup(free_pointer) char *program = scratch_path(world->scratch, "postgres");
    scratch_write(program, "", 0755);
    world->data = scratch_path(world->scratch, "data");
    mkdir(world->data, 0700);
    cleanup(free_pointer) char *version = scratch_path(world->data, "PG_VERSION");
    scratch_write(version, "15\n", 0600);
    cleanup(free_pointer) char *empty = scratch_path(world->data, "pg_notify");
    mkdir(empty, 0700);
    setenv("XDG_CACHE_HOME", world->scratch, 1);
    unsetenv("CACHE_DIRECTORY");
    world->cache = scratch_path(world->scratch, "restore-verifier");
}

static void world_free(struct world *world)
{
    free(world->data);
    free(world->cache);
    scratch_free(&world->scratch);
}

static int keep(const struct world *world, struct error *error)
{
    const struct ready_cluster cluster = {.tools = &world->tools,
                                          .initdb = initdb,
                                          .data = world->data,
                                          .account = &world->account,
                                          .deadline_ms = deadline_after(10000)};
    return ready_cluster_keep(&cluster, error);
}

/* Into a fresh directory, which is held against what was kept. */
static int copy(const struct world *world, struct error *error)
{
    cleanup(free_pointer) char *target = scratch_path(world->scratch, "copy");
    cleanup(free_pointer) char *version = scratch_path(target, "PG_VERSION");
    cleanup(free_pointer) char *empty = scratch_path(target, "pg_notify");
    struct error ignored;
    struct stat status;
    struct buffer content;
    tree_remove(target, &ignored);
    mkdir(target, 0700);
    const struct ready_cluster cluster = {.tools = &world->tools,
                                          .initdb = initdb,
                                          .data = target,
                                          .account = &world->account,
                                          .deadline_ms = deadline_after(10000)};
    if (ready_cluster_copy(&cluster, error) < 0)
        return -1;
    ck_assert_int_eq(file_read(version, 100, &content, &ignored), 0);
    ck_assert_str_eq(content.data, "15\n");
    buffer_free(&content);
    ck_assert(stat(version, &status) == 0 && (status.st_mode & 07777) == 0600);
    ck_assert(stat(empty, &status) == 0 && (status.st_mode & 07777) == 0700);
    return 0;
}

/* The one file that is kept. */
static char *kept_path(const struct world *world)
{
    cleanup(free_pointer) char *pattern = xasprintf("%s/postgresql-15-*.cluster", world->cache);
    glob_t found;
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_eq(found.gl_pathc, 1);
    char *path = xstrdup(found.gl_pathv[0]);
    globfree(&found);
    return path;
}

static void change_byte(const char *path, off_t at)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    char byte;
    ck_assert(pread(file, &byte, 1, at) == 1);
    byte ^= 1;
    ck_assert(pwrite(file, &byte, 1, at) == 1);
    close(file);
}

static void change_content(const char *path)
{
    change_byte(path, 1000);
}

static void change_header(const char *path)
{
    change_byte(path, 40);
}

static void cut(const char *path)
{
    ck_assert_int_eq(truncate(path, 2000), 0);
}

static void make_empty(const char *path)
{
    ck_assert_int_eq(truncate(path, 0), 0);
}

static void lengthen(const char *path)
{
    struct stat status;
    stat(path, &status);
    ck_assert_int_eq(truncate(path, status.st_size + 1), 0);
}

static void replace_by_link(const char *path)
{
    cleanup(free_pointer) char *elsewhere = xasprintf("%s.elsewhere", path);
    ck_assert(rename(path, elsewhere) == 0 && symlink(elsewhere, path) == 0);
}

static void replace_by_pipe(const char *path)
{
    ck_assert(unlink(path) == 0 && mkfifo(path, 0600) == 0);
}

static void let_the_group_write(const char *path)
{
    ck_assert_int_eq(chmod(path, 0660), 0);
}

static void let_all_write_beside(const char *path)
{
    cleanup(free_pointer) char *directory = xstrndup(path, (size_t)(strrchr(path, '/') - path));
    ck_assert_int_eq(chmod(directory, 0777), 0);
}

static void make_old_by(const char *path, time_t age_s)
{
    const struct timespec times[2] = {{.tv_sec = time(NULL) - age_s},
                                      {.tv_sec = time(NULL) - age_s}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void make_old(const char *path)
{
    make_old_by(path, (READY_CLUSTER_DAYS + 1) * DAY_S);
}

static void make_of_the_future(const char *path)
{
    make_old_by(path, -(READY_CLUSTER_DAYS + 1) * DAY_S);
}

static void give_away(const char *path)
{
    ck_assert_int_eq(chown(path, NOBODY, NOBODY), 0);
}

static const struct {
    const char *name;
    void (*damage)(const char *path);
    const char *words;
    bool as_root;
    bool stays; /* a new one is not kept either */
} damages[] = {
    {"a byte of the content", change_content, "it is damaged", false, false},
    {"a byte of the header", change_header, "it is damaged", false, false},
    {"cut", cut, "it is damaged", false, false},
    {"empty", make_empty, "it is damaged", false, false},
    {"a byte behind", lengthen, "it is damaged", false, false},
    {"a link", replace_by_link, "Too many levels of symbolic links", false, false},
    {"a pipe", replace_by_pipe, "it is no regular file", false, false},
    {"others may write to it", let_the_group_write, "others can write to it", false, false},
    {"others may write beside it", let_all_write_beside, "others can write there", false, true},
    {"old", make_old, "it is older than 7 days", false, false},
    {"of the future", make_of_the_future, "it is older than 7 days", false, false},
    {"another user's", give_away, "it is another user's", true, false},
};

START_TEST(what_is_damaged_is_made_anew)
{
    struct world world;
    struct error error;
    if (damages[_i].as_root && geteuid() != 0)
        return;
    world_make(&world);
    ck_assert_msg(keep(&world, &error) == 0, "%s", error.text);
    ck_assert_msg(copy(&world, &error) == 0, "%s", error.text);
    cleanup(free_pointer) char *path = kept_path(&world);
    damages[_i].damage(path);
    ck_assert_int_eq(copy(&world, &error), -1);
    ck_assert_msg(strstr(error.text, damages[_i].words) != NULL, "%s: %s", damages[_i].name,
                  error.text);
    ck_assert_int_eq(keep(&world, &error), damages[_i].stays ? -1 : 0);
    ck_assert_int_eq(copy(&world, &error), damages[_i].stays ? -1 : 0);
    world_free(&world);
}
END_TEST

/* What initdb's outcome depends on. */
START_TEST(another_server_has_another_cluster)
{
    struct world world;
    struct error error;
    world_make(&world);
    ck_assert_int_eq(keep(&world, &error), 0);
    world.tools.version = version_15_2;
    ck_assert_int_eq(copy(&world, &error), -1);
    ck_assert_str_eq(error.text, "none is kept for this server yet");
    world.tools.version = version_15_1;
    ck_assert_int_eq(copy(&world, &error), 0);
    cleanup(free_pointer) char *program = scratch_path(world.scratch, "postgres");
    scratch_write(program, "another build", 0755);
    ck_assert_int_eq(copy(&world, &error), -1);
    ck_assert_str_eq(error.text, "none is kept for this server yet");
    world_free(&world);
}
END_TEST

/* The digest is of the key as well. */
START_TEST(a_cluster_of_another_name_is_refused)
{
    struct world world;
    struct error error;
    world_make(&world);
    ck_assert_int_eq(keep(&world, &error), 0);
    cleanup(free_pointer) char *first = kept_path(&world);
    cleanup(free_pointer) char *aside = scratch_path(world.scratch, "aside");
    ck_assert_int_eq(rename(first, aside), 0);
    world.tools.version = version_15_2;
    ck_assert_int_eq(keep(&world, &error), 0);
    cleanup(free_pointer) char *second = kept_path(&world);
    ck_assert_str_ne(first, second);
    ck_assert_int_eq(rename(aside, second), 0);
    ck_assert_int_eq(copy(&world, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "it is damaged"));
    world_free(&world);
}
END_TEST

START_TEST(what_is_kept_can_be_removed)
{
    struct world world;
    struct error error;
    size_t count;
    world_make(&world);
    ck_assert_int_eq(ready_cluster_forget(&count, &error), 0);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(keep(&world, &error), 0);
    ck_assert_int_eq(ready_cluster_forget(&count, &error), 0);
    ck_assert_uint_eq(count, 1);
    ck_assert(!exists(world.cache));
    ck_assert_int_eq(keep(&world, &error), 0);
    cleanup(free_pointer) char *others = scratch_path(world.cache, "my.cluster.conf");
    scratch_write(others, "", 0600);
    ck_assert_int_eq(ready_cluster_forget(&count, &error), 0);
    ck_assert(exists(others));
    world_free(&world);
}
END_TEST

static const struct {
    const char *cache_directory, *xdg, *home;
    const char *directory; /* NULL: none */
} places[] = {
    {"/var/cache/own", "/xdg", "/", "/var/cache/own"},
    {"/var/cache/own:/var/cache/other", NULL, NULL, "/var/cache/own"},
    {NULL, "/xdg", "/", "/xdg/restore-verifier"},
    {NULL, "relative", NULL, NULL},
    {NULL, NULL, NULL, NULL},
    {NULL, "", "", NULL},
    {NULL, NULL, "/nonexistent", NULL},
};

static void set(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

START_TEST(clusters_are_kept_where_the_user_keeps_such_things)
{
    struct error error;
    set("CACHE_DIRECTORY", places[_i].cache_directory);
    set("XDG_CACHE_HOME", places[_i].xdg);
    set("HOME", places[_i].home);
    cleanup(free_pointer) char *directory = ready_cluster_directory(&error);
    if (places[_i].directory)
        ck_assert_str_eq(directory, places[_i].directory);
    else
        ck_assert_ptr_null(directory);
}
END_TEST

START_TEST(a_home_directory_is_used_by_its_owner_alone)
{
    struct error error;
    cleanup(scratch_free) char *home = scratch_new();
    set("CACHE_DIRECTORY", NULL);
    set("XDG_CACHE_HOME", NULL);
    set("HOME", home);
    cleanup(free_pointer) char *expected = xasprintf("%s/.cache/restore-verifier", home);
    cleanup(free_pointer) char *directory = ready_cluster_directory(&error);
    ck_assert_str_eq(directory, expected);
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(chown(home, NOBODY, NOBODY), 0);
    ck_assert_ptr_null(ready_cluster_directory(&error));
    ck_assert_ptr_nonnull(strstr(error.text, "is not ours"));
}
END_TEST

Suite *ready_cluster_suite(void)
{
    Suite *suite = suite_create("postgres/ready_cluster");
    add_table_test(suite, what_is_damaged_is_made_anew, ARRAY_LENGTH(damages));
    add_test(suite, another_server_has_another_cluster);
    add_test(suite, a_cluster_of_another_name_is_refused);
    add_test(suite, what_is_kept_can_be_removed);
    add_table_test(suite, clusters_are_kept_where_the_user_keeps_such_things, ARRAY_LENGTH(places));
    add_test(suite, a_home_directory_is_used_by_its_owner_alone);
    return suite;
}
