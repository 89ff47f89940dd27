/* Damage to an archive in custom format, behind which it is whole again. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "sabotage/damage.h"
#include "sabotage/rewrite.h"

enum { DAY_S = 24 * 60 * 60 };

static int rewrite(struct damage *damage, const struct rewriting *rewriting, struct error *error)
{
    return archive_rewrite(damage->from, damage->archive->container, rewriting, damage->to, error);
}

static size_t entry_index(const struct archive *archive, int dump_id)
{
    for (size_t i = 0; i < archive->entry_count; i++)
        if (archive->entries[i].dump_id == dump_id)
            return i;
    return archive->entry_count;
}

/* ---- the table ---- */

/* Do foreign keys point to it? Then a row that is gone would be missed by others. */
static bool is_referred_to(const struct archive *archive, const struct archive_table *table)
{
    cleanup(free_pointer) char *words = xasprintf("REFERENCES %s.%s(", table->schema, table->name);
    for (size_t i = 0; i < archive->entry_count; i++)
        if (strcmp(archive->entries[i].description, "FK CONSTRAINT") == 0 &&
            strstr(archive->entries[i].definition, words))
            return true;
    return false;
}

static const char *definition_of(const struct archive *archive, const struct archive_table *table)
{
    for (size_t i = 0; i < archive->entry_count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        if (strcmp(entry->description, "TABLE") == 0 && strcmp(entry->tag, table->name) == 0 &&
            strcmp(entry->schema, table->schema) == 0)
            return entry->definition;
    }
    return "";
}

/* What says which columns of a table are keys; to be freed by the caller. */
static char *keys_of(const struct archive *archive)
{
    struct buffer keys;
    buffer_init(&keys, SIZE_MAX / 2);
    for (size_t i = 0; i < archive->entry_count; i++)
        if (strcmp(archive->entries[i].description, "FK CONSTRAINT") == 0)
            buffer_append_text(&keys, archive->entries[i].definition);
    return buffer_steal(&keys);
}

/* A column of it that can be changed; -1: none. */
static int column_of(struct damage *damage, const struct archive_table *table)
{
    cleanup(free_pointer) char *keys = keys_of(damage->archive);
    return copy_text_column(table->columns ? table->columns : "",
                            definition_of(damage->archive, table), keys,
                            (size_t)damage_random(damage, 1000));
}

/* What is asked of a table, one thing more than the other. */
enum fitness { UNFIT, FIT, BEST };

static enum fitness fitness_of(struct damage *damage, const struct archive_table *table,
                               enum row_edit edit)
{
    if (table->totals.rows == 0 || !table->columns ||
        table->totals.bytes + table->totals.rows > REWRITE_TABLE_LIMIT_BYTES ||
        exclusion_has_table(damage->archive, damage->exclusion, table) ||
        (edit == ROW_CHANGED && column_of(damage, table) < 0))
        return UNFIT;
    return edit != ROW_CHANGED && is_referred_to(damage->archive, table) ? FIT : BEST;
}

/* One of the fittest. */
const struct archive_table *entries_table(struct damage *damage, enum row_edit edit)
{
    const struct archive *archive = damage->archive;
    const struct archive_table *chosen = NULL;
    enum fitness best = FIT;
    uint64_t count = 0;
    for (size_t i = 0; i < archive->table_count; i++) {
        enum fitness fitness = fitness_of(damage, &archive->tables[i], edit);
        if (fitness < best)
            continue;
        count = fitness > best ? 1 : count + 1;
        best = fitness;
        if (damage_random(damage, count) == 0)
            chosen = &archive->tables[i];
    }
    return chosen;
}

int entries_missing_data(struct damage *damage, struct error *error)
{
    const struct archive_table *table = entries_table(damage, ROWS_REMOVED);
    if (!table)
        return damage_not_here(damage, "no table has rows");
    cleanup(free_pointer) char *label = archive_table_label(table);
    damage->fact->must = true;
    damage_tell(damage, "the data of %s is missing, which the table of contents announces", label);
    return rewrite(damage, &(struct rewriting){.missing_id = table->dump_id}, error);
}

/* ---- rows ---- */

struct rows_context {
    struct row_change change;
    int64_t edited; /* the row; -1: none */
};

static int rows_change(const void *context, const struct buffer *rows, struct buffer *ret_rows,
                       struct error *error)
{
    struct rows_context *mutable = (struct rows_context *)(uintptr_t)context;
    mutable->edited = copy_rows_edit(&mutable->change, rows, ret_rows);
    return mutable->edited >= 0 ? 0 : cannot_verify(error, "no row has a text to change");
}

static void tell_rows(struct damage *damage, const struct rows_context *rows, const char *label)
{
    switch (rows->change.edit) {
    case ROW_REMOVED:
        damage_tell(damage, "row %" PRId64 " of %s is gone", rows->edited + 1, label);
        damage_remedy(damage,
                      "make the backups with `restore-verifier dump`, whose manifest tells it, and "
                      "expect `row_count same as dump` under tables.%s; or expect a number there",
                      label);
        break;
    case ROW_CHANGED:
        damage_tell(damage, "a character in row %" PRId64 " of %s is another one", rows->edited + 1,
                    label);
        damage_remedy(damage,
                      "make the backups with `restore-verifier dump`, whose manifest has the "
                      "SHA-256 of the file; nothing in the backup itself can tell");
        break;
    case ROWS_REMOVED:
        damage_tell(damage, "%s has lost its %" PRId64 " row%s", label, rows->edited,
                    rows->edited == 1 ? "" : "s");
        damage_remedy(damage, "expect `row_count >= 1` under tables.%s", label);
        break;
    }
}

int entries_rows(struct damage *damage, enum row_edit edit, struct error *error)
{
    const struct archive_table *table = entries_table(damage, edit);
    if (!table)
        return damage_not_here(damage, edit == ROW_CHANGED
                                           ? "no table of at most 32 MiB has a text to change"
                                           : "no table of at most 32 MiB has rows to copy");
    struct rows_context rows = {
        .change = {.edit = edit,
                   .row = (int64_t)damage_random(damage, (uint64_t)table->totals.rows),
                   .column = edit == ROW_CHANGED ? column_of(damage, table) : 0},
        .edited = -1};
    const struct rewriting rewriting = {
        .changed_id = table->dump_id, .change = rows_change, .context = &rows};
    int outcome = rewrite(damage, &rewriting, error);
    if (outcome < 0 && rows.edited < 0 && edit == ROW_CHANGED) { /* from there on */
        rows.change.row = 0;
        outcome = rewrite(damage, &rewriting, error);
        if (outcome < 0 && rows.edited < 0)
            return damage_not_here(damage, "%s has no text to change", table->name);
    }
    cleanup(free_pointer) char *label = archive_table_label(table);
    tell_rows(damage, &rows, label);
    return outcome;
}

/* ---- entries ---- */

struct left_out {
    bool *entries; /* in the order of the archive, which is that of the image */
    size_t count;
};

static void left_out_free(struct left_out *left_out)
{
    free(left_out->entries);
}

static void leave_out(struct image *image, const void *context)
{
    const struct left_out *left_out = context;
    for (size_t i = 0; i < image->count && i < left_out->count; i++)
        image->entries[i].left_out = left_out->entries[i];
}

/* What may go with an object without anybody calling it a loss of its own. */
static bool is_part_of_another(const struct archive_entry *entry)
{
    static const char *const parts[] = {
        "COMMENT",           "ACL",     "SECURITY LABEL", "SEQUENCE SET", "INDEX ATTACH",
        "SEQUENCE OWNED BY", "DEFAULT", "STATISTICS DATA"};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
        if (strcmp(entry->description, parts[i]) == 0)
            return true;
    return false;
}

static bool depends_on(const struct archive *archive, const struct archive_entry *entry,
                       const struct left_out *left_out)
{
    for (size_t i = 0; i < entry->dependency_count; i++) {
        size_t index = entry_index(archive, entry->dependencies[i]);
        if (index < archive->entry_count && left_out->entries[index])
            return true;
    }
    return false;
}

/* The entry, with what cannot be without it; false: that is more than its parts. */
static bool leave_out_whole(const struct archive *archive, size_t index, struct left_out *left_out)
{
    memset(left_out->entries, 0, archive->entry_count * sizeof(*left_out->entries));
    left_out->entries[index] = true;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < archive->entry_count; i++) {
            if (left_out->entries[i] || !depends_on(archive, &archive->entries[i], left_out))
                continue;
            if (!is_part_of_another(&archive->entries[i]))
                return false;
            left_out->entries[i] = more = true;
        }
    }
    return true;
}

static bool is_one_of(const char *description, const char *const *types)
{
    for (; *types; types++)
        if (strcmp(description, *types) == 0)
            return true;
    return false;
}

int entries_left_out(struct damage *damage, const char *const *types, const char *what,
                     struct error *error)
{
    const struct archive *archive = damage->archive;
    cleanup(free_pointer) size_t *found = xcalloc(archive->entry_count, sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (is_one_of(archive->entries[i].description, types) && !damage->exclusion->left_out[i])
            found[count++] = i;
    if (count == 0)
        return damage_not_here(damage, "there is no %s in this backup", what);
    cleanup(left_out_free) struct left_out left_out = {
        .entries = xcalloc(archive->entry_count, sizeof(*left_out.entries)),
        .count = archive->entry_count};
    size_t first = (size_t)damage_random(damage, count);
    size_t tried = 0;
    while (tried < count && !leave_out_whole(archive, found[(first + tried) % count], &left_out))
        tried++;
    if (tried == count)
        return damage_not_here(damage, "no %s of this backup can be missing alone", what);
    const struct archive_entry *entry = &archive->entries[found[(first + tried) % count]];
    cleanup(free_pointer) char *name = entry_name(entry);
    damage_tell(damage, "%s is not in the table of contents", name);
    /* The tag of what belongs to a table begins with the name of that. */
    static const char *const of_table[] = {"CONSTRAINT", "TRIGGER", "POLICY", NULL};
    const char *space = is_one_of(types[0], of_table) ? strchr(entry->tag, ' ') : NULL;
    damage_remedy_object(damage, types[0], space ? space + 1 : entry->tag);
    return rewrite(damage, &(struct rewriting){.alter = leave_out, .context = &left_out}, error);
}

/* ---- sequences ---- */

struct sequence {
    size_t index;
    char *definition;
};

static void sequence_set(struct image *image, const void *context)
{
    const struct sequence *sequence = context;
    image->entries[sequence->index].fields[FIELD_DEFINITION].text = sequence->definition;
}

/* SELECT pg_catalog.setval('public.users_id_seq', 42, true); with another number; to be freed by
 * the caller. NULL: it stands at 1, or is something else. */
static char *set_to_one(const char *definition)
{
    static const char comma[] = "', ";
    const char *value = NULL;
    for (const char *next = definition; (next = strstr(next, comma)); next++)
        value = next + strlen(comma);
    size_t digits = value ? strspn(value, "0123456789") : 0;
    if (digits == 0 || (digits == 1 && *value == '1'))
        return NULL;
    return xasprintf("%.*s1%s", (int)(value - definition), definition, value + digits);
}

int entries_sequence(struct damage *damage, struct error *error)
{
    const struct archive *archive = damage->archive;
    struct sequence chosen = {0};
    uint64_t count = 0;
    for (size_t i = 0; i < archive->entry_count; i++) {
        cleanup(free_pointer) char *definition =
            strcmp(archive->entries[i].description, "SEQUENCE SET") == 0 &&
                    !damage->exclusion->left_out[i]
                ? set_to_one(archive->entries[i].definition)
                : NULL;
        if (!definition || damage_random(damage, ++count) != 0)
            continue;
        free(chosen.definition);
        chosen = (struct sequence){.index = i, .definition = take(&definition)};
    }
    cleanup(free_pointer) char *definition = chosen.definition;
    if (!definition)
        return damage_not_here(damage, "no sequence of this backup stands above 1");
    const struct archive_entry *entry = &archive->entries[chosen.index];
    damage_tell(damage, "the sequence %s.%s begins again at 1", entry->schema, entry->tag);
    cleanup(free_pointer) char *name = xasprintf("%s.%s", entry->schema, entry->tag);
    damage_remedy_sequence(damage, name);
    return rewrite(damage, &(struct rewriting){.alter = sequence_set, .context = &chosen}, error);
}

/* ---- another night, another database ---- */

static void made_earlier(struct image *image, const void *context)
{
    const int64_t *seconds = context;
    struct tm made = {.tm_sec = (int)image->made[0],
                      .tm_min = (int)image->made[1],
                      .tm_hour = (int)image->made[2],
                      .tm_mday = (int)image->made[3],
                      .tm_mon = (int)image->made[4],
                      .tm_year = (int)image->made[5]};
    time_t time = timegm(&made) - (time_t)*seconds;
    gmtime_r(&time, &made);
    const int64_t earlier[] = {made.tm_sec,  made.tm_min, made.tm_hour,
                               made.tm_mday, made.tm_mon, made.tm_year};
    memcpy(image->made, earlier, sizeof(earlier));
}

int entries_older(struct damage *damage, struct error *error)
{
    int64_t max_age_s = damage->order->scenario->backups.max_age_s;
    int64_t days = max_age_s / DAY_S + 3;
    int64_t seconds = days * DAY_S;
    damage->fact->must |= max_age_s > 0;
    damage_tell(damage, "its header says that it was made %" PRId64 " days earlier", days);
    damage_remedy(damage, "say how old a backup may be: backups.max_age");
    return rewrite(damage, &(struct rewriting){.alter = made_earlier, .context = &seconds}, error);
}

/* What every dump begins with. */
static bool is_of_session(const struct image_entry *entry)
{
    static const char *const types[] = {"ENCODING", "STDSTRINGS", "SEARCHPATH", NULL};
    return is_one_of(entry->fields[FIELD_DESCRIPTION].text, types);
}

static char other_database[] = "another_database";
static char other_table[] = "another_table";

static void other_entry_add(struct image *image, int dump_id, const char *type, const char *sql,
                            const char *copy, int section)
{
    struct image_entry *entry = image_add(image);
    static char zero[] = "0", none[] = "", schema[] = "public", with_oids[] = "false";
    entry->fields[FIELD_ID].number = dump_id;
    entry->fields[FIELD_HAS_DATA].number = *copy != '\0';
    entry->fields[FIELD_CATALOG].text = entry->fields[FIELD_OID].text = zero;
    entry->fields[FIELD_TAG].text = other_table;
    entry->fields[FIELD_DESCRIPTION].text = (char *)(uintptr_t)type;
    entry->fields[FIELD_SECTION].number = section;
    entry->fields[FIELD_DEFINITION].text = (char *)(uintptr_t)sql;
    entry->fields[FIELD_COPY].text = (char *)(uintptr_t)copy;
    entry->fields[FIELD_DROP].text = entry->fields[FIELD_TABLESPACE].text =
        entry->fields[FIELD_OWNER].text = none;
    entry->fields[FIELD_SCHEMA].text = schema;
    entry->fields[FIELD_RELATION_KIND].number = 'r';
    entry->fields[FIELD_WITH_OIDS].text = with_oids;
    entry->offset_state = *copy ? 2 : 3; /* set; no data */
}

enum { OTHER_TABLE_ID = 1 << 30, OTHER_DATA_ID };

static void become_other(struct image *image, const void *context)
{
    (void)context;
    for (size_t i = 0; i < image->count; i++)
        image->entries[i].left_out = !is_of_session(&image->entries[i]);
    image->database = other_database;
    other_entry_add(image, OTHER_TABLE_ID, "TABLE",
                    "CREATE TABLE public.another_table (\n    id integer\n);\n", "",
                    ARCHIVE_SECTION_PRE_DATA);
    other_entry_add(image, OTHER_DATA_ID, "TABLE DATA", "",
                    "COPY public.another_table (id) FROM stdin;\n", ARCHIVE_SECTION_DATA);
}

int entries_other_database(struct damage *damage, struct error *error)
{
    damage->fact->right_as_error = true;
    damage_tell(damage, "a small backup of the database %s, with a table %s, has this one's name",
                other_database, other_table);
    damage_remedy(damage, "expect something of a table that only this database has: `row_count >= "
                          "1` under tables");
    return rewrite(damage,
                   &(struct rewriting){.alter = become_other,
                                       .added_rows = "1\n\\.\n\n\n",
                                       .added_id = OTHER_DATA_ID},
                   error);
}
