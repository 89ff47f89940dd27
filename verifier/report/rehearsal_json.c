#include "report/rehearsal_json.h"

#include "base/memory.h"
#include "report/json_fields.h"
#include "report/rehearsal_text.h"
#include "report/text.h"

static json_t *seconds_of(int64_t duration_us)
{
    return json_real((double)duration_us / 1e6);
}

static json_t *command_object(const struct rehearsed_command *command)
{
    json_t *object =
        json_pack("{sb so sb sb sI}", "overdue", (int)command->overdue, "seconds",
                  seconds_of(command->duration_us), "connected", (int)command->connected, "network",
                  (int)command->has_network, "left_running", (json_int_t)command->left_running);
    if (!command->overdue && command->exit_code >= 0)
        json_object_set_new(object, "exit_code", json_integer(command->exit_code));
    json_set_array(object, "how", command->how);
    json_set_array(object, "first_error", command->first_error);
    json_set_array(object, "last_lines", command->last_lines);
    return object;
}

static json_t *statement_object(const struct rehearsed_statement *statement)
{
    json_t *object = json_object();
    json_set_array(object, "statement", statement->text);
    json_object_set_new(object, "seconds", seconds_of(statement->duration_us));
    return object;
}

static json_t *interval_object(const struct rehearsed_interval *interval)
{
    json_t *during = json_array();
    for (size_t i = 0; i < REHEARSED_DURING && interval->during[i].text[0]; i++)
        json_array_append_new(during, statement_object(&interval->during[i]));
    json_t *object =
        json_pack("{so so sb so so}", "from_seconds", seconds_of(interval->from_us), "to_seconds",
                  seconds_of(interval->to_us), "reading", (int)interval->reading, "by",
                  statement_object(&interval->taker), "during", during);
    json_set_array(object, "table", interval->table);
    json_set_array(object, "lock", interval->mode);
    return object;
}

static json_t *table_object(const struct rehearsal *rehearsal, const struct rehearsed_table *table)
{
    json_t *object =
        json_pack("{so so sb}", "write_blocked_seconds", seconds_of(table->write_blocked_us),
                  "read_blocked_seconds", seconds_of(table->read_blocked_us), "rewritten",
                  (int)table->rewritten);
    json_set_array(object, "table", table->name);
    if (table->was_there)
        json_object_set_new(object, "rows_before", json_integer(table->rows_before));
    if (table->is_there)
        json_object_set_new(object, "rows_after", json_integer(table->rows_after));
    if (rehearsal->rows_known) {
        json_object_set_new(object, "inserted", json_integer(table->inserted));
        json_object_set_new(object, "updated", json_integer(table->updated));
        json_object_set_new(object, "deleted", json_integer(table->deleted));
    }
    if (rehearsal->after_back.known || rehearsal->after_failure.known)
        json_object_set_new(object, "different_rows", json_integer(table->different));
    return object;
}

static json_t *difference_object(const struct rehearsed_difference *difference)
{
    json_t *object = json_pack("{sI sI}", "schema_objects", (json_int_t)difference->objects, "rows",
                               (json_int_t)difference->rows);
    json_set_array(object, "schema", difference->listed);
    return object;
}

static void set_lists(const struct rehearsal *rehearsal, json_t *object)
{
    json_t *intervals = json_array(), *steps = json_array(), *tables = json_array();
    cleanup(free_pointer) const struct rehearsed_table **told =
        xcalloc(rehearsal->table_count + 1, sizeof(*told));
    size_t count = rehearsal_told_tables(rehearsal, told, rehearsal->table_count);
    for (size_t i = 0; i < rehearsal->interval_count && i < REHEARSED_INTERVALS; i++)
        json_array_append_new(intervals, interval_object(&rehearsal->intervals[i]));
    for (size_t i = 0; i < count; i++)
        json_array_append_new(tables, table_object(rehearsal, told[i]));
    for (size_t i = 0; i < rehearsal->step_count && i < REHEARSED_STEPS; i++) {
        json_t *step = json_object();
        json_set_array(step, rehearsal->steps_are_migrations ? "migration" : "statement",
                       rehearsal->steps[i].name);
        json_set_array(step, "title", rehearsal->steps[i].title);
        json_object_set_new(step, "seconds", seconds_of(rehearsal->steps[i].duration_us));
        json_array_append_new(steps, step);
    }
    json_object_set_new(object, "blocked", intervals);
    json_object_set_new(object, "tables", tables);
    json_object_set_new(object, "steps", steps);
}

static void set_pending(const struct rehearsal *rehearsal, json_t *object)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rehearsal->pending_count && i < REHEARSED_PENDING; i++) {
        json_t *pending = json_object();
        json_set_array(pending, "migration", rehearsal->pending[i].name);
        json_set_array(pending, "title", rehearsal->pending[i].title);
        json_set_array(pending, "warnings", rehearsal->pending[i].warnings);
        json_array_append_new(list, pending);
    }
    json_object_set_new(object, "pending", list);
    json_set_array(object, "pending_problem", rehearsal->pending_problem);
}

json_t *rehearsal_object(const struct rehearsal *rehearsal)
{
    if (!rehearsal->command.ran)
        return NULL;
    json_t *object =
        json_pack("{so sI sI sI sI sI so sb sb}", "command", command_object(&rehearsal->command),
                  "size_before_bytes", (json_int_t)rehearsal->size_before, "size_after_bytes",
                  (json_int_t)rehearsal->size_after, "wal_bytes", (json_int_t)rehearsal->wal_bytes,
                  "temporary_bytes", (json_int_t)rehearsal->temporary_bytes, "transactions",
                  (json_int_t)rehearsal->transactions, "largest_sample_gap_seconds",
                  seconds_of(rehearsal->sample_gap_us), "event_triggers", (int)rehearsal->observed,
                  "superuser", (int)rehearsal->superuser);
    json_set_array(object, "role", rehearsal->role);
    json_set_array(object, "revision_before", rehearsal->revision_before);
    json_set_array(object, "revision_after", rehearsal->revision_after);
    json_set_array(object, "gone", rehearsal->gone);
    json_set_array(object, "unfinished", rehearsal->unsound);
    json_set_array(object, "log", rehearsal->log);
    set_lists(rehearsal, object);
    set_pending(rehearsal, object);
    if (rehearsal->after_failure.known)
        json_object_set_new(object, "left", difference_object(&rehearsal->after_failure));
    if (rehearsal->again.ran)
        json_object_set_new(object, "again", command_object(&rehearsal->again));
    if (rehearsal->back.ran)
        json_object_set_new(object, "back", command_object(&rehearsal->back));
    json_set_array(object, "revision_back", rehearsal->revision_back);
    if (rehearsal->after_back.known)
        json_object_set_new(object, "returned", difference_object(&rehearsal->after_back));
    return object;
}
