/* From a scenario to the checks that it asks for. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checks/kinds.h"

struct builder {
    struct plan plan;
    int64_t timeout_ms;
};

/* Takes `name`. `parameter` is borrowed from the scenario. Gives the check. */
static struct check *add(struct builder *builder, const char *group, char *name, enum stage needs,
                         look_function *look, const void *parameter)
{
    struct plan *plan = &builder->plan;
    plan->checks = xreallocarray(plan->checks, plan->count + 1, sizeof(*plan->checks));
    plan->checks[plan->count++] = (struct check){.group = xstrdup(group),
                                                 .name = name,
                                                 .timeout_ms = builder->timeout_ms,
                                                 .needs = needs,
                                                 .tells = STAGE_COUNT,
                                                 .concern = CONCERN_BACKUP,
                                                 .look = look,
                                                 .parameter = parameter};
    return &plan->checks[plan->count - 1];
}

void plan_add_plain(struct plan *plan, const char *group, const char *name)
{
    struct builder builder = {.plan = *plan};
    add(&builder, group, xstrdup(name), STAGE_COUNT, NULL, NULL);
    *plan = builder.plan;
}

static look_function *table_check(const struct expectation *expectation)
{
    if (expectation->metric == METRIC_FRESHNESS)
        return table_freshness;
    if (expectation_asks_history(expectation))
        return table_trend;
    if (expectation->change)
        return table_change;
    return expectation->comparison == COMPARE_SAME_AS ? table_same_as_dump : table_row_count;
}

static void add_table(struct builder *builder, const struct table_expectations *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct expectation *expectation = &table->expectations[i];
        struct table_expectation *parameter = xmalloc(sizeof(*parameter));
        *parameter = (struct table_expectation){.table = table->table, .expectation = expectation};
        struct check *check =
            add(builder, "tables", xasprintf("%s: %s", table->table, expectation->text),
                STAGE_RESTORE, table_check(expectation), parameter);
        check->owned = parameter;
        /* What the dump recorded was in the database, whatever anybody expects. */
        if (check->look != table_same_as_dump)
            check->concern = CONCERN_DATA;
    }
}

/* Where there are several histories, each is named by its table. */
static void add_alembic(struct builder *builder, const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->alembic_count; i++) {
        const struct alembic_expectation *alembic = &scenario->alembic[i];
        bool several = scenario->alembic_count > 1;
        add(builder, "alembic",
            xasprintf("alembic%s%s: revision is the expected one", several ? " " : "",
                      several ? alembic->table : ""),
            STAGE_RESTORE, alembic_revision, alembic)
            ->concern = CONCERN_REVISION;
    }
}

static void add_migrations(struct builder *builder, const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->migrations_count; i++) {
        const struct migrations_expectation *migrations = &scenario->migrations[i];
        bool several = scenario->migrations_count > 1;
        add(builder, "migrations",
            xasprintf("%s%s%s: migrations are as expected", migration_tool_name(migrations->tool),
                      several ? " " : "", several ? migrations->table : ""),
            STAGE_RESTORE, migrations_state, migrations)
            ->concern = CONCERN_REVISION;
    }
}

static void add_schema(struct builder *builder, const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->schema.count; i++) {
        const struct schema_expectation *expectation = &scenario->schema.items[i];
        bool grants = expectation->reference == SCHEMA_GRANTS_AS_FILE; /* are not restored */
        add(builder, "schema", xasprintf("schema: %s", expectation->text),
            grants ? STAGE_READ : STAGE_RESTORE, grants ? grants_expected : schema_expected,
            expectation)
            ->concern = CONCERN_DATA;
    }
}

static const char objects_group[] = "objects";

static void add_object_check(struct builder *builder, const struct expectation *expectation)
{
    bool references =
        expectation->metric == METRIC_MISSING || expectation->metric == METRIC_ORPHANED;
    look_function *look = expectation->metric == METRIC_MISSING        ? objects_missing
                          : expectation->metric == METRIC_ORPHANED     ? objects_orphaned
                          : expectation->comparison == COMPARE_SAME_AS ? objects_same_as_copy
                          : expectation_asks_history(expectation)      ? objects_trend
                          : expectation->change                        ? objects_change
                                                                       : objects_number;
    /* The bucket is looked at whatever becomes of the backup; references need its rows, and a
     * change needs to know which backup was before it. */
    add(builder, objects_group, xasprintf("objects: %s", expectation->text),
        references                                    ? STAGE_RESTORE
        : expectation->change || expectation->anomaly ? STAGE_FIND
                                                      : STAGE_COUNT,
        look, expectation)
        ->concern = CONCERN_OBJECTS;
}

bool check_is_of_objects(const struct check *check)
{
    return strcmp(check->group, objects_group) == 0;
}

size_t plan_object_checks(const struct plan *plan, const struct outcome *outcomes,
                          const struct expectation **ret_expectations)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (check_is_of_objects(&plan->checks[i]) && !outcomes[i].left_out)
            ret_expectations[count++] = plan->checks[i].parameter;
    return count;
}

static void add_run_check(struct builder *builder, const struct expectation *expectation)
{
    bool time = expectation->metric == METRIC_RESTORE_TIME;
    add(builder, "checks", xstrdup(expectation->text), time ? STAGE_RESTORE : STAGE_READ,
        expectation_asks_history(expectation) ? run_trend : run_number, expectation)
        ->concern = time ? CONCERN_TIME : CONCERN_DATA;
}

/* What looks at every table of a database. */
static void add_of_database(struct builder *builder, const struct scenario *scenario)
{
    const size_t before = builder->plan.count;
    add(builder, "backup", xstrdup("every table has its rows"), STAGE_READ,
        every_table_has_its_rows, NULL);
    add(builder, "backup", xstrdup("every object is there"), STAGE_RESTORE, every_object_is_there,
        NULL);
    if (scenario->restore.contents)
        add(builder, "backup", xstrdup("contents are identical"), STAGE_RESTORE,
            contents_are_identical, NULL);
    if (scenario->restore.amcheck)
        add(builder, "backup", xstrdup("indexes and tables are sound"), STAGE_RESTORE,
            indexes_and_tables_are_sound, NULL);
    for (size_t i = before; i < builder->plan.count; i++)
        builder->plan.checks[i].each_database = scenario->backups.all_databases;
}

static void add_backup_checks(struct builder *builder, const struct scenario *scenario)
{
    add(builder, "backup", xstrdup("backup is recent"), STAGE_COUNT, backup_is_recent, NULL)
        ->tells = STAGE_FIND;
    add(builder, "backup", xstrdup("backup is intact"), STAGE_FIND, backup_is_intact, NULL)->tells =
        STAGE_READ;
    add(builder, "backup", xstrdup("backup restores"), STAGE_FIND, backup_restores, NULL)->tells =
        STAGE_RESTORE; /* and of STAGE_START, without which there is none */
    if (!scenario->backups.all_databases)
        add_of_database(builder, scenario);
    if (scenario->restore.target)
        add(builder, "backup", xasprintf("would come back at %s", scenario->restore.target->name),
            STAGE_READ, would_come_back, NULL);
}

void plan_build(const struct scenario *scenario, struct plan *ret_plan)
{
    struct builder builder = {.timeout_ms = scenario->restore.timeout_ms};
    add_backup_checks(&builder, scenario);
    add_alembic(&builder, scenario);
    add_migrations(&builder, scenario);
    add_schema(&builder, scenario);
    for (size_t i = 0; i < scenario->table_count; i++)
        add_table(&builder, &scenario->tables[i]);
    for (size_t i = 0; i < scenario->query_count; i++)
        add(&builder, "queries", xstrdup(scenario->queries[i].name), STAGE_RESTORE, query_result,
            &scenario->queries[i])
            ->concern = CONCERN_DATA;
    for (size_t i = 0; i < scenario->command_count; i++)
        add(&builder, COMMANDS_GROUP, xstrdup(scenario->commands[i].name), STAGE_RESTORE, NULL,
            &scenario->commands[i])
            ->concern = CONCERN_DATA;
    for (size_t i = 0; i < scenario->check_count; i++)
        add_run_check(&builder, &scenario->checks[i]);
    for (size_t i = 0; i < scenario->objects.check_count; i++)
        add_object_check(&builder, &scenario->objects.checks[i]);
    if (scenario->backups.all_databases) /* last, so that they can become more: plan_expand */
        add_of_database(&builder, scenario);
    *ret_plan = builder.plan;
}

/* A check of one of several databases has two names: with that of the database and without. Those
 * for each database have neither yet. */
static bool is_selected(const struct check *check, const char *only)
{
    const char *name = check->name;
    return check->each_database || fnmatch(only, name, 0) == 0 ||
           (check->database &&
            fnmatch(only, name + strlen(check->database) + strlen(": "), 0) == 0);
}

size_t plan_select(const struct plan *plan, const char *only, struct outcome *outcomes)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        bool matches = is_selected(&plan->checks[i], only);
        count += matches;
        outcomes[i] = (struct outcome){.left_out = !matches};
        if (matches)
            continue;
        outcome_skip(&outcomes[i], "not selected");
    }
    return count;
}

static bool has_failed(const struct facts *facts, enum stage stage)
{
    return facts->stages[stage].state == STAGE_FAILED;
}

void plan_select_tellers(const struct plan *plan, const struct facts *facts,
                         struct outcome *outcomes)
{
    for (size_t i = 0; i < plan->count; i++) {
        enum stage tells = plan->checks[i].tells;
        if (!outcomes[i].left_out || tells == STAGE_COUNT)
            continue;
        if (has_failed(facts, tells) || (tells == STAGE_RESTORE && has_failed(facts, STAGE_START)))
            outcomes[i] = (struct outcome){0};
    }
}

/* Those that look at the backup or at the bucket do not. */
static bool needs_database(const struct check *check)
{
    if (check->look == backup_is_recent || check->look == backup_is_intact ||
        check->look == would_come_back || check->look == grants_expected)
        return false;
    if (check->look == run_number || check->look == run_trend)
        return check->needs == STAGE_RESTORE;
    return check->needs == STAGE_RESTORE || !check_is_of_objects(check);
}

bool plan_needs_database(const struct plan *plan, const struct outcome *outcomes)
{
    for (size_t i = 0; i < plan->count; i++)
        if (!outcomes[i].left_out && needs_database(&plan->checks[i]))
            return true;
    return false;
}

bool plan_needs_migrations(const struct plan *plan, const struct outcome *outcomes)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct check *check = &plan->checks[i];
        const struct schema_expectation *expectation = check->parameter;
        if (outcomes[i].verdict == VERDICT_NONE && check->look == schema_expected &&
            expectation->reference == SCHEMA_AS_MIGRATIONS)
            return true;
    }
    return false;
}

bool plan_needs_history(const struct plan *plan, const struct outcome *outcomes)
{
    for (size_t i = 0; i < plan->count; i++) {
        look_function *look = plan->checks[i].look;
        if (outcomes[i].verdict == VERDICT_NONE &&
            (look == table_trend || look == objects_trend || look == run_trend))
            return true;
    }
    return false;
}

bool plan_compared_contents(const struct plan *plan, const struct outcome *outcomes)
{
    size_t compared = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->checks[i].look != contents_are_identical)
            continue;
        if (outcomes[i].verdict != VERDICT_PASS || outcomes[i].warn)
            return false;
        compared++;
    }
    return compared > 0;
}

static void check_free(struct check *check)
{
    free(check->group);
    free(check->name);
    free(check->owned);
    free(check->database);
}

static size_t count_each(const struct plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += plan->checks[i].each_database;
    return count;
}

size_t plan_most(const struct plan *plan)
{
    return plan->count + count_each(plan) * DATABASES_MOST;
}

/* Of the checks in `pattern`. */
static void add_database(struct plan *plan, const struct plan *pattern, const char *database)
{
    for (size_t i = 0; i < pattern->count; i++) {
        struct check check = pattern->checks[i];
        if (!check.each_database)
            continue;
        check.each_database = false;
        check.group = xstrdup(check.group);
        check.name = xasprintf("%s: %s", database, check.name);
        check.database = xstrdup(database);
        plan->checks[plan->count++] = check;
    }
}

void plan_expand(struct plan *plan, const struct databases_fact *databases)
{
    size_t each = count_each(plan);
    size_t count = databases->count;
    if (count == 0 || count > DATABASES_MOST || each == 0)
        return;
    struct plan expanded = {.checks =
                                xcalloc(plan->count + count * each, sizeof(*expanded.checks))};
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->checks[i].each_database)
            expanded.checks[expanded.count++] = plan->checks[i];
    for (size_t i = 0; i < count; i++)
        add_database(&expanded, plan, databases->names[i]);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->checks[i].each_database)
            check_free(&plan->checks[i]);
    free(plan->checks);
    *plan = expanded;
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        check_free(&plan->checks[i]);
    free(plan->checks);
    *plan = (struct plan){0};
}

/* It was looked at, or should have been, and did not pass; for one that was not run nobody knows.
 */
static bool is_failed_check_of_objects(const struct check *check, const struct outcome *outcome)
{
    return check_is_of_objects(check) &&
           (outcome->verdict == VERDICT_FAIL || outcome->verdict == VERDICT_ERROR);
}

size_t plan_object_failures(const struct plan *plan, const struct outcome *outcomes)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        count += is_failed_check_of_objects(&plan->checks[i], &outcomes[i]);
    return count;
}

enum proof outcomes_prove(const struct plan *plan, const struct outcome *outcomes, bool complete)
{
    enum proof proof = complete && plan->count > 0 ? PROOF_VERIFIED : PROOF_NONE;
    for (size_t i = 0; i < plan->count; i++) {
        const struct check *check = &plan->checks[i];
        if (is_failed_check_of_objects(check, &outcomes[i]))
            continue;
        if (outcomes[i].verdict == VERDICT_FAIL && check->look != backup_is_recent &&
            check->concern != CONCERN_TIME)
            return PROOF_BAD;
        if (outcomes[i].verdict != VERDICT_PASS)
            proof = PROOF_NONE;
    }
    return proof;
}
