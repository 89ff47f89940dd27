/* Who may do what, as the backup names it, against a file of the project. Nobody is given a right:
 * both are read, and neither is restored. */
#include <stdlib.h>
#include <string.h>

#include "archive/grants.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "postgres/tools.h"
#include "schema/schema.h"

enum { NAMED = 5, NAMES_BYTES = 700, LISTED = 100 };

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void sort(struct strings *texts)
{
    if (texts->count > 0)
        qsort(texts->items, texts->count, sizeof(*texts->items), compare_texts);
}

/* Of two sorted lists. */
struct rights_difference {
    struct strings lines; /* "- GRANT ...": gone first, then what is new */
    size_t gone, new;
};

static size_t add_missing(const struct strings *from, const struct strings *in, char sign,
                          struct strings *lines)
{
    size_t missing = 0, at = 0;
    for (size_t i = 0; i < from->count; i++) {
        while (at < in->count && strcmp(in->items[at], from->items[i]) < 0)
            at++;
        bool repeated = i > 0 && strcmp(from->items[i - 1], from->items[i]) == 0;
        if (repeated || (at < in->count && strcmp(in->items[at], from->items[i]) == 0))
            continue;
        strings_addf(lines, "%c %s", sign, from->items[i]);
        missing++;
    }
    return missing;
}

/* "1 gone, 2 new: - GRANT ..., and 1 more", to be freed by the caller. */
static char *difference_words(const struct rights_difference *difference)
{
    struct buffer names;
    size_t named = 0;
    buffer_init(&names, NAMES_BYTES);
    while (named < difference->lines.count && named < NAMED &&
           buffer_printf(&names, "%s%s", named > 0 ? "; " : "", difference->lines.items[named]) ==
               0)
        named++;
    cleanup(free_pointer) char *listed = buffer_steal(&names);
    cleanup(free_pointer) char *more =
        named < difference->lines.count
            ? xasprintf(" and %zu more", difference->lines.count - named)
            : xstrdup("");
    cleanup(free_pointer) char *gone =
        difference->gone > 0 ? xasprintf("%zu gone", difference->gone) : xstrdup("");
    cleanup(free_pointer) char *new =
        difference->new > 0 ? xasprintf("%zu new", difference->new) : xstrdup("");
    return xasprintf("%s%s%s: %s%s", gone, *gone && *new ? ", " : "", new, listed, more);
}

static void tell_limits(const struct archive *reference, const struct archive *backup,
                        const struct strings *before, const struct strings *now, const char *file,
                        struct outcome *outcome)
{
    const char *one = reference->server_version, *other = backup->server_version;
    if (before->count == 0 || now->count == 0)
        outcome_detail(outcome, "%s names no rights at all: was it dumped with --no-privileges?",
                       before->count == 0 ? file : "the backup");
    if (one && other && version_major(one) != version_major(other))
        outcome_detail(outcome,
                       "PostgreSQL %d wrote the one and %d the other, which may write the same "
                       "rights otherwise",
                       version_major(one), version_major(other));
}

static void compare(const struct subject *subject, const struct schema_expectation *expected,
                    const struct archive *reference, struct strings *before, struct strings *now,
                    struct outcome *outcome)
{
    struct rights_difference difference = {0};
    sort(before);
    sort(now);
    difference.gone = add_missing(before, now, '-', &difference.lines);
    difference.new = add_missing(now, before, '+', &difference.lines);
    for (size_t i = 0; i < difference.lines.count && i < LISTED; i++)
        outcome_detail(outcome, "%s", difference.lines.items[i]);
    if (difference.lines.count > LISTED)
        outcome_detail(outcome, "and %zu more", difference.lines.count - LISTED);
    cleanup(free_pointer) char *words = difference_words(&difference);
    if (difference.lines.count == 0)
        outcome_pass(outcome, "%zu statement%s", now->count, now->count == 1 ? "" : "s");
    else if (expected->warn)
        outcome_warn(outcome, "since %s, %s", expected->file, words);
    else
        outcome_fail(outcome, "since %s, %s", expected->file, words);
    if (difference.lines.count > 0 || now->count == 0)
        tell_limits(reference, subject->archive, before, now, expected->file, outcome);
    strings_free(&difference.lines);
}

/* Such as a dump of the data alone, which says nothing of rights. */
static bool defines_nothing(const struct archive *archive)
{
    struct schema schema;
    schema_find_all(archive, &schema);
    bool nothing = schema.count == 0;
    schema_free(&schema);
    return nothing;
}

void grants_expected(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct schema_expectation *expected = parameter;
    static const struct archive_options options = {.threads = 1, .is_part = true};
    cleanup(archive_free) struct archive reference = {0};
    cleanup(strings_free) struct strings before = {0};
    cleanup(strings_free) struct strings now = {0};
    struct error error;
    if (archive_read(&reference, expected->file, &options, &error) < 0 ||
        grants_find(&reference, &before, &error) < 0)
        outcome_error(outcome, "the rights in %s cannot be read: %s", expected->file, error.text);
    else if (before.count == 0 && defines_nothing(&reference))
        outcome_error(outcome,
                      "%s defines nothing, and names no rights: name a file that `pg_dump "
                      "--schema-only` has written",
                      expected->file);
    else if (grants_find(subject->archive, &now, &error) < 0)
        outcome_error(outcome, "the rights in the backup cannot be read: %s", error.text);
    else
        compare(subject, expected, &reference, &before, &now, outcome);
}
