/* The files of a run's reports: all of them are written, and go, together. */
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "report/cases.h"
#include "report/files.h"
#include "report/junit.h"

/* A rehearsal has a log of another kind: what the commands printed. */
static const char *log_ending(const struct result *result)
{
    return result->kind == REPORT_MIGRATION ? "checks.log" : "log";
}

/* Is there a summary for people, beside that for dashboards? What dump and sync do is one line. */
static bool has_markdown(const struct result *result)
{
    return result->kind != REPORT_DUMP && result->kind != REPORT_SYNC;
}

static int write_junit(const struct result *result, const char *directory, struct error *error)
{
    struct buffer junit, whole;
    buffer_init(&junit, SIZE_MAX / 2); /* a plan and its outcomes are as large as they are */
    buffer_init(&whole, SIZE_MAX / 2);
    const char *ending = log_ending(result);
    cleanup(free_pointer) char *name = result_file_name(result);
    cleanup(free_pointer) char *log = xasprintf("%s.%s", name, ending);
    junit_format_with_log(result, log, &junit, &whole);
    int outcome = result_file_write(result, directory, "xml", &junit, error);
    if (outcome == 0 && whole.length > 0)
        outcome = result_file_write(result, directory, ending, &whole, error);
    else if (outcome == 0)
        outcome = result_file_remove(result, directory, ending, error);
    buffer_free(&junit);
    buffer_free(&whole);
    return outcome;
}

static int write_markdown(const struct result *result, const char *directory, struct error *error)
{
    struct buffer text;
    buffer_init(&text, (size_t)16 << 20);
    markdown_format(result, &text);
    int outcome = result_file_write(result, directory, "md", &text, error);
    buffer_free(&text);
    return outcome;
}

/* What last night left does not speak for a report that could not be written. */
static int remove_rest(const struct result *result, const char *directory)
{
    struct error ignored;
    if (has_markdown(result))
        result_file_remove(result, directory, "md", &ignored);
    result_file_remove(result, directory, log_ending(result), &ignored);
    return -1;
}

int report_write(const struct result *result, const char *directory, struct error *error)
{
    if (write_junit(result, directory, error) < 0)
        return remove_rest(result, directory);
    return has_markdown(result) ? write_markdown(result, directory, error) : 0;
}

int report_remove(const struct result *result, const char *directory, struct error *error)
{
    if (has_markdown(result) && result_file_remove(result, directory, "md", error) < 0)
        return -1;
    if (result_file_remove(result, directory, log_ending(result), error) < 0)
        return -1;
    return result_file_remove(result, directory, "xml", error);
}
