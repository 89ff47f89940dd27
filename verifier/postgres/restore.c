#include "postgres/restore.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "postgres/confinement.h"

static void pg_restore_arguments(const struct restore_options *options, const char *database,
                                 struct strings *argv)
{
    strings_add(argv, "--no-password");
    strings_addf(argv, "--dbname=%s", database);
    /* Owners and grants belong to the roles of the server that was dumped, which are in no backup.
     */
    strings_add(argv, "--no-owner");
    strings_add(argv, "--no-privileges");
    /* So do tablespaces, and the providers of security labels. */
    strings_add(argv, "--no-tablespaces");
    strings_add(argv, "--no-security-labels");
    /* A subscription would connect back to the server that publishes. */
    strings_add(argv, "--no-subscriptions");
    strings_addf(argv, "--jobs=%d", options->jobs);
    if (options->list_path)
        strings_addf(argv, "--use-list=%s", options->list_path);
    strings_add(argv, options->path);
}

static void psql_arguments(const struct restore_options *options, const char *database,
                           struct strings *argv)
{
    strings_add(argv, "--no-psqlrc");
    strings_add(argv, "--no-password");
    strings_add(argv, "--quiet");
    /* After a COPY that failed, psql would read its rows as commands. */
    strings_add(argv, "--set=ON_ERROR_STOP=1");
    strings_add(argv, "--echo-errors"); /* with the statement that failed */
    strings_addf(argv, "--dbname=%s", database);
    strings_addf(argv, "--file=%s", options->path);
}

static void judge(const struct restore_options *options, const struct process_result *process,
                  struct restore_result *result)
{
    /* psql stops at the first error; what is cut then is the rest of the failed statement. */
    bool cut = process->errors.overflowed && !options->plain;
    restore_errors_parse(process->errors.data, options->has_public_schema, cut, &result->errors);
    result->how = process_describe(process);
    result->clean = process->exit_code == 0 && result->errors.count == 0;
    /* Something went wrong that no line speaks of. */
    if (process->signal != 0)
        restore_errors_add(&result->errors, RESTORE_MACHINE, result->how);
    else if (process->exit_code != 0 && result->errors.count == 0)
        restore_errors_add(&result->errors, RESTORE_BACKUP, result->how);
}

/* A few bytes of a backup can become as many rows as there is room for, and a full disk hurts
 * others too: stop while there is some left. */
static int space_watch(const void *context, struct error *error)
{
    static const int64_t kept_bytes = 32LL << 20;
    const struct restore_options *options = context;
    int64_t space = free_space_bytes(options->fills);
    if (space < 0 || space >= kept_bytes)
        return 0;
    char left[SIZE_TEXT_SIZE];
    size_format(space, left);
    return cannot_verify(error,
                         "no space left: the restored database takes more than %s can hold, which "
                         "has %s free; make room there, or set TMPDIR to another place",
                         options->fills, left);
}

int restore_run(const struct restore_options *options, struct restore_result *ret_result,
                struct error *error)
{
    cleanup(free_pointer) char *program =
        tools_program(options->tools, options->plain ? "psql" : "pg_restore");
    cleanup(free_pointer) char *database = address_argument(options->database);
    cleanup(strings_free) struct strings argv = {0};
    strings_add(&argv, program);
    if (options->plain)
        psql_arguments(options, database, &argv);
    else
        pg_restore_arguments(options, database, &argv);
    cleanup(strings_free) struct strings environment = {0};
    if (!options->throwaway)
        address_environment(options->database, &environment);
    strings_add(&environment, "LC_ALL=C");
    cleanup(confinement_free) struct confinement confinement;
    confinement_of_client(program, options->path, options->list_path,
                          options->throwaway ? NULL : options->database, &confinement);
    struct restore_result result = {0};
    cleanup(close_descriptor) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct process_options process = {.argv = strings_argv(&argv),
                                      .environment = strings_argv(&environment),
                                      .account = options->account,
                                      .directory = "/",
                                      .output = null,
                                      .watch = options->fills ? space_watch : NULL,
                                      .watch_context = options,
                                      .confinement = &confinement,
                                      .ret_confined = &result.confined};
    struct process_result ended;
    if (process_run(&process, options->deadline_ms, &ended, error) < 0)
        return -1;
    judge(options, &ended, &result);
    process_result_free(&ended);
    *ret_result = result;
    return 0;
}

void restore_result_join(struct restore_result *all, struct restore_result *next)
{
    bool clean = next->clean && (all->clean || !all->how);
    if (next->how && (!next->clean || !all->how)) { /* the last one that was not */
        free(all->how);
        all->how = take(&next->how);
    }
    all->clean = clean;
    restore_errors_join(&all->errors, &next->errors);
    confined_merge(&all->confined, &next->confined);
    restore_result_free(next);
}

void restore_result_free(struct restore_result *result)
{
    free(result->how);
    restore_errors_free(&result->errors);
    *result = (struct restore_result){0};
}
