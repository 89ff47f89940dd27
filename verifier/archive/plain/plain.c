#include "archive/plain/plain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "archive/plain/statement.h"

#define BANNER          "PostgreSQL database dump"
#define BANNER_CLUSTER  "PostgreSQL database cluster dump"
#define TRAILER         "PostgreSQL database dump complete"
#define TRAILER_CLUSTER "PostgreSQL database cluster dump complete"

struct plain {
    struct plain_lexer lexer;
    struct statements statements;
    struct rows *rows;
    enum { READING_SQL = 0, READING_COPY_LINE, READING_ROWS } mode;
    bool fragment;
    bool part;  /* of a set: it may have neither beginning nor trailer */
    bool reset; /* the last statement was RESET ALL */
    bool cluster;
    bool begun;         /* a banner was seen */
    bool database_open; /* the banner of a database was seen, its trailer not yet */
    bool cluster_open;  /* likewise of a cluster */
    bool ended;         /* a trailer was seen that nothing of its dump may follow */
    int64_t dump_line;  /* of the last banner of a database */
    char *trailer;      /* the last one of those */
    struct plain_appended appended;
    char *restricted; /* the key of \restrict, until \unrestrict */
    char *dumped_from, *dumped_by, *started;
    struct plain_lines lines;
    struct plain_objects objects;
    struct plain_grants grants;
    bool ending;       /* the last line of the file has no newline, and is being read */
    size_t mark_bytes; /* of the byte order mark that were read; 3 when it is over */
};

static int on_token(void *context, enum plain_token token, const char *word, int64_t at,
                    struct error *error)
{
    struct plain *plain = context;
    (void)error;
    statements_token(&plain->statements, token, word, at);
    return 0;
}

static int appended_statement(struct plain *plain, struct error *error)
{
    struct plain_appended *appended = &plain->appended;
    bool changes_rows = false;
    if (appended->statements++ == 0) {
        char quoted[80];
        statements_quote(&plain->statements, quoted);
        appended->text = xstrdup(quoted);
        appended->line = plain->lexer.statement_line;
    }
    int result = statements_read_appended(&plain->statements, &changes_rows, error);
    appended->changes_rows |= changes_rows;
    return result;
}

static int on_statement(void *context, struct error *error)
{
    struct plain *plain = context;
    const struct plain_lexer *lexer = &plain->lexer;
    /* Supabase's tools add this one line. */
    plain->reset = strcasecmp(lexer->head.data, "RESET ALL") == 0;
    bool appended = plain->ended && !plain->reset;
    if ((appended ? appended_statement(plain, error) : statements_read(&plain->statements, error)) <
        0)
        return -1;
    plain_objects_statement(&plain->objects, lexer->head.data, lexer->head.overflowed,
                            !lexer->standard_strings, plain->statements.catalog.current);
    plain_grants_statement(&plain->grants, lexer->head.data, lexer->head.overflowed,
                           plain->statements.catalog.current);
    if (lexer->statement_line == lexer->line)
        plain_lines_statement(&plain->lines, lexer->head.data, lexer->line);
    if (plain->statements.copy)
        plain->mode = READING_COPY_LINE;
    return 0;
}

static int open_dump(struct plain *plain, bool cluster, struct error *error)
{
    if (plain->ending) /* not a banner but a trailer that is cut */
        return 0;
    if (plain->database_open || (cluster && plain->cluster_open))
        return bad_backup(
            error,
            "the dump is cut: another one begins on line %lld before \"-- %s\"; make a new "
            "backup",
            (long long)plain->lexer.line, plain->database_open ? TRAILER : TRAILER_CLUSTER);
    plain->begun = true;
    plain->ended = false;
    if (cluster)
        plain->cluster = plain->cluster_open = true;
    else
        plain->database_open = true;
    plain->dump_line = plain->lexer.line;
    return 0;
}

/* Two dumps of one database one after the other: the second may drop what the first made. */
static void note_dumped(struct plain *plain)
{
    struct plain_appended *appended = &plain->appended;
    struct catalog_name *database = plain->statements.catalog.current;
    if (database->dumped) {
        if (appended->dumps++ == 0)
            appended->dump_line = plain->dump_line;
        appended->changes_rows = true;
    }
    database->dumped = true;
}

static int close_dump(struct plain *plain, const char *trailer, bool cluster, struct error *error)
{
    if (plain->ended)
        return bad_backup(error, "line %lld: the dump ends twice", (long long)plain->lexer.line);
    if (cluster ? plain->database_open || !plain->cluster_open : !plain->database_open)
        return bad_backup(error,
                          "line %lld: the end of a dump that has no beginning: a part of the file "
                          "is missing; make a new backup",
                          (long long)plain->lexer.line);
    if (cluster)
        plain->cluster_open = false;
    else
        note_dumped(plain);
    plain->database_open = false;
    plain->ended = !plain->cluster_open;
    if (plain->ended) {
        free(plain->trailer);
        plain->trailer = xstrdup(trailer);
    }
    return 0;
}

static void note(char **text, const char *comment, const char *prefix)
{
    if (!*text && starts_with(comment, prefix))
        *text = xstrdup(comment + strlen(prefix));
}

/* Behind a whole dump: the first lines of another one, which are not all there. */
static bool is_cut_banner(const struct plain *plain, const char *text)
{
    return plain->ended && plain->ending && *text &&
           (starts_with(BANNER, text) || starts_with(BANNER_CLUSTER, text));
}

static int on_comment(void *context, const char *text, struct error *error)
{
    struct plain *plain = context;
    if (is_cut_banner(plain, text))
        return bad_backup(error,
                          "it is cut: it ends on line %lld, where another dump begins; make a new "
                          "backup",
                          (long long)plain->lexer.line);
    note(&plain->dumped_from, text, "Dumped from database version ");
    note(&plain->dumped_by, text, "Dumped by pg_dump version ");
    note(&plain->started, text, "Started on ");
    plain_objects_comment(&plain->objects, text, plain->statements.catalog.current);
    if (strcmp(text, BANNER) == 0)
        return open_dump(plain, false, error);
    if (strcmp(text, BANNER_CLUSTER) == 0)
        return open_dump(plain, true, error);
    if (strcmp(text, TRAILER) == 0)
        return close_dump(plain, text, false, error);
    if (strcmp(text, TRAILER_CLUSTER) == 0)
        return close_dump(plain, text, true, error);
    return 0;
}

/* Whether `line` may be the beginning of a command that dumps contain. */
static bool may_be_cut(const char *line)
{
    static const char *const commands[] = {"restrict ", "unrestrict ", "connect ",
                                           "encoding SQL_ASCII"};
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
        if (starts_with(commands[i], line) || starts_with(line, commands[i]))
            return true;
    return false;
}

static int refuse_command(const struct plain *plain, const char *line, struct error *error)
{
    if (plain->ending && may_be_cut(line))
        return bad_backup(error,
                          "the dump is cut: it ends on line %lld, in the middle of a psql command; "
                          "make a new backup",
                          (long long)plain->lexer.line);
    char command[40];
    size_t length = strcspn(line, " \t");
    if (length > sizeof(command) - 1)
        length = sizeof(command) - 1;
    for (size_t i = 0; i < length; i++)
        command[i] = line[i];
    command[length] = '\0';
    return bad_backup(
        error,
        "line %lld: the psql command \\%s: a dump never contains this, and psql would "
        "run it; do not restore this file, find out who made it",
        (long long)plain->lexer.line, command);
}

/* `name`, `"name"`, or what appendPsqlMetaConnect of string_utils.c writes for names with other
 * characters than letters, digits, _ and . : -reuse-previous=on "dbname='my-app'". NULL for
 * anything else. */
static char *connect_target(const char *argument)
{
    static const char complex[] = "-reuse-previous=on \"dbname='";
    size_t length = strlen(argument);
    const char *end = argument + length;
    bool conninfo = starts_with(argument, complex);
    if (conninfo) {
        argument += strlen(complex);
        if (end - argument < 3 || memcmp(end - 2, "'\"", 2) != 0)
            return NULL;
        end -= 2;
    } else if (length > 2 && argument[0] == '"' && end[-1] == '"') {
        argument++;
        end--;
    }
    cleanup(free_pointer) char *name = xcalloc((size_t)(end - argument) + 1, 1);
    size_t at = 0;
    for (; argument < end; argument++) {
        if (!conninfo && !isalnum((unsigned char)*argument) && *argument != '_' && *argument != '.')
            return NULL;
        if (*argument == '\'' || *argument == '"' || *argument == '\\') {
            char wanted = (char)(*argument == '"' ? '"' : argument[1]);
            if (argument + 1 >= end || argument[1] != wanted || !strchr("'\"\\", wanted) ||
                *argument == '\'')
                return NULL;
            argument++;
        }
        name[at++] = *argument;
    }
    return at > 0 ? take(&name) : NULL;
}

static int connect_command(struct plain *plain, const char *line, const char *argument,
                           struct error *error)
{
    cleanup(free_pointer) char *database = connect_target(argument);
    if (!database)
        return refuse_command(plain, line, error);
    if (plain->restricted)
        return bad_backup(error,
                          "line %lld: \\connect before \\unrestrict: the dump is cut or damaged; "
                          "make a new backup",
                          (long long)plain->lexer.line);
    return statements_connect(&plain->statements, database, error);
}

static bool is_key(const char *argument)
{
    size_t length = 0;
    while (isalnum((unsigned char)argument[length]))
        length++;
    return length > 0 && argument[length] == '\0';
}

static int on_command(void *context, const char *line, bool alone, struct error *error)
{
    struct plain *plain = context;
    if (!alone || plain->fragment)
        return refuse_command(plain, line, error);
    if (starts_with(line, "restrict ") && is_key(line + 9) && !plain->restricted) {
        plain->restricted = xstrdup(line + 9);
        plain_lines_restrict(&plain->lines, plain->lexer.line);
        return 0;
    }
    if (starts_with(line, "unrestrict ") && plain->restricted) {
        if (strcmp(line + 11, plain->restricted) != 0)
            return plain->ending
                       ? refuse_command(plain, line, error)
                       : bad_backup(
                             error,
                             "line %lld: \\unrestrict has not the key of \\restrict: the dump is "
                             "cut or damaged; make a new backup",
                             (long long)plain->lexer.line);
        free(take(&plain->restricted));
        plain_lines_restrict(&plain->lines, plain->lexer.line);
        return 0;
    }
    if (strcmp(line, "encoding SQL_ASCII") == 0 && !plain->restricted)
        return 0; /* before a \connect to a name that is not plain ASCII; SET follows */
    if (starts_with(line, "connect "))
        return connect_command(plain, line, line + 8, error);
    return refuse_command(plain, line, error);
}

static const struct plain_events events = {on_token, on_statement, on_comment, on_command};

static struct plain *new_plain(bool fingerprint, bool fragment)
{
    struct plain *plain = xcalloc(1, sizeof(*plain));
    plain->fragment = fragment;
    plain->rows = rows_new(fingerprint);
    plain_lexer_init(&plain->lexer, &events, plain);
    statements_init(&plain->statements, &plain->lexer);
    return plain;
}

struct plain *plain_new(bool fingerprint)
{
    return new_plain(fingerprint, false);
}

struct plain *plain_new_part(bool fingerprint)
{
    struct plain *plain = new_plain(fingerprint, false);
    plain->part = true;
    return plain;
}

struct plain *plain_new_fragment(bool fingerprint)
{
    return new_plain(fingerprint, true);
}

void plain_free(struct plain *plain)
{
    if (!plain)
        return;
    rows_free(plain->rows);
    statements_free(&plain->statements);
    plain_lexer_free(&plain->lexer);
    free(plain->trailer);
    free(plain->appended.text);
    free(plain->restricted);
    free(plain->dumped_from);
    free(plain->dumped_by);
    free(plain->started);
    plain_lines_free(&plain->lines);
    plain_objects_free(&plain->objects);
    plain_grants_free(&plain->grants);
    free(plain);
}

void plain_freep(struct plain **plain)
{
    plain_free(*plain);
}

/* psql passes over a byte order mark at the beginning of the file. */
static size_t skip_mark(struct plain *plain, const char *bytes, size_t length)
{
    static const char mark[3] = {'\xEF', '\xBB', '\xBF'};
    size_t taken = 0;
    while (plain->mark_bytes < 3 && taken < length) {
        if (bytes[taken] != mark[plain->mark_bytes])
            plain->mark_bytes = 3;
        else
            plain->mark_bytes++, taken++;
    }
    return taken;
}

/* The rest of the line behind `COPY ... FROM stdin;`, which psql would run after the rows. */
static int copy_line(struct plain *plain, const char *bytes, size_t length, size_t *ret_taken,
                     struct error *error)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n') {
            plain->lexer.line++;
            plain->mode = READING_ROWS;
            rows_reset(plain->rows);
            *ret_taken = i + 1;
            return 0;
        }
        if (bytes[i] != '\r')
            return bad_backup(error,
                              "line %lld: something follows COPY ... FROM stdin; the file is "
                              "damaged or was changed by hand: make a new backup",
                              (long long)plain->lexer.line);
    }
    *ret_taken = length;
    return 0;
}

static int copy_rows(struct plain *plain, const char *bytes, size_t length, size_t *ret_taken,
                     struct error *error)
{
    *ret_taken = rows_feed_until_end(plain->rows, bytes, length);
    if (!rows_ended(plain->rows))
        return 0;
    struct row_totals totals;
    if (rows_finish(plain->rows, &totals, error) < 0)
        return -1;
    catalog_add_rows(plain->statements.copy, FROM_COPY, &totals);
    plain->lexer.line += totals.rows + 1;
    plain->lexer.line_start = true;
    plain->mode = READING_SQL;
    return 0;
}

static int feed_some(struct plain *plain, const char *bytes, size_t length, size_t *ret_taken,
                     struct error *error)
{
    if (plain->mode == READING_COPY_LINE)
        return copy_line(plain, bytes, length, ret_taken, error);
    if (plain->mode == READING_ROWS)
        return copy_rows(plain, bytes, length, ret_taken, error);
    return plain_lexer_feed(&plain->lexer, bytes, length, ret_taken, error);
}

int plain_feed(struct plain *plain, const void *bytes, size_t length, struct error *error)
{
    const char *at = bytes;
    const char *zero = memchr(at, '\0', length);
    const char *end = zero ? zero : at + length;
    at += skip_mark(plain, at, (size_t)(end - at));
    while (at < end) {
        size_t taken = 0;
        if (feed_some(plain, at, (size_t)(end - at), &taken, error) < 0)
            return -1;
        at += taken;
    }
    if (!zero)
        return 0;
    int64_t line = plain->lexer.line;
    if (plain->mode == READING_ROWS)
        line += rows_so_far(plain->rows);
    return bad_backup(error,
                      "line %lld: a zero byte, which no dump contains: the file is damaged (or "
                      "UTF-16); make a new backup",
                      (long long)line);
}

static int cut(const struct plain *plain, struct error *error)
{
    const struct plain_lexer *lexer = &plain->lexer;
    if (plain->mode != READING_SQL) {
        const struct plain_table *table = &plain->statements.copy->table;
        int64_t rows = plain->mode == READING_ROWS ? rows_so_far(plain->rows) : 0;
        return bad_backup(error,
                          "the dump is cut: it ends on line %lld, in the data of table %s.%s, "
                          "behind row %lld; make a new backup",
                          (long long)(lexer->line + rows), table->schema, table->name,
                          (long long)rows);
    }
    char quoted[80];
    statements_quote(&plain->statements, quoted);
    const char *inside = plain_lexer_inside(lexer);
    if (inside && lexer->in_statement)
        return bad_backup(error,
                          "the dump is cut: it ends on line %lld, in the middle of %s, in the "
                          "statement that begins on line %lld (%s); make a new backup",
                          (long long)lexer->line, inside, (long long)lexer->statement_line, quoted);
    if (inside)
        return bad_backup(error,
                          "the dump is cut: it ends on line %lld, in the middle of %s; make a new "
                          "backup",
                          (long long)lexer->line, inside);
    return 0;
}

static int still_restricted(const struct plain *plain, struct error *error)
{
    if (!plain->restricted)
        return 0;
    return bad_backup(error,
                      "the dump is cut: it ends on line %lld without the \\unrestrict that "
                      "belongs to its \\restrict; make a new backup",
                      (long long)plain->lexer.line);
}

static int headless(const struct plain *plain, struct error *error)
{
    if (plain->reset)
        return bad_backup(error, "it is one of the files of `supabase db dump`, which cannot be "
                                 "restored alone: name its roles, schema and data together under "
                                 "backups.name");
    return bad_backup(error, "this is no whole dump of pg_dump: its first lines (-- " BANNER
                             ") are missing");
}

static int incomplete(const struct plain *plain, struct error *error)
{
    if (!plain->begun && plain->part)
        return still_restricted(plain, error);
    if (!plain->begun)
        return headless(plain, error);
    if (!plain->ended)
        return bad_backup(
            error,
            "the dump is cut: it ends on line %lld without the line \"-- %s\"; make a new backup",
            (long long)plain->lexer.line, plain->cluster_open ? TRAILER_CLUSTER : TRAILER);
    return still_restricted(plain, error);
}

int plain_finish(struct plain *plain, struct plain_totals **ret_totals, struct error *error)
{
    plain->ending = true;
    if (plain->mode == READING_SQL && plain_lexer_end(&plain->lexer, error) < 0)
        return -1;
    if (cut(plain, error) < 0)
        return -1;
    if (!plain->fragment && incomplete(plain, error) < 0)
        return -1;
    struct plain_totals *totals = xcalloc(1, sizeof(*totals));
    catalog_finish(&plain->statements.catalog, totals);
    totals->cluster = plain->cluster;
    totals->encoding = take(&plain->statements.encoding);
    totals->dumped_from = take(&plain->dumped_from);
    totals->dumped_by = take(&plain->dumped_by);
    totals->started = take(&plain->started);
    totals->lines = plain->lines;
    plain->lines = (struct plain_lines){0};
    plain_objects_settle(&plain->objects);
    totals->objects = plain->objects;
    plain->objects = (struct plain_objects){0};
    plain_grants_settle(&plain->grants);
    totals->grants = plain->grants;
    plain->grants = (struct plain_grants){0};
    totals->trailer = take(&plain->trailer);
    totals->appended = plain->appended;
    plain->appended.text = NULL;
    totals->reset = plain->reset;
    *ret_totals = totals;
    return 0;
}

/* SET of what pg_dump sets first, for dumps whose comments were taken away. */
static bool is_first_setting(const char *line, size_t length)
{
    static const char *const settings[] = {
        "SET statement_timeout = ",
        "SET lock_timeout = ",
        "SET client_encoding = ",
        "SET search_path = ",
        "SET default_transaction_read_only = ",
        "SET session_replication_role = ", /* `supabase db dump --data-only` */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(settings); i++)
        if (length > strlen(settings[i]) && memcmp(line, settings[i], strlen(settings[i])) == 0)
            return true;
    return false;
}

static bool contains(const char *line, size_t length, const char *text)
{
    return memmem(line, length, text, strlen(text)) != NULL;
}

/* What somebody put in front of a dump. */
static bool has_banner(const char *head, size_t length)
{
    static const char *const banners[] = {"\n-- " BANNER "\n", "\n-- " BANNER "\r\n",
                                          "\n-- " BANNER_CLUSTER "\n",
                                          "\n-- " BANNER_CLUSTER "\r\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(banners); i++)
        if (contains(head, length, banners[i]))
            return true;
    return false;
}

bool plain_looks_like(const char *head, size_t length)
{
    const char *end = head + length;
    if (length >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0)
        head += 3;
    while (head < end) {
        const char *newline = memchr(head, '\n', (size_t)(end - head));
        const char *line_end = newline ? newline : end;
        size_t line = (size_t)(line_end - head);
        while (line > 0 && isspace((unsigned char)head[line - 1]))
            line--;
        if (line >= 2 && memcmp(head, "--", 2) == 0) {
            if (contains(head, line, BANNER) || contains(head, line, BANNER_CLUSTER))
                return true;
            if (contains(head, line, "MySQL dump") || contains(head, line, "MariaDB dump"))
                return false;
        } else if (line > 0) {
            return contains(head, line < 10 ? line : 10, "\\restrict ") ||
                   is_first_setting(head, line) || has_banner(head, (size_t)(end - head));
        }
        head = newline ? newline + 1 : end;
    }
    return false;
}
