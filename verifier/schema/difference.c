/* The difference of two schemas. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/schema.h"

typedef bool is_pair(const struct schema_object *expected, const struct schema_object *found);

/* Objects of the same kind, schema and name in both: mostly one and one. Operators have the name of
 * each other, and differ in what they are for. */
struct group {
    const struct schema_object *expected, *found;
    size_t expected_count, found_count;
    bool *expected_met, *found_met;
};

/* How many at the beginning have one name. */
static size_t run_length(const struct schema_object *objects, size_t count)
{
    size_t length = count > 0;
    while (length < count && schema_object_compare(objects, &objects[length]) == 0)
        length++;
    return length;
}

static bool is_same_text(const struct schema_object *expected, const struct schema_object *found)
{
    return expected->definition && found->definition &&
           definition_is_same(&expected->exact, &found->exact);
}

static bool is_known_same(const struct schema_object *expected, const struct schema_object *found)
{
    if (!expected->has_definition || !found->has_definition)
        return false;
    if (is_same_text(expected, found))
        return true;
    const struct definition_digest one = schema_object_said(expected);
    const struct definition_digest other = schema_object_said(found);
    return definition_is_same(&one, &other);
}

static bool is_named_same(const struct schema_object *expected, const struct schema_object *found)
{
    return !expected->has_definition || !found->has_definition;
}

static bool is_any(const struct schema_object *expected, const struct schema_object *found)
{
    (void)expected, (void)found;
    return true;
}

static void take_same(const struct schema_object *expected, const struct schema_object *found,
                      enum schema_depth depth, struct schema_difference *difference)
{
    difference->same++;
    if (depth == SCHEMA_NAMES)
        return;
    if (!expected->has_definition || !found->has_definition)
        difference->only_named += !schema_kind_is_named_only(expected->kind);
    else if (expected->definition && found->definition)
        difference->rewritten += !is_same_text(expected, found);
}

/* Takes away the pairs of a group. `changed`: they are not the same. */
static void pair_off(struct group *group, is_pair *is, bool changed, enum schema_depth depth,
                     struct schema_difference *difference)
{
    for (size_t i = 0; i < group->expected_count; i++)
        for (size_t j = 0; j < group->found_count && !group->expected_met[i]; j++) {
            if (group->found_met[j] || !is(&group->expected[i], &group->found[j]))
                continue;
            group->expected_met[i] = group->found_met[j] = true;
            if (changed)
                difference->changed[difference->changed_count++] = &group->expected[i];
            else
                take_same(&group->expected[i], &group->found[j], depth, difference);
        }
}

static void compare_group(struct group *group, enum schema_depth depth,
                          struct schema_difference *difference)
{
    if (depth == SCHEMA_DEFINITIONS) {
        pair_off(group, is_known_same, false, depth, difference);
        pair_off(group, is_named_same, false, depth, difference);
    }
    pair_off(group, is_any, depth == SCHEMA_DEFINITIONS, depth, difference);
    for (size_t i = 0; i < group->expected_count; i++)
        if (!group->expected_met[i])
            difference->missing[difference->missing_count++] = &group->expected[i];
    for (size_t j = 0; j < group->found_count; j++)
        if (!group->found_met[j])
            difference->added[difference->added_count++] = &group->found[j];
}

static void compare_all(const struct schema *expected, const struct schema *found,
                        enum schema_depth depth, struct schema_difference *difference)
{
    cleanup(free_pointer) bool *expected_met = xcalloc(expected->count, sizeof(bool));
    cleanup(free_pointer) bool *found_met = xcalloc(found->count, sizeof(bool));
    size_t i = 0, j = 0;
    while (i < expected->count || j < found->count) {
        int order = i == expected->count ? 1
                    : j == found->count
                        ? -1
                        : schema_object_compare(&expected->objects[i], &found->objects[j]);
        struct group group = {.expected = expected->objects + i,
                              .found = found->objects + j,
                              .expected_met = expected_met + i,
                              .found_met = found_met + j};
        if (order <= 0)
            group.expected_count = run_length(group.expected, expected->count - i);
        if (order >= 0)
            group.found_count = run_length(group.found, found->count - j);
        compare_group(&group, depth, difference);
        i += group.expected_count;
        j += group.found_count;
    }
}

/* ---- names as other versions wrote them ---- */

/* Older versions named what is of a table without the table, functions with types that are found
 * without their schema, and gave some objects a schema and others none. */
static bool is_last_word(const char *whole, const char *word)
{
    size_t length = strlen(whole), end = strlen(word);
    return length > end + 1 && whole[length - end - 1] == ' ' && ends_with(whole, word);
}

static bool has_same_function_name(const char *one, const char *other)
{
    size_t length = strcspn(one, "(");
    return one[length] == '(' && length == strcspn(other, "(") && memcmp(one, other, length) == 0;
}

static bool is_alike(const struct schema_object *expected, const struct schema_object *found)
{
    bool in_same_schema =
        strcmp(expected->schema, found->schema) == 0 || !*expected->schema || !*found->schema;
    return strcmp(expected->kind, found->kind) == 0 && in_same_schema &&
           (strcmp(expected->name, found->name) == 0 || is_last_word(found->name, expected->name) ||
            is_last_word(expected->name, found->name) ||
            has_same_function_name(expected->name, found->name));
}

/* What is left of each list after those are paired off that are alike. */
static void pair_alike(struct schema_difference *difference)
{
    size_t kept = 0;
    for (size_t i = 0; i < difference->missing_count; i++) {
        size_t j = 0;
        while (j < difference->added_count &&
               !is_alike(difference->missing[i], difference->added[j]))
            j++;
        if (j == difference->added_count) {
            difference->missing[kept++] = difference->missing[i];
            continue;
        }
        difference->same++;
        difference->added[j] = difference->added[--difference->added_count];
    }
    difference->missing_count = kept;
}

void schema_compare(const struct schema *expected, const struct schema *found,
                    enum schema_depth depth, struct schema_difference *ret_difference)
{
    struct schema_difference difference = {
        .missing = xcalloc(expected->count, sizeof(void *)),
        .added = xcalloc(found->count, sizeof(void *)),
        .changed = xcalloc(expected->count, sizeof(void *)),
    };
    compare_all(expected, found, depth, &difference);
    if (depth == SCHEMA_NAMES)
        pair_alike(&difference);
    *ret_difference = difference;
}

void schema_difference_free(struct schema_difference *difference)
{
    free(difference->missing);
    free(difference->added);
    free(difference->changed);
    *difference = (struct schema_difference){0};
}
