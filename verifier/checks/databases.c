/* A check of one of several databases: it sees what the archive holds of that one, and the database
 * that was made of it. */
#include <string.h>

#include "base/memory.h"
#include "checks/kinds.h"

enum { LOST_BYTES = 600 };

static const struct archive_database *find(const struct archive *archive, const char *name)
{
    for (size_t i = 0; i < archive->database_part_count; i++)
        if (strcmp(archive->database_parts[i].name, name) == 0)
            return &archive->database_parts[i];
    return NULL;
}

static bool is_there(const struct databases_fact *databases, const char *name)
{
    for (size_t i = 0; i < databases->count; i++)
        if (strcmp(databases->names[i], name) == 0)
            return true;
    return false;
}

char *databases_lost(const struct subject *subject)
{
    const struct record *previous = subject->previous;
    size_t count = 0;
    struct buffer words;
    if (!previous || !subject->scenario->backups.all_databases)
        return NULL;
    buffer_init(&words, LOST_BYTES);
    for (size_t i = 0; i < previous->databases.count; i++)
        if (!is_there(&subject->facts->databases, previous->databases.items[i]))
            buffer_printf(&words, "%s%s", count++ > 0 ? ", " : "", previous->databases.items[i]);
    cleanup(free_pointer) char *names = buffer_steal(&words);
    if (count == 0)
        return NULL;
    return xasprintf("the backup no longer holds the database%s %s, which %s in %s, the last that "
                     "verified",
                     count == 1 ? "" : "s", names, count == 1 ? "was" : "were", previous->backup);
}

void look_at_database(const struct check *check, const struct subject *subject,
                      struct outcome *outcome)
{
    const struct archive_database *part = find(subject->archive, check->database);
    cleanup(address_free) struct address address = {0};
    cleanup(archive_view_free) struct archive view = {0};
    struct subject narrowed = *subject;
    if (!part) {
        outcome_error(outcome, "the backup holds no database %s", check->database);
        return;
    }
    archive_view(subject->archive, part, &view);
    narrowed.archive = &view;
    narrowed.one_of_several = true;
    if (subject->database) {
        address_copy(subject->database, &address);
        address_set(&address, "dbname", check->database);
        narrowed.database = &address;
    }
    check->look(&narrowed, check->parameter, outcome);
}
