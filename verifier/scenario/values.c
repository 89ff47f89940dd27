#include "scenario/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "base/web_url.h"

enum {
    NAME_LIMIT_BYTES = 100,
    BACKUP_NAME_LIMIT_BYTES = 200,
    JOBS_LIMIT = 64,
    OLDEST_VERSION = 10, /* before it, a major version was two numbers */
    PERIODS_LIMIT = 1000
};

static const char letters_and_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const char *line_text(struct reader *reader, const struct key *key, const struct node *value,
                      const char *wanted)
{
    const char *text = node_text(reader, key->name, value, wanted);
    if (!text || is_printable(text))
        return text;
    problems_add(&reader->problems, value->mark, "`%s` holds a control character, or no UTF-8",
                 key->name);
    return NULL;
}

static void keep(void *field, const char *text)
{
    *(char **)field = xstrdup(text);
}

void read_scenario_name(struct reader *reader, const struct key *key, const struct node *value,
                        void *field)
{
    const char *text = line_text(reader, key, value, "a name of letters, digits, - and _");
    if (!text)
        return;
    size_t good = 0;
    while (text[good] && (strchr(letters_and_digits, text[good]) || strchr("-_", text[good])))
        good++;
    if (text[good] != '\0') {
        cleanup(free_pointer) char *words = value_shown(value);
        problems_add(&reader->problems, node_mark_at(value, good),
                     "the name of a scenario has only letters, digits, - and _: found %s", words);
    } else if (good > NAME_LIMIT_BYTES) {
        problems_add(&reader->problems, value->mark,
                     "the name of a scenario has at most %d characters, this one has %zu",
                     NAME_LIMIT_BYTES, good);
    } else {
        keep(field, text);
    }
}

void read_host(struct reader *reader, const struct key *key, const struct node *value, void *field)
{
    static const char *const names[] = {"render", "supabase", "neon", "self-hosted"};
    static const enum host_kind kinds[] = {HOST_RENDER, HOST_SUPABASE, HOST_NEON, HOST_SELF_HOSTED};
    const char *text = line_text(reader, key, value, "render, supabase, neon or self-hosted");
    if (!text)
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *(enum host_kind *)field = kinds[i];
            return;
        }
    }
    cleanup(free_pointer) char *words = value_shown(value);
    cleanup(free_pointer) char *near = suggestion(text, names, ARRAY_LENGTH(names));
    problems_add(&reader->problems, value->mark, "%s is no host that is known%s", words, near);
}

void read_target(struct reader *reader, const struct key *key, const struct node *value,
                 void *field)
{
    const char *const *names;
    size_t count = restore_target_names(&names);
    const char *text = line_text(reader, key, value, "the name of a host");
    if (!text)
        return;
    *(const struct restore_target **)field = restore_target_find(text);
    if (restore_target_find(text))
        return;
    const char *near = nearest(text, names, count);
    cleanup(free_pointer) char *words = value_shown(value);
    cleanup(free_pointer) char *all = suggestion("", names, count); /* near to none */
    cleanup(free_pointer) char *meant =
        near ? xasprintf(": did you mean `%s`? (%s)", near, all + strlen(": ")) : xstrdup(all);
    problems_add(&reader->problems, value->mark, "%s is no target that is known%s", words, meant);
}

void read_counts(struct reader *reader, const struct key *key, const struct node *value,
                 void *field)
{
    const char *text = line_text(reader, key, value, "exact or none");
    if (!text)
        return;
    if (strcmp(text, "exact") != 0 && strcmp(text, "none") != 0) {
        cleanup(free_pointer) char *words = value_shown(value);
        problems_add(&reader->problems, value->mark, "`%s` is exact or none, not %s", key->name,
                     words);
        return;
    }
    *(bool *)field = strcmp(text, "none") == 0;
}

/* Never shows the value: it may hold a password. */
void read_database(struct reader *reader, const struct key *key, const struct node *value,
                   void *field)
{
    const char *text = line_text(reader, key, value, "a postgresql:// URL or key=value pairs");
    if (!text)
        return;
    bool url = starts_with(text, "postgresql://") || starts_with(text, "postgres://") ||
               (starts_with(text, "postgresql+") && strstr(text, "://"));
    const char *scheme = strstr(text, "://");
    const char *equals = strchr(text, '=');
    bool pairs = equals && (!scheme || equals < scheme); /* a password may hold the other */
    if (url || pairs)
        keep(field, text);
    else
        problems_add(&reader->problems, value->mark,
                     "`%s` expects a postgresql:// URL or key=value pairs such as "
                     "host=... dbname=...; the value is not shown, it may hold a password%s",
                     key->name,
                     strchr("'\"", *text) ? "; it begins with a quote, which no shell took away"
                                          : "");
}

void read_server(struct reader *reader, const struct key *key, const struct node *value,
                 void *field)
{
    const char *text = line_text(reader, key, value, "throwaway or a postgresql:// URL");
    if (!text || strcmp(text, "throwaway") == 0)
        return;
    if (starts_with(text, "postgresql://") || starts_with(text, "postgres://"))
        keep(field, text);
    else
        problems_add(&reader->problems, value->mark,
                     "`%s` expects throwaway or a postgresql:// URL; the value is not shown, it "
                     "may hold a password",
                     key->name);
}

/* No shell has read it: a `~` would be the name of a directory. It is kept from the root on, since
 * messages about it are read by people who do not know where we were called. */
static void keep_path(struct reader *reader, const struct key *key, const struct node *value,
                      const char *text, void *field)
{
    if (starts_with(text, "~/") || starts_with(text, "$HOME/"))
        problems_add(&reader->problems, value->mark,
                     "`%s` begins with what only a shell replaces: write ${HOME}/...", key->name);
    else
        *(char **)field = starts_with(text, "s3://") ? xstrdup(text) : path_absolute(text);
}

void read_location(struct reader *reader, const struct key *key, const struct node *value,
                   void *field)
{
    static const char wanted[] = "a directory or s3://bucket/prefix";
    const char *text = line_text(reader, key, value, wanted);
    if (!text)
        return;
    /* Not shown: what has another scheme here may well be a database URL. */
    bool s3 = starts_with(text, "s3://");
    if (s3 && (text[5] == '\0' || text[5] == '/'))
        problems_add(&reader->problems, value->mark, "`%s` lacks the bucket: s3://bucket/prefix",
                     key->name);
    else if (!s3 && strstr(text, "://"))
        problems_add(&reader->problems, value->mark, "`%s` expects %s, found a URL of another kind",
                     key->name, wanted);
    else
        keep_path(reader, key, value, text, field);
}

static void read_path(struct reader *reader, const struct key *key, const struct node *value,
                      const char *wanted, void *field)
{
    const char *text = line_text(reader, key, value, wanted);
    if (!text)
        return;
    if (strstr(text, "://"))
        problems_add(&reader->problems, value->mark, "`%s` expects %s, found a URL", key->name,
                     wanted);
    else
        keep_path(reader, key, value, text, field);
}

void read_directory(struct reader *reader, const struct key *key, const struct node *value,
                    void *field)
{
    read_path(reader, key, value, "a directory", field);
}

void read_file(struct reader *reader, const struct key *key, const struct node *value, void *field)
{
    read_path(reader, key, value, "a file", field);
}

void read_endpoint(struct reader *reader, const struct key *key, const struct node *value,
                   void *field)
{
    const char *text = line_text(reader, key, value, "an https:// URL");
    if (!text)
        return;
    const char *problem = web_url_problem(text);
    if (strchr(text, '@'))
        problems_add(&reader->problems, value->mark,
                     "`%s` cannot hold a user: use `access_key` and `secret_key`", key->name);
    else if (problem)
        problems_add(&reader->problems, value->mark,
                     "`%s` expects an https:// or http:// URL with a host, and it %s", key->name,
                     problem);
    else
        keep(field, text);
}

/* What parts of a date a conversion of strftime(3) gives. Only those that can be read back from a
 * file name without doubt, in every locale. */
enum {
    YEAR = 1,
    MONTH = 2,
    DAY = 4,
    WHOLE_DATE = YEAR | MONTH | DAY,
    HOUR = 16,
    MINUTE = 32,
    SECOND = 64,
    WHOLE_TIME = HOUR | MINUTE | SECOND
};

static const struct {
    char conversion;
    unsigned gives;
} conversions[] = {
    {'Y', YEAR},       {'y', YEAR},   {'m', MONTH},
    {'d', DAY},        {'H', HOUR},   {'j', MONTH | DAY},
    {'F', WHOLE_DATE}, {'M', MINUTE}, {'s', WHOLE_DATE | WHOLE_TIME},
    {'T', WHOLE_TIME}, {'S', SECOND}, {'%', 0},
    {'a', 0},          {'u', 0},
};

static const unsigned UNKNOWN_CONVERSION = 8;

static unsigned conversion_gives(char conversion)
{
    for (size_t i = 0; i < ARRAY_LENGTH(conversions); i++)
        if (conversions[i].conversion == conversion)
            return conversions[i].gives;
    return UNKNOWN_CONVERSION;
}

static unsigned pattern_gives(const char *pattern)
{
    unsigned given = 0;
    for (const char *c = strchr(pattern, '%'); c; c = strchr(c + (c[1] ? 2 : 1), '%'))
        given |= conversion_gives(c[1]);
    return given;
}

static void read_pattern(struct reader *reader, const struct key *key, const struct node *value,
                         void *field)
{
    const char *text = line_text(reader, key, value, "a file name such as name_%Y%m%d.dump.gz");
    if (!text)
        return;
    unsigned given = pattern_gives(text);
    for (const char *c = strchr(text, '%'); c; c = strchr(c + (c[1] ? 2 : 1), '%')) {
        if (conversion_gives(c[1]) != UNKNOWN_CONVERSION)
            continue;
        cleanup(free_pointer) char *conversion = xstrndup(c, 2);
        cleanup(free_pointer) char *words = shown(conversion);
        problems_add(&reader->problems, node_mark_at(value, (size_t)(c - text)),
                     "`%s` cannot be read back from a file name: use %%Y %%m %%d %%H %%M %%S, "
                     "%%y %%j %%F %%T %%s %%a %%u or %%%%",
                     words);
    }
    const char *wrong = NULL;
    if (strchr(text, '/'))
        wrong = "is the name of a file, without `/`: the directory is `location`";
    else if (strlen(text) > BACKUP_NAME_LIMIT_BYTES)
        wrong = "is longer than a file name can be";
    else if (field != &reader->scenario->backups.names.patterns[PART_WHOLE] &&
             (given & WHOLE_DATE) != WHOLE_DATE && !(given & UNKNOWN_CONVERSION))
        wrong = "does not name a date: it needs %Y, %m and %d, or %F, or %s"; /* of a part */
    if (wrong)
        problems_add(&reader->problems, value->mark, "`%s` %s", key->name, wrong);
    else if (!(given & UNKNOWN_CONVERSION))
        keep(field, text);
}

static bool tell_the_day(const struct backup_names *names)
{
    for (size_t i = 0; i < PART_COUNT; i++)
        if (names->patterns[i] && (pattern_gives(names->patterns[i]) & WHOLE_DATE) != WHOLE_DATE)
            return false;
    return true;
}

/* What concerns the name, the time and what is done by it. */
void check_dating(struct problems *problems, const struct scenario *scenario)
{
    const struct backup_names *names = &scenario->backups.names;
    bool by_name = scenario->backups.time == DATED_BY_NAME;
    if (by_name && !tell_the_day(names))
        problems_add(
            problems, scenario->backups.name_mark,
            "`name` does not name a date: it needs %%Y, %%m and %%d, or %%F, or %%s; or say "
            "`time: modified` (or header), so that the age is known by another way");
    if (!by_name && backup_names_count(names) > 1)
        problems_add(problems, scenario->backups.name_mark,
                     "`name` is a set of files, which are found by the date in their names: "
                     "remove `time`");
    if (!by_name && scenario->backups.keep.young_s > 0)
        problems_add(
            problems, scenario->backups.mark,
            "`keep` needs `time: name`: `prune` deletes by the dates in names alone, since "
            "any copy changes when a file was modified. Names that come again replace "
            "their own backups: remove `keep`");
}

void read_dating(struct reader *reader, const struct key *key, const struct node *value,
                 void *field)
{
    static const char *const names[] = {
        [DATED_BY_NAME] = "name", [DATED_BY_HEADER] = "header", [DATED_BY_MODIFIED] = "modified"};
    const char *text = line_text(reader, key, value, "name, header or modified");
    for (size_t i = 0; text && i < ARRAY_LENGTH(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *(enum backup_dating *)field = (enum backup_dating)i;
            return;
        }
    if (!text)
        return;
    cleanup(free_pointer) char *words = value_shown(value);
    problems_add(&reader->problems, value->mark, "`%s` is name, header or modified, not %s",
                 key->name, words);
}

void read_time_zone(struct reader *reader, const struct key *key, const struct node *value,
                    void *field)
{
    const char *text = line_text(reader, key, value, "a time zone such as Asia/Tokyo");
    if (!text)
        return;
    if (time_zone_exists(text)) {
        keep(field, text);
        return;
    }
    cleanup(free_pointer) char *words = value_shown(value);
    problems_add(
        &reader->problems, value->mark,
        "there is no time zone %s on this machine: check the name (such as Asia/Tokyo), or "
        "install the package tzdata",
        words);
}

void read_databases(struct reader *reader, const struct key *key, const struct node *value,
                    void *field)
{
    const char *text = line_text(reader, key, value, "all");
    if (text && strcmp(text, "all") != 0)
        problems_add(&reader->problems, value->mark,
                     "`%s` is all; a single one is named with `database`", key->name);
    else if (text)
        *(bool *)field = true;
}

static void read_period(struct reader *reader, const struct key *key, const struct node *value,
                        void *field)
{
    const char *text = line_text(reader, key, value, "a number from 1 to 1000");
    if (!text)
        return;
    bool digits_only = text[strspn(text, "0123456789")] == '\0' && strlen(text) <= 4;
    int number = digits_only ? (int)strtol(text, NULL, 10) : 0;
    cleanup(free_pointer) char *words = value_shown(value);
    if (number >= 1 && number <= PERIODS_LIMIT)
        *(int *)field = number;
    else
        problems_add(&reader->problems, value->mark, "`%s` expects a number from 1 to %d, found %s",
                     key->name, PERIODS_LIMIT, words);
}

void read_keep(struct reader *reader, const struct key *key, const struct node *value, void *field)
{
#define PERIOD(period) offsetof(struct keep, periods) + (period) * sizeof(int)
    static const struct key keys[KEEP_PERIOD_COUNT] = {
        {"daily", read_period, PERIOD(KEEP_DAILY), NO_MARK, false},
        {"weekly", read_period, PERIOD(KEEP_WEEKLY), NO_MARK, false},
        {"monthly", read_period, PERIOD(KEEP_MONTHLY), NO_MARK, false},
        {"yearly", read_period, PERIOD(KEEP_YEARLY), NO_MARK, false},
    };
    static const int days[KEEP_PERIOD_COUNT] = {1, 7, 31, 366};
    struct keep *kept = field;
    if (value->kind != NODE_MAP) {
        read_duration_s(reader, key, value, &kept->young_s);
        return;
    }
    kept->by_periods = true;
    read_section(reader, key->name, keys, KEEP_PERIOD_COUNT, value, kept);
    for (size_t i = 0; i < KEEP_PERIOD_COUNT && kept->young_s == 0; i++)
        kept->young_s = (int64_t)kept->periods[i] * days[i] * 86400;
}

#define PART(part) offsetof(struct backup_names, patterns[part]), NO_MARK, false

static const struct key part_keys[] = {
    {"roles", read_pattern, PART(PART_ROLES)},
    {"globals", read_pattern, PART(PART_GLOBALS)},
    {"platform", read_pattern, PART(PART_PLATFORM)},
    {"schema", read_pattern, PART(PART_SCHEMA)},
    {"pre_data", read_pattern, PART(PART_PRE_DATA)},
    {"dump", read_pattern, PART(PART_DUMP)},
    {"data", read_pattern, PART(PART_DATA)},
    {"post_data", read_pattern, PART(PART_POST_DATA)},
};

/* What is wrong with the parts together, or NULL. They belong together by their date, so that each
 * must tell as much of it as the others. */
static const char *parts_problem(const struct backup_names *names)
{
    const char *first = NULL;
    bool of_database = false;
    if (backup_names_count(names) < 2)
        return "is a set of at least two files: name one file alone without its part";
    for (size_t i = 0; i < PART_COUNT; i++) {
        const char *pattern = names->patterns[i];
        if (!pattern)
            continue;
        for (size_t j = 0; j < i; j++)
            if (names->patterns[j] && strcmp(pattern, names->patterns[j]) == 0)
                return "names two of its parts alike";
        if (first && pattern_gives(pattern) != pattern_gives(first))
            return "tells more of the date in one part than in another: the files of one backup "
                   "are found by the same date and time in their names";
        first = pattern;
        of_database = of_database || !backup_part_is_of_server((enum backup_part)i);
    }
    return of_database ? NULL : "names no part with a database in it: add its `dump`";
}

void read_backup_name(struct reader *reader, const struct key *key, const struct node *value,
                      void *field)
{
    struct backup_names *names = field;
    if (value->kind != NODE_MAP) {
        read_pattern(reader, key, value, &names->patterns[PART_WHOLE]);
        return;
    }
    size_t problems = reader->problems.count;
    read_section(reader, key->name, part_keys, ARRAY_LENGTH(part_keys), value, names);
    const char *wrong = parts_problem(names);
    if (wrong && reader->problems.count == problems)
        problems_add(&reader->problems, value->mark, "`%s` %s", key->name, wrong);
}

void read_version_number(struct reader *reader, const struct key *key, const struct node *value,
                         void *field)
{
    static const char wanted[] = "a major version of PostgreSQL, such as 17";
    const char *text = line_text(reader, key, value, wanted);
    if (!text)
        return;
    bool digits_only = text[strspn(text, "0123456789")] == '\0' && strlen(text) <= 3;
    long version = digits_only ? strtol(text, NULL, 10) : 0;
    cleanup(free_pointer) char *words = value_shown(value);
    if (version >= OLDEST_VERSION)
        *(int *)field = (int)version;
    else
        problems_add(&reader->problems, value->mark, "`%s` expects %s, found %s", key->name, wanted,
                     words);
}

void read_jobs(struct reader *reader, const struct key *key, const struct node *value, void *field)
{
    const char *text = line_text(reader, key, value, "a number from 1 to 64");
    if (!text)
        return;
    bool digits_only = text[strspn(text, "0123456789")] == '\0';
    long jobs = digits_only ? strtol(text, NULL, 10) : 0; /* LONG_MAX when too large */
    if (jobs >= 1 && jobs <= JOBS_LIMIT) {
        *(int *)field = (int)jobs;
        return;
    }
    cleanup(free_pointer) char *words = value_shown(value);
    problems_add(&reader->problems, value->mark, "`%s` expects a number from 1 to %d, found %s",
                 key->name, JOBS_LIMIT, words);
}
