/* Checks evidence: is it what was signed, does it hold together, and are the histories still as it
 * says? */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/signature.h"
#include "commands/commands.h"
#include "commands/evidence.h"
#include "report/evidence.h"
#include "report/text.h"
#include "shelf/document.h"

enum {
    FILE_LIMIT_BYTES = 256 << 20,
    DAY_S = 24 * 60 * 60,
    USUALLY_KEPT_S = 400 * DAY_S, /* where no scenario says it */
    CLOCKS_DIFFER_S = 300,
};

struct check {
    bool quiet;
    const struct sources *sources;
    json_t *root;
    time_t from, to, made;
    bool held_against; /* something that is not the document itself */
    int exit_code;
};

static void say(const struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What holds, and what was not looked at. */
static void say(const struct check *check, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *text = xvasprintf(format, arguments);
    va_end(arguments);
    cleanup(free_pointer) char *clean = text_line(text);
    if (!check->quiet)
        printf("%s\n", clean);
}

static void complain(struct check *check, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(struct check *check, int exit_code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *text = xvasprintf(format, arguments);
    va_end(arguments);
    cleanup(free_pointer) char *clean = text_line(text);
    fprintf(stderr, "restore-verifier: %s\n", clean);
    if (exit_code > check->exit_code)
        check->exit_code = exit_code;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool read_moment(const char *text, const char *format, time_t *ret_time)
{
    struct tm parts = {0};
    const char *end = strptime(text, format, &parts);
    *ret_time = timegm(&parts);
    return end && *end == '\0';
}

/* --- the signature ---------------------------------------------------------------------------- */

/* The document, if it can be read, says whose it is. */
static void tell_misfit(struct check *check, const char *path, const struct signature_key *key)
{
    char name[SHA256_HEX_SIZE];
    struct error error;
    const char *signer = text_of(json_object_get(check->root, "signed_by"), "public_key_sha256");
    if (*signer && signature_key_name(key, name, &error) == 0 && strcmp(signer, name) != 0)
        complain(check, 1,
                 "the signature of %s is not by this key, whose SHA-256 is %s: it says that it is "
                 "by %s",
                 path, name, signer);
    else
        complain(check, 1,
                 "the signature of %s does not fit: the file was changed after it was signed, or "
                 "signed with another key",
                 path);
}

static void check_with_key(struct check *check, const char *path, const struct buffer *content,
                           const char *key_path)
{
    struct error error;
    struct buffer signature;
    cleanup(free_pointer) char *signature_path = xasprintf("%s.sig", path);
    cleanup(signature_key_freep) struct signature_key *key = NULL;
    if (signature_key_read_public(key_path, &key, &error) < 0) {
        complain(check, EXIT_CANNOT_VERIFY, "%s", error.text);
        return;
    }
    if (file_read(signature_path, SIGNATURE_SIZE * 16, &signature, &error) < 0) {
        complain(check, EXIT_CANNOT_VERIFY, "there is no signature of %s: %s", path, error.text);
        return;
    }
    if (signature_fits(key, content->data, content->length, signature.data, signature.length)) {
        check->held_against = true;
        say(check, "signature: good, by the key %s", key_path);
    } else {
        tell_misfit(check, path, key);
    }
    buffer_free(&signature);
}

static void check_signature(struct check *check, const char *path, const struct buffer *content,
                            const char *key_path)
{
    if (key_path)
        check_with_key(check, path, content, key_path);
    else if (json_is_object(json_object_get(check->root, "signed_by")))
        complain(check, EXIT_CANNOT_VERIFY,
                 "%s is signed, and the signature was not checked: name the public key with --key",
                 path);
    else
        say(check, "signature: none");
}

/* --- the chain -------------------------------------------------------------------------------- */

static bool is_digest(const char *text)
{
    return strlen(text) == SHA256_HEX_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == SHA256_HEX_SIZE - 1;
}

/* By what the document itself says of its lines. */
static bool chain_holds(const json_t *scenario)
{
    struct chain chain;
    size_t i;
    json_t *run;
    const json_t *said = json_object_get(scenario, "chain");
    const json_t *runs = json_object_get(scenario, "runs");
    chain_begin(&chain);
    json_array_foreach(runs, i, run)
    {
        if (!is_digest(text_of(run, "line_sha256")))
            return false;
        chain_add(&chain, text_of(run, "line_sha256"));
    }
    return json_is_array(runs) && strcmp(chain.link, text_of(said, "tail")) == 0 &&
           json_integer_value(json_object_get(said, "lines")) == (json_int_t)json_array_size(runs);
}

/* --- the history ------------------------------------------------------------------------------ */

static const struct source *source_of(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->sources->count; i++)
        if (strcmp(check->sources->items[i].name, name) == 0)
            return &check->sources->items[i];
    return NULL;
}

static json_t *run_of(const json_t *runs, const char *id)
{
    size_t i;
    json_t *run;
    json_array_foreach(runs, i, run) if (strcmp(text_of(run, "id"), id) == 0) return run;
    return NULL;
}

static const struct history_entry *entry_of(const struct source *source, const char *id)
{
    for (size_t i = 0; i < source->entries.count; i++)
        if (strcmp(source->entries.items[i].id, id) == 0)
            return &source->entries.items[i];
    return NULL;
}

/* How the history differs from the document. */
struct difference {
    size_t same, changed, gone, expired, added, late;
    const char *changed_id, *gone_id, *added_id; /* of the first */
};

static void note(size_t *count, const char **first_id, const char *id)
{
    if ((*count)++ == 0)
        *first_id = id;
}

static void compare_run(const struct source *source, const json_t *run,
                        struct difference *difference)
{
    char sha256[SHA256_HEX_SIZE];
    struct tm parts = {0};
    const char *id = text_of(run, "id");
    const struct history_entry *entry = entry_of(source, id);
    int64_t kept_s = source->keep_s > 0 ? source->keep_s : USUALLY_KEPT_S;
    if (!entry) {
        bool dated = strptime(text_of(run, "began"), "%Y-%m-%dT%H:%M:%SZ", &parts) != NULL;
        if (dated && timegm(&parts) < time(NULL) - kept_s)
            difference->expired++;
        else
            note(&difference->gone, &difference->gone_id, id);
        return;
    }
    history_entry_digest(entry, sha256);
    if (strcmp(sha256, text_of(run, "line_sha256")) == 0)
        difference->same++;
    else
        note(&difference->changed, &difference->changed_id, id);
}

/* A run that went on while the document was made left its line behind it. */
static void compare_entry(const struct check *check, const json_t *runs,
                          const struct history_entry *entry, struct difference *difference)
{
    bool in_period = entry->began >= check->from && entry->began < check->to;
    if (!in_period || entry->began > check->made || run_of(runs, entry->id))
        return;
    if (entry->began + entry->duration_ms / 1000 + CLOCKS_DIFFER_S >= check->made)
        difference->late++;
    else
        note(&difference->added, &difference->added_id, entry->id);
}

static char *lines_words(size_t count)
{
    return xasprintf("%zu line%s", count, count == 1 ? "" : "s");
}

static void tell_one(struct check *check, const char *name, size_t count, const char *what,
                     const char *remedy, const char *id)
{
    cleanup(free_pointer) char *lines = lines_words(count);
    if (count > 0)
        complain(check, 1, "%s: %s: %s, the first that of the run %s%s", name, what, lines, id,
                 remedy);
}

static void tell_aside(const struct check *check, const char *name, size_t count, const char *what)
{
    cleanup(free_pointer) char *lines = lines_words(count);
    if (count > 0)
        say(check, "%s: %s: %s", name, what, lines);
}

static void tell_difference(struct check *check, const char *name,
                            const struct difference *difference)
{
    cleanup(free_pointer) char *same = lines_words(difference->same);
    tell_one(check, name, difference->changed, "changed in the history", "",
             difference->changed_id);
    tell_one(check, name, difference->gone, "gone from the history", "", difference->gone_id);
    tell_one(check, name, difference->added,
             "in the history, of runs before the document was made, and not in the document",
             ": if a machine's lines came late, write the document again", difference->added_id);
    if (difference->changed + difference->gone + difference->added == 0)
        say(check, "%s: the history is as it was (%s)", name, same);
    tell_aside(check, name, difference->expired,
               "not compared, because they are older than `history_keep` and gone");
    tell_aside(check, name, difference->late, "written while the document was made, and not in it");
}

/* --- what the document says of the lines ------------------------------------------------------ */

/* What a document of these runs would say of the scenario; to be released by the caller. */
static json_t *told_again(const struct check *check, const struct source *source,
                          const json_t *runs)
{
    const struct history_entries *all = &source->entries;
    struct history_entries known = {.items = xcalloc(all->count + 1, sizeof(*all->items))};
    for (size_t i = 0; i < all->count; i++) {
        const struct history_entry *entry = &all->items[i];
        bool in_period = entry->began >= check->from && entry->began < check->to;
        if (in_period ? run_of(runs, entry->id) != NULL : entry->began <= check->made)
            known.items[known.count++] = *entry;
    }
    struct evidence evidence;
    const struct period period = {.from = check->from, .to = check->to};
    const struct page_scenario told = {.name = source->name, .entries = &known, .path = ""};
    evidence_gather(&told, 1, &period, check->made, NULL, &evidence);
    cleanup(free_pointer) char *text = evidence_json(&evidence);
    evidence_free(&evidence);
    free(known.items);
    json_t *document = json_loads(text, 0, NULL);
    json_t *scenario = json_array_get(json_object_get(document, "scenarios"), 0);
    json_incref(scenario);
    json_decref(document);
    return scenario;
}

/* Another version of this program may have written other keys. */
static bool says(const struct check *check, json_t *said, json_t *expected)
{
    const char *key;
    json_t *value;
    if (strcmp(text_of(check->root, "program"), "restore-verifier " PROGRAM_VERSION) == 0)
        return json_equal(said, expected);
    if (!json_is_object(said))
        return !said || !expected || json_equal(said, expected);
    json_object_foreach(said, key, value)
    {
        json_t *other = json_object_get(expected, key);
        if (other && !json_equal(value, other))
            return false;
    }
    return true;
}

static bool says_of(const struct check *check, const json_t *scenario, const json_t *again,
                    const char *key)
{
    return says(check, json_object_get(scenario, key), json_object_get(again, key));
}

/* Of failures what cannot have become otherwise since. */
static bool same_failures(const json_t *scenario, const json_t *again)
{
    static const char *const keys[] = {"from", "kind", "headline"};
    const json_t *failures = json_object_get(scenario, "failures");
    const json_t *failures_again = json_object_get(again, "failures");
    size_t i;
    json_t *failure;
    if (json_array_size(failures) != json_array_size(failures_again))
        return false;
    json_array_foreach(failures, i, failure)
    {
        const json_t *other = json_array_get(failures_again, i);
        for (size_t k = 0; k < ARRAY_LENGTH(keys); k++)
            if (strcmp(text_of(failure, keys[k]), text_of(other, keys[k])) != 0)
                return false;
    }
    return true;
}

static void add_days(struct buffer *days, time_t first, time_t last)
{
    char from[DAY_TEXT_SIZE], to[DAY_TEXT_SIZE];
    day_format(first, from);
    day_format(last, to);
    buffer_printf(days, "%s to %s, ", from, to);
}

/* The days of the missing nights, whatever came before the first of them. Caller frees. */
static char *missing_days(const json_t *scenario)
{
    struct buffer days;
    time_t first = 0, last = 0;
    size_t i;
    json_t *gap;
    buffer_init(&days, SIZE_MAX / 2);
    json_array_foreach(json_object_get(scenario, "missing_nights"), i, gap)
    {
        time_t from, to;
        if (!read_moment(text_of(gap, "from"), "%Y-%m-%d", &from) ||
            !read_moment(text_of(gap, "to"), "%Y-%m-%d", &to))
            from = to = 0;
        if (i > 0 && from != last + DAY_S)
            add_days(&days, first, last);
        if (i == 0 || from != last + DAY_S)
            first = from;
        last = to;
    }
    add_days(&days, first, last);
    return buffer_steal(&days);
}

/* What of its sums does not follow from its runs; NULL: all does. Where older lines are gone,
 * failures may have begun in these, and nights before the first run be others. */
static const char *false_sum(const struct check *check, const json_t *scenario, const json_t *again)
{
    const json_t *chain = json_object_get(scenario, "chain");
    const json_t *chain_again = json_object_get(again, "chain");
    bool is_same_past =
        json_equal(json_object_get(chain, "previous"), json_object_get(chain_again, "previous"));
    cleanup(free_pointer) char *days = missing_days(scenario);
    cleanup(free_pointer) char *days_again = missing_days(again);
    if (!says_of(check, scenario, again, "nights") ||
        (is_same_past && !same_failures(scenario, again)))
        return "nights or failures";
    if (strcmp(days, days_again) != 0 ||
        (is_same_past && !says_of(check, scenario, again, "missing_nights")))
        return "missing nights";
    if (!says_of(check, scenario, again, "programs") || !says_of(check, scenario, again, "servers"))
        return "programs or servers";
    return says_of(check, chain, chain_again, "head") && says_of(check, chain, chain_again, "last")
               ? NULL
               : "first and last lines";
}

/* The chain holds the digests of lines together, and not what is said of them. */
static void compare_words(struct check *check, const struct source *source, const json_t *scenario,
                          const struct difference *difference)
{
    const json_t *runs = json_object_get(scenario, "runs");
    json_t *again = told_again(check, source, runs);
    const json_t *runs_again = json_object_get(again, "runs");
    size_t i, false_count = 0;
    const char *first_id = "";
    json_t *run;
    json_array_foreach(runs, i, run)
    {
        json_t *expected = run_of(runs_again, text_of(run, "id"));
        bool same_line = strcmp(text_of(expected, "line_sha256"), text_of(run, "line_sha256")) == 0;
        if (expected && same_line && !says(check, run, expected))
            note(&false_count, &first_id, text_of(run, "id"));
    }
    cleanup(free_pointer) char *count =
        xasprintf("%zu run%s", false_count, false_count == 1 ? "" : "s");
    if (false_count > 0)
        complain(check, 1,
                 "%s: the document was changed: of %s it does not say what the history says, the "
                 "first %s",
                 source->name, count, first_id);
    const char *sum =
        difference->same == json_array_size(runs) ? false_sum(check, scenario, again) : NULL;
    if (sum)
        complain(check, 1, "%s: the document was changed: its %s are not those of its runs",
                 source->name, sum);
    json_decref(again);
}

static void compare_history(struct check *check, const struct source *source,
                            const json_t *scenario)
{
    struct difference difference = {0};
    const json_t *runs = json_object_get(scenario, "runs");
    size_t i;
    json_t *run;
    json_array_foreach(runs, i, run) compare_run(source, run, &difference);
    for (i = 0; i < source->entries.count; i++)
        compare_entry(check, runs, &source->entries.items[i], &difference);
    if (difference.same > 0)
        check->held_against = true;
    tell_difference(check, source->name, &difference);
    compare_words(check, source, scenario, &difference);
}

static void check_scenario(struct check *check, const json_t *scenario)
{
    const char *name = text_of(scenario, "scenario");
    const struct source *source = source_of(check, name);
    if (!chain_holds(scenario))
        complain(check, 1, "%s: the chain in the document does not hold: it was changed", name);
    bool was_unread =
        *text_of(scenario, "problem") && json_array_size(json_object_get(scenario, "runs")) == 0;
    if (!source || was_unread)
        say(check, "%s: %s, and was not compared", name,
            was_unread ? "its history was not read then either" : "its history is not here");
    else if (source->problem || (source->alarm && source->entries.count == 0))
        complain(check, EXIT_CANNOT_VERIFY, "%s: its history cannot be read: %s", name,
                 source->problem ? source->problem : source->alarm);
    else
        compare_history(check, source, scenario);
}

/* One that was taken out as a whole. */
static void check_source(struct check *check, const struct source *source, const json_t *scenarios)
{
    size_t i, count = 0;
    json_t *scenario;
    json_array_foreach(scenarios, i, scenario)
    {
        if (strcmp(text_of(scenario, "scenario"), source->name) == 0)
            return;
    }
    for (i = 0; i < source->entries.count; i++) {
        const struct history_entry *entry = &source->entries.items[i];
        count += entry->began >= check->from && entry->began < check->to &&
                 entry->began + entry->duration_ms / 1000 + CLOCKS_DIFFER_S < check->made;
    }
    cleanup(free_pointer) char *lines = lines_words(count);
    if (count > 0)
        complain(check, 1,
                 "%s: not in the document, and its history has %s of that period: if the document "
                 "is not about it, name the others only",
                 source->name, lines);
}

/* --- all together ----------------------------------------------------------------------------- */

/* What stands in every document, whatever it is about. */
static void check_preface(struct check *check, const char *path)
{
    static const char *const keys[] = {"about", "controls"};
    struct evidence none = {.made = check->made};
    cleanup(free_pointer) char *text = evidence_json(&none);
    json_t *again = json_loads(text, 0, NULL);
    bool is_ours =
        strcmp(text_of(check->root, "program"), "restore-verifier " PROGRAM_VERSION) == 0;
    for (size_t i = 0; i < ARRAY_LENGTH(keys) && is_ours; i++)
        if (!says_of(check, check->root, again, keys[i]))
            complain(check, 1, "%s was changed: its `%s` is not what every document says", path,
                     keys[i]);
    json_decref(again);
}

static bool is_named_right(const struct check *check, const json_t *period)
{
    struct period named;
    struct error ignored;
    return period_parse(text_of(period, "name"), &named, &ignored) == 0 &&
           named.from == check->from && named.to == check->to;
}

static void check_document(struct check *check, const char *path)
{
    const json_t *period = json_object_get(check->root, "period");
    const json_t *scenarios = json_object_get(check->root, "scenarios");
    size_t i;
    json_t *scenario;
    if (!read_moment(text_of(period, "from"), "%Y-%m-%d", &check->from) ||
        !read_moment(text_of(period, "to"), "%Y-%m-%d", &check->to) ||
        !read_moment(text_of(check->root, "made"), "%Y-%m-%dT%H:%M:%SZ", &check->made) ||
        !json_is_array(scenarios)) {
        complain(check, 1, "%s is damaged: it tells no period, no time, or no scenarios", path);
        return;
    }
    check->to += DAY_S;
    check_preface(check, path);
    if (!is_named_right(check, period))
        complain(check, 1, "%s was changed: its period is not the one that it is named after",
                 path);
    json_array_foreach(scenarios, i, scenario) check_scenario(check, scenario);
    for (i = 0; i < check->sources->count; i++)
        check_source(check, &check->sources->items[i], scenarios);
}

static void check_content(struct check *check, const char *path, const struct buffer *content,
                          const char *key_path)
{
    struct document document = {0};
    struct error error;
    int read = document_parse(content->data, content->length, path, EVIDENCE_FORMAT,
                              EVIDENCE_VERSION, &document, &error);
    check->root = read == 0 ? document.root : NULL;
    check_signature(check, path, content, key_path);
    if (read < 0) {
        complain(check, error.fault == FAULT_BACKUP ? 1 : EXIT_CANNOT_VERIFY, "%s", error.text);
        return;
    }
    check_document(check, path);
    json_decref(document.root);
    if (check->exit_code == 0 && !check->held_against)
        complain(check, EXIT_CANNOT_VERIFY,
                 "there is nothing that %s could be held against: name the public key with --key, "
                 "or the scenarios (or directories, with --from) whose histories it is about",
                 path);
}

int evidence_check_command(const struct common_options *common, const struct sources *sources,
                           const char *path, const char *key_path)
{
    struct check check = {.quiet = common->quiet || common->json, .sources = sources};
    struct buffer content;
    struct error error;
    if (file_read(path, FILE_LIMIT_BYTES, &content, &error) < 0) {
        complain(&check, EXIT_CANNOT_VERIFY, "%s", error.text);
        return check.exit_code;
    }
    check_content(&check, path, &content, key_path);
    buffer_free(&content);
    return check.exit_code;
}
