#include "commands/gathering.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "commands/commands.h"
#include "report/junit_read.h"

/* Of a partial run nothing is told elsewhere either. */
static const char *const kinds[] = {"", ".dump", ".sync", ".migration", ".sabotage"};
enum { KIND_VERIFY, KIND_MIGRATION = 3, KIND_COUNT = ARRAY_LENGTH(kinds) };

/* What was found of one scenario. */
struct found {
    struct source source;
    struct junit_told reports[KIND_COUNT]; /* the newest; without a name: none */
    time_t torn_since; /* a line was damaged that stands behind those of this time; 0: none */
};

struct findings {
    struct found *items;
    size_t count;
    struct strings unread_names,
        unread_words; /* files that would tell of a scenario of that name */
    bool lacks;       /* something that may be of ours was not read */
};

static struct found *find(struct findings *findings, const char *name)
{
    for (size_t i = 0; i < findings->count; i++)
        if (strcmp(findings->items[i].source.name, name) == 0)
            return &findings->items[i];
    findings->items = xreallocarray(findings->items, findings->count + 1, sizeof(*findings->items));
    struct found *found = &findings->items[findings->count++];
    *found = (struct found){.source = {.name = xstrdup(name)}};
    return found;
}

/* --- files ------------------------------------------------------------------------------------ */

static void complain(const char *words)
{
    fprintf(stderr, "restore-verifier: %s\n", words);
}

/* It may tell of a red run. Whether there is a scenario of that name is seen at the end. */
static void note_unread(struct findings *findings, const char *name, const char *words)
{
    strings_add(&findings->unread_names, name);
    strings_add(&findings->unread_words, words);
}

static void note_lack(struct findings *findings, const char *name, const char *words)
{
    complain(words);
    note_unread(findings, name, words);
    findings->lacks = true;
}

/* A copy of a history that ends in a damaged line says nothing of what a later copy has. */
static void note_torn(struct found *found, size_t before)
{
    struct history_entries *entries = &found->source.entries;
    time_t since = 1;
    for (size_t i = before; i < entries->count; i++)
        since = entries->items[i].began > since ? entries->items[i].began : since;
    if (entries->torn && since > found->torn_since)
        found->torn_since = since;
    entries->torn = false;
}

static void take_history(struct findings *findings, const char *path, const char *scenario)
{
    struct error error;
    cleanup(strings_free) struct strings notices = {0};
    struct history_entries read = {0};
    if (history_file_read(path, &read, &notices, &error) < 0)
        note_lack(findings, scenario, error.text);
    if (read.count == 0 && read.newer == 0) { /* of somebody else's, or all of it damaged */
        for (size_t i = 0; i < notices.count; i++)
            note_unread(findings, scenario, notices.items[i]);
        history_entries_free(&read);
        return;
    }
    for (size_t i = 0; i < notices.count; i++)
        complain(notices.items[i]);
    struct found *found = find(findings, scenario);
    struct history_entries *entries = &found->source.entries;
    size_t before = entries->count;
    entries->items =
        xreallocarray(entries->items, before + read.count + 1, sizeof(*entries->items));
    for (size_t i = 0; i < read.count; i++) /* perhaps none, and no items then */
        entries->items[before + i] = read.items[i];
    entries->count += read.count;
    entries->newer += read.newer;
    entries->torn = read.torn;
    free(read.items);
    note_torn(found, before);
}

/* "bugspark.dump": a dump of bugspark. */
static char *split_name(const char *name, size_t *ret_kind)
{
    for (size_t kind = KIND_COUNT; kind-- > 0;) {
        if (!ends_with(name, kinds[kind]))
            continue;
        *ret_kind = kind;
        return xstrndup(name, strlen(name) - strlen(kinds[kind]));
    }
    return NULL;
}

/* Of two of the same second the worse. */
static bool is_newer(const struct junit_told *told, const struct junit_told *known)
{
    return !known->name || told->began > known->began ||
           (told->began == known->began && told->exit_code > known->exit_code);
}

/* Whose it is, only the file's name tells. */
static void refuse_report(struct findings *findings, const char *path, const char *words)
{
    size_t kind;
    const char *slash = strrchr(path, '/');
    cleanup(free_pointer) char *file = xstrdup(slash ? slash + 1 : path);
    file[strlen(file) - strlen(".xml")] = '\0';
    cleanup(free_pointer) char *name = split_name(file, &kind);
    note_lack(findings, name, words);
}

static void take_report(struct findings *findings, const char *path)
{
    struct error error;
    struct junit_told told;
    size_t kind = KIND_VERIFY;
    int read = junit_read(path, &told, &error);
    if (read != 0) { /* 1: somebody else's */
        if (read < 0)
            refuse_report(findings, path, error.text);
        return;
    }
    cleanup(free_pointer) char *name = split_name(told.name, &kind);
    if (ends_with(told.name, ".partial")) {
        junit_told_free(&told);
        return;
    }
    struct found *found = find(findings, name);
    if (!is_newer(&told, &found->reports[kind])) {
        junit_told_free(&told);
        return;
    }
    junit_told_free(&found->reports[kind]);
    found->reports[kind] = told;
    char **shown = kind == KIND_VERIFY      ? &found->source.report
                   : kind == KIND_MIGRATION ? &found->source.migration
                                            : NULL;
    if (!shown)
        return;
    free(*shown);
    *shown = xstrdup(path);
}

static void take_file(struct findings *findings, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    cleanup(free_pointer) char *scenario = history_scenario_of(name);
    if (scenario)
        take_history(findings, path, scenario);
    else if (ends_with(name, ".xml"))
        take_report(findings, path);
}

/* A file behind it is as good as any; directories may lead round in circles. */
static void take_link(struct findings *findings, const char *path)
{
    struct stat status;
    bool is_there = stat(path, &status) == 0;
    if (!is_there || S_ISREG(status.st_mode)) { /* one that is not there cannot be read */
        take_file(findings, path);
        return;
    }
    cleanup(free_pointer) char *words = xasprintf(
        "%s is a link to a directory, which was not searched: name that with --from", path);
    if (S_ISDIR(status.st_mode))
        complain(words);
}

static int by_name(const FTSENT **one, const FTSENT **other)
{
    return strcmp((*one)->fts_name, (*other)->fts_name);
}

static int look_through(const char *directory, struct findings *findings, struct error *error)
{
    struct stat status;
    cleanup(free_pointer) char *root = xstrdup(directory);
    char *const roots[] = {root, NULL};
    if (stat(directory, &status) < 0 || !S_ISDIR(status.st_mode))
        return cannot_verify(error, "--from: there is no directory %s", directory);
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    if (!tree)
        return cannot_verify(error, "cannot read the directory %s: %s", directory, strerror(errno));
    int outcome = 0;
    for (FTSENT *entry; outcome == 0 && (entry = fts_read(tree));) {
        if (entry->fts_info == FTS_F)
            take_file(findings, entry->fts_path);
        else if (entry->fts_info == FTS_SL)
            take_link(findings, entry->fts_path);
        else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
                 entry->fts_info == FTS_NS)
            outcome = cannot_verify(error, "cannot read %s: %s", entry->fts_path,
                                    strerror(entry->fts_errno));
    }
    fts_close(tree);
    return outcome;
}

/* --- what it comes to ------------------------------------------------------------------------- */

static const struct history_entry *last_verification(const struct source *source)
{
    for (size_t i = source->entries.count; i-- > 0;) {
        const struct history_entry *entry = &source->entries.items[i];
        if (strcmp(entry->command, "verify") == 0 && !entry->given)
            return entry;
    }
    return NULL;
}

static void raise_code(struct source *source, int64_t exit_code)
{
    int code = exit_code == 0 || exit_code == 1 ? (int)exit_code : EXIT_CANNOT_VERIFY;
    source->exit_code = code > source->exit_code ? code : source->exit_code;
}

/* Is the report that of a backup which was named by hand, and need not be the latest? */
static bool is_of_given(const struct source *source, const struct junit_told *report)
{
    for (size_t i = 0; i < source->entries.count; i++) {
        const struct history_entry *entry = &source->entries.items[i];
        if (entry->given && entry->began == report->began)
            return true;
    }
    return false;
}

/* The last verification is in the history as a rule; where it is not, the report speaks as well. A
 * green one does not make up for a red line: it may be of another backup. */
static void judge_verification(struct source *source, const struct junit_told *report)
{
    const struct history_entry *last = last_verification(source);
    bool reported = report->name && !is_of_given(source, report);
    if (!last && !reported)
        raise_code(source, EXIT_CANNOT_VERIFY);
    if (last)
        raise_code(source, last->exit_code);
    if (!reported || (last && last->began > report->began))
        return;
    raise_code(source, report->exit_code);
    if (last && last->began == report->began)
        return;
    char began[TIME_TEXT_SIZE];
    time_format_utc(report->began, began);
    if (report->exit_code != EXIT_VERIFIED) {
        source->alarm = xasprintf("the run of %s, which is in no history here, did not pass: %s",
                                  report->began > 0 ? began : "an unknown time", report->headline);
        source->alarm_word = report->exit_code == 1 ? "red" : "unknown";
    } else if (!last) {
        source->problem = xstrdup("there is none in these directories, only the report of the "
                                  "last run");
    }
}

static void judge(struct found *found)
{
    struct source *source = &found->source;
    struct history_entries *entries = &source->entries;
    history_entries_sort(entries);
    entries->torn =
        found->torn_since > 0 &&
        (entries->count == 0 || found->torn_since >= entries->items[entries->count - 1].began);
    if (entries->torn || entries->newer > 0) /* it may have been a red one */
        raise_code(source, EXIT_CANNOT_VERIFY);
    source->path = xstrdup("the directories of --from");
    judge_verification(source, &found->reports[KIND_VERIFY]);
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        if (kind != KIND_VERIFY && found->reports[kind].name)
            raise_code(source, found->reports[kind].exit_code);
        junit_told_free(&found->reports[kind]);
    }
}

static void add_missing(struct findings *findings, const char *name)
{
    size_t before = findings->count;
    struct found *found = find(findings, name);
    if (findings->count == before)
        return;
    found->source.alarm = xstrdup("no run of it is in any of these directories");
    found->source.alarm_word = "no run";
}

/* After what is known has been judged. */
static void judge_unread(struct findings *findings)
{
    for (size_t i = 0; i < findings->unread_names.count; i++)
        for (size_t j = 0; j < findings->count; j++) {
            struct source *source = &findings->items[j].source;
            if (strcmp(source->name, findings->unread_names.items[i]) != 0)
                continue;
            raise_code(source, EXIT_CANNOT_VERIFY);
            if (source->alarm)
                continue;
            source->alarm = xstrdup(findings->unread_words.items[i]);
            source->alarm_word = "unknown";
        }
}

int sources_gather(const struct strings *directories, const struct strings *expected,
                   struct sources *ret_sources, struct error *error)
{
    struct findings findings = {0};
    int outcome = 0;
    for (size_t i = 0; i < directories->count && outcome == 0; i++)
        outcome = look_through(directories->items[i], &findings, error);
    for (size_t i = 0; i < expected->count; i++)
        add_missing(&findings, expected->items[i]);
    if (outcome == 0 && findings.count == 0)
        outcome = cannot_verify(error, "no history and no report of restore-verifier is in the "
                                       "directories of --from");
    struct sources sources = {.items = xcalloc(findings.count + 1, sizeof(struct source)),
                              .count = findings.count};
    for (size_t i = 0; i < findings.count; i++)
        judge(&findings.items[i]);
    judge_unread(&findings);
    for (size_t i = 0; i < findings.count; i++)
        sources.items[i] = findings.items[i].source;
    free(findings.items);
    strings_free(&findings.unread_names);
    strings_free(&findings.unread_words);
    if (outcome < 0)
        sources_free(&sources);
    else
        *ret_sources = sources;
    return outcome < 0 ? -1 : findings.lacks;
}
