/* What the revisions of a project amount to together: which builds on which, which are applied, and
 * in which order the others are. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "migrations/migrations.h"

enum { CIRCLE_LIMIT_BYTES = 2048 };

const struct migration *migrations_find(const struct migrations *migrations, const char *revision)
{
    for (size_t i = 0; i < migrations->count; i++)
        if (strcmp(migrations->items[i].revision, revision) == 0)
            return &migrations->items[i];
    return NULL;
}

static size_t place_of(const struct migrations *migrations, const struct migration *migration)
{
    return (size_t)(migration - migrations->items);
}

static void add_revision(const struct migrations *migrations, size_t place, struct strings *list)
{
    strings_add(list, migrations->items[place].revision);
}

/* --- which builds on which -------------------------------------------------------------------- */

static const struct migration *find_label(const struct migrations *migrations, const char *label)
{
    for (size_t i = 0; i < migrations->count; i++)
        if (strings_contain(&migrations->items[i].labels, label))
            return &migrations->items[i];
    return NULL;
}

static int check_labels(const struct migrations *migrations, struct error *error)
{
    for (size_t i = 0; i < migrations->count; i++) {
        const struct migration *migration = &migrations->items[i];
        for (size_t j = 0; j < migration->labels.count; j++) {
            const char *label = migration->labels.items[j];
            const struct migration *other = migrations_find(migrations, label);
            if (!other && find_label(migrations, label) != migration)
                other = find_label(migrations, label);
            if (other)
                return cannot_verify(error, "%s has the label %s, which is taken by %s",
                                     migration->file, label, other->file);
        }
    }
    return 0;
}

static int connect_one(const struct migrations *migrations, struct migration *migration,
                       struct error *error)
{
    migration->before = xcalloc(migration->after.count + 1, sizeof(*migration->before));
    for (size_t i = 0; i < migration->after.count; i++) {
        const char *name = migration->after.items[i];
        const struct migration *found = migrations_find(migrations, name);
        if (!found)
            found = find_label(migrations, name);
        if (!found)
            return cannot_verify(error, "%s builds on %s, which no file there has", migration->file,
                                 name);
        migration->before[i] = place_of(migrations, found);
    }
    return 0;
}

/* Each migration is entered once and left once; a way back to one that was not left is a circle. */
struct walk {
    size_t *way;  /* those that were entered and not left, each before what it builds on */
    size_t *next; /* for each migration: how many of those that it builds on were walked */
    bool *entered;
    bool *left;
    size_t depth;
};

static int tell_circle(const struct migrations *migrations, const struct walk *walk, size_t again,
                       struct error *error)
{
    struct buffer text;
    buffer_init(&text, CIRCLE_LIMIT_BYTES);
    size_t from = walk->depth;
    while (walk->way[--from] != again)
        ;
    buffer_printf(&text, "%s builds on ", migrations->items[walk->way[from]].revision);
    while (++from < walk->depth)
        buffer_printf(&text, "%s, which builds on ", migrations->items[walk->way[from]].revision);
    cannot_verify(error, "the migrations go in a circle: %s%s", text.data,
                  migrations->items[again].revision);
    buffer_free(&text);
    return -1;
}

static int walk_from(const struct migrations *migrations, struct walk *walk, size_t start,
                     struct error *error)
{
    if (walk->entered[start])
        return 0;
    walk->entered[start] = true;
    walk->way[walk->depth++] = start;
    while (walk->depth > 0) {
        size_t at = walk->way[walk->depth - 1];
        if (walk->next[at] == migrations->items[at].after.count) {
            walk->left[at] = true;
            walk->depth--;
            continue;
        }
        size_t before = migrations->items[at].before[walk->next[at]++];
        if (walk->entered[before] && !walk->left[before])
            return tell_circle(migrations, walk, before, error);
        if (!walk->entered[before]) {
            walk->entered[before] = true;
            walk->way[walk->depth++] = before;
        }
    }
    return 0;
}

static int refuse_circles(const struct migrations *migrations, struct error *error)
{
    size_t count = migrations->count;
    struct walk walk = {.way = xcalloc(count, sizeof(*walk.way)),
                        .next = xcalloc(count, sizeof(*walk.next)),
                        .entered = xcalloc(count, sizeof(*walk.entered)),
                        .left = xcalloc(count, sizeof(*walk.left))};
    int outcome = 0;
    for (size_t i = 0; i < count && outcome == 0; i++)
        outcome = walk_from(migrations, &walk, i, error);
    free(walk.way);
    free(walk.next);
    free(walk.entered);
    free(walk.left);
    return outcome;
}

int migrations_connect(struct migrations *migrations, struct error *error)
{
    if (check_labels(migrations, error) < 0)
        return -1;
    for (size_t i = 0; i < migrations->count; i++)
        if (connect_one(migrations, &migrations->items[i], error) < 0)
            return -1;
    return refuse_circles(migrations, error);
}

/* --- which are applied ------------------------------------------------------------------------ */

/* Marks `at` and everything that it builds on. */
static void mark(const struct migrations *migrations, size_t at, bool *marked)
{
    cleanup(free_pointer) size_t *waiting = xcalloc(migrations->count, sizeof(*waiting));
    size_t count = 0;
    if (!marked[at])
        waiting[count++] = at;
    marked[at] = true;
    while (count > 0) {
        const struct migration *migration = &migrations->items[waiting[--count]];
        for (size_t i = 0; i < migration->after.count; i++) {
            if (marked[migration->before[i]])
                continue;
            marked[migration->before[i]] = true;
            waiting[count++] = migration->before[i];
        }
    }
}

static bool comes_before(const struct migrations *migrations, size_t one, size_t other)
{
    cleanup(free_pointer) bool *before = xcalloc(migrations->count, sizeof(*before));
    mark(migrations, other, before);
    return before[one];
}

bool migrations_overlap(const struct migrations *migrations, const struct strings *revisions,
                        const char **ret_earlier, const char **ret_later)
{
    for (size_t i = 0; i < revisions->count; i++)
        for (size_t j = 0; j < revisions->count; j++) {
            const struct migration *earlier = migrations_find(migrations, revisions->items[i]);
            const struct migration *later = migrations_find(migrations, revisions->items[j]);
            if (!earlier || !later || earlier == later ||
                !comes_before(migrations, place_of(migrations, earlier),
                              place_of(migrations, later)))
                continue;
            *ret_earlier = earlier->revision;
            *ret_later = later->revision;
            return true;
        }
    return false;
}

/* Tells for each whether another builds on it. */
static bool *built_on(const struct migrations *migrations)
{
    bool *result = xcalloc(migrations->count + 1, sizeof(*result));
    for (size_t i = 0; i < migrations->count; i++)
        for (size_t j = 0; j < migrations->items[i].after.count; j++)
            result[migrations->items[i].before[j]] = true;
    return result;
}

void migrations_heads(const struct migrations *migrations, struct strings *ret_revisions)
{
    cleanup(free_pointer) bool *inner = built_on(migrations);
    for (size_t i = 0; i < migrations->count; i++)
        if (!inner[i])
            add_revision(migrations, i, ret_revisions);
}

/* --- in which order --------------------------------------------------------------------------- */

/* Going back from the heads, as Alembic does: `ends` are where each branch has got to. */
struct descent {
    const struct migrations *migrations;
    bool *todo;
    size_t *ends;
    size_t end_count;
    size_t *order; /* the last to be applied first */
    size_t order_count;
};

static bool is_end(const struct descent *descent, size_t place)
{
    for (size_t i = 0; i < descent->end_count; i++)
        if (descent->ends[i] == place)
            return true;
    return false;
}

/* Another branch that has still to come down to where this one is; or this one. */
static size_t blocking_branch(const struct descent *descent, size_t branch)
{
    for (size_t i = 0; i < descent->end_count; i++)
        if (i != branch &&
            comes_before(descent->migrations, descent->ends[branch], descent->ends[i]))
            return i;
    return branch;
}

/* Takes the end of a branch, and goes on with what it builds on; gives the branch to go on with. */
static size_t step_down(struct descent *descent, size_t branch)
{
    size_t at = descent->ends[branch];
    const struct migration *migration = &descent->migrations->items[at];
    descent->order[descent->order_count++] = at;
    descent->todo[at] = false;
    bool replaced = false;
    for (size_t i = 0; i < migration->after.count; i++) {
        size_t before = migration->before[i];
        if (!descent->todo[before] || is_end(descent, before))
            continue;
        descent->ends[replaced ? descent->end_count++ : branch] = before;
        replaced = true;
    }
    if (replaced)
        return branch;
    descent->end_count--;
    memmove(&descent->ends[branch], &descent->ends[branch + 1],
            (descent->end_count - branch) * sizeof(*descent->ends));
    return branch > 0 ? branch - 1 : 0;
}

static void descend(struct descent *descent)
{
    size_t branch = 0;
    while (descent->end_count > 0) {
        size_t blocking = blocking_branch(descent, branch);
        branch = blocking == branch ? step_down(descent, branch) : blocking;
    }
}

void migrations_pending(const struct migrations *migrations, const struct strings *revisions,
                        struct strings *ret_revisions)
{
    size_t count = migrations->count;
    cleanup(free_pointer) bool *todo = xcalloc(count + 1, sizeof(*todo));
    cleanup(free_pointer) bool *inner = built_on(migrations);
    cleanup(free_pointer) size_t *ends = xcalloc(count + 1, sizeof(*ends));
    cleanup(free_pointer) size_t *order = xcalloc(count + 1, sizeof(*order));
    for (size_t i = 0; i < revisions->count; i++) {
        const struct migration *migration = migrations_find(migrations, revisions->items[i]);
        if (migration)
            mark(migrations, place_of(migrations, migration), todo);
    }
    struct descent descent = {.migrations = migrations, .todo = todo, .ends = ends, .order = order};
    for (size_t i = 0; i < count; i++) {
        todo[i] = !todo[i];
        if (todo[i] && !inner[i])
            ends[descent.end_count++] = i;
    }
    descend(&descent);
    for (size_t i = descent.order_count; i > 0; i--)
        add_revision(migrations, order[i - 1], ret_revisions);
}
