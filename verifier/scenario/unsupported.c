/* What a scenario can ask for and this version cannot do. A feature that arrives loses its line in
 * the table here, with the function named in it, and nothing else changes. */
#include "scenario/scenario.h"
#include "scenario/words.h"

/* Where the scenario asks for it, or NULL. */
static const struct mark *asks_for_bucket(const struct scenario *scenario)
{
    return starts_with(scenario->backups.location, "s3://") ? &scenario->backups.location_mark
                                                            : NULL;
}

static const struct {
    const char *words;
    const char *instead;
    const struct mark *(*asked)(const struct scenario *scenario);
} unavailable_features[] = {
    {"a `location` in a bucket", "use a directory", asks_for_bucket},
};

void scenario_unsupported(const struct scenario *scenario, struct strings *problems)
{
    struct problems found = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(unavailable_features); i++) {
        const struct mark *mark = unavailable_features[i].asked(scenario);
        if (mark)
            problems_add(&found, *mark, "%s is not available in this version: %s",
                         unavailable_features[i].words, unavailable_features[i].instead);
    }
    problems_move(&found, scenario->path, problems);
}
