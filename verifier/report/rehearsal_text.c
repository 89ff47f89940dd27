#include "report/rehearsal_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "checks/rehearsed.h"
#include "report/text.h"

enum {
    BAR_COLUMNS = 30,
    FEW_INTERVALS = 6,
    FEW_TABLES = 8,
    FEW_STEPS = 5,
    SHORT_US = 1000, /* nobody waits for that */
    STATEMENT_COLUMNS = 110,
};

/* --- what is worth telling -------------------------------------------------------------------- */

static bool is_worth_telling(const struct rehearsed_table *table)
{
    return !table->of_tool && (table->write_blocked_us >= SHORT_US || table->inserted > 0 ||
                               table->updated > 0 || table->deleted > 0 || table->rewritten ||
                               table->different > 0 || table->was_there != table->is_there);
}

static int64_t changed_rows(const struct rehearsed_table *table)
{
    return table->inserted + table->updated + table->deleted;
}

static int worst_first(const void *one, const void *other)
{
    const struct rehearsed_table *left = *(const struct rehearsed_table *const *)one;
    const struct rehearsed_table *right = *(const struct rehearsed_table *const *)other;
    int64_t difference = right->write_blocked_us - left->write_blocked_us;
    if (difference == 0)
        difference = changed_rows(right) - changed_rows(left);
    return difference != 0 ? (difference > 0) - (difference < 0) : strcmp(left->name, right->name);
}

size_t rehearsal_told_tables(const struct rehearsal *rehearsal,
                             const struct rehearsed_table **ret_tables, size_t most)
{
    cleanup(free_pointer) const struct rehearsed_table **tables =
        xcalloc(rehearsal->table_count + 1, sizeof(*tables));
    size_t count = 0;
    for (size_t i = 0; i < rehearsal->table_count && i < REHEARSED_TABLES; i++)
        if (is_worth_telling(&rehearsal->tables[i]))
            tables[count++] = &rehearsal->tables[i];
    qsort(tables, count, sizeof(*tables), worst_first);
    count = count < most ? count : most;
    memcpy(ret_tables, tables, count * sizeof(*tables));
    return count;
}

const struct rehearsed_interval *rehearsal_worst(const struct rehearsal *rehearsal,
                                                 const char *table)
{
    for (size_t i = 0; i < rehearsal->interval_count && i < REHEARSED_INTERVALS; i++)
        if (strcmp(rehearsal->intervals[i].table, table) == 0)
            return &rehearsal->intervals[i];
    return NULL;
}

/* --- words ------------------------------------------------------------------------------------ */

/* Of an array out of shared memory, cut to `columns`; freed by the caller. */
static char *shortened(const char *text, size_t size, size_t columns)
{
    char *clean = text_clean(text, size, TEXT_LINE);
    if (text_columns(clean, strlen(clean)) <= columns)
        return clean;
    char *cut = xasprintf("%.*s...", (int)text_fitting(clean, columns - strlen("...")), clean);
    free(clean);
    return cut;
}

static void add_statement(struct buffer *target, const char *before,
                          const struct rehearsed_statement *statement)
{
    char took[SPAN_TEXT_SIZE];
    cleanup(free_pointer) char *text =
        shortened(statement->text, sizeof(statement->text), STATEMENT_COLUMNS);
    span_format(statement->duration_us, took);
    buffer_printf(target, "%s%s (%s)\n", before, *text ? text : "a statement that is not known",
                  took);
}

void rehearsal_summary(const struct rehearsal *rehearsal, struct buffer *target)
{
    char duration[SPAN_TEXT_SIZE];
    cleanup(free_pointer) char *before = clean_line(rehearsal->revision_before);
    cleanup(free_pointer) char *after = clean_line(rehearsal->revision_after);
    span_format(rehearsal->command.duration_us, duration);
    buffer_printf(target, "%s", duration);
    if (*after)
        buffer_printf(target, ", %s -> %s", *before ? before : "nothing", after);
    if (rehearsal->steps_are_migrations)
        buffer_printf(target, ", %zu migration%s", rehearsal->step_count,
                      rehearsal->step_count == 1 ? "" : "s");
    buffer_printf(target, " in %" PRId64 " transaction%s", rehearsal->transactions,
                  rehearsal->transactions == 1 ? "" : "s");
}

/* --- parts ------------------------------------------------------------------------------------ */

static void resource_line(const struct rehearsal *rehearsal, struct buffer *target)
{
    char before[SIZE_TEXT_SIZE], after[SIZE_TEXT_SIZE], wal[SIZE_TEXT_SIZE], files[SIZE_TEXT_SIZE];
    cleanup(free_pointer) char *role = clean_line(rehearsal->role);
    size_format(rehearsal->size_before, before);
    size_format(rehearsal->size_after, after);
    size_format(rehearsal->wal_bytes, wal);
    size_format(rehearsal->temporary_bytes, files);
    buffer_printf(target, "size %s -> %s, WAL %s, temporary files %s; as %s, %s\n", before, after,
                  wal, files, role,
                  rehearsal->superuser ? "a superuser" : "without special rights");
}

/* Of one that went well. */
static void failure_line(const struct rehearsal *rehearsal, struct buffer *target)
{
    if (rehearsal->after_failure.known || rehearsal->transactions == 0)
        return;
    buffer_append_text(target, rehearsal->transactions == 1
                                   ? "a failure on the way leaves the database as it was: all is "
                                     "in one transaction\n"
                                   : "a failure on the way leaves what the transactions before it "
                                     "have committed\n");
}

static int column_of(int64_t at_us, int64_t whole_us)
{
    int64_t column = whole_us > 0 ? at_us * BAR_COLUMNS / whole_us : 0;
    return (int)(column < 0 ? 0 : column > BAR_COLUMNS ? BAR_COLUMNS : column);
}

static void bar(const struct rehearsed_interval *interval, int64_t whole_us, struct buffer *target)
{
    int from = column_of(interval->from_us, whole_us);
    int to = column_of(interval->to_us, whole_us);
    from = from == BAR_COLUMNS ? from - 1 : from;
    to = to > from ? to : from + 1;
    buffer_append_text(target, "|");
    for (int i = 0; i < BAR_COLUMNS; i++)
        buffer_append_text(target, i < from || i >= to ? " " : interval->reading ? "#" : "=");
    buffer_append_text(target, "|");
}

static void interval_lines(const struct rehearsal *rehearsal,
                           const struct rehearsed_interval *interval, struct buffer *target)
{
    char blocked[SPAN_TEXT_SIZE], from[SPAN_TEXT_SIZE];
    cleanup(free_pointer) char *table = clean_line(interval->table);
    cleanup(free_pointer) char *mode = clean_line(interval->mode);
    span_format(interval->to_us - interval->from_us, blocked);
    span_format(interval->from_us > 0 ? interval->from_us : 0, from);
    bar(interval, rehearsal->command.duration_us, target);
    buffer_printf(target, " %s: %s for %s, from %s on (%s)\n", table,
                  interval->reading ? "neither read nor written" : "not written", blocked, from,
                  mode);
    add_statement(target, "    by ", &interval->taker);
    for (size_t i = 0; i < REHEARSED_DURING && interval->during[i].text[0]; i++)
        add_statement(target, "    held during ", &interval->during[i]);
}

static void blocked_lines(const struct rehearsal *rehearsal, bool all, struct buffer *target)
{
    size_t told = 0, left = 0;
    for (size_t i = 0; i < rehearsal->interval_count && i < REHEARSED_INTERVALS; i++) {
        const struct rehearsed_interval *interval = &rehearsal->intervals[i];
        bool is_short = interval->to_us - interval->from_us < SHORT_US;
        if (!all && (is_short || told == FEW_INTERVALS)) {
            left++;
            continue;
        }
        if (told++ == 0)
            buffer_append_text(target, "blocked, the longest first (= writing, # reading too):\n");
        interval_lines(rehearsal, interval, target);
    }
    left += (size_t)rehearsal->intervals_left_out;
    if (told == 0)
        buffer_append_text(target, "no table that was there was blocked for as long as a "
                                   "millisecond\n");
    else if (left > 0)
        buffer_printf(target, "and %zu shorter\n", left);
}

static void table_line(const struct rehearsal *rehearsal, const struct rehearsed_table *table,
                       struct buffer *target)
{
    char before[COUNT_TEXT_SIZE], after[COUNT_TEXT_SIZE];
    char inserted[COUNT_TEXT_SIZE], updated[COUNT_TEXT_SIZE], deleted[COUNT_TEXT_SIZE];
    cleanup(free_pointer) char *name = clean_line(table->name);
    count_format(table->rows_before, before);
    count_format(table->rows_after, after);
    count_format(table->inserted, inserted);
    count_format(table->updated, updated);
    count_format(table->deleted, deleted);
    buffer_printf(target, "%s: %s -> %s rows", name, before, after);
    if (rehearsal->rows_known && changed_rows(table) > 0)
        buffer_printf(target, ", %s inserted, %s updated, %s deleted", inserted, updated, deleted);
    buffer_printf(target, "%s%s\n", table->rewritten ? ", rewritten" : "",
                  !table->was_there  ? ", new"
                  : !table->is_there ? ", gone"
                                     : "");
}

static void table_lines(const struct rehearsal *rehearsal, bool all, struct buffer *target)
{
    cleanup(free_pointer) const struct rehearsed_table **tables =
        xcalloc(rehearsal->table_count + 1, sizeof(*tables));
    size_t count = rehearsal_told_tables(rehearsal, tables, rehearsal->table_count);
    size_t told = 0, left = 0;
    for (size_t i = 0; i < count; i++) {
        const struct rehearsed_table *table = tables[i];
        if (changed_rows(table) == 0 && !table->rewritten && table->was_there == table->is_there)
            continue;
        if (!all && told == FEW_TABLES) {
            left++;
            continue;
        }
        told++;
        table_line(rehearsal, table, target);
    }
    if (left > 0)
        buffer_printf(target, "and %zu table%s more\n", left, left == 1 ? "" : "s");
    cleanup(free_pointer) char *gone =
        text_clean(rehearsal->gone, sizeof(rehearsal->gone), TEXT_BLOCK);
    if (*gone)
        buffer_printf(target, "gone:\n%s\n", gone);
}

static int longest_first(const void *one, const void *other)
{
    const struct rehearsed_step *left = *(const struct rehearsed_step *const *)one;
    const struct rehearsed_step *right = *(const struct rehearsed_step *const *)other;
    int64_t difference = right->duration_us - left->duration_us;
    return (difference > 0) - (difference < 0);
}

static void step_lines(const struct rehearsal *rehearsal, bool all, struct buffer *target)
{
    const struct rehearsed_step *steps[REHEARSED_STEPS];
    size_t count = 0;
    for (; count < rehearsal->step_count && count < REHEARSED_STEPS; count++)
        steps[count] = &rehearsal->steps[count];
    if (!all)
        qsort(steps, count, sizeof(*steps), longest_first);
    if (count > 0)
        buffer_printf(target, "%s%s\n", all ? "" : "the longest ",
                      rehearsal->steps_are_migrations ? "migrations:" : "statements:");
    for (size_t i = 0; i < count && (all || i < FEW_STEPS); i++) {
        char took[SPAN_TEXT_SIZE];
        cleanup(free_pointer) char *name =
            shortened(steps[i]->name, sizeof(steps[i]->name), STATEMENT_COLUMNS);
        cleanup(free_pointer) char *title = clean_line(steps[i]->title);
        span_format(steps[i]->duration_us, took);
        buffer_printf(target, "    %s  %s%s%s\n", took, name, *title ? " " : "", title);
    }
}

static void pending_one(const struct rehearsed_pending *pending, struct buffer *target)
{
    cleanup(free_pointer) char *name = clean_line(pending->name);
    cleanup(free_pointer) char *title = clean_line(pending->title);
    cleanup(free_pointer) char *warnings =
        text_clean(pending->warnings, sizeof(pending->warnings), TEXT_BLOCK);
    buffer_printf(target, "    %s%s%s\n", name, *title ? " " : "", title);
    for (const char *line = warnings; *line;) {
        size_t length = strcspn(line, "\n");
        buffer_printf(target, "        %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static bool has_warnings(const struct rehearsal *rehearsal)
{
    for (size_t i = 0; i < rehearsal->pending_count && i < REHEARSED_PENDING; i++)
        if (rehearsal->pending[i].warnings[0] != '\0')
            return true;
    return false;
}

/* What the files say; without `all` only those of which there is something to say. */
static void pending_lines(const struct rehearsal *rehearsal, bool all, struct buffer *target)
{
    size_t told = 0, left = 0;
    cleanup(free_pointer) char *problem = clean_line(rehearsal->pending_problem);
    if (*problem)
        buffer_printf(target, "which migrations are to come is not known: %s\n", problem);
    if (rehearsal->pending_count > 0)
        buffer_printf(target, "%zu migration%s to come, by the files%s\n", rehearsal->pending_count,
                      rehearsal->pending_count == 1 ? "" : "s",
                      all || has_warnings(rehearsal) ? ":" : ", which warn of nothing");
    for (size_t i = 0; i < rehearsal->pending_count && i < REHEARSED_PENDING; i++) {
        const struct rehearsed_pending *pending = &rehearsal->pending[i];
        if (!all && (told == FEW_STEPS || pending->warnings[0] == '\0')) {
            left++;
            continue;
        }
        told++;
        pending_one(pending, target);
    }
    if (left > 0 && told > 0)
        buffer_printf(target, "    and %zu more\n", left);
}

void rehearsal_lines(const struct rehearsal *rehearsal, bool all, struct buffer *target)
{
    rehearsal_summary(rehearsal, target);
    buffer_append_text(target, "\n");
    resource_line(rehearsal, target);
    failure_line(rehearsal, target);
    pending_lines(rehearsal, all, target);
    blocked_lines(rehearsal, all, target);
    table_lines(rehearsal, all, target);
    step_lines(rehearsal, all, target);
}

void rehearsal_limits(const struct rehearsal *rehearsal, struct buffer *target)
{
    char gap[SPAN_TEXT_SIZE];
    span_format(rehearsal->sample_gap_us, gap);
    buffer_append_text(target,
                       "Exact are the order of statements, the locks and who took them, the rows "
                       "and the rewrites. Times are of this machine: nobody else used the copy, "
                       "nothing was flushed to disk (fsync off), and WAL was written as for "
                       "wal_level=minimal. In production a lock is first waited for, and whoever "
                       "comes behind waits too; rows that are changed stay locked until the "
                       "transaction ends, which is not counted here.\n");
    buffer_printf(target,
                  "Locks were looked at %" PRId64
                  " times, at most %s apart%s: no time is too short, "
                  "and none too long by more than that.\n",
                  rehearsal->sample_count, gap,
                  rehearsal->observed ? ", and at the end of every DDL command"
                                      : "; the database has no PL/pgSQL, so not at the end of DDL "
                                        "commands");
    if (rehearsal->command.has_network)
        buffer_append_text(target, "The command had this machine's network.\n");
}
