/* What a scenario can ask for and this version cannot do. A feature that arrives loses its line in
 * one of the two tables here, with the function named in it, and nothing else changes. */
#include <string.h>

#include "scenario/scenario.h"
#include "scenario/words.h"

static bool asks_for_change(const struct expectation *expectation)
{
    return expectation->change && expectation->metric != METRIC_ROW_COUNT;
}

static bool asks_for_same_as_copy(const struct expectation *expectation)
{
    return expectation->same_as && strcmp(expectation->same_as, "copy") == 0;
}

static const struct {
    const char *words;
    bool (*asked)(const struct expectation *expectation);
} unavailable_expectations[] = {
    {"`change for` of anything but row_count", asks_for_change},
    {"`same as copy`", asks_for_same_as_copy},
};

/* Where the scenario asks for it, or NULL. */
static const struct mark *asks_for_objects(const struct scenario *scenario)
{
    return scenario->objects.present ? &scenario->objects.mark : NULL;
}

static const struct {
    const char *words;
    const char *instead;
    const struct mark *(*asked)(const struct scenario *scenario);
} unavailable_features[] = {
    {"`objects`", "remove the section", asks_for_objects},
};

static void add(struct problems *problems, struct mark mark, const char *words, const char *instead)
{
    problems_add(problems, mark, "%s is not available in this version: %s", words, instead);
}

static void add_expectations(struct problems *problems, const struct expectation *expectations,
                             size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < ARRAY_LENGTH(unavailable_expectations); j++)
            if (unavailable_expectations[j].asked(&expectations[i]))
                add(problems, expectations[i].mark, unavailable_expectations[j].words,
                    "remove the line");
}

void scenario_unsupported(const struct scenario *scenario, struct strings *problems)
{
    struct problems found = {0};
    bool objects_refused = false;
    for (size_t i = 0; i < ARRAY_LENGTH(unavailable_features); i++) {
        const struct mark *mark = unavailable_features[i].asked(scenario);
        if (!mark)
            continue;
        add(&found, *mark, unavailable_features[i].words, unavailable_features[i].instead);
        objects_refused = objects_refused || mark == &scenario->objects.mark;
    }
    for (size_t i = 0; i < scenario->table_count; i++)
        add_expectations(&found, scenario->tables[i].expectations, scenario->tables[i].count);
    for (size_t i = 0; i < scenario->query_count; i++)
        add_expectations(&found, &scenario->queries[i].expect, 1);
    if (!objects_refused) /* with the section go its lines */
        add_expectations(&found, scenario->objects.checks, scenario->objects.check_count);
    problems_move(&found, scenario->path, problems);
}
