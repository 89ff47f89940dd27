#include "rehearsal/findings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/memory.h"

enum { SLOWEST = 10 };

/* --- words ------------------------------------------------------------------------------------ */

/* Behind the quote that ends a literal; doubled ones are inside, and with E'' those behind a
 * backslash. */
static const char *literal_end(const char *text, bool escapes)
{
    for (text++; *text; text++) {
        if (escapes && *text == '\\' && text[1]) {
            text++;
            continue;
        }
        if (*text != '\'')
            continue;
        if (text[1] != '\'')
            return text + 1;
        text++;
    }
    return text;
}

static bool is_of_name(char character)
{
    return isalnum((unsigned char)character) || character == '_' || (unsigned char)character > 127;
}

/* Behind the $tag$ that ends what the one at `text` begins; NULL: none begins there. */
static const char *dollars_end(const char *text, size_t *ret_tag)
{
    size_t tag = 1;
    while (is_of_name(text[tag]))
        tag++;
    if (text[tag] != '$' || isdigit((unsigned char)text[1]))
        return NULL;
    cleanup(free_pointer) char *mark = xstrndup(text, ++tag);
    const char *end = strstr(text + tag, mark);
    *ret_tag = tag;
    return end ? end + tag : text + strlen(text);
}

static const char *comment_end(const char *text)
{
    const char *mark = *text == '-' ? "\n" : "*/";
    const char *end = strstr(text, mark);
    return end ? end + strlen(mark) : text + strlen(text);
}

/* Of a body in dollars the code is told, and the values in it are not. */
static bool has_body(const char *text)
{
    return strcasestr(text, "DO ") == text || strcasestr(text, "CREATE ") == text;
}

/* One step: what stands at `text` goes to `words`, without its value; gives what comes behind. */
static const char *word_tell(const char *text, char before, bool body, struct buffer *words)
{
    bool escapes = before == 'E' || before == 'e';
    size_t tag = 0;
    const char *end;
    if (*text == '\'') {
        end = literal_end(text, escapes);
        buffer_append_text(words, end - text > 2 ? "'...'" : "''");
        return end;
    }
    if (*text == '$' && !is_of_name(before) && !body && (end = dollars_end(text, &tag))) {
        buffer_append(words, text, tag);
        buffer_append_text(words, "...");
        buffer_append(words, text, tag);
        return end;
    }
    if (starts_with(text, "--") || starts_with(text, "/*"))
        return comment_end(text);
    if (*text == '"' && (end = strchr(text + 1, '"'))) { /* a name, in which nothing begins */
        buffer_append(words, text, (size_t)(end + 1 - text));
        return end + 1;
    }
    buffer_append(words, *text == '\n' ? " " : text, 1);
    return text + 1;
}

void statement_words(const char *text, char *ret_words, size_t size)
{
    struct buffer words;
    text += strspn(text, " \n");
    while (starts_with(text, "--") || starts_with(text, "/*")) {
        text = comment_end(text);
        text += strspn(text, " \n");
    }
    bool body = has_body(text);
    buffer_init(&words, size + STATEMENT_BYTES);
    char before = ' ';
    while (*text && words.length < size) {
        text = word_tell(text, before, body, &words);
        before = text[-1];
    }
    text_copy(ret_words, size, words.length > 0 ? words.data : "");
    buffer_free(&words);
}

static void statement_tell(const struct logged_statement *statement, int64_t ended_us,
                           struct rehearsed_statement *ret_told)
{
    int64_t to_us = statement->to_us == TIME_OPEN ? ended_us : statement->to_us;
    statement_words(statement->text, ret_told->text, sizeof(ret_told->text));
    ret_told->duration_us = to_us - statement->from_us;
}

static void add_line(char *lines, size_t size, const char *line)
{
    size_t length = strlen(lines);
    if (length + strlen(line) + 2 < size)
        snprintf(lines + length, size - length, "%s%s", length > 0 ? "\n" : "", line);
}

/* --- tables ----------------------------------------------------------------------------------- */

/* Does a migration tool write down in it what is applied? By the scenario, or by the tool's habit.
 */
static bool is_of_tool(const struct scenario *scenario, const struct table *table)
{
    for (size_t i = 0; i < scenario->alembic_count; i++)
        if (strcmp(scenario->alembic[i].table, table->name) == 0 ||
            strcmp(scenario->alembic[i].table, table->label) == 0)
            return true;
    for (size_t i = 0; i < scenario->migrations_count; i++)
        if (strcmp(scenario->migrations[i].table, table->name) == 0 ||
            strcmp(scenario->migrations[i].table, table->label) == 0)
            return true;
    for (enum migration_tool tool = 0; tool < TOOL_COUNT; tool++)
        if (strcmp(migration_tool_table(tool), table->name) == 0)
            return true;
    return false;
}

static const struct row_work *work_of(const struct seen *seen, uint32_t oid)
{
    for (size_t i = 0; i < seen->work_count; i++)
        if (seen->work[i].oid == oid)
            return &seen->work[i];
    return NULL;
}

static bool was_rewritten(const struct seen *seen, uint32_t oid)
{
    for (size_t i = 0; i < seen->log->rewritten_count; i++)
        if (seen->log->rewritten[i] == oid)
            return true;
    return false;
}

/* VACUUM FULL and CLUSTER rewrite without an event. Of a table without rows nothing is written, and
 * TRUNCATE of such a one looks the same. */
static bool has_another_file(const struct table *before, const struct table *after)
{
    return before->has_rows && before->rows > 0 && before->file_node != after->file_node;
}

/* What TRUNCATE takes away is no row's deletion for the server: it gives the table a new file. */
static int64_t taken_at_once(const struct table *before, const struct table *after,
                             const struct row_work *work)
{
    int64_t inserted = work ? work->inserted : 0;
    int64_t deleted = work ? work->deleted : 0;
    if (!after)
        return before->rows;
    int64_t missing = before->rows + inserted - deleted - after->rows;
    return before->file_node != after->file_node && missing > 0 ? missing : 0;
}

static void table_tell(const struct seen *seen, const struct scenario *scenario,
                       const struct table *before, const struct table *after,
                       struct rehearsed_table *ret_told)
{
    const struct table *table = before ? before : after;
    const struct row_work *work = work_of(seen, table->oid);
    text_copy(ret_told->name, sizeof(ret_told->name), table->label);
    ret_told->was_there = before != NULL;
    ret_told->is_there = after != NULL;
    ret_told->of_tool = is_of_tool(scenario, table);
    ret_told->rows_before = before ? before->rows : 0;
    ret_told->rows_after = after ? after->rows : 0;
    /* To refresh it loses and makes nothing. */
    if (table->computed)
        return;
    ret_told->inserted = work ? work->inserted : 0;
    ret_told->updated = work ? work->updated : 0;
    ret_told->deleted = work ? work->deleted : 0;
    if (!before)
        return;
    int64_t taken = taken_at_once(before, after, work);
    ret_told->deleted += taken;
    ret_told->rewritten =
        was_rewritten(seen, table->oid) || (after && taken == 0 && has_another_file(before, after));
}

int findings_tables(const struct seen *seen, const struct scenario *scenario,
                    struct rehearsal *rehearsal, struct error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < seen->before->count && count < REHEARSED_TABLES; i++) {
        const struct table *before = &seen->before->items[i];
        table_tell(seen, scenario, before, tables_find(seen->after, before->oid),
                   &rehearsal->tables[count++]);
    }
    for (size_t i = 0; i < seen->after->count; i++) {
        const struct table *after = &seen->after->items[i];
        if (tables_find(seen->before, after->oid))
            continue;
        if (count == REHEARSED_TABLES)
            return cannot_verify(error,
                                 "the database has more than the %d tables that can be told of",
                                 REHEARSED_TABLES);
        table_tell(seen, scenario, NULL, after, &rehearsal->tables[count++]);
    }
    rehearsal->table_count = count;
    return 0;
}

/* --- blocking --------------------------------------------------------------------------------- */

static uint32_t table_of(const void *context, uint32_t relation, const char **ret_name)
{
    const struct table *table = tables_of_relation(context, relation);
    if (table)
        *ret_name = table->name;
    return table ? table->oid : 0;
}

static void interval_tell(const struct seen *seen, const struct blocked *blocked,
                          struct rehearsed_interval *told)
{
    const struct table *table = tables_find(seen->before, blocked->table);
    text_copy(told->table, sizeof(told->table), table->label);
    text_copy(told->mode, sizeof(told->mode), blocked->mode);
    told->reading = blocked->reading;
    told->from_us = blocked->from_us - seen->began_us;
    told->to_us = blocked->to_us - seen->began_us;
    if (blocked->taker)
        statement_tell(blocked->taker, seen->ended_us, &told->taker);
    for (size_t i = 0; i < BLOCKING_DURING && blocked->during[i]; i++)
        statement_tell(blocked->during[i], seen->ended_us, &told->during[i]);
    told->during_more = (int64_t)blocked->during_more;
}

static void gaps_tell(const struct lock_samples *samples, struct rehearsal *rehearsal)
{
    rehearsal->sample_count = (int64_t)samples->time_count;
    for (size_t i = 1; i < samples->time_count; i++) {
        int64_t gap_us = samples->times_us[i] - samples->times_us[i - 1];
        if (gap_us > rehearsal->sample_gap_us)
            rehearsal->sample_gap_us = gap_us;
    }
}

void findings_blocking(const struct seen *seen, struct rehearsal *rehearsal)
{
    struct blocking blocking;
    blocking_find(seen->samples, seen->log, table_of, seen->before, seen->ended_us, &blocking);
    for (size_t i = 0; i < blocking.count && i < REHEARSED_INTERVALS; i++)
        interval_tell(seen, &blocking.items[i], &rehearsal->intervals[rehearsal->interval_count++]);
    rehearsal->intervals_left_out = (int64_t)(blocking.count - rehearsal->interval_count);
    /* The tables stand in the order of `before`. */
    for (size_t i = 0; i < seen->before->count && blocking.count > 0; i++) {
        uint32_t oid = seen->before->items[i].oid;
        rehearsal->tables[i].write_blocked_us = blocking_longest(&blocking, oid, false);
        rehearsal->tables[i].read_blocked_us = blocking_longest(&blocking, oid, true);
    }
    blocking_free(&blocking);
    gaps_tell(seen->samples, rehearsal);
}

/* --- steps ------------------------------------------------------------------------------------ */

static bool begins(const char *text, const char *word)
{
    size_t length = strlen(word);
    return strncasecmp(text, word, length) == 0 && !isalnum((unsigned char)text[length]) &&
           text[length] != '_';
}

static bool changes_something(const char *text)
{
    static const char *const words[] = {"SELECT", "BEGIN",   "START",      "COMMIT",  "ROLLBACK",
                                        "SET",    "RESET",   "SHOW",       "RELEASE", "SAVEPOINT",
                                        "END",    "DISCARD", "DEALLOCATE", "ABORT",   "PREPARE"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (begins(text, words[i]))
            return false;
    return *text && *text != ';';
}

/* "UPDATE alembic_version SET version_num='X' WHERE ...", "INSERT INTO alembic_version
 * (version_num) VALUES ('X')": X, to be freed; NULL: something else. Source:
 * alembic/runtime/migration.py. */
static char *revision_written(const char *text)
{
    if (!begins(text, "UPDATE") && !begins(text, "INSERT"))
        return NULL;
    const char *column = strstr(text, "version_num");
    const char *quote = column ? strchr(column, '\'') : NULL;
    const char *where = column ? strcasestr(column, " WHERE ") : NULL;
    if (!quote || (where && where < quote))
        return NULL;
    const char *end = strchr(quote + 1, '\'');
    return end ? xstrndup(quote + 1, (size_t)(end - quote - 1)) : NULL;
}

/* A migration ends with its revision being written down. */
static void steps_by_revision(const struct seen *seen, struct rehearsal *rehearsal)
{
    int64_t began_us = 0;
    for (size_t i = 0; i < seen->log->statement_count; i++) {
        const struct logged_statement *statement = &seen->log->statements[i];
        cleanup(free_pointer) char *revision = revision_written(statement->text);
        if (began_us == 0 && changes_something(statement->text))
            began_us = statement->from_us;
        if (!revision || statement->failed || statement->to_us == TIME_OPEN ||
            rehearsal->step_count == REHEARSED_STEPS)
            continue;
        struct rehearsed_step *step = &rehearsal->steps[rehearsal->step_count++];
        text_copy(step->name, sizeof(step->name), revision);
        step->duration_us = statement->to_us - began_us;
        began_us = statement->to_us;
    }
    rehearsal->steps_are_migrations = rehearsal->step_count > 0;
}

static void steps_by_statement(const struct seen *seen, struct rehearsal *rehearsal)
{
    const struct logged_statement *slowest[SLOWEST] = {NULL};
    for (size_t i = 0; i < seen->log->statement_count; i++) {
        const struct logged_statement *next = &seen->log->statements[i];
        if (!changes_something(next->text) || next->to_us == TIME_OPEN)
            continue;
        for (size_t j = 0; j < SLOWEST && next; j++) {
            const struct logged_statement *place = slowest[j];
            if (place && next->to_us - next->from_us <= place->to_us - place->from_us)
                continue;
            slowest[j] = next;
            next = place;
        }
    }
    for (size_t i = 0; i < SLOWEST && slowest[i]; i++) {
        struct rehearsed_step *step = &rehearsal->steps[rehearsal->step_count++];
        statement_words(slowest[i]->text, step->name, sizeof(step->name));
        step->duration_us = slowest[i]->to_us - slowest[i]->from_us;
    }
}

static bool rolls_back(const char *text)
{
    return begins(text, "ABORT") || (begins(text, "ROLLBACK") && !strcasestr(text, " TO "));
}

static bool begins_or_ends(const char *text, bool ends)
{
    return ends ? begins(text, "COMMIT") || begins(text, "END") || begins(text, "PREPARE")
                : begins(text, "BEGIN") || begins(text, "START");
}

/* What stands in each transaction; place 0 is of none. */
struct transaction_content {
    bool begun, changed, ended, undone;
};

static struct transaction_content *transactions_look(const struct server_log *log)
{
    struct transaction_content *contents = xcalloc(log->transaction_count + 1, sizeof(*contents));
    for (size_t i = 0; i < log->statement_count; i++) {
        const struct logged_statement *statement = &log->statements[i];
        struct transaction_content *content = &contents[statement->transaction_place];
        content->begun |= begins_or_ends(statement->text, false);
        content->ended |= begins_or_ends(statement->text, true);
        content->changed |= changes_something(statement->text);
        content->undone |= rolls_back(statement->text);
    }
    return contents;
}

static int64_t count_commits(const struct server_log *log)
{
    cleanup(free_pointer) struct transaction_content *contents = transactions_look(log);
    int64_t count = 0;
    for (size_t i = 0; i < log->transaction_count; i++)
        count += contents[i + 1].changed && !contents[i + 1].undone &&
                 !log->transactions[i].failed && log->transactions[i].to_us != TIME_OPEN;
    return count;
}

static bool changed_nothing(const struct seen *seen, const struct transaction_content *contents)
{
    for (size_t i = 0; i <= seen->log->transaction_count; i++)
        if (contents[i].changed)
            return false;
    for (size_t i = 0; i < seen->work_count; i++)
        if (seen->work[i].inserted + seen->work[i].updated + seen->work[i].deleted > 0)
            return false;
    return seen->log->lock_count == 0;
}

/* Failed, and no ROLLBACK TO says that its program meant to go on. */
static bool failed_for_good(const struct server_log *log, const struct logged_statement *statement)
{
    size_t place = statement->transaction_place;
    return statement->failed && (place == 0 || log->transactions[place - 1].failed);
}

static void failure_tell(const struct server_log *log, const struct logged_statement *statement,
                         bool probe, struct rehearsal *rehearsal)
{
    char words[REHEARSED_TEXT];
    statement_words(statement->text, words, sizeof(words));
    snprintf(rehearsal->unheeded, sizeof(rehearsal->unheeded),
             "a statement of it failed: %.400s: `%.400s`%s",
             log->first_error ? log->first_error : "not known why", words,
             probe ? "" : "; psql stops at the first error with `-v ON_ERROR_STOP=1`");
    rehearsal->unheeded_probe = probe;
}

/* What a process was at that outlived the command, and was ended; NULL: nothing. */
static const struct logged_statement *cut_off(const struct server_log *log)
{
    bool ended = log->first_error && strstr(log->first_error, "terminating connection");
    for (size_t i = log->statement_count; i-- > 0;)
        if (log->statements[i].to_us == TIME_OPEN || (ended && log->statements[i].failed))
            return &log->statements[i];
    return NULL;
}

static void cut_off_tell(const struct server_log *log, struct rehearsal *rehearsal)
{
    char words[REHEARSED_TEXT];
    const struct logged_statement *statement = cut_off(log);
    if (!statement || rehearsal->command.left_running == 0)
        return;
    statement_words(statement->text, words, sizeof(words));
    snprintf(rehearsal->unheeded, sizeof(rehearsal->unheeded),
             "a process that it left running was still at work, and was ended: `%.400s`", words);
    rehearsal->unheeded_probe = false;
}

void findings_unheeded(const struct seen *seen, struct rehearsal *rehearsal)
{
    const struct server_log *log = seen->log;
    cleanup(free_pointer) struct transaction_content *contents = transactions_look(log);
    rehearsal->changed_nothing = changed_nothing(seen, contents);
    cut_off_tell(log, rehearsal);
    if (*rehearsal->unheeded)
        return;
    for (size_t i = 0; i < log->statement_count; i++) {
        const struct logged_statement *statement = &log->statements[i];
        bool probe =
            !changes_something(statement->text) && !contents[statement->transaction_place].changed;
        if (!failed_for_good(log, statement) || (probe && *rehearsal->unheeded))
            continue;
        failure_tell(log, statement, probe, rehearsal);
        if (!probe)
            return;
    }
    /* Where statements were dropped, a COMMIT may have been one of them. */
    for (size_t i = 0; i < log->transaction_count && log->dropped == 0; i++) {
        const struct transaction_content *content = &contents[i + 1];
        if (!content->begun || !content->changed || content->ended || content->undone ||
            log->transactions[i].failed || log->transactions[i].to_us != TIME_OPEN)
            continue;
        snprintf(rehearsal->unheeded, sizeof(rehearsal->unheeded),
                 "it began a transaction and never committed it, so the work is lost");
        rehearsal->unheeded_probe = false;
        return;
    }
}

void findings_steps(const struct seen *seen, struct rehearsal *rehearsal)
{
    steps_by_revision(seen, rehearsal);
    if (rehearsal->step_count == 0)
        steps_by_statement(seen, rehearsal);
    rehearsal->transactions = count_commits(seen->log);
    rehearsal->temporary_bytes = seen->log->temporary_bytes;
}

/* --- schema ----------------------------------------------------------------------------------- */

void findings_schema(const struct seen *seen, struct rehearsal *rehearsal)
{
    const struct tables *before = seen->before;
    for (size_t i = 0; i < before->count; i++) {
        cleanup(free_pointer) char *line = xasprintf("table %s", before->items[i].label);
        if (!tables_find(seen->after, before->items[i].oid))
            add_line(rehearsal->gone, sizeof(rehearsal->gone), line);
    }
    for (size_t i = 0; i < before->column_count; i++) {
        const struct table_column *column = &before->columns[i];
        const struct table *table = tables_find(seen->after, column->table);
        if (!table || tables_have_column(seen->after, column->table, column->name))
            continue;
        cleanup(free_pointer) char *line = xasprintf("column %s.%s", table->label, column->name);
        add_line(rehearsal->gone, sizeof(rehearsal->gone), line);
    }
    for (size_t i = 0; i < seen->after->unsound.count; i++)
        if (!strings_contain(&before->unsound, seen->after->unsound.items[i]))
            add_line(rehearsal->unsound, sizeof(rehearsal->unsound), seen->after->unsound.items[i]);
}
