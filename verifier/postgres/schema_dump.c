#include "postgres/schema_dump.h"

#include "postgres/confinement.h"
#include "postgres/dump.h"

/* More than a table of contents may have to be read: the definitions of a backup could be made to
 * be printed at great length. */
static const int64_t most_bytes = (int64_t)64 << 20;

static void arguments_build(const struct schema_dump_options *options, const char *program,
                            struct strings *argv)
{
    cleanup(free_pointer) char *database = address_argument(options->database);
    strings_add(argv, program);
    strings_add(argv, "--format=custom");
    strings_add(argv, "--schema-only");
    strings_add(argv, "--compress=0");
    strings_add(argv, "--no-password");
    /* What a restore leaves out, see restore.c. */
    strings_add(argv, "--no-owner");
    strings_add(argv, "--no-privileges");
    strings_add(argv, "--no-security-labels");
    strings_add(argv, "--no-subscriptions");
    /* Nobody else is there on a server of our own; on somebody's, nobody shall wait for us. */
    strings_add(argv, "--lock-wait-timeout=1min");
    if (options->encoding)
        strings_addf(argv, "--encoding=%s", options->encoding);
    strings_addf(argv, "--dbname=%s", database);
}

int schema_dump_run(const struct schema_dump_options *options, struct error *error)
{
    cleanup(free_pointer) char *program = tools_program(options->tools, "pg_dump");
    cleanup(strings_free) struct strings argv = {0};
    cleanup(strings_free) struct strings environment = {0};
    cleanup(confinement_free) struct confinement confinement;
    arguments_build(options, program, &argv);
    if (!options->throwaway)
        address_environment(options->database, &environment);
    strings_add(&environment, "LC_ALL=C");
    strings_add(&environment, "PGTZ=UTC");
    confinement_of_client(program, NULL, NULL, options->throwaway ? NULL : options->database,
                          &confinement);
    confinement.file_size_limit_bytes = most_bytes;
    struct process_options process = {.argv = strings_argv(&argv),
                                      .environment = strings_argv(&environment),
                                      .account = options->account,
                                      .directory = "/",
                                      .output = options->output,
                                      .confinement = &confinement};
    struct process_result ended;
    if (process_run(&process, options->deadline_ms, &ended, error) < 0)
        return -1;
    int outcome = 0;
    if (ended.exit_code != 0) {
        cleanup(free_pointer) char *how = process_describe(&ended);
        cleanup(free_pointer) char *explanation = dump_explain(ended.errors.data, how);
        outcome = cannot_verify(error, "%s", explanation);
    }
    process_result_free(&ended);
    return outcome;
}
