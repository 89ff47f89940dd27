/* Lists of expectations: under tables, for queries, and as the checks of the bucket, of a migration
 * and of the run itself. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "scenario/sections.h"

enum place { UNDER_TABLE, FOR_QUERY, FOR_OBJECTS, FOR_SCHEMA, FOR_MIGRATION, FOR_RUN };

/* Where a metric belongs, for one that stands elsewhere. */
static const char *const belongs[] = {
    [UNDER_TABLE] = "is measured of a table: put it under `tables`",
    [FOR_OBJECTS] = "is measured of the bucket: put it under `objects`, `checks`",
    [FOR_SCHEMA] = "is measured of the database: put it under `schema`",
    [FOR_MIGRATION] = "is measured of a migration: put it under `migration`, `checks`",
    [FOR_RUN] = "is measured of the whole run: put it under `checks`, at the top level",
};

/* Where each metric may stand, what it may be the same as, and whether earlier ones are known. */
static const struct metric_place {
    enum metric metric;
    enum place place;
    const char *same_as;
    bool change;
} metric_places[] = {
    {METRIC_VALUE, FOR_QUERY, NULL, false},
    {METRIC_ROW_COUNT, UNDER_TABLE, "dump", true},
    {METRIC_FRESHNESS, UNDER_TABLE, NULL, false},
    {METRIC_OBJECT_COUNT, FOR_OBJECTS, "copy", true},
    {METRIC_TOTAL_SIZE, FOR_OBJECTS, "copy", true},
    {METRIC_MISSING, FOR_OBJECTS, NULL, false},
    {METRIC_ORPHANED, FOR_OBJECTS, NULL, false},
    {METRIC_SEQUENCES_BEHIND, FOR_SCHEMA, NULL, false},
    {METRIC_DURATION, FOR_MIGRATION, NULL, false},
    {METRIC_WRITE_BLOCKED, FOR_MIGRATION, NULL, false},
    {METRIC_READ_BLOCKED, FOR_MIGRATION, NULL, false},
    {METRIC_ROWS_INSERTED, FOR_MIGRATION, NULL, false},
    {METRIC_ROWS_UPDATED, FOR_MIGRATION, NULL, false},
    {METRIC_ROWS_DELETED, FOR_MIGRATION, NULL, false},
    {METRIC_TABLES_REWRITTEN, FOR_MIGRATION, NULL, false},
    {METRIC_LOST_ON_RETURN, FOR_MIGRATION, NULL, false},
    {METRIC_RESTORE_TIME, FOR_RUN, NULL, true},
    {METRIC_BACKUP_SIZE, FOR_RUN, NULL, true},
};

/* What is wrong with a metric at that place, to be freed; or NULL. */
static char *misfit(const struct metric_place *fit, enum place place, const char *name,
                    const struct expectation *expectation)
{
    bool same = expectation->comparison == COMPARE_SAME_AS;
    if (fit->place != place)
        return xasprintf("`%s` %s", name, belongs[fit->place]);
    if (expectation->anomaly && !fit->change)
        return xasprintf("no earlier `%s` is recorded: compare it with a number", name);
    if (expectation->change && !fit->change)
        return xasprintf("no change of `%s` is recorded: compare it with a number", name);
    if (!same || (fit->same_as && strcmp(fit->same_as, expectation->same_as) == 0))
        return NULL;
    if (!fit->same_as)
        return xasprintf("`%s` cannot be the same as something: compare it with a number", name);
    return xasprintf("`%s` cannot be the same as %s: did you mean `same as %s`?", name,
                     expectation->same_as, fit->same_as);
}

static bool metric_fits(struct reader *reader, enum place place,
                        const struct expectation *expectation)
{
    cleanup(free_pointer) char *name = metric_name(expectation);
    for (size_t i = 0; i < ARRAY_LENGTH(metric_places); i++) {
        if (metric_places[i].metric != expectation->metric)
            continue;
        cleanup(free_pointer) char *wrong = misfit(&metric_places[i], place, name, expectation);
        if (wrong)
            problems_add(&reader->problems, expectation->mark, "%s", wrong);
        return !wrong;
    }
    return false;
}

enum { REGEX_LIMIT_BYTES = 1 << 16 };

/* As a regular expression: what the metric may be compared with, where it stands. */
static void add_metric_regex(const struct metric_place *fit, struct buffer *regex)
{
    cleanup(free_pointer) char *metric = metric_regex(fit->metric);
    buffer_printf(regex, "%s%s\\s*(%s",
                  fit->change ? "(change\\s+(avg\\s+last\\s+0*([2-9]|[1-9][0-9]|100)\\s+)?for\\s+)?"
                              : "",
                  metric, comparison_regex);
    if (fit->same_as)
        buffer_printf(regex, "|same\\s+as\\s+%s", fit->same_as);
    buffer_append_text(regex, ")");
    if (fit->change)
        buffer_printf(regex, "|anomaly\\s+for\\s+%s", metric);
}

static char *place_regex(enum place place)
{
    struct buffer regex;
    buffer_init(&regex, REGEX_LIMIT_BYTES);
    const char *between = "(";
    buffer_append_text(&regex, "^\\s*(warn\\s*:\\s*)?");
    for (size_t i = 0; i < ARRAY_LENGTH(metric_places); i++) {
        if (metric_places[i].place != place || place == FOR_QUERY)
            continue;
        buffer_append_text(&regex, between);
        add_metric_regex(&metric_places[i], &regex);
        between = "|";
    }
    buffer_printf(&regex, "%s%s)\\s*$", place == FOR_QUERY ? "(" : "",
                  place == FOR_QUERY ? comparison_regex : "");
    return buffer_steal(&regex);
}

char *table_expectation_regex(void)
{
    return place_regex(UNDER_TABLE);
}

char *query_expectation_regex(void)
{
    return place_regex(FOR_QUERY);
}

char *schema_expectation_regex(void)
{
    return place_regex(FOR_SCHEMA);
}

char *object_check_regex(void)
{
    return place_regex(FOR_OBJECTS);
}

char *run_check_regex(void)
{
    return place_regex(FOR_RUN);
}

/* YAML reads `- warn: row_count >= 1` as a mapping; gives the node with the text, or NULL. */
static const struct node *expectation_node(struct reader *reader, const struct node *node,
                                           bool *ret_warn)
{
    static const char *const known[] = {"warn"};
    *ret_warn = false;
    if (node->broken || node->kind != NODE_MAP)
        return node;
    if (node->count == 1 && strcmp(node->keys[0].text, "warn") == 0) {
        *ret_warn = true;
        return &node->items[0];
    }
    if (node->count == 0)
        return node;
    cleanup(free_pointer) char *words = shown(node->keys[0].text);
    const char *near = nearest(node->keys[0].text, known, 1);
    problems_add(&reader->problems, node->keys[0].mark,
                 near ? "unknown key `%s`: did you mean `warn`?"
                      : "an expectation has no `%s:`: write it such as `- row_count >= 1`",
                 words);
    return NULL;
}

static int read_expectation(struct reader *reader, const char *name, const struct node *node,
                            enum place place, struct expectation *ret)
{
    bool warn;
    node = expectation_node(reader, node, &warn);
    const char *wanted =
        place == FOR_QUERY ? "OP NUMBER, such as = 0" : "an expectation, such as row_count >= 1";
    const char *text = node ? node_text(reader, name, node, wanted) : NULL;
    if (!text)
        return -1;
    struct expectation expectation = {0};
    char *words = NULL;
    size_t offset;
    if (expectation_parse(text, place == FOR_QUERY, &expectation, &words, &offset) < 0) {
        problems_add(&reader->problems, node_mark_at(node, offset), "%s", words);
        free(words);
        return -1;
    }
    expectation.mark = node->mark;
    if (warn && expectation.warn)
        problems_add(&reader->problems, node->mark, "`warn:` stands here twice");
    expectation.warn = expectation.warn || warn;
    if (!metric_fits(reader, place, &expectation)) {
        expectation_free(&expectation);
        return -1;
    }
    *ret = expectation;
    return 0;
}

/* Are they the same but for blanks? */
static bool same_text(const char *a, const char *b)
{
    for (;;) {
        while (*a == ' ')
            a++;
        while (*b == ' ')
            b++;
        if (*a != *b)
            return false;
        if (*a == '\0')
            return true;
        a++;
        b++;
    }
}

static bool is_new(struct reader *reader, const struct expectation *expectations, size_t count,
                   const struct expectation *candidate)
{
    for (size_t i = 0; i < count; i++) {
        if (!same_text(expectations[i].text, candidate->text))
            continue;
        cleanup(free_pointer) char *words = shown(candidate->text);
        problems_add(&reader->problems, candidate->mark, "`%s` stands here twice: first on line %u",
                     words, expectations[i].mark.line);
        return false;
    }
    return true;
}

static void read_expectations(struct reader *reader, const char *name, const struct node *list,
                              enum place place, struct expectation **ret_expectations,
                              size_t *ret_count)
{
    if (!node_is(reader, name, list, NODE_LIST, "a list of at least one `- expectation`"))
        return;
    struct expectation *expectations = xcalloc(list->count, sizeof(*expectations));
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct expectation *next = &expectations[count];
        if (read_expectation(reader, name, &list->items[i], place, next) < 0)
            continue;
        if (is_new(reader, expectations, count, next))
            count++;
        else
            expectation_free(next);
    }
    *ret_expectations = expectations;
    *ret_count = count;
}

/* `name` or `schema.name`, as stored: what is wrong with it, or NULL. */
static const char *table_name_problem(const char *name)
{
    const char *dot = strchr(name, '.');
    if (!is_printable(name))
        return "holds a control character, or no UTF-8";
    if (strpbrk(name, "\"`"))
        return "is written as it is stored, without quotes";
    if (*name == '\0' || *name == '.' || (dot && (dot[1] == '\0' || strchr(dot + 1, '.'))))
        return "is neither `name` nor `schema.name`";
    if (name[0] == ' ' || ends_with(name, " "))
        return "begins or ends with a blank";
    return NULL;
}

void read_tables(struct reader *reader, const struct key *key, const struct node *value,
                 void *field)
{
    struct scenario *scenario = reader->scenario;
    (void)field;
    if (!node_is(reader, key->name, value, NODE_MAP, "at least one `table:` with its expectations"))
        return;
    scenario->tables = xcalloc(value->count, sizeof(*scenario->tables));
    for (size_t i = 0; i < value->count; i++) {
        const struct node *name = &value->keys[i];
        struct table_expectations *table = &scenario->tables[scenario->table_count++];
        cleanup(free_pointer) char *words = shown(name->text);
        const char *wrong = table_name_problem(name->text);
        if (wrong)
            problems_add(&reader->problems, name->mark, "the table name `%s` %s", words, wrong);
        table->table = xstrdup(name->text);
        table->mark = name->mark;
        read_expectations(reader, words, &value->items[i], UNDER_TABLE, &table->expectations,
                          &table->count);
    }
}

void read_object_checks(struct reader *reader, const struct key *key, const struct node *value,
                        void *field)
{
    struct objects *objects = field;
    read_expectations(reader, key->name, value, FOR_OBJECTS, &objects->checks,
                      &objects->check_count);
}

void read_migration_checks(struct reader *reader, const struct key *key, const struct node *value,
                           void *field)
{
    struct migration_wanted *migration = field;
    read_expectations(reader, key->name, value, FOR_MIGRATION, &migration->checks,
                      &migration->check_count);
}

void read_run_checks(struct reader *reader, const struct key *key, const struct node *value,
                     void *field)
{
    struct scenario *scenario = reader->scenario;
    (void)field;
    read_expectations(reader, key->name, value, FOR_RUN, &scenario->checks, &scenario->check_count);
}

void read_query_expectation(struct reader *reader, const struct key *key, const struct node *value,
                            void *field)
{
    read_expectation(reader, key->name, value, FOR_QUERY, field);
}

void read_schema_expectation(struct reader *reader, const struct key *key, const struct node *value,
                             void *field)
{
    read_expectation(reader, key->name, value, FOR_SCHEMA, field);
}
