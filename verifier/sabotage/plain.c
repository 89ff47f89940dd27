/* Damage to plain SQL, behind which it still ends as a dump ends.
 *
 * What stands where is told from the comments that pg_dump puts before each object, and from the
 * COPY statements. A first pass lists it, a second one leaves lines out or writes others. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sabotage/damage.h"
#include "sabotage/stream.h"

#define LINE_LIMIT_BYTES (256UL << 20)
#define TEXT_LIMIT_BYTES (16UL << 20)

/* ---- lines ---- */

struct lines {
    struct inlet inlet;
    struct buffer line; /* with its newline, if it has one */
    int64_t number;     /* of it, from 1 */
};

static int lines_open(struct lines *lines, const struct damage *damage, struct error *error)
{
    buffer_init(&lines->line, LINE_LIMIT_BYTES);
    return inlet_open(&lines->inlet, damage->from, damage->archive->container, error);
}

static void lines_close(struct lines *lines)
{
    inlet_close(&lines->inlet);
    buffer_free(&lines->line);
}

/* 1: there is none left. */
static int lines_next(struct lines *lines, struct error *error)
{
    struct reader *reader = &lines->inlet.reader;
    buffer_clear(&lines->line);
    lines->number++;
    for (;;) {
        if (reader_fill(reader, error) < 0)
            return -1;
        if (reader->at_end)
            return lines->line.length == 0;
        const uint8_t *newline = memchr(reader->next, '\n', reader->available);
        size_t length = newline ? (size_t)(newline - reader->next) + 1 : reader->available;
        const uint8_t *bytes;
        size_t run;
        if (reader_run(reader, (int64_t)length, &bytes, &run, error) < 0)
            return -1;
        if (buffer_append(&lines->line, bytes, run) < 0)
            return cannot_verify(error, "line %" PRId64 " is longer than %lu MiB", lines->number,
                                 LINE_LIMIT_BYTES >> 20);
        if (newline)
            return 0;
    }
}

/* ---- what stands where ---- */

enum piece_kind { PIECE_OBJECT, PIECE_ROWS, PIECE_SETVAL };

struct piece {
    enum piece_kind kind;
    int64_t first, last; /* lines; of rows, without COPY and terminator */
    char *name;          /* "public.users" */
    char *type;          /* of an object: "TABLE DATA" */
    char *columns;       /* of rows */
    struct buffer text;  /* of a table its definition, of a setval the line */
};

struct listing {
    struct piece *pieces;
    size_t count;
    struct buffer keys;   /* the lines with foreign keys */
    struct piece *object; /* the one that the lines belong to, or NULL; moves with `pieces` */
    bool in_rows;
    bool after_dashes;
};

static void listing_free(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->pieces[i].name);
        free(listing->pieces[i].type);
        free(listing->pieces[i].columns);
        buffer_free(&listing->pieces[i].text);
    }
    free(listing->pieces);
    buffer_free(&listing->keys);
}

static struct piece *piece_add(struct listing *listing, enum piece_kind kind, int64_t first)
{
    size_t object = listing->object ? (size_t)(listing->object - listing->pieces) : 0;
    listing->pieces = xreallocarray(listing->pieces, listing->count + 1, sizeof(*listing->pieces));
    if (listing->object)
        listing->object = &listing->pieces[object];
    struct piece *piece = &listing->pieces[listing->count++];
    *piece = (struct piece){.kind = kind, .first = first, .last = first};
    buffer_init(&piece->text, TEXT_LIMIT_BYTES);
    return piece;
}

/* The value of "Type: " in "-- Name: users; Type: TABLE; Schema: public; Owner: -"; to be freed by
 * the caller. */
static char *field_of(const char *comment, const char *name)
{
    const char *value = strstr(comment, name);
    if (!value)
        return xstrdup("");
    value += strlen(name);
    const char *end = strstr(value, "; ");
    return xstrndup(value, end ? (size_t)(end - value) : strcspn(value, "\n"));
}

static void object_begin(struct listing *listing, const char *comment, int64_t number)
{
    struct piece *piece = piece_add(listing, PIECE_OBJECT, number - 1);
    cleanup(free_pointer) char *name = field_of(comment, "Name: ");
    cleanup(free_pointer) char *schema = field_of(comment, "; Schema: ");
    piece->type = field_of(comment, "; Type: ");
    piece->name = strcmp(schema, "-") == 0 || *schema == '\0' ? xstrdup(name)
                                                              : xasprintf("%s.%s", schema, name);
    listing->object = piece;
}

/* Behind a line of dashes, a comment begins what comes next. */
static void comment_take(struct listing *listing, const char *line, int64_t number)
{
    if (listing->object)
        listing->object->last = number - 2;
    listing->object = NULL;
    if (starts_with(line, "-- Name: ") || starts_with(line, "-- Data for Name: "))
        object_begin(listing, line, number);
}

static void rows_begin(struct listing *listing, const char *line, int64_t number)
{
    struct piece *piece = piece_add(listing, PIECE_ROWS, number + 1);
    const char *name = line + strlen("COPY ");
    const char *columns = strstr(name, " (");
    const char *end = strstr(name, " FROM stdin;");
    bool has_columns = columns && columns < end;
    piece->name = xstrndup(name, (size_t)((has_columns ? columns : end) - name));
    piece->columns = has_columns ? xstrndup(columns + 1, (size_t)(end - columns - 1)) : xstrdup("");
    piece->last = number;
    listing->in_rows = true;
}

static void setval_take(struct listing *listing, const char *line, int64_t number)
{
    struct piece *piece = piece_add(listing, PIECE_SETVAL, number);
    const char *name = strchr(line, '\'') + 1;
    piece->name = xstrndup(name, strcspn(name, "'"));
    buffer_append_text(&piece->text, line);
}

static void line_take(struct listing *listing, const char *line, int64_t number)
{
    bool dashes = strcmp(line, "--\n") == 0;
    if (listing->after_dashes && starts_with(line, "-- "))
        comment_take(listing, line, number);
    else if (starts_with(line, "COPY ") && strstr(line, " FROM stdin;"))
        rows_begin(listing, line, number);
    else if (starts_with(line, "SELECT pg_catalog.setval('"))
        setval_take(listing, line, number);
    else if (strstr(line, " FOREIGN KEY ("))
        buffer_append_text(&listing->keys, line);
    listing->after_dashes = dashes;
    if (!listing->object)
        return;
    listing->object->last = number;
    if (strcmp(listing->object->type, "TABLE") == 0)
        buffer_append_text(&listing->object->text, line);
}

static int listing_read(const struct damage *damage, struct listing *listing, struct error *error)
{
    cleanup(lines_close) struct lines lines = {0};
    buffer_init(&listing->keys, TEXT_LIMIT_BYTES);
    if (lines_open(&lines, damage, error) < 0)
        return -1;
    for (;;) {
        int read = lines_next(&lines, error);
        if (read != 0)
            return read < 0 ? -1 : 0;
        if (!listing->in_rows)
            line_take(listing, lines.line.data, lines.number);
        else if (starts_with(lines.line.data, "\\."))
            listing->in_rows = false;
        else
            listing->pieces[listing->count - 1].last = lines.number;
        if (listing->in_rows && listing->object)
            listing->object->last = lines.number;
    }
}

/* ---- changing it ---- */

struct edit {
    int64_t drop_first, drop_last; /* these lines are not written; 0: none */
    int64_t instead_of;            /* another one stands for this line */
    const char *instead;
    int64_t change_first, change_last; /* a value of the first of these that has a text there */
    int column;
};

/* Gives the number of the line that was changed; 0: none. */
static int edit_run(struct damage *damage, const struct edit *edit, const char *to,
                    int64_t *ret_changed, struct error *error)
{
    cleanup(lines_close) struct lines lines = {0};
    cleanup(outlet_close) struct outlet outlet = {0};
    *ret_changed = 0;
    if (lines_open(&lines, damage, error) < 0 ||
        outlet_open(&outlet, to, damage->archive->container, error) < 0)
        return -1;
    for (;;) {
        int read = lines_next(&lines, error);
        if (read != 0)
            return read < 0 ? -1 : outlet_finish(&outlet, error);
        int64_t number = lines.number;
        struct buffer *line = &lines.line;
        if (number >= edit->drop_first && number <= edit->drop_last)
            continue;
        if (number == edit->instead_of) {
            buffer_clear(line);
            buffer_append_text(line, edit->instead);
        }
        if (*ret_changed == 0 && number >= edit->change_first && number <= edit->change_last &&
            copy_row_change(line->data, line->length - 1, edit->column))
            *ret_changed = number;
        if (outlet_write(&outlet, line->data, line->length, error) < 0)
            return -1;
    }
}

static int edit_write(struct damage *damage, const struct edit *edit, struct error *error)
{
    int64_t ignored;
    return edit_run(damage, edit, damage->to, &ignored, error);
}

static const char *definition_of(const struct listing *listing, const char *table)
{
    for (size_t i = 0; i < listing->count; i++) {
        const struct piece *piece = &listing->pieces[i];
        if (piece->kind == PIECE_OBJECT && strcmp(piece->type, "TABLE") == 0 &&
            strcmp(piece->name, table) == 0)
            return piece->text.data;
    }
    return "";
}

static int column_of(struct damage *damage, const struct listing *listing, const struct piece *rows)
{
    return copy_text_column(rows->columns, definition_of(listing, rows->name), listing->keys.data,
                            (size_t)damage_random(damage, 1000));
}

/* Rows of a table that no foreign key points to, if there is one; NULL: none has any. */
static const struct piece *rows_choose(struct damage *damage, const struct listing *listing,
                                       enum row_edit edit)
{
    const struct piece *chosen = NULL;
    bool best = false;
    uint64_t count = 0;
    for (size_t i = 0; i < listing->count; i++) {
        const struct piece *piece = &listing->pieces[i];
        if (piece->kind != PIECE_ROWS || piece->last < piece->first ||
            (edit == ROW_CHANGED && column_of(damage, listing, piece) < 0))
            continue;
        cleanup(free_pointer) char *words = xasprintf("REFERENCES %s(", piece->name);
        bool is_best = edit == ROW_CHANGED || !strstr(listing->keys.data, words);
        if (best && !is_best)
            continue;
        count = is_best && !best ? 1 : count + 1;
        best = is_best;
        if (damage_random(damage, count) == 0)
            chosen = piece;
    }
    return chosen;
}

static void tell_rows(struct damage *damage, enum row_edit edit, const struct piece *rows,
                      int64_t line)
{
    int64_t count = rows->last - rows->first + 1;
    if (edit == ROWS_REMOVED) {
        damage_tell(damage, "%s has lost its %" PRId64 " row%s", rows->name, count,
                    count == 1 ? "" : "s");
        damage_remedy(damage, "expect `row_count >= 1` under tables.%s", rows->name);
        return;
    }
    damage_tell(damage,
                edit == ROW_REMOVED ? "row %" PRId64 " of %s is gone"
                                    : "a character in row %" PRId64 " of %s is another one",
                line - rows->first + 1, rows->name);
    if (edit == ROW_CHANGED)
        damage_remedy(damage, "make the backups with `restore-verifier dump`, whose manifest has "
                              "the SHA-256 of the file; nothing in the backup itself can tell");
    else
        damage_remedy(damage,
                      "make the backups with `restore-verifier dump`, whose manifest tells it, and "
                      "expect `row_count same as dump` under tables.%s; or expect a number there",
                      rows->name);
}

static int row_change(struct damage *damage, const struct listing *listing,
                      const struct piece *rows, int64_t line, struct error *error)
{
    struct edit edit = {.change_first = line,
                        .change_last = rows->last,
                        .column = column_of(damage, listing, rows)};
    int64_t changed;
    if (edit_run(damage, &edit, NULL, &changed, error) < 0)
        return -1;
    if (changed == 0)
        edit.change_first = rows->first;
    if (edit_run(damage, &edit, damage->to, &changed, error) < 0)
        return -1;
    if (changed == 0)
        return damage_not_here(damage, "%s has no text to change", rows->name);
    tell_rows(damage, ROW_CHANGED, rows, changed);
    return DAMAGE_MADE;
}

int plain_rows(struct damage *damage, enum row_edit edit, struct error *error)
{
    cleanup(listing_free) struct listing listing = {0};
    if (listing_read(damage, &listing, error) < 0)
        return -1;
    const struct piece *rows = rows_choose(damage, &listing, edit);
    if (!rows)
        return damage_not_here(damage, edit == ROW_CHANGED ? "no table has a text to change"
                                                           : "no table has rows to copy");
    int64_t line =
        rows->first + (int64_t)damage_random(damage, (uint64_t)(rows->last - rows->first) + 1);
    if (edit == ROW_CHANGED)
        return row_change(damage, &listing, rows, line, error);
    bool all = edit == ROWS_REMOVED;
    tell_rows(damage, edit, rows, line);
    return edit_write(damage,
                      &(struct edit){.drop_first = all ? rows->first : line,
                                     .drop_last = all ? rows->last : line},
                      error);
}

/* ---- objects ---- */

static bool is_one_of(const char *type, const char *const *types)
{
    for (; *types; types++)
        if (strcmp(type, *types) == 0)
            return true;
    return false;
}

/* NULL: there is none. */
static const struct piece *object_choose(struct damage *damage, const struct listing *listing,
                                         const char *const *types)
{
    const struct piece *chosen = NULL;
    uint64_t count = 0;
    for (size_t i = 0; i < listing->count; i++) {
        const struct piece *piece = &listing->pieces[i];
        if (piece->kind == PIECE_OBJECT && is_one_of(piece->type, types) &&
            damage_random(damage, ++count) == 0)
            chosen = piece;
    }
    return chosen;
}

static int object_drop(struct damage *damage, const struct piece *piece, struct error *error)
{
    return edit_write(damage, &(struct edit){.drop_first = piece->first, .drop_last = piece->last},
                      error);
}

/* NULL: no comment tells where it begins. */
static const struct piece *object_around(const struct listing *listing, const struct piece *rows)
{
    for (size_t i = 0; i < listing->count; i++) {
        const struct piece *piece = &listing->pieces[i];
        if (piece->kind == PIECE_OBJECT && piece->first < rows->first && piece->last >= rows->last)
            return piece;
    }
    return NULL;
}

int plain_missing_data(struct damage *damage, struct error *error)
{
    cleanup(listing_free) struct listing listing = {0};
    if (listing_read(damage, &listing, error) < 0)
        return -1;
    const struct piece *rows = rows_choose(damage, &listing, ROWS_REMOVED);
    const struct piece *piece = rows ? object_around(&listing, rows) : NULL;
    if (!piece)
        return damage_not_here(damage, "no comment of pg_dump says where the rows of a table "
                                       "begin");
    damage_tell(damage, "what fills %s is missing", piece->name);
    damage_remedy(damage, "expect `row_count >= 1` under tables.%s", piece->name);
    return object_drop(damage, piece, error);
}

int plain_left_out(struct damage *damage, const char *const *types, const char *what,
                   struct error *error)
{
    cleanup(listing_free) struct listing listing = {0};
    if (listing_read(damage, &listing, error) < 0)
        return -1;
    const struct piece *piece = object_choose(damage, &listing, types);
    if (!piece)
        return damage_not_here(damage, "no comment of pg_dump tells of a%s %s",
                               strchr("aeiou", *what) ? "n" : "", what);
    /* "public.table name" for what belongs to a table. */
    static const char *const of_table[] = {"CONSTRAINT", "TRIGGER", "POLICY", NULL};
    const char *name = strchr(piece->name, is_one_of(types[0], of_table) ? ' ' : '.');
    damage_tell(damage, "%s %s is missing", piece->type, piece->name);
    damage_remedy_object(damage, types[0], name ? name + 1 : piece->name);
    return object_drop(damage, piece, error);
}

int plain_sequence(struct damage *damage, struct error *error)
{
    cleanup(listing_free) struct listing listing = {0};
    if (listing_read(damage, &listing, error) < 0)
        return -1;
    const struct piece *chosen = NULL;
    uint64_t count = 0;
    for (size_t i = 0; i < listing.count; i++)
        if (listing.pieces[i].kind == PIECE_SETVAL &&
            !strstr(listing.pieces[i].text.data, "', 1, ") && damage_random(damage, ++count) == 0)
            chosen = &listing.pieces[i];
    if (!chosen)
        return damage_not_here(damage, "no sequence of this backup stands above 1");
    cleanup(free_pointer) char *line =
        xasprintf("SELECT pg_catalog.setval('%s', 1, true);\n", chosen->name);
    damage_tell(damage, "the sequence %s begins again at 1", chosen->name);
    damage_remedy_sequence(damage, chosen->name);
    return edit_write(damage, &(struct edit){.instead_of = chosen->first, .instead = line}, error);
}

/* ---- another database ---- */

int plain_other_database(struct damage *damage, struct error *error)
{
    static const char begin[] = "--\n-- PostgreSQL database dump\n--\n\n";
    static const char rest[] =
        "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
        "SELECT pg_catalog.set_config('search_path', '', false);\n\n"
        "--\n-- Name: another_table; Type: TABLE; Schema: public; Owner: -\n--\n\n"
        "CREATE TABLE public.another_table (\n    id integer\n);\n\n\n"
        "--\n-- Data for Name: another_table; Type: TABLE DATA; Schema: public; Owner: -\n--\n\n"
        "COPY public.another_table (id) FROM stdin;\n1\n\\.\n\n\n"
        "--\n-- PostgreSQL database dump complete\n--\n\n";
    const struct archive *archive = damage->archive;
    cleanup(free_pointer) char *versions =
        archive->server_version && archive->pg_dump_version
            ? xasprintf("-- Dumped from database version %s\n-- Dumped by pg_dump version %s\n\n",
                        archive->server_version, archive->pg_dump_version)
            : xstrdup("");
    cleanup(outlet_close) struct outlet outlet = {0};
    damage->fact->right_as_error = true;
    damage_tell(damage, "a small backup of another database, with a table another_table, has this "
                        "one's name");
    damage_remedy(damage, "expect something of a table that only this database has: `row_count >= "
                          "1` under tables");
    return outlet_open(&outlet, damage->to, archive->container, error) < 0 ||
                   outlet_write(&outlet, begin, strlen(begin), error) < 0 ||
                   outlet_write(&outlet, versions, strlen(versions), error) < 0 ||
                   outlet_write(&outlet, rest, strlen(rest), error) < 0
               ? -1
               : outlet_finish(&outlet, error);
}
