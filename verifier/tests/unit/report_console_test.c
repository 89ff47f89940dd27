#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "report/report.h"
#include "tests/unit/report_fixture.h"
#include "tests/unit/unit.h"

static const char mixed_text[] =
    "ERROR  bugspark: the backup is bad, and not everything could be verified\n"
    "       3 passed, 1 of them with a warning, 1 failed, 1 could not be looked at, 3 skipped\n"
    "       bugspark_20261122.dump.gz, 3 h old, 154 MiB, custom in gzip, 15 tables, 920,000 rows\n"
    "       restored into throwaway server, PostgreSQL 15.18, as restorer\n"
    "       find 0.0 s, read 2.5 s, start 0.1 s, restore 32 s, objects 0.7 s, check 1.2 s, stop "
    "0.1 s\n"
    "       note: bugspark_20261123.dump.gz is empty\n"
    "       note: 2 archive entries were left out on request (restore: exclude)\n"
    "  PASS   backup is recent            3 h old\n"
    "  PASS   users: row_count >= 1       20000\n"
    "  WARN   reports: row_count >= 1000\n"
    "         reports has 500 rows\n"
    "  FAIL   every table has its rows\n"
    "         1 of 15 tables does not hold the rows that the archive holds for it\n"
    "         comments: expected 600000, found 599999\n"
    "         the missing row is the last one of the archive, and the last one of an archive is "
    "what a\n"
    "         full disk takes first\n"
    "  ERROR  alembic version is head\n"
    "         cannot read ../migrations: No such file or directory; check `migrations`\n"
    "  SKIP   2 checks\n"
    "         the bucket was not listed\n"
    "  SKIP   a check of its own\n"
    "         not in this archive\n"
    "\n"
    "1 scenario: 1 not verified; 8 checks. Reports: reports\n"
    "What to do about bugspark: do not rely on this backup, and make a new one; "
    "`restore-verifier list`\n"
    "shows which one verified last.\n";

START_TEST(a_mixed_result_is_read_at_a_glance)
{
    struct sample *sample = sample_mixed();
    cleanup(free_pointer) char *text = print_console(&sample->result, 1, false, false);
    ck_assert_str_eq(text, mixed_text);
    sample_free(sample);
}
END_TEST

START_TEST(how_it_was_confined_is_told_to_those_who_want_more)
{
    struct sample *sample = sample_mixed();
    cleanup(free_pointer) char *text = print_console(&sample->result, 1, false, true);
    ck_assert_ptr_nonnull(strstr(text, "\n       confined by no new privileges, limits, not by "
                                       "Landlock (Function not implemented)\n"));
    sample_free(sample);
}
END_TEST

/* As when a run is ended: once, unless asked for. */
START_TEST(what_kept_many_from_being_looked_at_is_told_once)
{
    struct sample *sample = sample_new("s");
    sample_add(sample, "g", "one", VERDICT_ERROR, "interrupted");
    sample_add(sample, "g", "two", VERDICT_ERROR, "interrupted");
    sample_add(sample, "g", "of its own", VERDICT_ERROR, "no such role");
    sample_add(sample, "g", "three", VERDICT_ERROR, "interrupted");
    cleanup(free_pointer) char *text = print_console(&sample->result, 1, false, false);
    ck_assert_ptr_nonnull(strstr(text, "\n  ERROR  one, two and three\n         interrupted\n"
                                       "  ERROR  of its own\n         no such role\n\n"));
    cleanup(free_pointer) char *whole = print_console(&sample->result, 1, false, true);
    ck_assert_ptr_nonnull(strstr(whole, "ERROR  two"));
    ck_assert_ptr_nonnull(strstr(whole, "ERROR  three"));
    sample_add(sample, "g", "four", VERDICT_ERROR, "interrupted");
    cleanup(free_pointer) char *many = print_console(&sample->result, 1, false, false);
    ck_assert_ptr_nonnull(strstr(many, "\n  ERROR  one and 3 other checks\n"));
    sample_free(sample);
}
END_TEST

START_TEST(nothing_that_was_seen_is_cut_off)
{
    struct sample *sample = sample_new("s");
    sample_add(sample, "g", "größe 数据库", VERDICT_PASS, "914 KiB");
    sample_add(
        sample, "g", "a check with a name as long as names are here", VERDICT_PASS,
        "914 KiB, 15 tables, 7,867 rows, as its manifest says, and what else there is to say");
    cleanup(free_pointer) char *text = print_console(&sample->result, 1, false, false);
    ck_assert_ptr_nonnull(strstr(
        text,
        "\n  PASS   größe 数据库                                   914 KiB\n"
        "  PASS   a check with a name as long as names are here  914 KiB, 15 tables, 7,867 "
        "rows, as its\n"
        "                                                        manifest says, and what else "
        "there is to say\n"));
    sample_free(sample);
}
END_TEST

START_TEST(a_reason_is_told_once)
{
    struct sample *sample = sample_new("s");
    struct outcome *outcome =
        sample_add(sample, "g", "a check", VERDICT_FAIL,
                   "2 tables differ; first users: archive 25 rows, restored 24");
    strcpy(outcome->details,
           "users: archive 25 rows, restored 24\nreports: archive 5 rows, restored 3");
    cleanup(free_pointer) char *text = print_console(&sample->result, 1, false, false);
    char *first = strstr(text, "users: archive 25 rows");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "users: archive 25 rows"));
    ck_assert_ptr_nonnull(strstr(text, "\n         reports: archive 5 rows, restored 3\n"));
    sample_free(sample);
}
END_TEST

START_TEST(verbose_tells_how_long_each_check_took)
{
    struct sample *sample = sample_new("s");
    struct outcome *outcome = sample_add(sample, "g", "a query", VERDICT_PASS, "");
    sample_value(outcome, "a query", "7");
    outcome->duration_ms = 1234;
    strcpy(outcome->details, "expected: = 7");
    cleanup(free_pointer) char *text = print_console(&sample->result, 1, false, true);
    ck_assert_ptr_nonnull(strstr(text, "  PASS   a query  7 (1.2 s)\n         expected: = 7\n"));
    cleanup(free_pointer) char *brief = print_console(&sample->result, 1, false, false);
    ck_assert_ptr_nonnull(strstr(brief, "  PASS   a query  7\n"));
    ck_assert_ptr_null(strstr(brief, "expected"));
    sample_free(sample);
}
END_TEST

START_TEST(color_adds_nothing_but_escape_sequences)
{
    struct sample *sample = sample_mixed();
    cleanup(free_pointer) char *text = print_console(&sample->result, 1, true, false);
    ck_assert_ptr_nonnull(strstr(text, "\033[1;31mFAIL \033[0m"));
    ck_assert_ptr_nonnull(strstr(text, "\033[32mPASS \033[0m"));
    char *end = text;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\033')
            c += strcspn(c, "m");
        else
            *end++ = *c;
    }
    *end = '\0';
    ck_assert_str_eq(text, mixed_text);
    sample_free(sample);
}
END_TEST

static const struct {
    unsigned short columns; /* of the terminal */
    size_t width;           /* of the longest line, at most */
} terminals[] = {{30, 40}, {40, 40}, {80, 80}, {120, 120}, {500, 160}};

START_TEST(lines_are_as_wide_as_the_terminal)
{
    const struct winsize size = {.ws_col = terminals[_i].columns, .ws_row = 100};
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(terminal, 0);
    ck_assert_int_eq(grantpt(terminal) | unlockpt(terminal), 0);
    ck_assert_int_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
    int screen = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(screen, 0);
    FILE *stream = fdopen(screen, "w");
    struct sample *sample = sample_new("s");
    struct outcome *outcome = sample_add(sample, "g", "a check", VERDICT_FAIL, "");
    for (int i = 0; i < 60; i++)
        strcat(outcome->message, "word ");
    sample_add(sample, "g", "a check that has seen much", VERDICT_PASS, outcome->message);
    console_print(&sample->result, 1, false, false, NULL, stream);
    char text[4096] = "";
    for (size_t length = 0; !strstr(text, "1 scenario:");) {
        ssize_t more = read(terminal, text + length, sizeof(text) - 1 - length);
        ck_assert_int_gt(more, 0);
        length += (size_t)more;
        text[length] = '\0';
    }
    size_t longest = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t length = strcspn(line, "\r\n");
        longest = length > longest ? length : longest;
    }
    ck_assert_uint_le(longest, terminals[_i].width);
    ck_assert_uint_gt(longest, terminals[_i].width - 6);
    fclose(stream);
    close(terminal);
    sample_free(sample);
}
END_TEST

START_TEST(many_passed_checks_are_counted_unless_asked_for)
{
    static const struct {
        int checks;
        bool verbose;
        bool listed;
    } runs[] = {{60, false, true}, {61, false, false}, {61, true, true}};
    for (size_t i = 0; i < ARRAY_LENGTH(runs); i++) {
        struct sample *sample = sample_new("bugspark");
        for (int j = 0; j < runs[i].checks; j++)
            sample_add(sample, "group", j == 5 ? "the sixth" : "another", VERDICT_PASS, "");
        cleanup(free_pointer) char *text =
            print_console(&sample->result, 1, false, runs[i].verbose);
        ck_assert_int_eq(strstr(text, "the sixth") != NULL, runs[i].listed);
        cleanup(free_pointer) char *count = xasprintf("%d passed", runs[i].checks);
        ck_assert_ptr_nonnull(strstr(text, count));
        sample_free(sample);
    }
}
END_TEST

START_TEST(long_details_are_cut_and_say_where_the_rest_is)
{
    struct sample *sample = sample_new("bugspark");
    struct outcome *outcome = sample_add(sample, "group", "long", VERDICT_FAIL, "bad");
    for (int i = 1; i <= 12; i++)
        sprintf(outcome->details + strlen(outcome->details), "line %d\n", i);
    cleanup(free_pointer) char *text = print_console(&sample->result, 1, false, false);
    ck_assert_ptr_nonnull(strstr(text, "         line 8\n"
                                       "         ... 4 more lines in reports/bugspark.xml\n"));
    ck_assert_ptr_null(strstr(text, "line 9"));
    cleanup(free_pointer) char *all = print_console(&sample->result, 1, false, true);
    ck_assert_ptr_nonnull(strstr(all, "line 12"));
    sample_free(sample);
}
END_TEST

static const char *const awkward[] = {
    "\033]0;title\007\033[2J\r\233 all",
    " leading blanks and a verylongwordwithoutanyblanksverylongwordwithoutanyblanksverylongword"
    "withoutanyblanksverylongword end",
    "          ",
    "\n\n\n",
    "a\n\n  b\n   c",
    "\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e"
    "\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e"
    "\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e"
    "\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e",
};

START_TEST(no_text_commands_the_terminal)
{
    const char *text = awkward[_i];
    struct sample *sample = sample_new(text);
    struct facts *facts = &sample->facts;
    strcpy(facts->backup.path, text);
    strcpy(facts->backup.notices, text);
    strncpy(facts->server.version, text, sizeof(facts->server.version) - 1);
    strcpy(facts->server.where, text);
    facts->stages[STAGE_RESTORE].state = STAGE_DONE;
    facts->stages[STAGE_STOP].state = STAGE_FAILED;
    strcpy(facts->stages[STAGE_STOP].error.text, text);
    for (enum verdict verdict = VERDICT_NONE; verdict <= VERDICT_SKIP; verdict++) {
        struct outcome *outcome = sample_add(sample, text, text, verdict, text);
        strcpy(outcome->details, text);
        sample_value(outcome, text, text);
    }
    cleanup(free_pointer) char *printed = print_console(&sample->result, 1, false, false);
    for (const char *c = printed; *c != '\0'; c++)
        ck_assert_msg((unsigned char)*c >= 0x20 || *c == '\n', "byte %#x in:\n%s",
                      (unsigned)(unsigned char)*c, printed);
    ck_assert_ptr_null(strstr(printed, "\302\233"));
    sample_free(sample);
}
END_TEST

/* Of a scenario whose migration is rehearsed, too, the worse of both counts. */
START_TEST(a_scenario_with_two_results_is_one)
{
    struct sample *good = sample_new("bugspark"), *bad = sample_new("bugspark");
    struct sample *other = sample_new("shop");
    sample_add(good, "backup", "a", VERDICT_PASS, "");
    sample_add(bad, "migration", "b", VERDICT_FAIL, "no");
    sample_add(other, "backup", "c", VERDICT_PASS, "");
    const struct result results[] = {good->result, other->result, bad->result};
    cleanup(free_pointer) char *text = print_console(results, 3, false, false);
    ck_assert_ptr_nonnull(strstr(text, "2 scenarios: 1 passed, 1 failed; 3 checks."));
    sample_free(good);
    sample_free(bad);
    sample_free(other);
}
END_TEST

START_TEST(what_to_do_does_not_drown_in_names)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct result results[ARRAY_LENGTH(names)];
    struct sample *samples[ARRAY_LENGTH(names)];
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        samples[i] = sample_new(names[i]);
        sample_add(samples[i], "backup", "backup is intact", VERDICT_ERROR, "no space");
        results[i] = samples[i]->result;
    }
    cleanup(free_pointer) char *six = print_console(results, 6, false, false);
    cleanup(free_pointer) char *eight = print_console(results, 8, false, false);
    ck_assert_ptr_nonnull(strstr(six, "\nWhat to do about a, b, c, d, e and f: fix "));
    ck_assert_ptr_nonnull(strstr(eight, "\nWhat to do about a, b, c, d, e and 3 more: fix "));
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        sample_free(samples[i]);
}
END_TEST

START_TEST(no_result_is_no_success)
{
    cleanup(free_pointer) char *text = print_console(NULL, 0, false, false);
    ck_assert_str_eq(text, "0 scenarios: nothing was verified; 0 checks. Reports: reports\n");
    struct sample *sample = sample_new("bugspark");
    cleanup(free_pointer) char *empty = print_console(&sample->result, 1, false, false);
    ck_assert_ptr_nonnull(strstr(empty, "ERROR  bugspark: nothing was checked\n"));
    ck_assert_ptr_null(strstr(empty, "no backup was found"));
    sample->facts.stages[STAGE_FIND].state = STAGE_FAILED;
    sample->facts.stages[STAGE_FIND].error.fault = FAULT_MACHINE;
    cleanup(free_pointer) char *searched = print_console(&sample->result, 1, false, false);
    ck_assert_ptr_nonnull(strstr(searched, "no backup was found"));
    sample_free(sample);
}
END_TEST

START_TEST(a_partial_run_says_how_much_it_saw)
{
    struct sample *sample = sample_new("bugspark");
    sample->result.kind = REPORT_PARTIAL;
    sample_add(sample, "backup", "seen", VERDICT_PASS, "");
    for (int i = 0; i < 3; i++)
        sample_add(sample, "backup", "other", VERDICT_SKIP, "not selected")->left_out = true;
    cleanup(free_pointer) char *text = print_console(&sample->result, 1, false, false);
    ck_assert_str_eq(text, "PASS   bugspark: every selected check passed (1 of 4 checks)\n"
                           "       1 passed, 3 not selected\n"
                           "  PASS   seen\n"
                           "  SKIP   3 checks\n"
                           "         not selected\n"
                           "\n"
                           "1 scenario: 1 passed; 1 check. Reports: reports\n");
    sample_free(sample);
}
END_TEST

START_TEST(what_is_wrong_with_a_scenario_is_told_whole)
{
    struct sample *sample = sample_new("bugspark");
    struct outcome *outcome = sample_add(sample, "scenario", "long", VERDICT_ERROR, "bad");
    for (int i = 1; i <= 30; i++)
        sprintf(outcome->details + strlen(outcome->details), "line %d\n", i);
    cleanup(free_pointer) char *text = print_console(&sample->result, 1, false, false);
    ck_assert_ptr_nonnull(strstr(text, "line 30\n"));
    sample_free(sample);
}
END_TEST

Suite *report_console_suite(void)
{
    Suite *suite = suite_create("report/console");
    add_test(suite, a_mixed_result_is_read_at_a_glance);
    add_test(suite, how_it_was_confined_is_told_to_those_who_want_more);
    add_test(suite, what_kept_many_from_being_looked_at_is_told_once);
    add_test(suite, nothing_that_was_seen_is_cut_off);
    add_test(suite, a_reason_is_told_once);
    add_test(suite, verbose_tells_how_long_each_check_took);
    add_test(suite, color_adds_nothing_but_escape_sequences);
    add_test(suite, many_passed_checks_are_counted_unless_asked_for);
    add_test(suite, long_details_are_cut_and_say_where_the_rest_is);
    add_table_test(suite, no_text_commands_the_terminal, ARRAY_LENGTH(awkward));
    add_test(suite, a_partial_run_says_how_much_it_saw);
    add_test(suite, what_is_wrong_with_a_scenario_is_told_whole);
    add_test(suite, a_scenario_with_two_results_is_one);
    add_test(suite, what_to_do_does_not_drown_in_names);
    add_test(suite, no_result_is_no_success);
    add_table_test(suite, lines_are_as_wide_as_the_terminal, ARRAY_LENGTH(terminals));
    return suite;
}
