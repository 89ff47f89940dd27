/* The checks of the backup itself: it is recent, it is intact, it restores. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"
#include "checks/kinds.h"
#include "postgres/tools.h"
#include "shelf/age.h"

/* Clocks of two machines may differ a little. */
enum { ZONES_S = 14 * 3600, ZONE_STEP_S = 15 * 60 };

/* A name that is as far ahead of its file as one zone is of another: by quarters of an hour, less
 * what the dump took. 0: it is not. */
static int64_t zone_offset_s(const struct backup_fact *backup)
{
    int64_t ahead_s = (int64_t)backup->time - (int64_t)backup->modified;
    int64_t offset_s = (ahead_s + ZONE_STEP_S - 1) / ZONE_STEP_S * ZONE_STEP_S;
    bool is_offset = ahead_s > 0 && offset_s <= ZONES_S && offset_s - ahead_s <= CLOCK_SKEW_S;
    return is_offset ? offset_s : 0;
}

static void tell_future(const struct subject *subject, const char *made, struct outcome *outcome)
{
    const struct backup_fact *backup = &subject->facts->backup;
    int64_t ahead_s = (int64_t)backup->time - (int64_t)subject->now;
    int64_t offset_s = zone_offset_s(backup);
    char offset[DURATION_TEXT_SIZE];
    duration_format(offset_s * 1000, offset);
    const char *zone = subject->scenario->backups.time_zone;
    bool may_be_zone = ahead_s <= ZONES_S;
    if (may_be_zone && zone)
        outcome_fail(outcome,
                     "the backup is dated in the future: %s, told by %s; check whether "
                     "backups.time_zone, %s, is the zone of the machine that names the backups, "
                     "and the clocks",
                     made, backup->time_from, zone);
    else if (may_be_zone && offset_s > 0)
        outcome_fail(outcome,
                     "the backup is dated in the future: %s, told by %s, which is %s ahead of the "
                     "time its file was modified, as one time zone is of another: name the zone of "
                     "the machine that names the backups with backups.time_zone, or check the "
                     "clocks",
                     made, backup->time_from, offset);
    else
        outcome_fail(outcome,
                     "the backup is dated in the future: %s, told by %s; check the clock and the "
                     "time zone (TZ) of the machine that names the backups, and of this one%s",
                     made, backup->time_from,
                     may_be_zone ? ", or name that zone with backups.time_zone" : "");
}

void backup_is_recent(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    (void)parameter;
    const struct facts *facts = subject->facts;
    const struct backup_fact *backup = &facts->backup;
    int64_t max_age_s = subject->scenario->backups.max_age_s;
    if (*backup->notices)
        outcome_detail(outcome, "%s", backup->notices);
    if (facts->stages[STAGE_FIND].state != STAGE_DONE) {
        if (!backup->given)
            outcome->concern = CONCERN_NOT_FOUND;
        outcome_from_error(outcome, &facts->stages[STAGE_FIND].error);
        return;
    }
    char made[TIME_TEXT_SIZE];
    char age_text[DURATION_TEXT_SIZE];
    char limit_text[DURATION_TEXT_SIZE];
    int64_t age_s = subject->now - backup->time;
    time_format_utc(backup->time, made);
    duration_format(age_s * 1000, age_text);
    duration_format(max_age_s * 1000, limit_text);
    outcome_value(outcome, "backup.age_seconds", "%" PRId64, age_s);
    outcome_detail(outcome, "made: %s, told by %s", made, backup->time_from);
    if (*backup->contradiction)
        outcome_detail(outcome, "%s", backup->contradiction);

    outcome->concern = age_s < 0 ? CONCERN_FUTURE : CONCERN_AGE;
    if (age_s < -CLOCK_SKEW_S)
        tell_future(subject, made, outcome);
    else if (max_age_s > 0 && age_s > max_age_s && backup->given)
        outcome_warn(outcome, "%s old, more than the %s of max_age; it was asked for by name",
                     age_text, limit_text);
    else if (max_age_s > 0 && age_s > max_age_s)
        outcome_fail(
            outcome,
            "the latest backup is %s old, and max_age is %s: find out why there is no newer "
            "one",
            age_text, limit_text);
    else if (*backup->contradiction)
        outcome_warn(outcome, "%s", backup->contradiction);
    else if (*backup->notices)
        outcome_warn(outcome, "%s old; %s", age_text, backup->notices);
    else
        outcome_pass(outcome, "%s old", age_text);
}

void backup_is_intact(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    (void)parameter;
    const struct stage_fact *read = &subject->facts->stages[STAGE_READ];
    const struct backup_fact *backup = &subject->facts->backup;
    if (read->state != STAGE_DONE) {
        outcome_from_error(outcome, &read->error);
        return;
    }
    char size[SIZE_TEXT_SIZE];
    size_format(backup->size_bytes, size);
    if (subject->facts->manifest.state == MANIFEST_UNREADABLE) {
        outcome_from_error(outcome, &subject->facts->manifest.error);
        return;
    }
    struct buffer words;
    buffer_init(&words, sizeof(outcome->message));
    cleanup(free_pointer) char *appended = archive_appended(subject->archive);
    if (!manifest_agrees(subject, outcome, &words))
        outcome_fail(outcome, "%s", words.data);
    else if (appended)
        outcome_warn(outcome, "%s: psql runs that like the rest%s", appended,
                     archive_appended_changes_rows(subject->archive) ? ", and it may change rows"
                                                                     : "");
    else if (!ends_are_known(subject, &words))
        outcome_warn(outcome, "%s", words.data);
    else
        outcome_pass(outcome, "%s, %s table%s, %s row%s%s", size, counted(backup->table_count).text,
                     plural_of(backup->table_count), counted(backup->row_count).text,
                     plural_of(backup->row_count),
                     subject->manifest ? ", as its manifest says" : "");
    buffer_free(&words);
}

static void tell_restore(const struct restore_fact *restore, struct outcome *outcome)
{
    if (*restore->errors)
        outcome_detail(outcome, "%s", restore->errors);
    if (restore->excluded_count > 0)
        outcome_detail(outcome, "left out as restore.exclude asks: %d entries\n%s",
                       restore->excluded_count, restore->excluded);
    if (restore->statistics_left_out > 0)
        outcome_detail(outcome,
                       "left out, since only PostgreSQL 18 and newer take them: %d "
                       "entries with statistics of the planner",
                       restore->statistics_left_out);
    outcome_value(outcome, "restore.harmless_errors", "%d", restore->harmless_count);
    outcome_value(outcome, "restore.left_out_entries", "%d", restore->excluded_count);
}

/* It took the backup without an error all the same. */
static bool is_older_than_source(const struct facts *facts)
{
    return version_major(facts->server.version) < version_major(facts->backup.server_version);
}

void backup_restores(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    (void)parameter;
    const struct facts *facts = subject->facts;
    const struct restore_fact *restore = &facts->restore;
    static const enum stage stages[] = {STAGE_START, STAGE_RESTORE};
    tell_restore(restore, outcome);
    cleanup(free_pointer) char *left_out = restore->excluded_count == 1
                                               ? xstrdup("one entry")
                                               : xasprintf("%d entries", restore->excluded_count);
    for (size_t i = 0; i < ARRAY_LENGTH(stages); i++) {
        const struct stage_fact *stage = &facts->stages[stages[i]];
        if (stage->state == STAGE_FAILED) {
            outcome_from_error(outcome, &stage->error);
            return;
        }
        if (stage->state != STAGE_DONE) {
            outcome_skip(outcome, "not restored, because `backup is intact` did not pass");
            return;
        }
    }
    const struct databases_fact *databases = &facts->databases;
    cleanup(free_pointer) char *lost = databases_lost(subject);
    if (lost)
        outcome_warn(outcome, "%s", lost);
    else if (databases->unnamed)
        outcome_warn(outcome,
                     "the backup does not say of which database it is, so nobody can tell that it "
                     "is `%s`: dump with --create, or remove backups.database",
                     subject->scenario->backups.database);
    else if (restore->by_one_job)
        outcome_warn(outcome, "several jobs at once could not fill every table, and one could, in "
                              "the order of the archive: restore it with pg_restore --jobs=1");
    else if (is_older_than_source(facts))
        outcome_warn(outcome, "restored into PostgreSQL %.*s, dumped from %.*s",
                     (int)strcspn(facts->server.version, " "), facts->server.version,
                     (int)strcspn(facts->backup.server_version, " "), facts->backup.server_version);
    else if (*restore->exclude_unmatched && subject->archive->format == ARCHIVE_PLAIN &&
             subject->archive->part_count > 0)
        outcome_warn(outcome,
                     "restore.exclude leaves nothing but extensions out of plain SQL, and "
                     "those only that it creates: remove %s",
                     restore->exclude_unmatched);
    else if (*restore->exclude_unmatched && subject->archive->format == ARCHIVE_PLAIN)
        outcome_warn(outcome, "restore.exclude leaves nothing out of plain SQL: dump in custom "
                              "format, or remove it");
    else if (*restore->exclude_unmatched)
        outcome_warn(outcome, "restore.exclude names what the archive does not have: %s",
                     restore->exclude_unmatched);
    else if (restore->excluded_count > 0)
        outcome_pass(outcome, "without the %s that restore.exclude leaves out", left_out);
    else if (restore->harmless_count > 0)
        outcome_pass(outcome, "%d harmless message%s", restore->harmless_count,
                     restore->harmless_count == 1 ? "" : "s");
    else
        outcome_pass(outcome, "into PostgreSQL %.*s%s%s", (int)strcspn(facts->server.version, " "),
                     facts->server.version, *databases->others ? "; not looked at: " : "",
                     databases->others);
}
