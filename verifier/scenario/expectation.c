#include "scenario/expectation.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "scenario/quantity.h"
#include "scenario/words.h"

static const char blanks[] = " \t\r\n";

/* What a prefix without quotes does not begin with. */
static const char unlike_prefix[] = "=!<>\"'";

/* Every part of a name is a part of a scenario file. */
enum { NAME_LIMIT = 1 << 21 };

enum argument { NO_ARGUMENT, COLUMN, TABLES_AND_COLUMNS, TABLE_OR_NONE };

/* What can be measured; `example` is a whole expectation, for the words of a problem. */
static const struct metric_kind {
    const char *name; /* one word, or two */
    enum metric metric;
    enum argument argument;
    enum unit unit;
    bool of_objects; /* may be followed by `of copy` and `in PREFIX` */
    const char *example;
} metrics[] = {
    {"row_count", METRIC_ROW_COUNT, NO_ARGUMENT, UNIT_NONE, false, "row_count >= 1"},
    {"freshness", METRIC_FRESHNESS, COLUMN, UNIT_DURATION, false, "freshness(created_at) < 26h"},
    {"object_count", METRIC_OBJECT_COUNT, NO_ARGUMENT, UNIT_NONE, true, "object_count >= 1"},
    {"total_size", METRIC_TOTAL_SIZE, NO_ARGUMENT, UNIT_SIZE, true, "total_size >= 10MB"},
    {"missing", METRIC_MISSING, TABLES_AND_COLUMNS, UNIT_NONE, true, "missing(table.column) = 0"},
    {"orphaned", METRIC_ORPHANED, TABLES_AND_COLUMNS, UNIT_NONE, true,
     "orphaned(table.column) = 0"},
    {"sequences behind", METRIC_SEQUENCES_BEHIND, NO_ARGUMENT, UNIT_NONE, false,
     "sequences behind = 0"},
    {"duration", METRIC_DURATION, NO_ARGUMENT, UNIT_DURATION, false, "duration < 5m"},
    {"write_blocked", METRIC_WRITE_BLOCKED, TABLE_OR_NONE, UNIT_DURATION, false,
     "write_blocked < 10s"},
    {"read_blocked", METRIC_READ_BLOCKED, TABLE_OR_NONE, UNIT_DURATION, false,
     "read_blocked(users) = 0"},
    {"rows_inserted", METRIC_ROWS_INSERTED, TABLE_OR_NONE, UNIT_NONE, false, "rows_inserted = 0"},
    {"rows_updated", METRIC_ROWS_UPDATED, TABLE_OR_NONE, UNIT_NONE, false, "rows_updated < 100000"},
    {"rows_deleted", METRIC_ROWS_DELETED, TABLE_OR_NONE, UNIT_NONE, false, "rows_deleted = 0"},
    {"tables_rewritten", METRIC_TABLES_REWRITTEN, NO_ARGUMENT, UNIT_NONE, false,
     "tables_rewritten = 0"},
    {"lost_on_return", METRIC_LOST_ON_RETURN, TABLE_OR_NONE, UNIT_NONE, false,
     "lost_on_return = 0"},
    {"restore_time", METRIC_RESTORE_TIME, NO_ARGUMENT, UNIT_DURATION, false, "restore_time < 30m"},
    {"backup_size", METRIC_BACKUP_SIZE, NO_ARGUMENT, UNIT_SIZE, false, "backup_size >= 1MB"},
};

/* For the words of a problem. */
static const char example_change[] = "change for row_count >= -5%";
static const char example_average[] = "change avg last 7 for row_count >= -10%";
static const char example_anomaly[] = "anomaly for row_count";

/* Two characters before one, so that `>=` is not read as `>`. NULL: known from elsewhere. */
static const struct {
    const char *sign;
    enum comparison comparison;
    const char *instead;
} signs[] = {
    {"==", 0, "="},
    {"=>", 0, ">="},
    {"=<", 0, "<="},
    {"<>", 0, "!="},
    {"!=", COMPARE_NOT_EQUAL, NULL},
    {"<=", COMPARE_LESS_OR_EQUAL, NULL},
    {">=", COMPARE_GREATER_OR_EQUAL, NULL},
    {"=", COMPARE_EQUAL, NULL},
    {"<", COMPARE_LESS, NULL},
    {">", COMPARE_GREATER, NULL},
};

/* What a parse works on; `at` moves through the text. */
struct parser {
    const char *at;
    bool is_query;
    const struct metric_kind *kind;
    struct expectation *expectation;
    char *problem;
};

/* Says what is wrong at `at`; the first one counts. */
__attribute__((format(printf, 2, 3))) static int fail(struct parser *parser, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    parser->problem = xvasprintf(format, arguments);
    va_end(arguments);
    return -1;
}

static void skip_blanks(struct parser *parser)
{
    parser->at += strspn(parser->at, blanks);
}

static size_t word_length(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
}

/* Passes over `word` when it is the next whole word. */
static bool accept_word(struct parser *parser, const char *word)
{
    skip_blanks(parser);
    size_t length = word_length(parser->at);
    if (length != strlen(word) || strncmp(parser->at, word, length) != 0)
        return false;
    parser->at += length;
    return true;
}

/* Passes over the words of a metric's name when they are the next ones. */
static bool accept_name(struct parser *parser, const char *name)
{
    const char *begin = parser->at;
    size_t first = strcspn(name, " ");
    cleanup(free_pointer) char *word = xstrndup(name, first);
    if (accept_word(parser, word) && (!name[first] || accept_word(parser, name + first + 1)))
        return true;
    parser->at = begin;
    return false;
}

/* The next word, or what stands there instead up to a blank: for messages, to be freed. */
static char *word_here(const struct parser *parser)
{
    size_t length = word_length(parser->at);
    if (length == 0)
        length = strcspn(parser->at, blanks);
    cleanup(free_pointer) char *word = xstrndup(parser->at, length);
    return shown(word);
}

static int fail_unknown_metric(struct parser *parser)
{
    const char *names[ARRAY_LENGTH(metrics) + 2];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(metrics); i++)
        names[count++] = metrics[i].name;
    if (!parser->expectation->change && !parser->expectation->anomaly) {
        names[count++] = "change";
        names[count++] = "anomaly";
    }
    cleanup(free_pointer) char *word = word_here(parser);
    if (word_length(parser->at) == 0)
        return fail(parser, "a metric is missing in front: such as `row_count >= 1`");
    cleanup(free_pointer) char *near = suggestion(word, names, count);
    return fail(parser, "unknown metric `%s`%s", word, near);
}

static size_t count_dots(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == '.' ? 1 : 0;
    return count;
}

/* Is it `column`, or `table` or `table.column` with an optional schema in front, with no part
 * empty?
 */
static bool argument_fits(const char *argument, enum argument wanted)
{
    size_t dots = count_dots(argument);
    bool parts = *argument && *argument != '.' && !ends_with(argument, ".") &&
                 !strstr(argument, "..") && is_printable(argument) && !strpbrk(argument, "\"'(");
    if (wanted == TABLE_OR_NONE)
        return parts && dots <= 1 && !strchr(argument, ',');
    return parts && (wanted == COLUMN ? dots == 0 : dots == 1 || dots == 2);
}

static const char *argument_words(const struct metric_kind *kind)
{
    return kind->argument == COLUMN          ? "a column"
           : kind->argument == TABLE_OR_NONE ? "a table, or no parentheses,"
                                             : "a table and a column";
}

/* Reads arguments (up to `end`) into the expectation, a comma between each two. */
static int parse_arguments(struct parser *parser, const char *end)
{
    const struct metric_kind *kind = parser->kind;
    for (;;) {
        skip_blanks(parser);
        size_t length = (size_t)(end - parser->at);
        const char *comma =
            kind->argument == TABLES_AND_COLUMNS ? memchr(parser->at, ',', length) : NULL;
        const char *next = comma ? comma : end;
        const char *last = next;
        while (last > parser->at && strchr(blanks, last[-1]))
            last--;
        cleanup(free_pointer) char *argument = xstrndup(parser->at, (size_t)(last - parser->at));
        if (!argument_fits(argument, kind->argument))
            return fail(parser, "%s needs %s as they are stored, without quotes: %s", kind->name,
                        argument_words(kind), kind->example);
        if (strings_contain(&parser->expectation->arguments, argument))
            return fail(parser, "the same column stands here twice");
        strings_add(&parser->expectation->arguments, argument);
        parser->at = next + 1;
        if (!comma)
            return 0;
    }
}

static int parse_parentheses(struct parser *parser)
{
    const struct metric_kind *kind = parser->kind;
    const char *open = parser->at + strspn(parser->at, blanks);
    if (kind->argument == NO_ARGUMENT) {
        if (*open != '(')
            return 0;
        return fail(parser, "%s takes nothing in parentheses: %s", kind->name, kind->example);
    }
    if (*open != '(' && kind->argument == TABLE_OR_NONE)
        return 0;
    if (*open != '(')
        return fail(parser, "%s needs %s: %s", kind->name, argument_words(kind), kind->example);
    const char *close = strchr(open, ')');
    if (!close)
        return fail(parser, "the `)` is missing: %s", kind->example);
    parser->at = open + 1;
    return parse_arguments(parser, close);
}

/* A prefix of keys: a word up to a blank, or anything in quotes. */
static int parse_prefix(struct parser *parser)
{
    skip_blanks(parser);
    const char *begin = parser->at;
    bool quoted = *begin == '"' || *begin == '\'';
    const char *end = quoted ? strchr(begin + 1, *begin) : begin + strcspn(begin, blanks);
    if (!end)
        return fail(parser, "a quote is opened and not closed");
    begin += quoted ? 1 : 0;
    if (end == begin || (!quoted && strchr(unlike_prefix, *begin)))
        return fail(parser, "`in` needs a prefix of keys, in quotes if it has blanks: "
                            "object_count in screenshots/ >= 1");
    parser->expectation->prefix = xstrndup(begin, (size_t)(end - begin));
    parser->at = end + (quoted ? 1 : 0);
    return 0;
}

/* `of copy`, then `in PREFIX`. */
static int parse_where(struct parser *parser)
{
    struct expectation *expectation = parser->expectation;
    if (!parser->kind->of_objects)
        return 0;
    if (accept_word(parser, "of")) {
        if (!accept_word(parser, "copy"))
            return fail(parser, "`of` what? `of copy`; without it the bucket is meant");
        expectation->of_copy = true;
    }
    if (accept_word(parser, "in") && parse_prefix(parser) < 0)
        return -1;
    skip_blanks(parser);
    const char *begin = parser->at;
    if (expectation->prefix && accept_word(parser, "of")) {
        parser->at = begin;
        return fail(parser, "`of copy` stands before `in`");
    }
    return 0;
}

static int parse_metric(struct parser *parser)
{
    skip_blanks(parser);
    for (size_t i = 0; i < ARRAY_LENGTH(metrics); i++) {
        if (!accept_name(parser, metrics[i].name))
            continue;
        parser->kind = &metrics[i];
        parser->expectation->metric = metrics[i].metric;
        return parse_parentheses(parser) < 0 ? -1 : parse_where(parser);
    }
    return fail_unknown_metric(parser);
}

/* `last N`, behind `change avg`. */
static int parse_last(struct parser *parser)
{
    if (!accept_word(parser, "last"))
        return fail(parser, "`last` is missing: %s", example_average);
    skip_blanks(parser);
    size_t length = word_length(parser->at);
    bool is_number = length > 0 && length <= 3 && strspn(parser->at, "0123456789") == length;
    unsigned long nights = is_number ? strtoul(parser->at, NULL, 10) : 0;
    if (nights < AVERAGE_LEAST_NIGHTS || nights > AVERAGE_MOST_NIGHTS)
        return fail(parser, "`avg last` needs a number of nights, from %d to %d: %s",
                    AVERAGE_LEAST_NIGHTS, AVERAGE_MOST_NIGHTS, example_average);
    parser->at += length;
    parser->expectation->last_nights = (unsigned)nights;
    return 0;
}

/* Behind `change`, where `for` or `avg` should stand. */
static int fail_change(struct parser *parser)
{
    static const char *const known[] = {"for", "avg"};
    cleanup(free_pointer) char *word = word_here(parser);
    const char *near = nearest(word, known, ARRAY_LENGTH(known));
    if (near)
        return fail(parser, "`change %s` is unknown: did you mean `change %s`?", word, near);
    return fail(parser, "`for` is missing: %s, or %s", example_change, example_average);
}

/* What stands in front of the metric: `change for`, `change avg last N for`, `anomaly for`. */
static int parse_front(struct parser *parser)
{
    struct expectation *expectation = parser->expectation;
    expectation->anomaly = accept_word(parser, "anomaly");
    expectation->change = !expectation->anomaly && accept_word(parser, "change");
    if (!expectation->anomaly && !expectation->change)
        return 0;
    bool average = expectation->change && accept_word(parser, "avg");
    if (average && parse_last(parser) < 0)
        return -1;
    if (accept_word(parser, "for"))
        return 0;
    skip_blanks(parser);
    if (expectation->change && !average)
        return fail_change(parser);
    return fail(parser, "`for` is missing: %s", average ? example_average : example_anomaly);
}

/* A query's expectation has no metric; says how to write it without. */
static int refuse_metric(struct parser *parser)
{
    skip_blanks(parser);
    bool change = accept_word(parser, "change");
    if (change || accept_word(parser, "anomaly"))
        return fail(parser, "`%s for` is not for queries: write OP NUMBER, such as = 0",
                    change ? "change" : "anomaly");
    size_t length = word_length(parser->at);
    const char *first = parser->at + (*parser->at == '-' || *parser->at == '+' ? 1 : 0);
    if (*first >= '0' && *first <= '9') {
        cleanup(free_pointer) char *word = xstrndup(parser->at, strcspn(parser->at, blanks));
        cleanup(free_pointer) char *number = shown(word);
        return fail(parser, "a comparison is missing: did you mean `= %s`?", number);
    }
    bool known = accept_word(parser, "between") || accept_word(parser, "same");
    if (known)
        parser->at -= length;
    if (length > 0 && !known)
        return fail(parser, "a query's `expect` has no metric: write OP NUMBER, such as = 0");
    return 0;
}

static int parse_number(struct parser *parser, long double *ret_number)
{
    skip_blanks(parser);
    struct quantity quantity;
    size_t length;
    if (quantity_parse(parser->at, &quantity, &length, &parser->problem) < 0)
        return -1;
    struct expectation *expectation = parser->expectation;
    enum unit wanted = parser->kind ? parser->kind->unit : UNIT_NONE;
    if (quantity.unit == UNIT_PERCENT) {
        if (!expectation->change)
            return fail(parser, "%% is only for changes: %s", example_change);
    } else if (wanted == UNIT_DURATION && quantity.unit == UNIT_NONE && quantity.number != 0) {
        return fail(parser, "the number needs a unit: ms, s, m, h or d, such as 26h");
    } else if (quantity.unit != UNIT_NONE && quantity.unit != wanted) {
        return fail(parser, "%s takes no such unit%s%s",
                    parser->kind ? parser->kind->name : "a query", parser->kind ? ": " : "",
                    parser->kind ? parser->kind->example : "");
    }
    parser->at += length;
    *ret_number = quantity.number;
    expectation->percent = quantity.unit == UNIT_PERCENT;
    return 0;
}

static int parse_between(struct parser *parser)
{
    struct expectation *expectation = parser->expectation;
    expectation->comparison = COMPARE_BETWEEN;
    const char *begin = parser->at;
    if (parse_number(parser, &expectation->low) < 0)
        return -1;
    bool percent = expectation->percent;
    if (!accept_word(parser, "and"))
        return fail(parser, "`and` is missing: between A and B");
    if (parse_number(parser, &expectation->high) < 0)
        return -1;
    if (percent == expectation->percent && expectation->low <= expectation->high)
        return 0;
    parser->at = begin + strspn(begin, blanks);
    if (percent != expectation->percent)
        return fail(parser, "both numbers are percent, or none is");
    return fail(parser, "nothing is between these: the smaller number comes first");
}

static int parse_same_as(struct parser *parser)
{
    static const char *const known[] = {"dump", "copy"};
    if (!accept_word(parser, "as"))
        return fail(parser, "`as` is missing: same as dump");
    skip_blanks(parser);
    if (parser->expectation->change)
        return fail(parser, "a change is compared with a number: %s", example_change);
    if (parser->expectation->of_copy)
        return fail(parser, "the copy cannot be compared with itself: leave out `of copy`");
    parser->expectation->comparison = COMPARE_SAME_AS;
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (!accept_word(parser, known[i]))
            continue;
        parser->expectation->same_as = xstrdup(known[i]);
        return 0;
    }
    cleanup(free_pointer) char *word = word_here(parser);
    cleanup(free_pointer) char *near = suggestion(word, known, ARRAY_LENGTH(known));
    if (*word == '\0')
        return fail(parser, "same as what? `same as dump` or `same as copy`");
    return fail(parser, "unknown `same as %s`%s", word, near);
}

static int parse_comparison(struct parser *parser)
{
    skip_blanks(parser);
    if (accept_word(parser, "between"))
        return parse_between(parser);
    if (accept_word(parser, "same"))
        return parse_same_as(parser);
    for (size_t i = 0; i < ARRAY_LENGTH(signs); i++) {
        if (!starts_with(parser->at, signs[i].sign))
            continue;
        if (signs[i].instead)
            return fail(parser, "`%s` is no comparison: did you mean `%s`?", signs[i].sign,
                        signs[i].instead);
        parser->at += strlen(signs[i].sign);
        parser->expectation->comparison = signs[i].comparison;
        return parse_number(parser, &parser->expectation->low);
    }
    cleanup(free_pointer) char *word = word_here(parser);
    if (*word == '\0')
        return fail(parser, "a comparison is missing: %s",
                    parser->kind ? parser->kind->example : "OP NUMBER, such as = 0");
    return fail(parser, "`%s` is no comparison: use = != < <= > >= or `between A and B`", word);
}

static int parse_whole(struct parser *parser)
{
    struct expectation *expectation = parser->expectation;
    if (!is_printable(parser->at))
        return fail(parser, "a control character, or no UTF-8");
    if (parser->is_query) {
        if (refuse_metric(parser) < 0)
            return -1;
    } else if (parse_front(parser) < 0 || parse_metric(parser) < 0) {
        return -1;
    }
    if (!expectation->anomaly && parse_comparison(parser) < 0)
        return -1;
    skip_blanks(parser);
    if (*parser->at == '\0')
        return 0;
    cleanup(free_pointer) char *rest = shown(parser->at);
    if (expectation->anomaly)
        return fail(parser,
                    "`%s` is too much: `anomaly for` asks whether a number is as usual, and "
                    "takes none: %s",
                    rest, example_anomaly);
    return fail(parser, "`%s` is too much: an expectation ends with its number", rest);
}

/* Passes over `warn:`. */
static void accept_warn(struct parser *parser)
{
    skip_blanks(parser);
    const char *begin = parser->at;
    if (accept_word(parser, "warn")) {
        skip_blanks(parser);
        if (*parser->at == ':') {
            parser->at++;
            parser->expectation->warn = true;
            skip_blanks(parser);
            return;
        }
    }
    parser->at = begin;
}

int expectation_parse(const char *text, bool is_query, struct expectation *ret, char **ret_problem,
                      size_t *ret_offset)
{
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]))
        length--;
    cleanup(free_pointer) char *trimmed = xstrndup(text, length);
    struct expectation expectation = {0};
    struct parser parser = {.at = trimmed, .is_query = is_query, .expectation = &expectation};
    accept_warn(&parser);
    const char *begin = parser.at;
    if (parse_whole(&parser) < 0) {
        expectation_free(&expectation);
        *ret_problem = parser.problem;
        *ret_offset = (size_t)(parser.at - trimmed);
        return -1;
    }
    expectation.text = xstrdup(begin);
    *ret = expectation;
    return 0;
}

void expectation_free(struct expectation *expectation)
{
    free(expectation->text);
    strings_free(&expectation->arguments);
    free(expectation->prefix);
    free(expectation->same_as);
    *expectation = (struct expectation){0};
}

char *metric_name(const struct expectation *expectation)
{
    struct buffer name;
    buffer_init(&name, NAME_LIMIT);
    const char *metric = "value";
    for (size_t i = 0; i < ARRAY_LENGTH(metrics); i++)
        if (metrics[i].metric == expectation->metric)
            metric = metrics[i].name;
    buffer_append_text(&name, metric);
    for (size_t i = 0; i < expectation->arguments.count; i++)
        buffer_printf(&name, "%s%s", i ? ", " : "(", expectation->arguments.items[i]);
    buffer_printf(&name, "%s%s", expectation->arguments.count ? ")" : "",
                  expectation->of_copy ? " of copy" : "");
    const char *prefix = expectation->prefix;
    if (prefix) {
        bool plain = !strpbrk(prefix, blanks) && !strchr(unlike_prefix, *prefix);
        const char *quote = plain ? "" : strchr(prefix, '"') ? "'" : "\"";
        buffer_printf(&name, " in %s%s%s", quote, prefix, quote);
    }
    return buffer_steal(&name);
}

char *metric_regex(enum metric metric)
{
    for (size_t i = 0; i < ARRAY_LENGTH(metrics); i++) {
        if (metrics[i].metric != metric)
            continue;
        struct buffer regex;
        buffer_init(&regex, NAME_LIMIT);
        for (const char *c = metrics[i].name; *c; c++)
            buffer_append_text(&regex, *c == ' ' ? "\\s+" : (const char[]){*c, '\0'});
        buffer_printf(&regex, "%s%s",
                      metrics[i].argument == NO_ARGUMENT ? "" : "(\\s*\\([^()]+\\))?",
                      metrics[i].of_objects
                          ? "(\\s+of\\s+copy)?(\\s+in\\s*(\"[^\"]+\"|'[^']+'|[^\\s\"'=!<>]\\S*))?"
                          : "");
        return buffer_steal(&regex);
    }
    return NULL;
}

#define NUMBER_REGEX "[+-]?[0-9]+(\\.[0-9]+)?(%|[A-Za-z]+)?"

const char comparison_regex[] =
    "((=|!=|<=?|>=?)\\s*" NUMBER_REGEX "|between\\s*" NUMBER_REGEX "\\s*and\\s*" NUMBER_REGEX ")";
