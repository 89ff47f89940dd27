/* A check of one of several databases: it sees what the archive holds of that one, and the database
 * that was made of it. */
#include <string.h>

#include "base/memory.h"
#include "checks/kinds.h"

static const struct archive_database *find(const struct archive *archive, const char *name)
{
    for (size_t i = 0; i < archive->part_count; i++)
        if (strcmp(archive->parts[i].name, name) == 0)
            return &archive->parts[i];
    return NULL;
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
