#include "report/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "report/text.h"

/* What is known of one scenario. */
struct known {
    const char *name;
    const struct history_entry *last_run; /* of verify, on the latest backup; NULL: none */
    struct gate gate;
    bool read;
    bool alarm; /* it is not good whatever its history says */
};

/* Gives whether there is a value. */
typedef bool sample(const struct known *known, double *ret_value);

static bool proven(const struct known *known, double *ret_value)
{
    *ret_value = known->gate.state == GATE_PROVEN && !known->alarm;
    return known->read || known->alarm;
}

static bool history_read_well(const struct known *known, double *ret_value)
{
    *ret_value = known->read;
    return true;
}

static bool last_run(const struct known *known, double *ret_value)
{
    *ret_value = known->last_run ? (double)known->last_run->began : 0;
    return known->last_run != NULL;
}

static bool last_exit_code(const struct known *known, double *ret_value)
{
    *ret_value = known->last_run ? (double)known->last_run->exit_code : 0;
    return known->last_run != NULL;
}

static bool last_proven(const struct known *known, double *ret_value)
{
    *ret_value = known->gate.proven ? (double)known->gate.proven->began : 0;
    return known->gate.proven != NULL;
}

static bool backup_made(const struct known *known, double *ret_value)
{
    *ret_value = known->gate.proven ? (double)known->gate.proven->backup_time : 0;
    return *ret_value > 0;
}

static bool backup_size(const struct known *known, double *ret_value)
{
    *ret_value = known->gate.proven ? (double)known->gate.proven->backup_size_bytes : 0;
    return known->gate.proven != NULL;
}

static bool restore_time(const struct known *known, double *ret_value)
{
    *ret_value = (double)known->gate.restore_ms / 1000;
    return known->gate.proven && known->gate.restore_ms != INT64_MAX;
}

static bool rows(const struct known *known, double *ret_value)
{
    *ret_value = 0;
    for (size_t i = 0; known->gate.proven && i < known->gate.proven->tables.count; i++)
        if (known->gate.proven->tables.items[i].rows > 0)
            *ret_value += (double)known->gate.proven->tables.items[i].rows;
    return known->gate.proven && known->gate.proven->tables_left_out == 0;
}

static const struct {
    const char *name, *help;
    sample *value;
} metrics[] = {
    {"proven", "Whether the last verification passed and is not too long ago.", proven},
    {"history_readable", "Whether the history of the scenario could be read.", history_read_well},
    {"last_run_timestamp_seconds", "When the last verification began.", last_run},
    {"last_run_exit_code",
     "What it came to: 0 passed, 1 the backup or its data is bad, 2 it could not look.",
     last_exit_code},
    {"last_proven_timestamp_seconds", "When the last verification began that passed.", last_proven},
    {"backup_timestamp_seconds", "When the backup that passed was made.", backup_made},
    {"backup_size_bytes", "Size of the backup that passed.", backup_size},
    {"restore_duration_seconds", "How long restoring it took.", restore_time},
    {"rows", "Rows in all its tables.", rows},
};

static void find_known(const struct page_scenario *scenario, const struct gate_limits *limits,
                       time_t now, struct known *ret_known)
{
    *ret_known = (struct known){
        .name = scenario->name, .read = !scenario->problem, .alarm = scenario->alarm != NULL};
    if (!ret_known->read)
        return;
    gate_judge(scenario->entries, limits, now, &ret_known->gate);
    for (size_t i = 0; i < scenario->entries->count; i++) {
        const struct history_entry *entry = &scenario->entries->items[i];
        if (strcmp(entry->command, "verify") == 0 && !entry->given)
            ret_known->last_run = entry;
    }
}

/* A scenario that is wrong has the name of its file, which may be anything. */
static void add_sample(const char *name, const char *scenario, double value, struct buffer *text)
{
    cleanup(free_pointer) char *clean = text_line(scenario);
    buffer_printf(text, "restore_verifier_%s{scenario=\"", name);
    for (const char *next = clean; *next; next++)
        buffer_printf(text, "%s%c", *next == '"' || *next == '\\' ? "\\" : "", *next);
    buffer_printf(text, "\"} %.15g\n", value);
}

static void add_metric(size_t index, const struct known *known, size_t count, struct buffer *text)
{
    const char *name = metrics[index].name;
    buffer_printf(text, "# HELP restore_verifier_%s %s\n# TYPE restore_verifier_%s gauge\n", name,
                  metrics[index].help, name);
    for (size_t i = 0; i < count; i++) {
        double value;
        if (metrics[index].value(&known[i], &value))
            add_sample(name, known[i].name, value, text);
    }
}

int metrics_write(const struct page_scenario *scenarios, size_t count,
                  const struct gate_limits *limits, time_t now, const char *path,
                  struct error *error)
{
    struct buffer text;
    cleanup(free_pointer) struct known *known = xcalloc(count + 1, sizeof(*known));
    buffer_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; i < count; i++)
        find_known(&scenarios[i], limits, now, &known[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(metrics); i++)
        add_metric(i, known, count, &text);
    buffer_append_text(&text, "# EOF\n");
    int outcome = file_replace(path, text.data, text.length, error);
    buffer_free(&text);
    return outcome;
}
