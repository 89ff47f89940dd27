#include "report/report.h"

#include <jansson.h>
#include <string.h>

#include "base/memory.h"
#include "report/cases.h"
#include "report/json_fields.h"
#include "report/json_result.h"
#include "report/rehearsal_json.h"
#include "report/text.h"

static json_t *backup_object(const struct facts *facts)
{
    const struct backup_fact *backup = &facts->backup;
    json_t *object = json_object();
    json_set_array(object, "file", backup->path);
    if (backup->path[0] != '\0')
        json_object_set_new(object, "size_bytes", json_integer(backup->size_bytes));
    json_set_array(object, "sha256", backup->sha256);
    json_set_time(object, "time", backup->time);
    json_set_array(object, "time_from", backup->time_from);
    json_set_array(object, "format", backup->format);
    json_set_array(object, "archive_version", backup->archive_version);
    json_set_array(object, "server_version", backup->server_version);
    json_set_array(object, "pg_dump_version", backup->pg_dump_version);
    json_set_array(object, "database", backup->database);
    json_set_array(object, "databases_not_looked_at", facts->databases.others);
    json_set_array(object, "encoding", backup->encoding);
    json_set_array(object, "needs", backup->needs);
    if (facts->stages[STAGE_READ].state == STAGE_DONE) {
        json_object_set_new(object, "table_count", json_integer(backup->table_count));
        json_object_set_new(object, "row_count", json_integer(backup->row_count));
    }
    json_set_array(object, "notices", backup->notices);
    return object;
}

static json_t *server_object(const struct facts *facts)
{
    json_t *object = json_object();
    json_set_array(object, "version", facts->server.version);
    json_set_array(object, "where", facts->server.where);
    json_set_array(object, "origin", facts->server.origin);
    json_set_array(object, "database", facts->server.database);
    json_set_array(object, "restored_as", facts->server.restored_as);
    json_set_array(object, "confined_by", facts->server.confined_by);
    json_set_array(object, "not_confined_by", facts->server.not_confined_by);
    json_set_array(object, "locale_missing", facts->server.locale_missing);
    json_set_array(object, "guest_database", facts->server.guest);
    return object;
}

static json_t *restore_object(const struct facts *facts)
{
    json_t *object = json_object();
    enum stage_state state = facts->stages[STAGE_RESTORE].state;
    if (state != STAGE_DONE && state != STAGE_FAILED)
        return object;
    json_set_array(object, "how", facts->restore.how);
    json_set_array(object, "errors", facts->restore.errors);
    json_set_array(object, "time_spent", facts->restore.time_spent);
    json_object_set_new(object, "harmless_errors", json_integer(facts->restore.harmless_count));
    json_object_set_new(object, "machine_errors", json_integer(facts->restore.machine_count));
    json_object_set_new(object, "backup_errors", json_integer(facts->restore.backup_count));
    json_set_array(object, "excluded", facts->restore.excluded);
    return object;
}

static json_t *stages_object(const struct facts *facts)
{
    static const char *const states[] = {
        [STAGE_NOT_REACHED] = "not reached",
        [STAGE_RUNNING] = "running",
        [STAGE_DONE] = "done",
        [STAGE_FAILED] = "failed",
    };
    json_t *object = json_object();
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        const struct stage_fact *fact = &facts->stages[i];
        if (fact->state == STAGE_NOT_REACHED || (size_t)fact->state >= ARRAY_LENGTH(states))
            continue;
        json_t *stage = json_object();
        json_object_set_new(stage, "state", json_string(states[fact->state]));
        if (fact->state != STAGE_RUNNING)
            json_set_seconds(stage, "seconds", fact->duration_ms);
        if (fact->state == STAGE_FAILED)
            json_set_array(stage, "error", fact->error.text);
        json_object_set_new(object, stage_name(i), stage);
    }
    return object;
}

static json_t *totals_object(const struct result *result)
{
    struct totals totals;
    result_totals(result, &totals);
    return json_pack("{si si si si si si si}", "checks", totals.checks, "passed", totals.passed,
                     "warnings", totals.warnings, "failed", totals.failed, "errors", totals.errors,
                     "skipped", totals.skipped, "not_selected", totals.left_out);
}

static json_t *check_object(const struct report_case *one)
{
    static const char *const verdicts[] = {
        [VERDICT_NONE] = "error",  [VERDICT_PASS] = "pass", [VERDICT_FAIL] = "fail",
        [VERDICT_ERROR] = "error", [VERDICT_SKIP] = "skip",
    };
    json_t *values = json_object();
    for (size_t i = 0; i < one->value_count; i++)
        json_object_set_new(values, one->values[i].name, json_string(one->values[i].text));
    json_t *object = json_pack("{ss ss ss sb ss ss so}", "group", one->group, "name", one->name,
                               "verdict", verdicts[one->verdict], "warning", (int)one->warn,
                               "message", one->message, "details", one->details, "values", values);
    json_set_seconds(object, "seconds", one->duration_ms);
    if (one->database)
        json_object_set_new(object, "database", json_string(one->database));
    return object;
}

/* A part that nothing is known of has no key. */
static void set_part(json_t *object, const char *key, json_t *part)
{
    if (json_object_size(part) > 0)
        json_object_set(object, key, part);
    json_decref(part);
}

json_t *result_object(const struct result *result)
{
    json_t *object = json_scenario(result->scenario, result_exit_code(result));
    cleanup(free_pointer) char *headline = result_headline(result);
    json_object_set_new(object, "headline", json_string(headline));
    json_set_text(object, "remedy", result_remedy(result), SIZE_MAX);
    json_object_set_new(object, "partial", json_boolean(result->kind == REPORT_PARTIAL));
    if (result->kind == REPORT_SABOTAGE)
        json_object_set_new(object, "sabotage", json_true());
    if (result->kind == REPORT_MIGRATION)
        json_object_set_new(object, "rehearsal", json_true());
    json_t *migration = result->rehearsal ? rehearsal_object(result->rehearsal) : NULL;
    if (migration)
        json_object_set_new(object, "migration", migration);
    if (result->facts) {
        json_set_time(object, "began", result->facts->began);
        json_set_seconds(object, "seconds", result_duration_ms(result));
        set_part(object, "backup", backup_object(result->facts));
        set_part(object, "server", server_object(result->facts));
        set_part(object, "restore", restore_object(result->facts));
        set_part(object, "stages", stages_object(result->facts));
    }
    json_object_set_new(object, "totals", totals_object(result));
    struct cases cases;
    cases_build(result, &cases);
    json_t *checks = json_array();
    for (size_t i = 0; i < cases.count; i++)
        json_array_append_new(checks, check_object(&cases.items[i]));
    cases_free(&cases);
    json_object_set_new(object, "checks", checks);
    return object;
}

void json_print(const char *command, const struct result *results, size_t count, int exit_code,
                FILE *stream)
{
    json_t *scenarios = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(scenarios, result_object(&results[i]));
    json_print_scenarios(command, scenarios, exit_code, stream);
}
