#include "rehearsal/pending.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "migrations/names.h"
#include "migrations/warnings.h"
#include "stages/migration_files.h"

enum { FILE_LIMIT_BYTES = 4 << 20 };

static struct rehearsed_pending *add(struct rehearsal *rehearsal, const char *name,
                                     const char *title)
{
    if (rehearsal->pending_count == REHEARSED_PENDING)
        return NULL;
    struct rehearsed_pending *pending = &rehearsal->pending[rehearsal->pending_count++];
    text_copy(pending->name, sizeof(pending->name), name);
    text_copy(pending->title, sizeof(pending->title), title);
    return pending;
}

static void warn(const struct migration *migration, struct rehearsed_pending *pending)
{
    cleanup(strings_free) struct strings warnings = {0};
    struct buffer content;
    struct error ignored; /* it was read a moment ago */
    if (file_read(migration->file, FILE_LIMIT_BYTES, &content, &ignored) < 0)
        return;
    migration_warnings(content.data, &warnings);
    buffer_free(&content);
    for (size_t i = 0; i < warnings.count; i++) {
        size_t length = strlen(pending->warnings);
        snprintf(pending->warnings + length, sizeof(pending->warnings) - length, "%s%s",
                 length > 0 ? "\n" : "", warnings.items[i]);
    }
}

/* `rehearsal` may be NULL: it is only to be known how many there are, -1 where no files are named.
 */
static int find_alembic(const struct alembic_expectation *alembic, const struct strings *applied,
                        struct rehearsal *rehearsal, int64_t *ret_count, struct error *error)
{
    cleanup(places_free) struct places places = {0};
    cleanup(migrations_free) struct migrations migrations = {0};
    cleanup(strings_free) struct strings pending = {0};
    if (alembic->migrations.count == 0 && !alembic->config)
        return 0;
    if (alembic_migrations_read(alembic, &places, &migrations, error) < 0)
        return -1;
    migrations_pending(&migrations, applied, &pending);
    *ret_count = (int64_t)pending.count;
    for (size_t i = 0; i < pending.count && rehearsal; i++) {
        const struct migration *migration = migrations_find(&migrations, pending.items[i]);
        struct rehearsed_pending *added =
            migration ? add(rehearsal, migration->revision, migration->title) : NULL;
        if (added)
            warn(migration, added);
    }
    return 0;
}

static int find_others(const struct migrations_expectation *expected, const struct strings *applied,
                       struct rehearsal *rehearsal, int64_t *ret_count, struct error *error)
{
    cleanup(strings_free) struct strings names = {0};
    cleanup(strings_free) struct strings pending = {0};
    if (expected->directories.count == 0)
        return 0;
    if (tool_migrations_read(expected, &names, error) < 0)
        return -1;
    migration_names_pending(expected->tool, &names, applied, &pending);
    *ret_count = (int64_t)pending.count;
    for (size_t i = 0; i < pending.count && rehearsal; i++)
        add(rehearsal, pending.items[i], "");
    return 0;
}

static int find(const struct scenario *scenario, const struct strings *applied,
                struct rehearsal *rehearsal, int64_t *ret_count, struct error *error)
{
    *ret_count = -1;
    if (scenario->alembic_count > 0)
        return find_alembic(&scenario->alembic[0], applied, rehearsal, ret_count, error);
    if (scenario->migrations_count > 0)
        return find_others(&scenario->migrations[0], applied, rehearsal, ret_count, error);
    return 0;
}

void pending_find(const struct scenario *scenario, const struct strings *applied,
                  struct rehearsal *rehearsal)
{
    struct error error;
    int64_t ignored;
    if (find(scenario, applied, rehearsal, &ignored, &error) < 0)
        text_copy(rehearsal->pending_problem, sizeof(rehearsal->pending_problem), error.text);
}

int64_t pending_count(const struct scenario *scenario, const struct strings *applied)
{
    struct error ignored; /* pending_find has told it */
    int64_t count;
    if (scenario->alembic_count + scenario->migrations_count != 1 ||
        find(scenario, applied, NULL, &count, &ignored) < 0)
        return -1;
    return count;
}

void pending_name_steps(struct rehearsal *rehearsal)
{
    for (size_t i = 0; i < rehearsal->step_count && rehearsal->steps_are_migrations; i++)
        for (size_t j = 0; j < rehearsal->pending_count; j++)
            if (strcmp(rehearsal->steps[i].name, rehearsal->pending[j].name) == 0)
                memcpy(rehearsal->steps[i].title, rehearsal->pending[j].title,
                       sizeof(rehearsal->steps[i].title));
}
