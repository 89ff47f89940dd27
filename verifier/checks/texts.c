/* The order of texts: by which version of which library the source's indexes are ordered, and by
 * which those of the restored database. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/session.h"

/* "libc 2.36 (de_DE.UTF-8)", to be freed by the caller. */
static char *order_words(const struct collation *collation)
{
    return xasprintf("%s %s (%s)", collation->provider,
                     *collation->actual ? collation->actual : "without a version",
                     collation->locale);
}

static char *collation_words(const struct collation *collation)
{
    return strcmp(collation->name, "default") == 0 ? xstrdup("the database's own order of texts")
                                                   : xasprintf("collation %s", collation->name);
}

/* A library that was updated under the source leaves its indexes as they were. */
static void tell_outdated(const struct collation *source, struct outcome *outcome)
{
    cleanup(free_pointer) char *words = collation_words(source);
    if (*source->recorded && *source->actual && strcmp(source->recorded, source->actual) != 0)
        outcome_detail(outcome,
                       "%s: in the source it was made with version %s of %s, which is %s there "
                       "now: indexes that are older than that may be out of order; there, REINDEX "
                       "and then ALTER %s ... REFRESH %sVERSION",
                       words, source->recorded, source->provider, source->actual,
                       strcmp(source->name, "default") == 0 ? "DATABASE" : "COLLATION",
                       strcmp(source->name, "default") == 0 ? "COLLATION " : "");
}

/* True: they are ordered otherwise. */
static bool tell_difference(const struct collation *source, const struct collation *restored,
                            struct outcome *outcome)
{
    if (!restored || (strcmp(source->provider, restored->provider) == 0 &&
                      strcmp(source->locale, restored->locale) == 0 &&
                      strcmp(source->actual, restored->actual) == 0))
        return false;
    cleanup(free_pointer) char *words = collation_words(source);
    cleanup(free_pointer) char *before = order_words(source);
    cleanup(free_pointer) char *now = order_words(restored);
    outcome_detail(outcome, "%s: %s in the source, %s where it was restored", words, before, now);
    return true;
}

void order_of_texts_tell(const struct subject *subject, struct outcome *outcome)
{
    if (!subject->manifest || subject->manifest->collations.count == 0 || subject->one_of_several)
        return;
    const struct collations *source = &subject->manifest->collations;
    struct outcome ignored = {0};
    struct error error;
    cleanup(collations_free) struct collations restored = {0};
    cleanup(connection_closep) struct connection *connection = session_open(subject, &ignored);
    if (!connection || collations_read(connection, &restored, &error) < 0) {
        outcome_detail(outcome, "by what the restored database orders its texts is not known: %s",
                       connection ? error.text : ignored.message);
        return;
    }
    size_t differing = 0;
    for (size_t i = 0; i < source->count; i++) {
        const struct collation *same = collations_find(&restored, source->items[i].name);
        differing += tell_difference(&source->items[i], same, outcome);
        tell_outdated(&source->items[i], outcome);
    }
    if (differing > 0)
        outcome_detail(outcome, "another order is harmless here, where every index was built anew; "
                                "on a data directory that is copied there, indexes on texts are "
                                "wrong until they are rebuilt (REINDEX)");
}
