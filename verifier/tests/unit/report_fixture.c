#include "tests/unit/report_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct sample *sample_new(const char *scenario)
{
    struct sample *sample = xcalloc(1, sizeof(*sample));
    sample->plan.checks = sample->checks;
    sample->result = (struct result){.scenario = scenario,
                                     .facts = &sample->facts,
                                     .plan = &sample->plan,
                                     .outcomes = sample->outcomes};
    return sample;
}

void sample_free(struct sample *sample)
{
    for (size_t i = 0; i < sample->plan.count; i++) {
        free(sample->checks[i].group);
        free(sample->checks[i].name);
    }
    free(sample);
}

struct outcome *sample_add(struct sample *sample, const char *group, const char *name,
                           enum verdict verdict, const char *message)
{
    size_t index = sample->plan.count++;
    sample->checks[index].group = xstrdup(group);
    sample->checks[index].name = xstrdup(name);
    struct outcome *outcome = &sample->outcomes[index];
    outcome->verdict = verdict;
    outcome->duration_ms = 12;
    strncpy(outcome->message, message, sizeof(outcome->message) - 1);
    return outcome;
}

void sample_value(struct outcome *outcome, const char *name, const char *text)
{
    struct value *value = &outcome->values[outcome->value_count++];
    snprintf(value->name, sizeof(value->name), "%s", name);
    snprintf(value->text, sizeof(value->text), "%s", text);
}

static void fill_facts(struct facts *facts)
{
    static const int64_t durations_ms[] = {1, 2500, 131, 32300, 700, 1250, 0, 90};
    facts->began = 1795356185;
    facts->began_ms = 1000000;
    int64_t now_ms = facts->began_ms;
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        if (i == STAGE_REHEARSE) /* not of every run */
            continue;
        facts->stages[i] = (struct stage_fact){
            .state = STAGE_DONE, .started_ms = now_ms, .duration_ms = durations_ms[i]};
        now_ms += durations_ms[i];
    }
    struct backup_fact *backup = &facts->backup;
    strcpy(backup->path, "/var/backups/bugspark_20261122.dump.gz");
    strcpy(backup->notices, "bugspark_20261123.dump.gz is empty\n");
    backup->size_bytes = 154 * 1024 * 1024;
    memset(backup->sha256, 'a', SHA256_HEX_SIZE - 1);
    backup->time = facts->began - 3 * 3600;
    strcpy(backup->time_from, "its name");
    strcpy(backup->format, "custom in gzip");
    backup->table_count = 15;
    backup->row_count = 920000;
    strcpy(facts->server.version, "15.18");
    strcpy(facts->server.where, "throwaway server");
    strcpy(facts->server.restored_as, "restorer");
    strcpy(facts->server.confined_by, "no new privileges, limits");
    strcpy(facts->server.not_confined_by, "Landlock (Function not implemented)");
    facts->restore.excluded_count = 2;
    strcpy(facts->restore.excluded, "SCHEMA auth\nEXTENSION pg_graphql");
}

struct sample *sample_mixed(void)
{
    struct sample *sample = sample_new("bugspark");
    fill_facts(&sample->facts);
    sample_add(sample, "backup", "backup is recent", VERDICT_PASS, "3 h old");
    struct outcome *outcome =
        sample_add(sample, "tables", "users: row_count >= 1", VERDICT_PASS, "");
    sample_value(outcome, "users: row_count", "20000");
    outcome = sample_add(sample, "tables", "reports: row_count >= 1000", VERDICT_PASS,
                         "reports has 500 rows");
    outcome->warn = true;
    outcome = sample_add(sample, "tables", "every table has its rows", VERDICT_FAIL,
                         "1 of 15 tables does not hold the rows that the archive holds for it");
    strcpy(outcome->details, "comments: expected 600000, found 599999\n"
                             "the missing row is the last one of the archive, and the last one of "
                             "an archive is what a full disk takes first\n");
    outcome->duration_ms = 1234567;
    sample_add(sample, "alembic", "alembic version is head", VERDICT_ERROR,
               "cannot read ../migrations: No such file or directory; check `migrations`");
    sample_add(sample, "objects", "object_count >= 1", VERDICT_SKIP, "the bucket was not listed");
    sample_add(sample, "objects", "object_count same as copy", VERDICT_SKIP,
               "the bucket was not listed");
    sample_add(sample, "objects", "a check of its own", VERDICT_SKIP, "not in this archive");
    return sample;
}

char *print_json(const struct result *results, size_t count)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    json_print("verify", results, count, results_exit_code(results, count), stream);
    fclose(stream);
    return text;
}

char *print_console(const struct result *results, size_t count, bool color, bool verbose)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    console_print(results, count, color, verbose, "reports", stream);
    fclose(stream);
    return text;
}
