#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checks/kinds.h"
#include "tests/unit/unit.h"

static char t[] = "users", a[] = "row_count >= 1", b[] = "freshness(created_at) < 26h";
static char q[] = "every report has a project";

static const struct {
    const char *only;
    size_t count;
    bool database;
} choices[] = {
    {"*", 9, true},        {"backup is *", 2, false},
    {"users: *", 2, true}, {"backup restores", 1, true},
    {"every*", 3, true},   {"every table*", 1, true},
    {"nothing", 0, false}, {"users: row_count >= 1", 1, true},
};

START_TEST(a_plan_holds_what_is_asked_for)
{
    struct expectation expectations[] = {{.text = a, .metric = METRIC_ROW_COUNT},
                                         {.text = b, .metric = METRIC_FRESHNESS}};
    struct table_expectations tables[] = {{.table = t, .expectations = expectations, .count = 2}};
    struct query queries[] = {{.name = q}};
    struct scenario scenario = {
        .tables = tables, .table_count = 1, .queries = queries, .query_count = 1};
    scenario.alembic = &(struct alembic_expectation){.table = a};
    scenario.alembic_count = 1;
    scenario.restore.timeout_ms = 1234;
    struct plan plan;
    plan_build(&scenario, &plan);
    ck_assert_uint_eq(plan.count, 9);
    struct outcome *outcomes = xcalloc(plan.count, sizeof(*outcomes));
    ck_assert_uint_eq(plan_select(&plan, choices[_i].only, outcomes), choices[_i].count);
    ck_assert_int_eq(plan_needs_database(&plan, outcomes), choices[_i].database);
    size_t left_out = 0;
    for (size_t i = 0; i < plan.count; i++) {
        left_out += outcomes[i].left_out;
        ck_assert_int_eq(outcomes[i].verdict, outcomes[i].left_out ? VERDICT_SKIP : VERDICT_NONE);
    }
    ck_assert_uint_eq(left_out, 9 - choices[_i].count);
    free(outcomes);
    for (size_t i = 0; i < plan.count; i++) {
        ck_assert_int_eq(plan.checks[i].timeout_ms, 1234);
        ck_assert_ptr_nonnull(plan.checks[i].look);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(plan.checks[i].name, plan.checks[j].name);
    }
    {
        ck_assert_str_eq(plan.checks[0].name, "backup is recent");
        ck_assert_int_eq(plan.checks[0].needs, STAGE_COUNT);
        ck_assert_str_eq(plan.checks[6].name, "users: row_count >= 1");
        ck_assert(plan.checks[6].look == table_row_count);
        ck_assert(plan.checks[7].look == table_freshness);
        const struct table_expectation *parameter = plan.checks[7].parameter;
        ck_assert_ptr_eq(parameter->expectation, &expectations[1]);
        ck_assert_ptr_eq(plan.checks[8].parameter, &queries[0]);
    }
    plan_free(&plan);
    plan_free(&plan);
}
END_TEST

START_TEST(a_plan_grows_by_the_databases_that_are_found)
{
    struct scenario scenario = {.backups = {.all_databases = true}};
    scenario.restore.contents = true;
    static const char *const names[] = {"backup is recent",
                                        "backup is intact",
                                        "backup restores",
                                        "shop: every table has its rows",
                                        "shop: every object is there",
                                        "shop: contents are identical",
                                        "my-app: every table has its rows",
                                        "my-app: every object is there",
                                        "my-app: contents are identical"};
    struct databases_fact *databases = xcalloc(1, sizeof(*databases));
    struct plan plan;
    plan_build(&scenario, &plan);
    ck_assert_uint_eq(plan_most(&plan), 6 + 3 * DATABASES_MOST);
    plan_expand(&plan, databases); /* not known yet */
    ck_assert_uint_eq(plan.count, 6);
    strcpy(databases->names[0], "shop");
    strcpy(databases->names[1], "my-app");
    databases->count = 2;
    for (int times = 0; times < 2; times++) {
        plan_expand(&plan, databases);
        ck_assert_uint_eq(plan.count, ARRAY_LENGTH(names));
        for (size_t i = 0; i < plan.count; i++)
            ck_assert_str_eq(plan.checks[i].name, names[i]);
    }
    ck_assert_ptr_null(plan.checks[2].database);
    ck_assert_str_eq(plan.checks[8].database, "my-app");
    ck_assert(plan.checks[8].look == contents_are_identical);
    ck_assert_uint_eq(plan_most(&plan), plan.count);
    struct outcome *outcomes = xcalloc(plan.count, sizeof(*outcomes));
    ck_assert(!plan_compared_contents(&plan, outcomes));
    outcomes[5].verdict = VERDICT_PASS;
    ck_assert(!plan_compared_contents(&plan, outcomes)); /* one of two databases */
    outcomes[8].verdict = VERDICT_PASS;
    ck_assert(plan_compared_contents(&plan, outcomes));
    outcomes[5].verdict = VERDICT_FAIL;
    ck_assert(!plan_compared_contents(&plan, outcomes));
    free(outcomes);
    plan_free(&plan);
    free(databases);
}
END_TEST

/* A pattern may be meant for one of them, whose names are not known at first. */
START_TEST(databases_are_selected_when_they_are_known)
{
    struct scenario scenario = {.backups = {.all_databases = true}};
    struct databases_fact *databases = xcalloc(1, sizeof(*databases));
    struct plan plan;
    plan_build(&scenario, &plan);
    struct outcome *outcomes = xcalloc(plan_most(&plan), sizeof(*outcomes));
    ck_assert_uint_eq(plan_select(&plan, "shop: *", outcomes), 2);
    ck_assert(plan_needs_database(&plan, outcomes));
    strcpy(databases->names[0], "other");
    strcpy(databases->names[1], "shop");
    databases->count = 2;
    plan_expand(&plan, databases);
    ck_assert_uint_eq(plan_select(&plan, "shop: *", outcomes), 2);
    ck_assert(outcomes[0].left_out && outcomes[4].left_out && !outcomes[5].left_out);
    ck_assert_int_eq(outcomes[5].verdict, VERDICT_NONE);
    free(outcomes);
    plan_free(&plan);
    free(databases);
}
END_TEST

/* Some look at the backup alone, so that nothing is restored for them. */
START_TEST(what_needs_no_database)
{
    char grants[] = "grants same as x", behind[] = "sequences behind = 0";
    struct schema_expectation items[] = {{.reference = SCHEMA_GRANTS_AS_FILE, .text = grants},
                                         {.reference = SCHEMA_MEASURED, .text = behind}};
    struct scenario scenario = {.schema = {.items = items, .count = 2}};
    scenario.restore.target = restore_target_find("neon");
    scenario.restore.amcheck = true;
    static const struct {
        const char *only;
        bool needs_database;
    } names[] = {{"indexes and tables are sound", true},
                 {"would come back at neon", false},
                 {"schema: grants same as x", false},
                 {"schema: sequences behind = 0", true}};
    struct plan plan;
    plan_build(&scenario, &plan);
    struct outcome *outcomes = xcalloc(plan_most(&plan), sizeof(*outcomes));
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        ck_assert_uint_eq(plan_select(&plan, names[i].only, outcomes), 1);
        ck_assert_int_eq(plan_needs_database(&plan, outcomes), names[i].needs_database);
    }
    free(outcomes);
    plan_free(&plan);
}
END_TEST

static char n[] = "object_count >= 1", m[] = "missing(a.b) = 0", o[] = "orphaned(a.b) = 0";
static char s[] = "object_count same as copy", c[] = "change for total_size > 0";

START_TEST(checks_of_objects_need_what_they_look_at)
{
    struct expectation expectations[] = {
        {.text = n, .metric = METRIC_OBJECT_COUNT},
        {.text = m, .metric = METRIC_MISSING},
        {.text = o, .metric = METRIC_ORPHANED},
        {.text = s, .metric = METRIC_OBJECT_COUNT, .comparison = COMPARE_SAME_AS},
        {.text = c, .metric = METRIC_TOTAL_SIZE, .change = true},
    };
    static const struct {
        enum stage needs;
        look_function *look;
    } expected[] = {
        {STAGE_COUNT, objects_number},     {STAGE_RESTORE, objects_missing},
        {STAGE_RESTORE, objects_orphaned}, {STAGE_COUNT, objects_same_as_copy},
        {STAGE_FIND, objects_change},
    };
    struct scenario scenario = {
        .objects = {.present = true, .checks = expectations, .check_count = 5}};
    struct plan plan;
    const struct expectation *found[16];
    plan_build(&scenario, &plan);
    struct outcome *outcomes = xcalloc(plan.count, sizeof(*outcomes));
    ck_assert_uint_eq(plan.count, 5 + ARRAY_LENGTH(expected));
    ck_assert_uint_eq(plan_object_checks(&plan, outcomes, found), ARRAY_LENGTH(expected));
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        const struct check *check = &plan.checks[5 + i];
        ck_assert_int_eq(check->needs, expected[i].needs);
        ck_assert(check->look == expected[i].look);
        ck_assert_str_eq(check->group, "objects");
        ck_assert(starts_with(check->name, "objects: "));
        ck_assert_ptr_eq(found[i], &expectations[i]);
    }
    plan_select(&plan, "*missing*", outcomes);
    ck_assert_uint_eq(plan_object_checks(&plan, outcomes, found), 1);
    ck_assert_ptr_eq(found[0], &expectations[1]);
    ck_assert(plan_needs_database(&plan, outcomes));
    memset(outcomes, 0, plan.count * sizeof(*outcomes));
    plan_select(&plan, "*object_count*", outcomes);
    ck_assert(!plan_needs_database(&plan, outcomes));
    plan_select(&plan, "backup*", outcomes);
    ck_assert_uint_eq(plan_object_checks(&plan, outcomes, found), 0);
    free(outcomes);
    plan_free(&plan);
}
END_TEST

/* Of which check a run with nothing but `users: *` hears of a stage that failed. */
static const struct {
    enum stage failed;
    const char *told_by; /* NULL: nobody needs to */
} tellers[] = {
    {STAGE_FIND, "backup is recent"},
    {STAGE_READ, "backup is intact"},
    {STAGE_START, "backup restores"},
    {STAGE_RESTORE, "backup restores"},
    {STAGE_STOP, NULL}, /* a note, and exit code 2 */
};

START_TEST(a_stage_that_failed_is_told_in_every_run)
{
    struct scenario scenario = {0};
    struct facts *facts = xcalloc(1, sizeof(*facts));
    struct plan plan;
    plan_build(&scenario, &plan);
    struct outcome *outcomes = xcalloc(plan.count, sizeof(*outcomes));
    plan_select(&plan, "users: *", outcomes);
    for (size_t i = 0; i < STAGE_COUNT; i++)
        facts->stages[i].state = STAGE_DONE;
    plan_select_tellers(&plan, facts, outcomes);
    for (size_t i = 0; i < plan.count; i++)
        ck_assert(outcomes[i].left_out);
    facts->stages[tellers[_i].failed].state = STAGE_FAILED;
    plan_select_tellers(&plan, facts, outcomes);
    for (size_t i = 0; i < plan.count; i++) {
        bool tells = tellers[_i].told_by && strcmp(plan.checks[i].name, tellers[_i].told_by) == 0;
        ck_assert_int_eq(outcomes[i].left_out, !tells);
        ck_assert_int_eq(outcomes[i].verdict, tells ? VERDICT_NONE : VERDICT_SKIP);
    }
    free(outcomes);
    plan_free(&plan);
    free(facts);
}
END_TEST

static char r[] = "restore_time < 30m", z[] = "backup_size >= 1MB",
            e[] = "anomaly for restore_time", f[] = "change avg last 7 for row_count > 1",
            g[] = "change for row_count > 1", h[] = "anomaly for object_count",
            k[] = "change for backup_size >= 0%";

static const struct {
    const char *only;
    bool history, database;
} pasts[] = {
    {"*", true, true},
    {r, false, true},
    {z, false, false},
    {e, true, true},
    {k, true, false},
    {"users: change avg*", true, true},
    {"users: change for*", false, true},
    {"objects: anomaly*", true, false},
    {"backup is *", false, false},
};

START_TEST(the_history_is_read_when_it_is_asked_for)
{
    struct expectation of_run[] = {
        {.text = r, .metric = METRIC_RESTORE_TIME},
        {.text = z, .metric = METRIC_BACKUP_SIZE},
        {.text = e, .metric = METRIC_RESTORE_TIME, .anomaly = true},
        {.text = k, .metric = METRIC_BACKUP_SIZE, .change = true},
    };
    struct expectation of_table[] = {
        {.text = f, .metric = METRIC_ROW_COUNT, .change = true, .last_nights = 7},
        {.text = g, .metric = METRIC_ROW_COUNT, .change = true},
    };
    struct expectation of_bucket = {.text = h, .metric = METRIC_OBJECT_COUNT, .anomaly = true};
    struct table_expectations tables[] = {{.table = t, .expectations = of_table, .count = 2}};
    struct scenario scenario = {.tables = tables,
                                .table_count = 1,
                                .checks = of_run,
                                .check_count = ARRAY_LENGTH(of_run),
                                .objects = {.checks = &of_bucket, .check_count = 1}};
    struct plan plan;
    plan_build(&scenario, &plan);
    struct outcome *outcomes = xcalloc(plan.count, sizeof(*outcomes));
    ck_assert_uint_gt(plan_select(&plan, pasts[_i].only, outcomes), 0);
    ck_assert_int_eq(plan_needs_history(&plan, outcomes), pasts[_i].history);
    ck_assert_int_eq(plan_needs_database(&plan, outcomes), pasts[_i].database);
    free(outcomes);
    plan_free(&plan);
}
END_TEST

/* Which verdict of which check proves what. */
static const struct {
    const char *name; /* of the check that does not pass; NULL: all pass */
    enum verdict verdict;
    enum proof proof;
} proofs[] = {
    {NULL, VERDICT_PASS, PROOF_VERIFIED},
    {"backup is intact", VERDICT_FAIL, PROOF_BAD},
    {"backup is intact", VERDICT_ERROR, PROOF_NONE},
    {"backup is recent", VERDICT_FAIL, PROOF_NONE},
    {"backup restores", VERDICT_NONE, PROOF_NONE},
    {"restore_time < 30m", VERDICT_FAIL, PROOF_NONE},
    {"restore_time < 30m", VERDICT_ERROR, PROOF_NONE},
    {"backup_size >= 1MB", VERDICT_FAIL, PROOF_BAD},
    {"objects: object_count >= 1", VERDICT_FAIL, PROOF_VERIFIED},
    {"objects: object_count >= 1", VERDICT_ERROR, PROOF_VERIFIED},
    {"objects: object_count >= 1", VERDICT_SKIP, PROOF_NONE},
    {"objects: object_count >= 1", VERDICT_NONE, PROOF_NONE},
};

START_TEST(a_bucket_says_nothing_about_a_backup)
{
    struct expectation expectation = {.text = n, .metric = METRIC_OBJECT_COUNT};
    struct expectation of_run[] = {{.text = r, .metric = METRIC_RESTORE_TIME},
                                   {.text = z, .metric = METRIC_BACKUP_SIZE}};
    struct scenario scenario = {
        .checks = of_run, .check_count = 2, .objects = {.checks = &expectation, .check_count = 1}};
    struct plan plan;
    plan_build(&scenario, &plan);
    struct outcome *outcomes = xcalloc(plan.count, sizeof(*outcomes));
    for (size_t i = 0; i < plan.count; i++) {
        bool named = proofs[_i].name && strcmp(plan.checks[i].name, proofs[_i].name) == 0;
        outcomes[i].verdict = named ? proofs[_i].verdict : VERDICT_PASS;
    }
    ck_assert_int_eq(outcomes_prove(&plan, outcomes, true), proofs[_i].proof);
    bool of_objects = proofs[_i].name && starts_with(proofs[_i].name, "objects");
    ck_assert_uint_eq(plan_object_failures(&plan, outcomes),
                      of_objects && proofs[_i].proof == PROOF_VERIFIED ? 1 : 0);
    ck_assert_int_eq(outcomes_prove(&plan, outcomes, false),
                     proofs[_i].proof == PROOF_BAD ? PROOF_BAD : PROOF_NONE);
    free(outcomes);
    plan_free(&plan);
}
END_TEST

START_TEST(faults_become_verdicts)
{
    struct outcome outcome = {0};
    struct error error;
    bad_backup(&error, "100 %% bad");
    outcome_from_error(&outcome, &error);
    ck_assert_int_eq(outcome.verdict, VERDICT_FAIL);
    ck_assert_str_eq(outcome.message, "100 % bad");
    cannot_verify(&error, "no tool");
    outcome_from_error(&outcome, &error);
    ck_assert_int_eq(outcome.verdict, VERDICT_ERROR);
    ck_assert_str_eq(verdict_name(VERDICT_NONE), "none");
    ck_assert_str_eq(verdict_name(VERDICT_SKIP), "skip");
}
END_TEST

START_TEST(details_are_lines)
{
    struct outcome outcome = {0};
    outcome_detail(&outcome, "expected %d", 1);
    outcome_detail(&outcome, "found %d", 0);
    ck_assert_str_eq(outcome.details, "expected 1\nfound 0");
    outcome_value(&outcome, "rows", "%d", 7);
    ck_assert_str_eq(outcome.values[0].name, "rows");
    ck_assert_str_eq(outcome.values[0].text, "7");
    ck_assert_int_eq(outcome.verdict, VERDICT_NONE);
}
END_TEST

START_TEST(only_a_pass_warns)
{
    struct outcome outcome = {0};
    outcome_warn(&outcome, "odd");
    ck_assert(outcome.warn && outcome.verdict == VERDICT_PASS);
    outcome_fail(&outcome, "bad");
    ck_assert(!outcome.warn && outcome.verdict == VERDICT_FAIL);
}
END_TEST

Suite *plan_suite(void)
{
    Suite *suite = suite_create("checks/plan");
    add_table_test(suite, the_history_is_read_when_it_is_asked_for, ARRAY_LENGTH(pasts));
    add_table_test(suite, a_plan_holds_what_is_asked_for, ARRAY_LENGTH(choices));
    add_test(suite, a_plan_grows_by_the_databases_that_are_found);
    add_test(suite, databases_are_selected_when_they_are_known);
    add_test(suite, what_needs_no_database);
    add_test(suite, checks_of_objects_need_what_they_look_at);
    add_table_test(suite, a_stage_that_failed_is_told_in_every_run, ARRAY_LENGTH(tellers));
    add_table_test(suite, a_bucket_says_nothing_about_a_backup, ARRAY_LENGTH(proofs));
    add_test(suite, faults_become_verdicts);
    add_test(suite, details_are_lines);
    add_test(suite, only_a_pass_warns);
    return suite;
}
