#include "postgres/restore.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

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
    strings_add(&environment, "LC_ALL=C");
    address_environment(options->database, &environment);
    cleanup(close_descriptor) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct process_options process = {.argv = strings_argv(&argv),
                                      .environment = strings_argv(&environment),
                                      .account = options->account,
                                      .directory = "/",
                                      .output = null,
                                      .no_network = options->no_network};
    struct process_result ended;
    if (process_run(&process, options->deadline_ms, &ended, error) < 0)
        return -1;
    struct restore_result result = {0};
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
    restore_result_free(next);
}

void restore_result_free(struct restore_result *result)
{
    free(result->how);
    restore_errors_free(&result->errors);
    *result = (struct restore_result){0};
}
