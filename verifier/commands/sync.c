/* restore-verifier sync: copies each scenario's bucket to its backup directory. */
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "commands/chores.h"
#include "commands/commands.h"
#include "commands/options.h"
#include "commands/watching.h"
#include "objects/sync.h"
#include "shelf/location.h"

struct sync_command {
    bool delete;
    bool dry_run;
    int64_t timeout_s; /* 0: none */
};

static const struct own_option sync_options[] = {
    {"delete", NULL, OPTION_FLAG, offsetof(struct sync_command, delete),
     "Delete from the copy what the bucket no longer holds"},
    {"dry-run", NULL, OPTION_FLAG, offsetof(struct sync_command, dry_run),
     "Only tell what would be done"},
    {"timeout", "DURATION", OPTION_DURATION, offsetof(struct sync_command, timeout_s),
     "Give up after this time, such as 30m"},
    {0},
};

static const struct usage sync_usage = {
    .arguments = "[SCENARIO.yaml ...]",
    .words = "Copy the bucket of each scenario to the directory that its `copy` names: what is new "
             "and what has changed. What the bucket no longer holds stays, unless --delete is "
             "given. A sync that was interrupted goes on where it ended. The report of each, "
             "SCENARIO.sync.xml, says whether the copy is complete. Without names, the scenarios "
             "are those of the directory scenarios.",
    .options = sync_options,
    .takes_reports = true,
    .takes_format = true,
    .takes_verbose = true,
};

static void tell(void *context, const char *what, const char *key)
{
    const struct scenario *scenario = context;
    fprintf(stderr, "%s: %s %s\n", scenario->name, what, key);
}

static void print_text(const struct scenario *scenario, const struct sync_result *result,
                       bool dry_run, int64_t duration_ms, FILE *stream)
{
    char bucket_size[SIZE_TEXT_SIZE];
    char copied_size[SIZE_TEXT_SIZE];
    char duration[DURATION_TEXT_SIZE];
    size_format(result->bucket.size_bytes, bucket_size);
    size_format(result->copied.size_bytes, copied_size);
    duration_format(duration_ms, duration);
    fprintf(stream, "%s: %" PRId64 " object%s, %s; %s %" PRId64 " (%s)", scenario->name,
            result->bucket.count, result->bucket.count == 1 ? "" : "s", bucket_size,
            dry_run ? "would copy" : "copied", result->copied.count, copied_size);
    if (result->deleted.count > 0)
        fprintf(stream, ", %s %" PRId64, dry_run ? "would delete" : "deleted",
                result->deleted.count);
    if (result->extra.count > 0)
        fprintf(stream, ", kept %" PRId64 " that the bucket no longer holds", result->extra.count);
    fprintf(stream, ", in %s\n", duration);
}

static json_t *measured_json(const struct objects_measured *measured)
{
    return json_pack("{s:I,s:I}", "object_count", (json_int_t)measured->count, "size_bytes",
                     (json_int_t)measured->size_bytes);
}

static json_t *details_json(const struct sync_result *result, bool dry_run)
{
    return json_pack("{s:b,s:o,s:o,s:o,s:o}", "dry_run", dry_run, "bucket",
                     measured_json(&result->bucket), "copied", measured_json(&result->copied),
                     "deleted", measured_json(&result->deleted), "extra",
                     measured_json(&result->extra));
}

static int sync_bucket(const struct scenario *scenario, const struct sync_command *command,
                       const struct common_options *common, struct facts *facts,
                       struct sync_result *ret_result, struct error *error)
{
    cleanup(store_freep) struct store *bucket = NULL;
    const struct store_options store =
        store_options_for(scenario->objects.bucket, &scenario->objects.access);
    if (store_open(&store, &bucket, error) < 0)
        return -1;
    const bool tells = common->verbose || (command->dry_run && !common->quiet);
    const struct sync_options options = {
        .bucket = bucket,
        .copy = scenario->objects.copy,
        .delete = command->delete,
        .dry_run = command->dry_run,
        .deadline_ms =
            command->timeout_s > 0 ? deadline_after(command->timeout_s * 1000) : NO_DEADLINE,
        .progress = &facts->chore.sync,
        .tell = tells ? tell : NULL,
        .context = (void *)(uintptr_t)scenario,
    };
    chore_begin(facts, CHORE_SYNC);
    /* Where each object is told, that is what shows where it stands. */
    struct watching *watching =
        tells ? NULL : watching_start(common, scenario->name, facts, REPORT_SYNC);
    int synced = sync_run(&options, ret_result, error);
    watching_end(watching);
    return synced;
}

/* As the keys of the JSON. */
static void tell_values(const struct sync_result *result, struct outcome *outcome)
{
    const struct {
        const char *name;
        const struct objects_measured *measured;
    } parts[] = {{"bucket", &result->bucket},
                 {"copied", &result->copied},
                 {"deleted", &result->deleted},
                 {"extra", &result->extra}};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        cleanup(free_pointer) char *count = xasprintf("sync.%s.object_count", parts[i].name);
        cleanup(free_pointer) char *size = xasprintf("sync.%s.size_bytes", parts[i].name);
        outcome_value(outcome, count, "%" PRId64, parts[i].measured->count);
        outcome_value(outcome, size, "%" PRId64, parts[i].measured->size_bytes);
    }
    outcome_pass(outcome, "%" PRId64 " of %" PRId64 " object%s copied", result->copied.count,
                 result->bucket.count, result->bucket.count == 1 ? "" : "s");
}

static bool copy_is_asked_for(const struct scenario *scenario)
{
    return scenario->objects.present && scenario->objects.copy;
}

static void tell_no_copy(const struct scenario *scenario)
{
    fprintf(stderr, "%s: no copy of its objects is asked for (objects.copy)\n", scenario->name);
}

static void synchronize(const struct scenario *scenario, const struct common_options *common,
                        const void *own, struct facts *facts, struct outcome *outcome,
                        json_t **details)
{
    const struct sync_command *command = own;
    struct error error;
    struct sync_result result;
    if (sync_bucket(scenario, command, common, facts, &result, &error) < 0) {
        fprintf(stderr, "restore-verifier: %s: the copy is not complete: %s\n", scenario->name,
                error.text);
        outcome_error(outcome, "the copy is not complete: %s", error.text);
        return;
    }
    int64_t duration_ms = clock_ms() - outcome->started_ms;
    *details = details_json(&result, command->dry_run);
    if (common->text_on_stdout || !common->quiet)
        print_text(scenario, &result, command->dry_run, duration_ms,
                   common->text_on_stdout ? stdout : stderr);
    tell_values(&result, outcome);
}

int command_sync(int argc, char **argv)
{
    struct common_options common;
    struct sync_command command = {0};
    options_parse(argc, argv, &sync_usage, &common, &command);
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    const struct chore chore = {
        .kind = REPORT_SYNC,
        .check = "the copy is complete",
        .no_report = command.dry_run,
        .is_asked_for = copy_is_asked_for,
        .tell_not_asked_for = tell_no_copy,
        .work = synchronize,
        .details_key = "sync",
        .command = "sync",
    };
    int exit_code = chores_run(&chore, &common, &command);
    common_options_free(&common);
    return exit_code;
}
