#include "checks/absent.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "stages/exclusion.h"

enum { LISTED = 100 };

static int64_t rows_in(const struct table_counts *tables, const char *schema, const char *name)
{
    const struct table_count *table = table_counts_find(tables, schema, name);
    return table ? table->rows : 0;
}

/* The backup that had rows of it, in words, to be freed; NULL: none is known. */
static char *who_had(const struct subject *subject, const char *schema, const char *name,
                     int64_t *ret_rows)
{
    const struct manifest *manifest = subject->manifest;
    const struct record *previous = subject->previous;
    *ret_rows = manifest ? rows_in(&manifest->tables, schema, name) : 0;
    if (*ret_rows > 0)
        return xstrdup("when it was dumped, as its manifest says");
    *ret_rows = previous ? rows_in(&previous->tables, schema, name) : 0;
    if (*ret_rows > 0)
        return xasprintf("in %s, the last backup that verified", previous->backup);
    return NULL;
}

void absent_add(struct absent *absent, const struct subject *subject, const char *schema,
                const char *name, bool unlogged, struct outcome *outcome)
{
    int64_t rows;
    if (exclusion_names_rows(&subject->scenario->restore.exclude, schema, name))
        return;
    if (unlogged) {
        outcome_detail(outcome, "%s.%s: unlogged, and its rows were not dumped", schema, name);
        return;
    }
    if (absent->count++ < LISTED)
        outcome_detail(outcome, "%s.%s: defined, and without data in the archive", schema, name);
    if (!absent->first)
        absent->first = xasprintf("%s.%s", schema, name);
    cleanup(free_pointer) char *whose = who_had(subject, schema, name, &rows);
    if (!whose || absent->failed)
        return;
    absent->failed = true;
    outcome_fail(outcome,
                 "the archive holds no data of %s.%s, which had %" PRId64
                 " row%s %s: was it dumped with --exclude-table-data? If that is intended, write "
                 "`TABLE DATA %s %s` under restore.exclude",
                 schema, name, rows, rows == 1 ? "" : "s", whose, schema, name);
}

char *absent_words(const struct absent *absent)
{
    static const char how[] = "as after --exclude-table-data";
    if (absent->count == 0)
        return NULL;
    if (absent->count == 1)
        return xasprintf("the archive defines %s and holds no data of it, %s", absent->first, how);
    return xasprintf("the archive defines %zu tables, such as %s, and holds no data of them, %s",
                     absent->count, absent->first, how);
}

void absent_free(struct absent *absent)
{
    free(absent->first);
}

static char *sequence_words(const struct gaps *gaps, struct outcome *outcome)
{
    if (gaps->sequence_count == 0)
        return NULL;
    for (size_t i = 0; i < gaps->sequence_count && i < LISTED; i++)
        outcome_detail(outcome, "the sequence %s.%s: without a value in the archive",
                       gaps->sequences[i].schema, gaps->sequences[i].name);
    if (gaps->sequence_count == 1)
        return xasprintf("the archive does not say where the sequence %s.%s goes on",
                         gaps->sequences[0].schema, gaps->sequences[0].name);
    return xasprintf("the archive does not say where %zu sequences go on, such as %s.%s",
                     gaps->sequence_count, gaps->sequences[0].schema, gaps->sequences[0].name);
}

static char *unknown_words(const struct gaps *gaps, struct outcome *outcome)
{
    if (gaps->unknown.count == 0)
        return NULL;
    for (size_t i = 0; i < gaps->unknown.count && i < LISTED; i++)
        outcome_detail(outcome, "of an unknown kind: %s", gaps->unknown.items[i]);
    if (gaps->unknown.count == 1)
        return xasprintf("an entry of the archive is of a kind that this program does not know, "
                         "and was not looked at: %s",
                         gaps->unknown.items[0]);
    return xasprintf("%zu entries of the archive are of kinds that this program does not know, and "
                     "were not looked at, such as %s",
                     gaps->unknown.count, gaps->unknown.items[0]);
}

static char *large_object_words(const struct gaps *gaps)
{
    return gaps->large_objects > 0
               ? xasprintf("the archive makes %s large object%s and has no content of %s",
                           counted(gaps->large_objects).text, plural_of(gaps->large_objects),
                           gaps->large_objects == 1 ? "it" : "them")
               : NULL;
}

char *gaps_words(const struct gaps *gaps, struct outcome *outcome)
{
    cleanup(free_pointer) char *sequences = sequence_words(gaps, outcome);
    cleanup(free_pointer) char *objects = large_object_words(gaps);
    cleanup(free_pointer) char *unknown = unknown_words(gaps, outcome);
    const char *const all[] = {sequences, objects, unknown};
    struct buffer words;
    buffer_init(&words, SIZE_MAX / 2);
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++)
        if (all[i])
            buffer_printf(&words, "%s%s", words.length > 0 ? "; " : "", all[i]);
    if (words.length > 0)
        return buffer_steal(&words);
    buffer_free(&words);
    return NULL;
}
