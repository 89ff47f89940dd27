#include "report/report.h"

#include <inttypes.h>
#include <libxml/xmlwriter.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "report/cases.h"
#include "report/junit.h"
#include "report/text.h"

/* A writer that remembers whether anything failed, and the properties it has written. */
struct page {
    xmlTextWriterPtr writer;
    struct strings properties;
    const char *log;      /* the name of the file that has what is shortened here */
    struct buffer *whole; /* its content */
    bool failed;
};

static const xmlChar *xml(const char *text)
{
    return (const xmlChar *)text;
}

static void start(struct page *page, const char *element)
{
    if (xmlTextWriterStartElement(page->writer, xml(element)) < 0)
        page->failed = true;
}

static void end(struct page *page)
{
    if (xmlTextWriterEndElement(page->writer) < 0)
        page->failed = true;
}

static void attribute(struct page *page, const char *name, const char *value)
{
    if (xmlTextWriterWriteAttribute(page->writer, xml(name), xml(value)) < 0)
        page->failed = true;
}

static void number_attribute(struct page *page, const char *name, int number)
{
    char digits[16];
    snprintf(digits, sizeof(digits), "%d", number);
    attribute(page, name, digits);
}

static void text(struct page *page, const char *content)
{
    if (content[0] != '\0' && xmlTextWriterWriteString(page->writer, xml(content)) < 0)
        page->failed = true;
}

/* `name` says in the log what it is. Freed by the caller. */
static char *shortened(struct page *page, const char *name, const char *value)
{
    cleanup(free_pointer) char *where = xasprintf("all of it is in %s", page->log);
    if (strlen(value) > TEXT_REPORTED_MOST)
        buffer_printf(page->whole, "=== %s\n\n%s\n\n", name, value);
    return text_shorten(value, TEXT_REPORTED_MOST, where);
}

/* Nothing is said about what is not known. Readers keep one property of each name. */
static void property(struct page *page, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    cleanup(free_pointer) char *unique = xstrdup(name);
    for (int number = 2; strings_contain(&page->properties, unique); number++) {
        free(unique);
        unique = xasprintf("%s (%d)", name, number);
    }
    strings_add(&page->properties, unique);
    start(page, "property");
    attribute(page, "name", unique);
    cleanup(free_pointer) char *fitting = shortened(page, unique, value);
    attribute(page, "value", fitting);
    end(page);
}

static void number_property(struct page *page, const char *name, int64_t number)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRId64, number);
    property(page, name, digits);
}

static void text_property(struct page *page, const char *name, const char *value, size_t size)
{
    cleanup(free_pointer) char *clean = text_clean(value, size, TEXT_BLOCK);
    property(page, name, clean);
}

#define array_property(page, name, array) text_property(page, name, array, sizeof(array))

static void time_property(struct page *page, const char *name, time_t time)
{
    char date[TIME_TEXT_SIZE];
    if (time == 0)
        return;
    time_format_utc(time, date);
    property(page, name, date);
}

static void backup_properties(struct page *page, const struct facts *facts)
{
    const struct backup_fact *backup = &facts->backup;
    if (backup->path[0] != '\0') {
        array_property(page, "backup.file", backup->path);
        number_property(page, "backup.size_bytes", backup->size_bytes);
    }
    array_property(page, "backup.sha256", backup->sha256);
    time_property(page, "backup.time", backup->time);
    array_property(page, "backup.time_from", backup->time_from);
    array_property(page, "backup.format", backup->format);
    array_property(page, "backup.archive_version", backup->archive_version);
    array_property(page, "backup.server_version", backup->server_version);
    array_property(page, "backup.pg_dump_version", backup->pg_dump_version);
    array_property(page, "backup.database", backup->database);
    array_property(page, "backup.databases_not_looked_at", facts->databases.others);
    array_property(page, "backup.encoding", backup->encoding);
    array_property(page, "backup.needs", backup->needs);
    if (facts->stages[STAGE_READ].state == STAGE_DONE) {
        number_property(page, "backup.table_count", backup->table_count);
        number_property(page, "backup.row_count", backup->row_count);
    }
    array_property(page, "backup.notices", backup->notices);
}

static void restore_properties(struct page *page, const struct facts *facts)
{
    array_property(page, "server.version", facts->server.version);
    array_property(page, "server.where", facts->server.where);
    array_property(page, "server.origin", facts->server.origin);
    array_property(page, "server.database", facts->server.database);
    array_property(page, "server.restored_as", facts->server.restored_as);
    array_property(page, "server.confined_by", facts->server.confined_by);
    array_property(page, "server.not_confined_by", facts->server.not_confined_by);
    array_property(page, "server.locale_missing", facts->server.locale_missing);
    array_property(page, "server.guest_database", facts->server.guest);
    array_property(page, "restore.how", facts->restore.how);
    array_property(page, "restore.time_spent", facts->restore.time_spent);
    if (facts->restore.harmless_count > 0)
        number_property(page, "restore.harmless_errors", facts->restore.harmless_count);
    if (facts->restore.excluded_count > 0)
        number_property(page, "restore.excluded_count", facts->restore.excluded_count);
    array_property(page, "restore.excluded", facts->restore.excluded);
}

static void stage_properties(struct page *page, const struct facts *facts)
{
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        const struct stage_fact *stage = &facts->stages[i];
        cleanup(free_pointer) char *seconds = xasprintf("stage.%s_seconds", stage_name(i));
        cleanup(free_pointer) char *failed = xasprintf("stage.%s_error", stage_name(i));
        if (stage->state == STAGE_DONE || stage->state == STAGE_FAILED) {
            char duration[SECONDS_TEXT_SIZE];
            seconds_format(stage->duration_ms, duration);
            property(page, seconds, duration);
        }
        if (stage->state == STAGE_FAILED)
            array_property(page, failed, stage->error.text);
        if (stage->state == STAGE_RUNNING)
            property(page, failed, "interrupted");
    }
}

static void span_property(struct page *page, const char *name, int64_t duration_us)
{
    cleanup(free_pointer) char *seconds = xasprintf("%.6f", (double)duration_us / 1e6);
    property(page, name, seconds);
}

/* What the page of all scenarios draws (page_locks.c): the longest come first. */
static void rehearsal_properties(struct page *page, const struct rehearsal *rehearsal)
{
    enum { MOST = 24, SHORT_US = 1000 };
    span_property(page, "migration.duration_seconds", rehearsal->command.duration_us);
    for (size_t i = 0; i < rehearsal->interval_count && i < MOST; i++) {
        const struct rehearsed_interval *blocked = &rehearsal->intervals[i];
        if (blocked->to_us - blocked->from_us < SHORT_US)
            break;
        cleanup(free_pointer) char *table = xasprintf("blocked.%zu.table", i + 1);
        cleanup(free_pointer) char *what = xasprintf("blocked.%zu.what", i + 1);
        cleanup(free_pointer) char *from = xasprintf("blocked.%zu.from_seconds", i + 1);
        cleanup(free_pointer) char *to = xasprintf("blocked.%zu.to_seconds", i + 1);
        cleanup(free_pointer) char *by = xasprintf("blocked.%zu.by", i + 1);
        array_property(page, table, blocked->table);
        property(page, what, blocked->reading ? "reading and writing" : "writing");
        span_property(page, from, blocked->from_us > 0 ? blocked->from_us : 0);
        span_property(page, to, blocked->to_us);
        array_property(page, by, blocked->taker.text);
    }
}

static void run_properties(struct page *page, const struct result *result)
{
    property(page, "verifier.version", PROGRAM_VERSION);
    cleanup(free_pointer) char *headline = result_headline(result);
    property(page, "headline", headline);
    if (result->rehearsal && result->rehearsal->command.ran)
        rehearsal_properties(page, result->rehearsal);
    if (result->facts) {
        array_property(page, "shard", result->facts->shard);
        array_property(page, "shard.split", result->facts->split);
        backup_properties(page, result->facts);
        restore_properties(page, result->facts);
        stage_properties(page, result->facts);
    }
}

/* Of the run as a whole, which `result` tells (NULL: not here), and of the cases. */
static void properties(struct page *page, const struct result *result, const struct cases *cases)
{
    start(page, "properties");
    if (result)
        run_properties(page, result);
    for (size_t i = 0; i < cases->count; i++) {
        const struct report_case *one = &cases->items[i];
        for (size_t j = 0; j < one->value_count; j++)
            property(page, one->values[j].name, one->values[j].text);
    }
    for (size_t i = 0; i < cases->count; i++) {
        cleanup(free_pointer) char *name = xasprintf("warning: %s", cases->items[i].name);
        if (cases->items[i].warn)
            property(page, name, cases->items[i].message);
    }
    end(page);
}

/* Message and details. */
static char *told(struct page *page, const struct report_case *one, const char *before)
{
    cleanup(free_pointer) char *whole = xasprintf(
        "%s%s%s%s", before, one->message, one->details[0] != '\0' ? "\n\n" : "", one->details);
    return shortened(page, one->name, whole);
}

/* GitLab shows only the text, others only the message: so the text says both. */
static void verdict_element(struct page *page, const char *element, const char *type,
                            const struct report_case *one)
{
    cleanup(free_pointer) char *all = told(page, one, "");
    cleanup(free_pointer) char *message = text_shorten(one->message, TEXT_REPORTED_MOST, NULL);
    start(page, element);
    attribute(page, "message", message);
    if (type)
        attribute(page, "type", type);
    text(page, all);
    end(page);
}

/* A warning, or what else a pass has to say. */
static void pass_element(struct page *page, const struct report_case *one)
{
    cleanup(free_pointer) char *all = told(page, one, one->warn ? "warning: " : "");
    start(page, "system-out");
    text(page, all);
    end(page);
}

static void testcase(struct page *page, const char *suite, const struct report_case *one)
{
    char seconds[SECONDS_TEXT_SIZE];
    seconds_format(one->duration_ms, seconds);
    cleanup(free_pointer) char *classname =
        one->group[0] != '\0' ? xasprintf("%s.%s", suite, one->group) : xstrdup(suite);
    start(page, "testcase");
    attribute(page, "classname", classname);
    attribute(page, "name", one->name);
    attribute(page, "time", seconds);
    if (one->verdict == VERDICT_FAIL)
        verdict_element(page, "failure", one->type, one);
    else if (one->verdict == VERDICT_ERROR)
        verdict_element(page, "error", one->type, one);
    else if (one->verdict == VERDICT_SKIP)
        verdict_element(page, "skipped", NULL, one);
    else if (one->warn || one->details[0] != '\0')
        pass_element(page, one);
    end(page);
}

static int count_of(const struct cases *cases, enum verdict verdict)
{
    int count = 0;
    for (size_t i = 0; i < cases->count; i++)
        count += cases->items[i].verdict == verdict;
    return count;
}

/* What both levels carry. The schema of Jenkins' xunit plugin has no `skipped` on <testsuites>; but
 * whoever sums up files by their roots would count skipped checks as passed without it.
 */
static void summary_attributes(struct page *page, const char *suite, const char *seconds,
                               const struct cases *cases)
{
    attribute(page, "name", suite);
    number_attribute(page, "tests", (int)cases->count);
    number_attribute(page, "failures", count_of(cases, VERDICT_FAIL));
    number_attribute(page, "errors", count_of(cases, VERDICT_ERROR));
    number_attribute(page, "skipped", count_of(cases, VERDICT_SKIP));
    attribute(page, "time", seconds);
}

static bool same_suite(const struct report_case *one, const struct report_case *other)
{
    return one->database && other->database ? strcmp(one->database, other->database) == 0
                                            : one->database == other->database;
}

/* The suite of the cases from `first` on, and where it ends: a scenario has one, and one more for
 * each of several databases. Side by side, because not every reader knows suites within suites. */
static size_t suite(struct page *page, const struct result *result, const char *scenario,
                    const struct cases *cases, size_t first)
{
    struct cases own = {.items = &cases->items[first], .count = 1};
    while (first + own.count < cases->count && same_suite(&own.items[0], &own.items[own.count]))
        own.count++;
    const char *database = own.items[0].database;
    int64_t duration_ms = 0;
    for (size_t i = 0; i < own.count; i++)
        duration_ms += own.items[i].duration_ms;
    cleanup(free_pointer) char *name =
        xasprintf("%s%s%s", scenario, database ? "." : "", database ? database : "");
    char seconds[SECONDS_TEXT_SIZE];
    seconds_format(database ? duration_ms : result_duration_ms(result), seconds);
    start(page, "testsuite");
    summary_attributes(page, name, seconds, &own);
    if (result->facts && result->facts->began != 0) {
        char timestamp[TIME_TEXT_SIZE];
        time_format_junit(result->facts->began, timestamp);
        attribute(page, "timestamp", timestamp);
    }
    strings_free(&page->properties); /* each suite has its own */
    properties(page, first == 0 ? result : NULL, &own);
    for (size_t i = 0; i < own.count; i++)
        testcase(page, name, &own.items[i]);
    end(page);
    return first + own.count;
}

static void document(struct page *page, const struct result *result, const struct cases *cases)
{
    cleanup(free_pointer) char *name = text_line(result->scenario);
    cleanup(free_pointer) char *suite_name = xasprintf("%s%s", name, result_kind(result)->suffix);
    char seconds[SECONDS_TEXT_SIZE];
    seconds_format(result_duration_ms(result), seconds);

    xmlTextWriterSetIndent(page->writer, 1);
    if (xmlTextWriterStartDocument(page->writer, "1.0", "UTF-8", NULL) < 0)
        page->failed = true;
    start(page, "testsuites");
    summary_attributes(page, suite_name, seconds, cases);
    for (size_t i = 0; i < cases->count;)
        i = suite(page, result, suite_name, cases, i);
    if (xmlTextWriterEndDocument(page->writer) < 0)
        page->failed = true;
}

/* What stands for a report that could not be made: red, and true. */
static const char fallback[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<testsuites tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" time=\"0.000\">\n"
    "<testsuite name=\"restore-verifier\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" "
    "time=\"0.000\">\n"
    "<testcase classname=\"restore-verifier.run\" name=\"the report can be written\" "
    "time=\"0.000\"><error message=\"the report could not be written: not enough memory\" "
    "type=\"could not verify\">the report could not be written: not enough memory</error>"
    "</testcase>\n"
    "</testsuite>\n"
    "</testsuites>\n";

void junit_format_with_log(const struct result *result, const char *log, struct buffer *target,
                           struct buffer *whole)
{
    struct cases cases;
    cases_build(result, &cases);
    xmlBufferPtr memory = xmlBufferCreate();
    struct page page = {
        .writer = memory ? xmlNewTextWriterMemory(memory, 0) : NULL, .log = log, .whole = whole};
    page.failed = !page.writer;
    if (!page.failed)
        document(&page, result, &cases);
    if (page.writer)
        xmlFreeTextWriter(page.writer); /* flushes into `memory` */

    if (page.failed ||
        buffer_append(target, xmlBufferContent(memory), (size_t)xmlBufferLength(memory)) < 0)
        buffer_append_text(target, fallback);
    if (memory)
        xmlBufferFree(memory);
    strings_free(&page.properties);
    cases_free(&cases);
}

void junit_format(const struct result *result, struct buffer *target)
{
    struct buffer ignored;
    buffer_init(&ignored, SIZE_MAX / 2);
    junit_format_with_log(result, "its log", target, &ignored);
    buffer_free(&ignored);
}
