/* A backup that is replaced, rewritten or deleted while it is read is neither good nor bad. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive/archive.h"
#include "shelf/find.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define CUSTOM    "fixtures/archives/odd/custom.dump"
#define DIRECTORY "fixtures/archives/odd/directory"

/* What happens to the backup $b in the directory where it lies; `says` "": nothing is wrong. */
static const struct {
    const char *source, *command, *says;
} changes[] = {
    {CUSTOM, "cat $b >/dev/null; touch -a $b; touch x; chmod 644 $b", ""},
    {CUSTOM, "cp $b new && mv new $b", "was replaced while it was read: run again"},
    {CUSTOM, "echo rubbish >new && mv new $b", "was replaced while it was read: run again"},
    {CUSTOM, "echo rubbish >$b", "was replaced while it was read, or is still being written"},
    {CUSTOM, "echo x >>$b", "still being written: run again"},
    {CUSTOM, ": >$b", "was replaced while it was read, or"},
    {CUSTOM, "rm $b", "was deleted while it was read: run again"},
    {CUSTOM, "mv $b gone", "was deleted while it was read: run again"},
    {CUSTOM, "rm $b; mkdir $b", "was replaced while it was read"},
    {DIRECTORY, "cat $b/* >/dev/null; touch x", ""},
    {DIRECTORY, "mv $b old; cp -r old $b", "was replaced while it was read: run again"},
    {DIRECTORY, "mv $b old; mkdir $b", "was replaced while it was read: run again"},
    {DIRECTORY, "rm -r $b", "was deleted while it was read: run again"},
    {DIRECTORY, "rm $b/3454.dat.gz", "was replaced while it was read"},
    {DIRECTORY, "rm $b/*", "was replaced while it was read"},
    {DIRECTORY, "echo x >>$b/blobs.toc", "was replaced while it was read"},
    {DIRECTORY, "echo x >$b/3454.dat.gz", "was replaced while it was read"},
    {DIRECTORY, "echo x >$b/new", "was replaced while it was read"},
};

struct world {
    char *scratch, *backup;
    const char *command;
};

static void world_make(int i, struct world *world)
{
    world->scratch = scratch_new();
    world->backup = scratch_path(world->scratch, "b");
    world->command = changes[i].command;
    cleanup(free_pointer) char *copy =
        xasprintf("cp -r %s %s; touch -d '1 hour ago' %s %s/*  2>/dev/null; true",
                  changes[i].source, world->backup, world->backup, world->backup);
    ck_assert_int_eq(system(copy), 0);
}

static void world_free(struct world *world)
{
    free(world->backup);
    scratch_free(&world->scratch);
}

static void change(void *context)
{
    const struct world *world = context;
    cleanup(free_pointer) char *command =
        xasprintf("cd %s && b=b && { %s; }", world->scratch, world->command);
    ck_assert_int_eq(system(command), 0);
}

static void expect(int i, int outcome, const struct error *error)
{
    bool fine = *changes[i].says == '\0';
    ck_assert_msg(outcome == (fine ? 0 : -1), "%s: %s", changes[i].command, error->text);
    if (fine)
        return;
    ck_assert_msg(strstr(error->text, changes[i].says) != NULL, "%s: %s", changes[i].command,
                  error->text);
    ck_assert_msg(error->fault == FAULT_MACHINE, "%s: %s", changes[i].command, error->text);
}

/* In the middle of the reading, when the table of contents has just been read. */
START_TEST(a_backup_that_changes_while_it_is_read)
{
    for (int threads = 1; threads <= 2; threads++) {
        cleanup(world_free) struct world world;
        world_make(_i, &world);
        struct archive archive = {0};
        struct error error = {.text = ""};
        struct archive_options options = {
            .threads = threads, .contents_known = change, .contents_known_context = &world};
        int outcome = archive_read(&archive, world.backup, &options, &error);
        ck_assert_int_eq(archive.complete, outcome == 0);
        archive_free(&archive);
        expect(_i, outcome, &error);
    }
}
END_TEST

START_TEST(a_backup_that_is_another_one_than_was_found)
{
    cleanup(world_free) struct world world;
    world_make(_i, &world);
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(world.scratch, false);
    cleanup(backup_file_free) struct backup_file file = {0};
    struct error error = {.text = ""};
    ck_assert_int_eq(backup_stat(shelf, "b", NULL, &file, &error), 0);
    ck_assert_int_eq(backup_still_there(&file, &error), 0);
    change(&world);
    expect(_i, backup_still_there(&file, &error), &error);
}
END_TEST

/* In a bucket, by the ETag where there is one, or else by size and time. */
START_TEST(an_object_that_is_another_one_than_was_found)
{
    static const struct {
        const char *command, *says;
    } objects[] = {
        {"touch x", NULL},
        {"echo x >>b", "replaced while it was read: run again"},
        {"touch b", "replaced while it was read: run again"},
        {"rm b", "deleted while it was read: run again"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(objects); i++) {
        cleanup(world_free) struct world world;
        world_make(0, &world);
        cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(world.scratch, true);
        cleanup(backup_file_free) struct backup_file file = {0};
        struct error error = {.text = ""};
        ck_assert_int_eq(backup_stat(shelf, "b", NULL, &file, &error), 0);
        ck_assert_int_eq(backup_still_there(&file, &error), 0);
        world.command = objects[i].command;
        change(&world);
        int outcome = backup_still_there(&file, &error);
        ck_assert_int_eq(outcome, objects[i].says ? -1 : 0);
        ck_assert_msg(!objects[i].says || strstr(error.text, objects[i].says), "%s", error.text);
    }
}
END_TEST

Suite *replaced_suite(void)
{
    Suite *suite = suite_create("replaced");
    add_table_test(suite, a_backup_that_changes_while_it_is_read, ARRAY_LENGTH(changes));
    add_table_test(suite, a_backup_that_is_another_one_than_was_found, ARRAY_LENGTH(changes));
    add_test(suite, an_object_that_is_another_one_than_was_found);
    return suite;
}
