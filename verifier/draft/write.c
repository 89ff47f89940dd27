#include "draft/write.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "draft/statement.h"
#include "postgres/hosts.h"
#include "postgres/table_counts.h"

enum {
    FILE_LIMIT_BYTES = 4 << 20,
    TABLES_LISTED = 25, /* a longer list nobody reads */
    KEYS_LISTED = 12,   /* PostgreSQL looks at all of them when it restores */
    FRESH_LISTED = 5,
    LARGE_ROWS = 1000, /* from here on a table does not lose half of its rows by itself */
    COMMENT_COLUMN = 34,
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
};

/* --- texts ------------------------------------------------------------------------------------ */

/* What YAML 1.1 or 1.2 takes for something else than a text. */
static bool is_word_of_yaml(const char *text)
{
    static const char *const words[] = {"y",    "n",     "yes",  "no",  "on",  "off",
                                        "true", "false", "null", "nan", "inf", "none"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_bare(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || !(isalpha((unsigned char)text[0]) || strchr("_/", text[0])) ||
        is_word_of_yaml(text) || strstr(text, ": ") || strstr(text, " #") ||
        strchr(" :", text[length - 1]))
        return false;
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f)
            return false;
    return true;
}

char *yaml_scalar(const char *text)
{
    if (is_bare(text))
        return xstrdup(text);
    struct buffer quoted;
    buffer_init(&quoted, FILE_LIMIT_BYTES);
    buffer_append_text(&quoted, "\"");
    for (const char *at = text; *at; at++) {
        if (*at == '"' || *at == '\\')
            buffer_printf(&quoted, "\\%c", *at);
        else if ((unsigned char)*at < ' ' || *at == 0x7f)
            buffer_printf(&quoted, "\\x%02x", (unsigned char)*at);
        else
            buffer_append(&quoted, at, 1);
    }
    buffer_append_text(&quoted, "\"");
    return buffer_steal(&quoted);
}

/* A value of a scenario, in which `${` begins a variable. Caller frees. */
static char *value_scalar(const char *text)
{
    struct buffer value;
    buffer_init(&value, FILE_LIMIT_BYTES);
    for (const char *at = text; *at; at++)
        buffer_printf(&value, starts_with(at, "${") ? "$%c" : "%c", *at);
    cleanup(free_pointer) char *escaped = buffer_steal(&value);
    return yaml_scalar(escaped);
}

/* Fit for a comment: on one line. Caller frees. */
static char *remark(const char *text)
{
    char *clean = xstrdup(text);
    for (char *at = clean; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    return clean;
}

char *draft_scenario_name(const char *text)
{
    char *name = xstrndup(text, 60);
    for (char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')
            *at = '-';
    if (name[strspn(name, "-_")] == '\0') {
        free(name);
        return xstrdup("database");
    }
    return name;
}

/* "  key: value" with a comment at its column. */
__attribute__((format(printf, 3, 4))) static void line(struct buffer *file, const char *comment,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *text = xvasprintf(format, arguments);
    va_end(arguments);
    int pad = comment ? COMMENT_COLUMN - (int)utf8_count(text, strlen(text)) : 0;
    buffer_printf(file, "%s%*s%s%s\n", text, comment ? (pad > 1 ? pad : 1) : 0, "",
                  comment ? "# " : "", comment ? comment : "");
}

/* --- head, source, backups -------------------------------------------------------------------- */

static void write_head(const struct draft *draft, const char *scenario, const char *schema,
                       struct buffer *file)
{
    cleanup(free_pointer) char *origin = remark(draft->origin);
    cleanup(free_pointer) char *version =
        remark(draft->server_version ? draft->server_version : "of a version that is not told");
    char size[SIZE_TEXT_SIZE];
    size_format(draft->size_bytes, size);
    buffer_printf(file,
                  "# yaml-language-server: $schema=%s\n"
                  "#\n"
                  "# Written by `restore-verifier init` from %s:\n"
                  "# PostgreSQL %s, %s, %zu table%s.\n"
                  "# It verifies as it is. Now make it yours: what must be in your data for a "
                  "restore to be worth something?\n"
                  "# `man restore-verifier-scenario` tells of every key, `restore-verifier check "
                  "%s.yaml` whether all is there that\n"
                  "# a night needs. ${NAME} comes from the environment; passwords stay out of this "
                  "file.\n\n",
                  schema, origin, version, size, draft->table_count,
                  draft->table_count == 1 ? "" : "s", scenario);
    cleanup(free_pointer) char *comment = xasprintf("names the report: reports/%s.xml", scenario);
    cleanup(free_pointer) char *name = yaml_scalar(scenario);
    line(file, comment, "scenario: %s", name);
}

static void write_source(const struct draft *draft, struct buffer *file)
{
    const char *mute = draft->location ? "#" : "";
    buffer_append_text(file, "\n");
    if (draft->location)
        buffer_append_text(file, "# These backups are made by somebody else. To make them with "
                                 "`restore-verifier dump`, say where the database is.\n");
    line(file, draft->location ? NULL : "where `dump` connects to", "%ssource:", mute);
    if (!draft->location)
        line(file, NULL, "  host: %s", host_name(draft->host));
    line(file,
         draft->host == HOST_SUPABASE
             ? "the session pooler, port 5432: the direct host has only IPv6"
             : "postgresql://USER:PASSWORD@HOST/DATABASE; set it where this runs",
         "%s  database: ${DATABASE_URL}", mute);
}

static void write_age(const struct draft *draft, struct buffer *file)
{
    char age[DURATION_TEXT_SIZE];
    duration_format(draft->backup_age_s * 1000, age);
    cleanup(free_pointer) char *old =
        xasprintf("this backup is %s old; with a new one every night, take the # away", age);
    if (draft->location && draft->backup_age_s > DAY_S + HOUR_S)
        line(file, old, "  # max_age: 26h");
    else
        line(file, "one night, and two hours for a dump that started late", "  max_age: 26h");
}

static void write_databases(const struct draft *draft, struct buffer *file)
{
    if (draft->databases.count == 0)
        return;
    cleanup(strings_free) struct strings shown = {0};
    for (size_t i = 0; i < draft->databases.count; i++) {
        cleanup(free_pointer) char *name = remark(draft->databases.items[i]);
        strings_add(&shown, *name ? name : "(the one that psql is started in)");
    }
    cleanup(free_pointer) char *listed = strings_listed(&shown);
    buffer_printf(file,
                  "  # It holds %s. All of them are restored and compared with the backup.\n"
                  "  # What must be in the data can be said in a scenario of one of them: "
                  "`database: NAME` instead.\n"
                  "  databases: all\n",
                  listed);
}

static void write_backups(const struct draft *draft, const char *scenario, struct buffer *file)
{
    cleanup(free_pointer) char *location = draft->location ? value_scalar(draft->location) : NULL;
    cleanup(free_pointer) char *own = xasprintf("%s_%%Y%%m%%d.dump.gz", scenario);
    cleanup(free_pointer) char *name = value_scalar(draft->pattern ? draft->pattern : own);
    buffer_append_text(file, "\nbackups:\n");
    if (location)
        line(file, NULL, "  location: %s", location);
    else
        line(file, "or s3://bucket/prefix", "  location: ${BACKUP_DIR:-./backups}");
    line(file,
         draft->is_undated ? "it tells no date, so that of the file counts"
                           : "the date in the name says how old a backup is",
         "  name: %s", name);
    if (draft->is_undated)
        line(file, NULL, "  time: %s", draft->has_header ? "header" : "modified");
    write_age(draft, file);
    if (!draft->location)
        line(file, "`prune` deletes what is older, and never the last good one", "  keep: 30d");
    if (!draft->has_rows)
        line(file, "there is no row in it yet; take this away once there is",
             "  may_be_empty: true");
    write_databases(draft, file);
}

/* --- restore, migrations ---------------------------------------------------------------------- */

static void write_restore(const struct draft *draft, struct buffer *file)
{
    buffer_append_text(file, "\nrestore:\n");
    line(file, "a private server, made for this and deleted afterwards", "  server: throwaway");
    line(file, NULL, "  timeout: %s", draft->size_bytes > INT64_C(20) << 30 ? "6h" : "1h");
    if (draft->host == HOST_RENDER || draft->host == HOST_SUPABASE || draft->host == HOST_NEON)
        line(file, "tells what would not come back there", "  # target: %s",
             host_name(draft->host));
    if (draft->exclusions.count > 0)
        buffer_append_text(file, "  # Supabase's own, which needs what only Supabase has. It is in "
                                 "the backup, and is not restored.\n  exclude:\n");
    for (size_t i = 0; i < draft->exclusions.count; i++)
        line(file, NULL, "    - %s", draft->exclusions.items[i]);
    if (draft->extensions.count > 0) {
        cleanup(free_pointer) char *listed = strings_listed(&draft->extensions);
        cleanup(free_pointer) char *clean = remark(listed);
        buffer_printf(file, "  # Needed where it is restored: the extension%s %s.\n",
                      draft->extensions.count == 1 ? "" : "s", clean);
    }
}

static void write_alembic(const struct draft *draft, const struct draft_migrations *migrations,
                          struct buffer *file)
{
    cleanup(free_pointer) char *table = value_scalar(migrations->table);
    bool by_dump = !draft->location || draft->has_manifest;
    buffer_append_text(file, "\nalembic:\n");
    line(file,
         by_dump ? "the revision that the dump saw is the one that comes back"
                 : "the first run has none to compare with, and warns",
         "  version: same as %s", by_dump ? "dump" : "last verified");
    line(file, "better: every migration of the code is applied", "  # version: head");
    line(file, NULL, "  # config: ../api/alembic.ini");
    if (strcmp(migrations->table, migration_tool_table(TOOL_ALEMBIC)) != 0)
        line(file, NULL, "  table: %s", table);
}

static void write_tools(const struct draft *draft, struct buffer *file)
{
    bool is_first = true;
    for (size_t i = 0; i < draft->migration_count; i++) {
        const struct draft_migrations *migrations = &draft->migrations[i];
        const char *own = migration_tool_table(migrations->tool);
        if (migrations->tool == TOOL_ALEMBIC) {
            write_alembic(draft, migrations, file);
            continue;
        }
        if (is_first)
            buffer_append_text(file, "\nmigrations:\n");
        is_first = false;
        cleanup(free_pointer) char *table = value_scalar(migrations->table);
        line(file, NULL, "  - tool: %s", migration_tool_name(migrations->tool));
        if (!draft->location)
            line(file, "what the dump saw applied is what comes back", "    version: same as dump");
        else
            line(file, "without it: that none of them failed",
                 "    # version: same as last verified");
        line(file, "better: every migration of the code is applied", "    # version: head");
        line(file, NULL, "    # directory: ../app");
        if (strcmp(migrations->table, own) != 0)
            line(file, NULL, "    table: %s", table);
    }
}

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
    line(file, now, "    - freshness(%s) < %s", column->name, limit);
    *fresh += 1;
}

/* What the backup alone does not tell. */
static void suggest_freshness(const struct draft_table *table, size_t *fresh, struct buffer *file)
{
    for (size_t i = 0; i < table->column_count && *fresh < FRESH_LISTED; i++) {
        if (!draft_tells_freshness(&table->columns[i]) || comes_and_goes(table->name))
            continue;
        line(file, "is it written to every day?", "    # - freshness(%s) < 26h",
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
    line(file, NULL, "  %s:", name);
    if (table->rows >= LARGE_ROWS && !comes_and_goes(table->name)) {
        line(file, now, "    - row_count >= %lld", (long long)half_of(table->rows));
        line(file, "against the last backup that verified", "    # - change for row_count >= -5%%");
    } else {
        line(file, now, "    - row_count >= 1");
    }
    if (draft->location)
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
        cleanup(free_pointer) char *clean = remark(label);
        if (table->is_unreadable && !table->is_left_out)
            buffer_printf(file,
                          "  # %s: not readable for the user of this URL, so that its dump "
                          "fails; grant SELECT\n",
                          clean);
    }
}

static void write_tables(const struct draft *draft, struct buffer *file)
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

static void write_keys(const struct draft *draft, struct buffer *file)
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

static void write_objects(const struct draft *draft, struct buffer *file)
{
    cleanup(strings_free) struct strings columns = {0};
    for (size_t i = 0; i < draft->table_count; i++)
        for (size_t j = 0; j < draft->tables[i].column_count && columns.count < 4; j++) {
            const struct draft_table *table = &draft->tables[i];
            if (!is_nameable(table) || strpbrk(table->name, "'(,) ") ||
                strpbrk(table->schema, "'(,) ") || !holds_object_keys(&table->columns[j]))
                continue;
            cleanup(free_pointer) char *label = table_label(draft, table);
            strings_addf(&columns, "%s.%s", label, table->columns[j].name);
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

char *draft_write(const struct draft *draft, const char *scenario, const char *schema)
{
    struct buffer file;
    buffer_init(&file, FILE_LIMIT_BYTES);
    write_head(draft, scenario, schema, &file);
    write_source(draft, &file);
    write_backups(draft, scenario, &file);
    write_restore(draft, &file);
    if (draft->databases.count == 0)
        write_tools(draft, &file);
    write_tables(draft, &file);
    write_keys(draft, &file);
    write_objects(draft, &file);
    return buffer_steal(&file);
}
