#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlmemory.h>
#include <libxml/xpath.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/report.h"
#include "report/text.h"
#include "tests/unit/report_fixture.h"
#include "tests/unit/unit.h"

enum { DOCUMENT_LIMIT = 64 * 1024 * 1024 };

/* Parses as readers do: no recovery, no network, nothing forgiven. */
static xmlDocPtr document_of(const struct result *result)
{
    struct buffer text;
    buffer_init(&text, DOCUMENT_LIMIT);
    junit_format(result, &text);
    ck_assert(!text.overflowed);
    xmlDocPtr document =
        xmlReadMemory(text.data, (int)text.length, "report.xml", NULL, XML_PARSE_NONET);
    ck_assert_msg(document != NULL, "not well-formed:\n%s", text.data);
    buffer_free(&text);
    return document;
}

static double number(xmlDocPtr document, const char *expression)
{
    xmlXPathContextPtr context = xmlXPathNewContext(document);
    xmlXPathObjectPtr object = xmlXPathEval((const xmlChar *)expression, context);
    ck_assert_ptr_nonnull(object);
    double value = xmlXPathCastToNumber(object);
    xmlXPathFreeObject(object);
    xmlXPathFreeContext(context);
    return value;
}

static void assert_text(xmlDocPtr document, const char *expression, const char *expected)
{
    xmlXPathContextPtr context = xmlXPathNewContext(document);
    xmlXPathObjectPtr object = xmlXPathEval((const xmlChar *)expression, context);
    ck_assert_ptr_nonnull(object);
    xmlChar *value = xmlXPathCastToString(object);
    ck_assert_msg(strcmp((const char *)value, expected) == 0, "%s is \"%s\", not \"%s\"",
                  expression, (const char *)value, expected);
    xmlFree(value);
    xmlXPathFreeObject(object);
    xmlXPathFreeContext(context);
}

static bool is_seconds(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    return whole > 0 && text[whole] == '.' && strspn(text + whole + 1, "0123456789") == 3 &&
           strlen(text) == whole + 4;
}

/* What each element may be and hold: the intersection of what the readers take, which is about what
 * the schema of Jenkins' xunit plugin says; but for `skipped` on <testsuites>. */
static const struct {
    const char *element;
    const char *parent;
    const char *required; /* attributes, each between blanks */
    const char *optional;
} grammar[] = {
    {"testsuites", "", " name tests failures errors skipped time ", " "},
    {"testsuite", "testsuites", " name tests failures errors skipped time ", " timestamp "},
    {"properties", "testsuite", " ", " "},
    {"property", "properties", " name value ", " "},
    {"testcase", "testsuite", " classname name time ", " "},
    {"failure", "testcase", " message type ", " "},
    {"error", "testcase", " message type ", " "},
    {"skipped", "testcase", " message ", " "},
    {"system-out", "testcase", " ", " "},
};

static void check_element(const xmlNode *node)
{
    size_t rule = 0;
    while (rule < ARRAY_LENGTH(grammar) &&
           strcmp(grammar[rule].element, (const char *)node->name) != 0)
        rule++;
    ck_assert_msg(rule < ARRAY_LENGTH(grammar), "<%s>", (const char *)node->name);
    const char *parent =
        node->parent->type == XML_ELEMENT_NODE ? (const char *)node->parent->name : "";
    ck_assert_str_eq(parent, grammar[rule].parent);

    size_t required = 0;
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
        char name[64];
        snprintf(name, sizeof(name), " %s ", (const char *)attribute->name);
        bool needed = strstr(grammar[rule].required, name);
        required += needed;
        ck_assert_msg(needed || strstr(grammar[rule].optional, name), "<%s%s>",
                      grammar[rule].element, name);
        xmlChar *value = xmlNodeGetContent((const xmlNode *)attribute);
        if (strcmp(name, " time ") == 0)
            ck_assert_msg(is_seconds((const char *)value), "time %s", (const char *)value);
        if (strcmp(name, " name ") == 0)
            ck_assert(value[0] != '\0');
        xmlFree(value);
    }
    size_t wanted = 0;
    for (const char *c = grammar[rule].required; c[1] != '\0'; c++)
        wanted += *c == ' ';
    ck_assert_msg(required == wanted, "<%s> lacks an attribute", grammar[rule].element);
}

static void check_elements(const xmlNode *node)
{
    for (; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE) {
            check_element(node);
            check_elements(node->children);
        }
}

/* Holds for every document, whatever the result was. */
static void check_document(xmlDocPtr document)
{
    static const struct {
        const char *attribute;
        const char *elements;
    } counts[] = {{"tests", "//testcase"},
                  {"failures", "//testcase[failure]"},
                  {"errors", "//testcase[error]"},
                  {"skipped", "//testcase[skipped]"}};
    check_elements(xmlDocGetRootElement(document));
    ck_assert_double_eq(number(document, "count(//testsuite[not(testcase)])"), 0);
    ck_assert_double_eq(
        number(document, "count(//testsuite[@name = preceding-sibling::testsuite/@name])"), 0);
    ck_assert_double_eq(number(document, "count(//testsuite[@tests != count(testcase)])"), 0);
    ck_assert_double_ge(number(document, "count(//testcase)"), 1);
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        cleanup(free_pointer) char *count = xasprintf("count(%s)", counts[i].elements);
        cleanup(free_pointer) char *inner = xasprintf("sum(//testsuite/@%s)", counts[i].attribute);
        cleanup(free_pointer) char *outer = xasprintf("/testsuites/@%s", counts[i].attribute);
        ck_assert_double_eq(number(document, inner), number(document, count));
        ck_assert_double_eq(number(document, outer), number(document, count));
    }
    ck_assert_double_eq(number(document, "count(//property[starts-with(@name, 'warning: ')])"),
                        number(document, "count(//system-out)"));
    ck_assert_double_eq(number(document, "count(//testcase[count(failure|error|skipped) > 1])"), 0);
    ck_assert_double_eq(number(document, "count(//testcase[@name = preceding::testcase/@name])"),
                        0);
    ck_assert_double_eq(
        number(document, "count(//property[@name = preceding-sibling::property/@name])"), 0);
    ck_assert_double_eq(
        number(document, "count(//*[@message][not(starts-with(string(.), @message))])"), 0);
}

START_TEST(a_mixed_result_becomes_what_readers_expect)
{
    static const struct {
        const char *expression;
        const char *expected;
    } expectations[] = {
        {"string(/testsuites/@name)", "bugspark"},
        {"string(//testsuite/@tests)", "8"},
        {"string(//testsuite/@failures)", "1"},
        {"string(//testsuite/@errors)", "1"},
        {"string(//testsuite/@skipped)", "3"},
        {"string(/testsuites/@skipped)", "3"},
        {"string(//property[@name='headline']/@value)",
         "the backup is bad, and not everything could be verified"},
        {"string(//testsuite/@time)", "36.972"},
        {"string(/testsuites/@time)", "36.972"},
        {"string(//testsuite/@timestamp)", "2026-11-22T14:03:05"},
        {"string(//testcase[1]/@classname)", "bugspark.backup"},
        {"count(//testcase[1]/*)", "0"},
        {"count(//testcase[2]/*)", "0"},
        {"string(//testcase[2]/@name)", "users: row_count >= 1"},
        {"string(//testcase[2]/@time)", "0.012"},
        {"string(//testcase[3]/system-out)", "warning: reports has 500 rows"},
        {"string(//property[@name='warning: reports: row_count >= 1000']/@value)",
         "reports has 500 rows"},
        {"string(//testcase[4]/@time)", "1234.567"},
        {"string(//failure/@message)",
         "1 of 15 tables does not hold the rows that the archive holds for it"},
        {"string(//failure/@type)", "bad backup"},
        {"substring-after(substring-before(//failure, 'the missing'), 'for it')",
         "\n\ncomments: expected 600000, found 599999\n"},
        {"string(//error/@type)", "could not verify"},
        {"string(//testcase[7]/skipped)", "the bucket was not listed"},
        {"string(//property[@name='backup.file']/@value)",
         "/var/backups/bugspark_20261122.dump.gz"},
        {"string(//property[@name='backup.size_bytes']/@value)", "161480704"},
        {"string-length(//property[@name='backup.sha256']/@value)", "64"},
        {"string(//property[@name='backup.time']/@value)", "2026-11-22T11:03:05Z"},
        {"string(//property[@name='backup.row_count']/@value)", "920000"},
        {"string(//property[@name='backup.notices']/@value)", "bugspark_20261123.dump.gz is empty"},
        {"string(//property[@name='server.restored_as']/@value)", "restorer"},
        {"string(//property[@name='server.confined_by']/@value)", "no new privileges, limits"},
        {"string(//property[@name='server.not_confined_by']/@value)",
         "Landlock (Function not implemented)"},
        {"string(//property[@name='restore.excluded']/@value)",
         "SCHEMA auth\nEXTENSION pg_graphql"},
        {"string(//property[@name='stage.restore_seconds']/@value)", "32.300"},
        {"string(//property[@name='users: row_count']/@value)", "20000"},
        {"string(//property[@name='verifier.version']/@value)", PROGRAM_VERSION},
        {"count(//property[@value=''])", "0"},
    };
    struct sample *sample = sample_mixed();
    xmlDocPtr document = document_of(&sample->result);
    check_document(document);
    for (size_t i = 0; i < ARRAY_LENGTH(expectations); i++)
        assert_text(document, expectations[i].expression, expectations[i].expected);
    xmlFreeDoc(document);
    sample_free(sample);
}
END_TEST

START_TEST(a_result_without_checks_is_one_error)
{
    struct sample *empty = sample_new("bugspark");
    const struct result nothing = {.scenario = "scenarios/broken.yaml"};
    const struct result *results[] = {&empty->result, &nothing};
    for (size_t i = 0; i < ARRAY_LENGTH(results); i++) {
        xmlDocPtr document = document_of(results[i]);
        check_document(document);
        assert_text(document, "string(//testsuite/@tests)", "1");
        assert_text(document, "string(//testcase[error]/@name)",
                    "restore-verifier: no check was run");
        xmlFreeDoc(document);
    }
    sample_free(empty);
}
END_TEST

static const struct {
    const char *name;
    enum verdict verdicts[3]; /* up to VERDICT_NONE */
} mixtures[] = {
    {"pass", {VERDICT_PASS}},
    {"fail", {VERDICT_FAIL}},
    {"error", {VERDICT_ERROR}},
    {"skip", {VERDICT_SKIP}},
    {"skip and pass", {VERDICT_SKIP, VERDICT_PASS}},
    {"skip and fail", {VERDICT_SKIP, VERDICT_FAIL}},
    {"skip and error", {VERDICT_SKIP, VERDICT_ERROR}},
    {"pass and fail", {VERDICT_PASS, VERDICT_FAIL}},
};

/* A dashboard shows red by these elements alone. */
START_TEST(a_document_is_as_red_as_the_exit_code)
{
    struct sample *sample = sample_new(mixtures[_i].name);
    for (size_t i = 0; mixtures[_i].verdicts[i] != VERDICT_NONE; i++)
        sample_add(sample, "group", "name", mixtures[_i].verdicts[i], "message");
    xmlDocPtr document = document_of(&sample->result);
    check_document(document);
    int exit_code = result_exit_code(&sample->result);
    ck_assert_int_eq(number(document, "count(//error)") > 0, exit_code == 2);
    ck_assert_int_eq(number(document, "count(//error|//failure)") > 0, exit_code != 0);
    xmlFreeDoc(document);
    sample_free(sample);
}
END_TEST

START_TEST(a_check_that_said_nothing_is_an_error)
{
    struct sample *sample = sample_new("bugspark");
    sample_add(sample, "group", "silent", VERDICT_NONE, "");
    sample_add(sample, "group", "mad", VERDICT_SKIP + 77, "");
    sample_add(sample, "group", "wordless", VERDICT_FAIL, "");
    xmlDocPtr document = document_of(&sample->result);
    check_document(document);
    assert_text(document, "count(//testcase[error])", "2");
    assert_text(document, "count(//*[@message=''])", "0");
    xmlFreeDoc(document);
    sample_free(sample);
}
END_TEST

START_TEST(each_of_several_databases_has_a_suite_beside_the_first)
{
    static char shop[] = "shop", crm[] = "c\"r\033m";
    struct sample *sample = sample_new("all");
    sample_add(sample, "backup", "backup restores", VERDICT_PASS, "");
    sample_value(sample_add(sample, "backup", "a", VERDICT_FAIL, "lost"), "rows", "1");
    sample_value(sample_add(sample, "backup", "b", VERDICT_PASS, ""), "rows", "2");
    sample_add(sample, "backup", "c", VERDICT_SKIP, "why");
    sample->checks[1].database = sample->checks[2].database = shop;
    sample->checks[3].database = crm;
    strcpy(sample->facts.server.version, "15.18");
    xmlDocPtr document = document_of(&sample->result);
    check_document(document);
    assert_text(document, "count(/testsuites/testsuite)", "3");
    assert_text(document, "/testsuites/@tests", "4");
    assert_text(document, "/testsuites/@failures", "1");
    assert_text(document, "//testsuite[1]/@name", "all");
    assert_text(document, "//testsuite[2]/@name", "all.shop");
    assert_text(document, "//testsuite[2]/@tests", "2");
    assert_text(document, "//testsuite[2]/@failures", "1");
    assert_text(document, "//testsuite[2]/@time", "0.024");
    assert_text(document, "//testsuite[2]/testcase[2]/@classname", "all.shop.backup");
    assert_text(document, "count(//testsuite[3]/testcase/skipped)", "1");
    assert_text(document, "count(//property[@name='server.version'])", "1");
    assert_text(document, "//testsuite[2]//property[@name='rows (2)']/@value", "2");
    xmlFreeDoc(document);
    cleanup(free_pointer) char *json = print_json(&sample->result, 1);
    ck_assert_ptr_nonnull(strstr(json, "\"database\": \"shop\""));
    /* What only the report says goes where the run's own checks are. */
    sample->outcomes[1].verdict = VERDICT_PASS;
    document = document_of(&sample->result);
    assert_text(document, "count(/testsuites/testsuite)", "3");
    assert_text(document, "count(//testsuite[1]/testcase/error)", "1");
    xmlFreeDoc(document);
    sample_free(sample);
}
END_TEST

START_TEST(names_are_made_unique)
{
    struct sample *sample = sample_new("bugspark");
    struct outcome *outcome = sample_add(sample, "a", "same", VERDICT_PASS, "");
    sample_value(outcome, "rows", "1");
    outcome = sample_add(sample, "b", "same", VERDICT_FAIL, "bad");
    sample_value(outcome, "rows", "2");
    sample_add(sample, "b", "same (2)", VERDICT_PASS, "");
    sample_add(sample, "", "", VERDICT_PASS, "");
    xmlDocPtr document = document_of(&sample->result);
    check_document(document);
    assert_text(document, "string(//testcase[2]/@name)", "same (2)");
    assert_text(document, "string(//property[@name='rows (2)']/@value)", "2");
    assert_text(document, "string(//testcase[4]/@classname)", "bugspark");
    xmlFreeDoc(document);
    sample_free(sample);
}
END_TEST

START_TEST(a_partial_run_is_a_suite_of_its_own)
{
    struct sample *sample = sample_new("bugspark");
    sample->result.kind = REPORT_PARTIAL;
    sample_add(sample, "backup", "seen", VERDICT_PASS, "");
    sample_add(sample, "backup", "other", VERDICT_SKIP, "not selected")->left_out = true;
    xmlDocPtr document = document_of(&sample->result);
    check_document(document);
    assert_text(document, "string(//testsuite/@name)", "bugspark.partial");
    assert_text(document, "string(//testcase[1]/@classname)", "bugspark.partial.backup");
    assert_text(document, "string(/testsuites/@skipped)", "1");
    assert_text(document, "string(//testcase[2]/skipped/@message)", "not selected");
    assert_text(document, "count(//error)", "0");
    xmlFreeDoc(document);
    sample_free(sample);
}
END_TEST

static const char *const hostile[] = {
    "\033[31mred\033[0m",
    "\001\002\003\004\005\006\007\010\013\014\016\037\177",
    "<![CDATA[ ]]> & <b attr='x\"'> -->",
    "\357\277\276 and \357\277\277",
    "\355\240\200 surrogate, \300\200 overlong NUL, \377\376 UTF-16",
    "cut in the middle of a character \360\237\220",
    "\u65e5\u672c\u8a9e \U0001f41e \u202e",
    "line\nline\r\nline\rline\ttab",
};

START_TEST(no_text_breaks_the_document)
{
    const char *text = hostile[_i];
    struct sample *sample = sample_new(text);
    struct facts *facts = &sample->facts;
    facts->stages[STAGE_READ].state = STAGE_FAILED;
    char *fields[] = {facts->backup.path,        facts->backup.notices,
                      facts->backup.format,      facts->backup.time_from,
                      facts->backup.database,    facts->server.version,
                      facts->restore.excluded,   facts->stages[STAGE_READ].error.text,
                      facts->server.restored_as, facts->server.locale_missing,
                      facts->server.confined_by, facts->server.not_confined_by};
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
        strncpy(fields[i], text, 63); /* the smallest of them is 64 */
    for (enum verdict verdict = VERDICT_NONE; verdict <= VERDICT_SKIP; verdict++) {
        struct outcome *outcome = sample_add(sample, text, text, verdict, text);
        outcome->warn = true;
        strcpy(outcome->details, text);
        sample_value(outcome, text, text);
    }
    xmlDocPtr document = document_of(&sample->result);
    check_document(document);
    xmlFreeDoc(document);
    sample_free(sample);
}
END_TEST

START_TEST(long_and_unended_texts_are_shortened)
{
    struct sample *sample = sample_new("bugspark");
    struct outcome *outcome = sample_add(sample, "group", "long", VERDICT_FAIL, "");
    memset(outcome->message, 'm', sizeof(outcome->message));
    memset(outcome->details, '\001', sizeof(outcome->details)); /* 64 KiB when written */
    memset(outcome->values, 'v', sizeof(outcome->values));
    outcome->value_count = SIZE_MAX;
    memset(sample->facts.backup.path, 'p', sizeof(sample->facts.backup.path));
    memset(sample->facts.backup.sha256, 'a', sizeof(sample->facts.backup.sha256));
    xmlDocPtr document = document_of(&sample->result);
    check_document(document);
    ck_assert_double_eq(number(document, "string-length(//failure/@message)"), 1024);
    ck_assert_double_eq(
        number(document, "string-length(//failure)"),
        TEXT_REPORTED_MOST +
            (int)strlen("\n[... 62,466 bytes left out: all of it is in its log ...]\n"));
    ck_assert_double_eq(number(document, "string-length(//property[@name='backup.file']/@value)"),
                        PATH_MAX);
    ck_assert_double_eq(number(document, "count(//property[starts-with(@name, 'vvv')])"),
                        OUTCOME_VALUES);
    xmlFreeDoc(document);
    sample_free(sample);
}
END_TEST

START_TEST(no_password_is_written)
{
    static const char url[] = "postgresql://user:hunter2@host/db";
    struct sample *sample = sample_new("bugspark");
    struct outcome *outcome = sample_add(sample, "group", url, VERDICT_FAIL, url);
    strcpy(outcome->details, url);
    sample_value(outcome, url, url);
    sample->facts.stages[STAGE_START].state = STAGE_FAILED;
    strcpy(sample->facts.stages[STAGE_START].error.text, url);
    strcpy(sample->facts.server.where, url);
    struct buffer junit;
    buffer_init(&junit, DOCUMENT_LIMIT);
    junit_format(&sample->result, &junit);
    cleanup(free_pointer) char *json = print_json(&sample->result, 1);
    cleanup(free_pointer) char *console = print_console(&sample->result, 1, false, true);
    const char *documents[] = {junit.data, json, console};
    for (size_t i = 0; i < ARRAY_LENGTH(documents); i++) {
        ck_assert_ptr_nonnull(strstr(documents[i], "postgresql://***@host/db"));
        ck_assert_ptr_null(strstr(documents[i], "hunter2"));
    }
    buffer_free(&junit);
    sample_free(sample);
}
END_TEST

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

static void *no_more_memory(void *pointer, size_t size)
{
    (void)pointer;
    (void)size;
    return NULL;
}

static void say_nothing(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

START_TEST(a_report_that_cannot_be_made_says_so)
{
    struct sample *sample = sample_mixed();
    struct buffer text;
    buffer_init(&text, DOCUMENT_LIMIT);
    xmlSetGenericErrorFunc(NULL, say_nothing);
    ck_assert_int_eq(xmlMemSetup(free, no_memory, no_more_memory, strdup), 0);
    junit_format(&sample->result, &text);
    xmlMemSetup(free, malloc, realloc, strdup);
    xmlDocPtr document = xmlReadMemory(text.data, (int)text.length, "x", NULL, XML_PARSE_NONET);
    ck_assert_ptr_nonnull(document);
    assert_text(document, "count(//testcase[error])", "1");
    xmlFreeDoc(document);
    buffer_clear(&text);
    text.limit = 2000; /* a document that does not fit is not cut, either */
    junit_format(&sample->result, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "</testsuites>"));
    buffer_free(&text);
    sample_free(sample);
}
END_TEST

static const struct {
    const char *scenario;
    const char *file;
    enum report_kind kind;
} files[] = {
    {"bugspark", "bugspark.xml", REPORT_VERIFY},
    {"scenarios/broken.yaml", "broken.xml", REPORT_VERIFY},
    {"broken.yml", "broken.xml", REPORT_VERIFY},
    {"../../etc/passwd", "passwd.xml", REPORT_VERIFY},
    {"..", "_..xml", REPORT_VERIFY},
    {"a b\n\303\251", "a_b___.xml", REPORT_VERIFY},
    {"scenarios/", "unnamed.xml", REPORT_VERIFY},
    {"bugspark", "bugspark.partial.xml", REPORT_PARTIAL},
    {"bugspark", "bugspark.dump.xml", REPORT_DUMP},
    {"broken.yaml", "broken.sync.xml", REPORT_SYNC},
};

START_TEST(a_report_is_written_into_a_new_directory)
{
    char directory[] = "/tmp/report-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    cleanup(free_pointer) char *reports = xasprintf("%s/deep/reports", directory);
    cleanup(free_pointer) char *path = xasprintf("%s/%s", reports, files[_i].file);
    struct sample *sample = sample_new(files[_i].scenario);
    sample_add(sample, "group", "name", VERDICT_PASS, "");
    sample->result.kind = files[_i].kind;
    struct error error;
    for (int times = 0; times < 2; times++) /* the second replaces the first */
        ck_assert_int_eq(report_write(&sample->result, reports, &error), 0);
    struct buffer written;
    ck_assert_int_eq(file_read(path, DOCUMENT_LIMIT, &written, &error), 0);
    struct buffer formatted;
    buffer_init(&formatted, DOCUMENT_LIMIT);
    junit_format(&sample->result, &formatted);
    ck_assert_str_eq(written.data, formatted.data);
    buffer_free(&written);
    buffer_free(&formatted);
    for (int times = 0; times < 2; times++) /* the second has nothing to remove */
        ck_assert_int_eq(report_remove(&sample->result, reports, &error), 0);
    ck_assert_int_eq(access(path, F_OK), -1);
    sample_free(sample);
    ck_assert_int_eq(tree_remove(directory, &error), 0);
}
END_TEST

/* The log is there as long as something is shortened, and no longer. */
START_TEST(what_is_shortened_is_whole_in_a_log)
{
    char directory[] = "/tmp/report-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    cleanup(free_pointer) char *xml = xasprintf("%s/shop.xml", directory);
    cleanup(free_pointer) char *path = xasprintf("%s/shop.log", directory);
    struct sample *sample = sample_new("shop");
    struct outcome *outcome = sample_add(sample, "group", "many rows", VERDICT_FAIL, "they differ");
    while (strlen(outcome->details) + 4 < 10000)
        strcat(outcome->details, "größe ");
    struct error error;
    ck_assert_int_eq(report_write(&sample->result, directory, &error), 0);
    struct buffer log, junit;
    ck_assert_int_eq(file_read(path, DOCUMENT_LIMIT, &log, &error), 0);
    ck_assert_int_eq(strncmp(log.data, "=== many rows\n\nthey differ\n\ngr", 30), 0);
    ck_assert_uint_ge(log.length, strlen(outcome->details));
    ck_assert_int_eq(file_read(xml, DOCUMENT_LIMIT, &junit, &error), 0);
    ck_assert_ptr_nonnull(strstr(junit.data, "bytes left out: all of it is in shop.log ...]"));
    buffer_free(&log);
    buffer_free(&junit);
    outcome->details[0] = '\0';
    ck_assert_int_eq(report_write(&sample->result, directory, &error), 0);
    ck_assert_int_eq(access(path, F_OK), -1);
    sample_free(sample);
    ck_assert_int_eq(tree_remove(directory, &error), 0);
}
END_TEST

START_TEST(a_report_that_cannot_be_written_is_an_error)
{
    struct sample *sample = sample_mixed();
    struct error error = {0};
    ck_assert_int_eq(report_write(&sample->result, "/dev/null/reports", &error), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_ptr_nonnull(strstr(error.text, "/dev/null"));
    sample_free(sample);
}
END_TEST

Suite *report_junit_suite(void)
{
    Suite *suite = suite_create("report/junit");
    add_test(suite, a_mixed_result_becomes_what_readers_expect);
    add_test(suite, a_result_without_checks_is_one_error);
    add_table_test(suite, a_document_is_as_red_as_the_exit_code, ARRAY_LENGTH(mixtures));
    add_test(suite, a_check_that_said_nothing_is_an_error);
    add_test(suite, each_of_several_databases_has_a_suite_beside_the_first);
    add_test(suite, names_are_made_unique);
    add_test(suite, a_partial_run_is_a_suite_of_its_own);
    add_table_test(suite, no_text_breaks_the_document, ARRAY_LENGTH(hostile));
    add_test(suite, long_and_unended_texts_are_shortened);
    add_test(suite, no_password_is_written);
    add_test(suite, what_is_shortened_is_whole_in_a_log);
    add_test(suite, a_report_that_cannot_be_made_says_so);
    add_table_test(suite, a_report_is_written_into_a_new_directory, ARRAY_LENGTH(files));
    add_test(suite, a_report_that_cannot_be_written_is_an_error);
    return suite;
}
