#include <string.h>

#include "base/memory.h"
#include "report/report.h"
#include "tests/unit/report_fixture.h"
#include "tests/unit/unit.h"

static char *markdown_of(const struct result *result)
{
    struct buffer text;
    buffer_init(&text, (size_t)1 << 20);
    markdown_format(result, &text);
    return buffer_steal(&text);
}

static const char mixed_text[] =
    "### ERROR: bugspark: the backup is bad, and not everything could be verified\n\n"
    "- **every table has its rows**: 1 of 15 tables does not hold the rows that the archive holds "
    "for it\n"
    "- **alembic version is head**: could not be looked at: cannot read ../migrations: No such "
    "file or "
    "directory; check \\`migrations\\`\n\n"
    "What to do: do not rely on this backup, and make a new one; `restore-verifier list` shows "
    "which one "
    "verified last.\n\n"
    "| | expected | found |\n|---|---|---|\n"
    "| PASS | backup is recent | 3 h old |\n"
    "| PASS | users: row\\_count >= 1 | 20000 |\n"
    "| **WARN** | reports: row\\_count >= 1000 | reports has 500 rows |\n";

START_TEST(the_verdict_comes_first_then_what_failed)
{
    struct sample *sample = sample_mixed();
    cleanup(free_pointer) char *text = markdown_of(&sample->result);
    ck_assert_msg(starts_with(text, mixed_text), "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "| file | bugspark\\_20261122.dump.gz |\n"));
    ck_assert_ptr_nonnull(strstr(text, "| rows | 920,000 |\n"));
    ck_assert_ptr_nonnull(strstr(text, "| stage | took |\n|---|---|\n| find | 0.0 s |\n"));
    sample_free(sample);
}
END_TEST

START_TEST(a_good_one_has_nothing_to_do)
{
    struct sample *sample = sample_new("shop");
    sample_add(sample, "g", "a check", VERDICT_PASS, "");
    cleanup(free_pointer) char *text = markdown_of(&sample->result);
    ck_assert_str_eq(text, "### PASS: shop: every check passed\n\n"
                           "| | expected | found |\n|---|---|---|\n| PASS | a check |  |\n\n");
    sample_free(sample);
}
END_TEST

/* Whatever a backup holds stays text, and in its cell. */
START_TEST(hostile_names_stay_text)
{
    static const char hostile[] =
        "a|b\n# c <script>x</script> [d](http://e) ![f](g) **h** `i` &amp; \\j ~~k~~";
    struct sample *sample = sample_new(hostile);
    sample_add(sample, hostile, hostile, VERDICT_FAIL, hostile);
    sample_add(sample, hostile, hostile, VERDICT_PASS, hostile);
    strcpy(sample->facts.backup.path, hostile);
    cleanup(free_pointer) char *text = markdown_of(&sample->result);
    ck_assert_ptr_null(strchr(text, '<'));
    ck_assert_ptr_null(strstr(text, "[d]"));
    ck_assert_ptr_null(strstr(text, "&amp; "));
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        ck_assert_msg(*line == '|' || *line == '\n' || starts_with(line, "### FAIL: ") ||
                          starts_with(line, "- **a\\|b") || starts_with(line, "What to do: "),
                      "%s", line);
    sample_free(sample);
}
END_TEST

START_TEST(nobody_is_called)
{
    struct sample *sample = sample_new("shop");
    sample_add(sample, "g", "@octo", VERDICT_PASS, "a@b.org (@c-d) @ e");
    cleanup(free_pointer) char *text = markdown_of(&sample->result);
    ck_assert_ptr_nonnull(strstr(text, "| PASS | @<!-- -->octo | a@b.org (@<!-- -->c-d) @ e |\n"));
    sample_free(sample);
}
END_TEST

Suite *report_markdown_suite(void)
{
    Suite *suite = suite_create("report/markdown");
    add_test(suite, the_verdict_comes_first_then_what_failed);
    add_test(suite, a_good_one_has_nothing_to_do);
    add_test(suite, hostile_names_stay_text);
    add_test(suite, nobody_is_called);
    return suite;
}
