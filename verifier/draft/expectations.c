/* What a scenario says about the data: tables, foreign keys, objects. */
#include "draft/expectations.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "draft/statement.h"
#include "draft/text.h"
#include "draft/write.h"
#include "postgres/table_counts.h"

enum {
    TABLES_LISTED = 25, /* a longer list nobody reads */
    KEYS_LISTED = 12,   /* PostgreSQL looks at all of them when it restores */
    FRESH_LISTED = 5,
    LARGE_ROWS = 1000, /* from here on a table does not lose half of its rows by itself */
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
};

/* --- tables ----------------------------------------------------------------------------------- */

/* Filled and emptied by programs: no rows are no loss. */
static bool comes_and_goes(const char *name)
{
    static const char *const parts[] = {"queue", "session", "job",  "task", "cache",  "lock",
                                        "token", "outbox",  "temp", "tmp",  "staging"};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
        if (strcasestr(name, parts[i]))
            return true;
    return false;
}

/* Can a scenario name it, and is it its own table? */
static bool is_nameable(const struct draft_table *table)
{
    return !table->is_unreadable && !table->is_partition && !table->is_left_out &&
           is_printable(table->name) && is_printable(table->schema) && *table->name &&
           !strpbrk(table->name, "\"`.") && !strpbrk(table->schema, "\"`.") &&
           table->name[0] != ' ' && !ends_with(table->name, " ") && table->schema[0] != ' ' &&
           !ends_with(table->schema, " ");
}

/* "users", or "app.users" where that is not in public or not the only one. Caller frees. */
static char *table_label(const struct draft *draft, const struct draft_table *table)
{
    size_t same = 0;
    for (size_t i = 0; i < draft->table_count; i++)
        same += strcmp(draft->tables[i].name, table->name) == 0;
    bool is_public = strcmp(table->schema, "public") == 0 && same == 1;
    return *table->schema == '\0' || is_public ? xstrdup(table->name)
                                               : xasprintf("%s.%s", table->schema, table->name);
}

/* The freshest of its columns that an expectation can name; NULL: it has none. */
static const struct draft_column *freshest(const struct draft_table *table)
{
    const struct draft_column *best = NULL;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct draft_column *column = &table->columns[i];
        if (draft_tells_freshness(column) && (column->age_s != AGE_NOT_KNOWN) &&
            (!best || column->age_s < best->age_s))
            best = column;
    }
    return best;
}

/* At least twice the age that it has now; NULL: it is not written to any more. */
static const char *fresh_limit(int64_t age_s)
{
    return age_s <= 13 * HOUR_S   ? "26h"
           : age_s <= 36 * HOUR_S ? "74h"
           : age_s <= 3 * DAY_S   ? "7d"
           : age_s <= 14 * DAY_S  ? "30d"
                                  : NULL;
}

/* Half of it, in one digit and zeros. */
static int64_t half_of(int64_t rows)
{
    int64_t scale = 1;
    while (rows / 2 / scale >= 10)
        scale *= 10;
    return rows / 2 / scale * scale;
}

static void write_freshness(const struct draft_table *table, size_t *fresh, struct buffer *file)
{
    const struct draft_column *column = freshest(table);
    const char *limit = column ? fresh_limit(column->age_s) : NULL;
    if (!limit || *fresh >= FRESH_LISTED || comes_and_goes(table->name))
        return;
    char age[DURATION_TEXT_SIZE];
    duration_format(column->age_s * 1000, age);
    cleanup(free_pointer) char *now = xasprintf("the newest is %s old now", age);
    add_line(file, now, "    - freshness(%s) < %s", column->name, limit);
    *fresh += 1;
}

/* What the backup alone does not tell. */
static void suggest_freshness(const struct draft_table *table, size_t *fresh, struct buffer *file)
{
    for (size_t i = 0; i < table->column_count && *fresh < FRESH_LISTED; i++) {
        if (!draft_tells_freshness(&table->columns[i]) || comes_and_goes(table->name))
            continue;
        add_line(file, "is it written to every day?", "    # - freshness(%s) < 26h",
                 table->columns[i].name);
        *fresh += 1;
        return;
    }
}

static void write_table(const struct draft *draft, const struct draft_table *table, size_t *fresh,
                        struct buffer *file)
{
    cleanup(free_pointer) char *label = table_label(draft, table);
    cleanup(free_pointer) char *name = yaml_scalar(label);
    cleanup(free_pointer) char *now =
        xasprintf("%s%lld now", table->is_estimate ? "about " : "", (long long)table->rows);
    add_line(file, NULL, "  %s:", name);
    if (table->rows >= LARGE_ROWS && !comes_and_goes(table->name)) {
        add_line(file, now, "    - row_count >= %lld", (long long)half_of(table->rows));
        add_line(file, "against the last backup that verified",
                 "    # - change for row_count >= -5%%");
    } else {
        add_line(file, now, "    - row_count >= 1");
    }
    /* Of a large table without an index on the column, nobody has asked. */
    if (draft->location || (table->is_estimate && !freshest(table)))
        suggest_freshness(table, fresh, file);
    else
        write_freshness(table, fresh, file);
}

static int by_rows(const void *left, const void *right)
{
    const struct draft_table *one = *(const struct draft_table *const *)left;
    const struct draft_table *other = *(const struct draft_table *const *)right;
    if (one->rows != other->rows)
        return one->rows < other->rows ? 1 : -1;
    int schemas = strcmp(one->schema, other->schema);
    return schemas ? schemas : strcmp(one->name, other->name);
}

/* Those with rows that stay, the largest first. Gives their number. */
static size_t choose_tables(const struct draft *draft, const struct draft_table **tables)
{
    size_t count = 0;
    for (size_t i = 0; i < draft->table_count; i++) {
        const struct draft_table *table = &draft->tables[i];
        bool is_transient = comes_and_goes(table->name) && table->rows < LARGE_ROWS;
        if (table->rows > 0 && !is_transient && is_nameable(table))
            tables[count++] = table;
    }
    if (count > 0)
        qsort(tables, count, sizeof(*tables), by_rows);
    return count;
}

static void write_unreadable(const struct draft *draft, struct buffer *file)
{
    for (size_t i = 0; i < draft->table_count; i++) {
        const struct draft_table *table = &draft->tables[i];
        cleanup(free_pointer) char *label = table_label(draft, table);
        cleanup(free_pointer) char *clean = comment_text(label);
        if (table->is_unreadable && !table->is_left_out)
            buffer_printf(file,
                          "  # %s: not readable for the user of this URL, so that its dump "
                          "fails; grant SELECT\n",
                          clean);
    }
}

void write_tables(const struct draft *draft, struct buffer *file)
{
    cleanup(free_pointer) const struct draft_table **tables =
        xcalloc(draft->table_count + 1, sizeof(*tables));
    size_t count = choose_tables(draft, tables);
    size_t fresh = 0;
    buffer_append_text(file,
                       "\n# Every table is compared with the backup, row for row counted, without "
                       "being named here. What stands here is what\n# your data must look like. A "
                       "line that begins with `warn:` speaks without failing.\n");
    if (draft->databases.count > 0)
        count = 0;
    buffer_append_text(file,
                       count > 0 ? "tables:\n" : "#tables:\n#  users:\n#    - row_count >= 1\n");
    for (size_t i = 0; i < count && i < TABLES_LISTED; i++)
        write_table(draft, tables[i], &fresh, file);
    if (count > TABLES_LISTED)
        buffer_printf(file, "  # and %zu smaller ones with rows\n", count - TABLES_LISTED);
    write_unreadable(draft, file);
}

/* --- foreign keys ----------------------------------------------------------------------------- */

struct listed_key {
    struct foreign_key key;
    const struct draft_table *child;
    char *name;
};

static int keys_by_rows(const void *left, const void *right)
{
    const struct listed_key *one = left, *other = right;
    int rows = by_rows(&one->child, &other->child);
    return rows ? rows : strcmp(one->name, other->name);
}

/* "comments.report_id refers to reports": to be freed by the caller. */
static char *key_name(const struct draft *draft, const struct foreign_key *key,
                      const struct draft_table *child, const struct draft_table *parent)
{
    cleanup(free_pointer) char *from = table_label(draft, child);
    cleanup(free_pointer) char *to = table_label(draft, parent);
    cleanup(free_pointer) char *columns = strings_listed(&key->columns);
    return xasprintf("%s.%s refers to a row of %s", from, columns, to);
}

static bool is_taken(const struct listed_key *keys, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(keys[i].name, name) == 0)
            return true;
    return false;
}

/* Those that a query can ask for, of tables with rows. Gives their number. */
static size_t choose_keys(const struct draft *draft, struct listed_key *keys)
{
    size_t count = 0;
    for (size_t i = 0; i < draft->key_count; i++) {
        struct listed_key *listed = &keys[count];
        *listed = (struct listed_key){0};
        if (!draft->keys[i].is_plain ||
            foreign_key_parse(draft->keys[i].definition, &listed->key) < 0)
            continue;
        listed->child = draft_table(draft, listed->key.schema, listed->key.table);
        const struct draft_table *parent =
            draft_table(draft, listed->key.parent_schema, listed->key.parent_table);
        if (listed->child && parent && listed->child->rows > 0 && is_nameable(listed->child) &&
            is_nameable(parent))
            listed->name = key_name(draft, &listed->key, listed->child, parent);
        if (listed->name && is_printable(listed->name) && is_printable(listed->key.orphans) &&
            strlen(listed->name) < 150 && !is_taken(keys, count, listed->name)) {
            count++;
            continue;
        }
        foreign_key_free(&listed->key);
        free(listed->name);
    }
    return count;
}

void write_keys(const struct draft *draft, struct buffer *file)
{
    cleanup(free_pointer) struct listed_key *keys = xcalloc(draft->key_count + 1, sizeof(*keys));
    size_t count = draft->databases.count == 0 ? choose_keys(draft, keys) : 0;
    if (count > 0) {
        qsort(keys, count, sizeof(*keys), keys_by_rows);
        buffer_append_text(file,
                           "\n# A query returns one number. Foreign keys keep orphans out of a "
                           "sound database; asking again shows that the keys\n# came back with the "
                           "data. Put here what no constraint of yours can say.\nqueries:\n");
    }
    for (size_t i = 0; i < count && i < KEYS_LISTED; i++) {
        cleanup(free_pointer) char *name = value_scalar(keys[i].name);
        cleanup(free_pointer) char *sql = value_scalar(keys[i].key.orphans);
        buffer_printf(file, "  - name: %s\n    sql: %s\n    expect: = 0\n", name, sql);
    }
    if (count > KEYS_LISTED)
        buffer_printf(file,
                      "  # and %zu more foreign key%s, which the restore makes and checks all "
                      "the same\n",
                      count - KEYS_LISTED, count - KEYS_LISTED == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        foreign_key_free(&keys[i].key);
        free(keys[i].name);
    }
}

/* --- objects ---------------------------------------------------------------------------------- */

/* Does it hold keys of a bucket, by its name and type? */
static bool holds_object_keys(const struct draft_column *column)
{
    static const char *const things[] = {"screenshot", "avatar",  "image",    "photo", "picture",
                                         "attachment", "upload",  "file",     "blob",  "s3",
                                         "object",     "storage", "thumbnail"};
    static const char *const endings[] = {"_url", "_key", "_path"};
    bool is_text = strcmp(column->type, "text") == 0 || starts_with(column->type, "character var");
    if (!is_text || !is_printable(column->name) || strpbrk(column->name, "\"'(.,) "))
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++)
        for (size_t j = 0; ends_with(column->name, endings[i]) && j < ARRAY_LENGTH(things); j++)
            if (strstr(column->name, things[j]))
                return true;
    return false;
}

void write_objects(const struct draft *draft, struct buffer *file)
{
    cleanup(strings_free) struct strings columns = {0};
    for (size_t i = 0; i < draft->table_count; i++)
        for (size_t j = 0; j < draft->tables[i].column_count && columns.count < 4; j++) {
            const struct draft_table *table = &draft->tables[i];
            if (!is_nameable(table) || strpbrk(table->name, "'(,) ") ||
                strpbrk(table->schema, "'(,) ") || !holds_object_keys(&table->columns[j]))
                continue;
            cleanup(free_pointer) char *label = table_label(draft, table);
            cleanup(free_pointer) char *column = xasprintf("%s.%s", label, table->columns[j].name);
            cleanup(free_pointer) char *clean = comment_text(column);
            if (strcmp(clean, column) == 0)
                strings_add(&columns, column);
        }
    if (columns.count == 0 || draft->databases.count > 0)
        return;
    buffer_append_text(
        file, "\n# Are these keys of a bucket? Then the objects are part of a restore: take "
              "the # away, set S3_ENDPOINT_URL,\n# S3_ACCESS_KEY and S3_SECRET_KEY, and "
              "`restore-verifier sync` fills the copy.\n"
              "#objects:\n#  bucket: s3://${S3_BUCKET_NAME}\n"
              "#  copy: ${BACKUP_DIR:-./backups}/objects\n#  checks:\n"
              "#    - object_count >= 1\n");
    for (size_t i = 0; i < columns.count; i++)
        buffer_printf(file, "#    - missing(%s) = 0\n", columns.items[i]);
}
