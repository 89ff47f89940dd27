/* Which of the databases in a backup are verified. A pg_dumpall holds many, as does a file of
 * several plain dumps with \connect between them. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "stages/run.h"

enum { LISTED = 20, LIST_BYTES = 2000 };

/* What a plain file is found to hold. */
struct contents {
    const struct archive_database **named;
    size_t count;
    const struct archive_database *unnamed; /* filled before any \connect; or NULL */
};

static void contents_free(struct contents *contents)
{
    free(contents->named);
}

static bool is_filled(const struct archive_database *part)
{
    return part->table_count > 0 || part->large_object_count > 0;
}

static void contents_find(const struct archive *archive, struct contents *ret_contents)
{
    struct contents contents = {.named = xcalloc(archive->database_part_count + 1, sizeof(void *))};
    contents.count = archive_databases(archive, contents.named);
    if (archive->database_part_count > 0 && is_filled(&archive->database_parts[0]))
        contents.unnamed = &archive->database_parts[0];
    *ret_contents = contents;
}

/* "a, b and c", to be freed by the caller. */
static char *list_words(const struct strings *names)
{
    struct buffer words;
    buffer_init(&words, LIST_BYTES);
    for (size_t i = 0; i < names->count && i < LISTED; i++) {
        bool last = i > 0 && i + 1 == names->count;
        buffer_printf(&words, "%s%s", i == 0 ? "" : last ? " and " : ", ", names->items[i]);
    }
    if (names->count > LISTED)
        buffer_printf(&words, " and %zu more", names->count - LISTED);
    return buffer_steal(&words);
}

/* The names of all but `left_out` (may be NULL), to be freed by the caller. */
static char *names_words(const struct contents *contents, const struct archive_database *left_out)
{
    cleanup(strings_free) struct strings names = {0};
    for (size_t i = 0; i < contents->count; i++)
        if (contents->named[i] != left_out)
            strings_add(&names, contents->named[i]->name);
    if (contents->unnamed && contents->unnamed != left_out)
        strings_add(&names, "one that it does not name");
    return list_words(&names);
}

/* --- one of them ------------------------------------------------------------------------------ */

static void choose(struct stages *stages, const struct contents *contents,
                   const struct archive_database *chosen)
{
    struct facts *facts = stages->facts;
    cleanup(free_pointer) char *others = names_words(contents, chosen);
    archive_view(&stages->archive, chosen, &stages->view);
    stages->has_view = true;
    text_copy(facts->databases.others, sizeof(facts->databases.others), others);
    text_copy(facts->backup.database, sizeof(facts->backup.database), chosen->name);
    if (chosen->encoding)
        text_copy(facts->backup.encoding, sizeof(facts->backup.encoding), chosen->encoding);
}

static int refuse_unknown(const struct contents *contents, const char *wanted, struct error *error)
{
    cleanup(free_pointer) const char **names = xcalloc(contents->count, sizeof(*names));
    for (size_t i = 0; i < contents->count; i++)
        names[i] = contents->named[i]->name;
    const char *near = nearest(wanted, names, contents->count);
    cleanup(free_pointer) char *question =
        near ? xasprintf("did you mean `%s`? It holds", near) : xstrdup("it holds");
    cleanup(free_pointer) char *all = names_words(contents, NULL);
    return cannot_verify(error, "the backup holds no database `%s` (backups.database): %s %s",
                         wanted, question, all);
}

static int choose_wanted(struct stages *stages, const struct contents *contents,
                         struct error *error)
{
    const char *wanted = stages->scenario->backups.database;
    const struct archive *archive = &stages->archive;
    for (size_t i = 0; i < archive->database_part_count; i++)
        if (strcmp(archive->database_parts[i].name, wanted) == 0) {
            choose(stages, contents, &archive->database_parts[i]);
            return 0;
        }
    if (archive->database && strcmp(archive->database, wanted) != 0)
        return cannot_verify(error,
                             "the backup is of the database `%s`, and backups.database is `%s`",
                             archive->database, wanted);
    if (contents->count > 0)
        return refuse_unknown(contents, wanted, error);
    stages->facts->databases.unnamed = !archive->database;
    return 0;
}

/* The scenario says nothing, and need not where only one holds anything. */
static int choose_filled(struct stages *stages, const struct contents *contents,
                         struct error *error)
{
    const struct archive_database *chosen = contents->unnamed;
    size_t filled = contents->unnamed != NULL;
    for (size_t i = 0; i < contents->count; i++)
        if (is_filled(contents->named[i])) {
            chosen = contents->named[i];
            filled++;
        }
    if (filled <= 1) {
        if (chosen && contents->count > 0)
            choose(stages, contents, chosen);
        return 0;
    }
    cleanup(free_pointer) char *all = names_words(contents, NULL);
    return cannot_verify(error,
                         "the backup holds several databases, %s: say which one to verify with "
                         "`backups.database`, or verify each with `backups.databases: all`",
                         all);
}

/* --- each of them ----------------------------------------------------------------------------- */

static int list_all(struct stages *stages, const struct contents *contents, struct error *error)
{
    struct databases_fact *fact = &stages->facts->databases;
    if (contents->count == 0)
        return 0;
    if (contents->unnamed)
        return cannot_verify(error, "the backup fills a database before it connects to one, so "
                                    "that nobody can tell which: `databases: all` needs a dump of "
                                    "pg_dumpall, or dumps made with --create");
    if (contents->count > DATABASES_MOST)
        return cannot_verify(error,
                             "the backup holds %zu databases, more than the %d that `databases: "
                             "all` verifies at once: give them scenarios with `database`",
                             contents->count, DATABASES_MOST);
    for (size_t i = 0; i < contents->count; i++)
        text_copy(fact->names[i], DATABASE_NAME_SIZE, contents->named[i]->name);
    fact->count = contents->count; /* now the main process looks at them */
    return 0;
}

int databases_choose(struct stages *stages, struct error *error)
{
    const struct strings *databases = &stages->archive.databases;
    cleanup(contents_free) struct contents contents = {0};
    if (databases->count > 0 && !stages->cluster)
        return cannot_verify(error,
                             "the backup creates databases, or connects to them, by itself (%s): "
                             "that is done on a throwaway server only",
                             databases->items[0]);
    contents_find(&stages->archive, &contents);
    if (stages->scenario->backups.all_databases)
        return list_all(stages, &contents, error);
    if (stages->scenario->backups.database)
        return choose_wanted(stages, &contents, error);
    return choose_filled(stages, &contents, error);
}
