#include "archive/plain/statement.h"

#include <stdlib.h>
#include <string.h>

#include "archive/plain/roles.h"

void statements_init(struct statements *statements, struct plain_lexer *lexer)
{
    *statements = (struct statements){.lexer = lexer, .schema = "public"};
    catalog_init(&statements->catalog);
}

void statements_free(struct statements *statements)
{
    catalog_free(&statements->catalog);
    free(statements->encoding);
}

int statements_connect(struct statements *statements, const char *database, struct error *error)
{
    strcpy(statements->schema, "public");
    plain_lexer_reset_session(statements->lexer);
    return catalog_connect(&statements->catalog, database, statements->lexer->line, error);
}

/* ---- tokens, as they come ---- */

static void insert_token(struct statements *statements, enum plain_token token, const char *word,
                         int64_t at)
{
    static const char *const tail[] = {"on", "conflict", "do", "nothing"};
    enum insert_state *state = &statements->insert;
    enum insert_state next = INSERT_UNKNOWN;
    switch (*state) {
    case INSERT_HEAD:
        next = INSERT_HEAD;
        if (token == PLAIN_WORD && strcmp(word, "values") == 0)
            next = INSERT_NEXT_ROW;
        else if (token == PLAIN_WORD && strcmp(word, "default") == 0)
            next = INSERT_DEFAULT;
        else if (token == PLAIN_WORD && (strcmp(word, "select") == 0 || strcmp(word, "with") == 0 ||
                                         strcmp(word, "table") == 0))
            next = INSERT_UNKNOWN;
        break;
    case INSERT_DEFAULT:
        if (token == PLAIN_WORD && strcmp(word, "values") == 0) {
            statements->inserted.rows = 1; /* of a table without columns */
            next = INSERT_AFTER_ROW;
        }
        break;
    case INSERT_NEXT_ROW:
        if (token == PLAIN_OPEN) {
            statements->row_at = at;
            next = INSERT_IN_ROW;
        }
        break;
    case INSERT_IN_ROW:
        if (token == PLAIN_CLOSE) {
            int64_t bytes = at - statements->row_at - 1;
            statements->inserted.rows++;
            statements->inserted.bytes += bytes;
            if (bytes > statements->inserted.largest_row_bytes)
                statements->inserted.largest_row_bytes = bytes;
            next = INSERT_AFTER_ROW;
        }
        break;
    case INSERT_AFTER_ROW:
    case INSERT_TAIL:
        if (token == PLAIN_COMMA && *state == INSERT_AFTER_ROW) {
            next = INSERT_NEXT_ROW;
        } else if (token == PLAIN_WORD && statements->tail_words < 4 &&
                   strcmp(word, tail[statements->tail_words]) == 0) {
            statements->tail_words++;
            next = INSERT_TAIL;
        }
        break;
    case INSERT_UNKNOWN:
        break;
    }
    *state = next;
}

static void table_word(struct statements *statements, const char *word)
{
    if (strcmp(word, "as") == 0)
        statements->filled = true;
    if (statements->partition && strcmp(word, "by") == 0)
        statements->partitioned = true;
    statements->partition = strcmp(word, "partition") == 0;
}

static bool is_table_modifier(const char *word)
{
    return strcmp(word, "unlogged") == 0 || strcmp(word, "temporary") == 0 ||
           strcmp(word, "temp") == 0 || strcmp(word, "global") == 0 || strcmp(word, "local") == 0;
}

void statements_token(struct statements *statements, enum plain_token token, const char *word,
                      int64_t at)
{
    switch (statements->kind) {
    case STATEMENT_NEW:
        statements->kind = STATEMENT_OTHER;
        if (strcmp(word, "insert") == 0)
            statements->kind = STATEMENT_INSERT;
        else if (strcmp(word, "create") == 0)
            statements->kind = STATEMENT_CREATE;
        break;
    case STATEMENT_CREATE:
        if (strcmp(word, "table") == 0)
            statements->kind = STATEMENT_TABLE;
        else if (!is_table_modifier(word))
            statements->kind = STATEMENT_OTHER;
        break;
    case STATEMENT_TABLE:
        table_word(statements, word);
        break;
    case STATEMENT_INSERT:
        insert_token(statements, token, word, at);
        break;
    case STATEMENT_OTHER:
        break;
    }
}

/* ---- statements, once they have ended ---- */

/* Reads `name` or `schema.name`, the first word of which was read, and one word more. */
static int read_table(struct statements *statements, struct words *words,
                      struct catalog_table **ret_table, struct error *error)
{
    char first[WORD_BYTES];
    if (!word_is_name(words))
        return statements_damaged(statements, "the name of a table is missing", error);
    memcpy(first, words->text, sizeof(first));
    words_next(words);
    if (!word_is_symbol(words, '.')) {
        if (statements->schema[0] == '\0')
            return statements_damaged(statements, "the schema of a table is missing", error);
        return catalog_table(&statements->catalog, statements->schema, first, ret_table, error);
    }
    words_next(words);
    if (!word_is_name(words))
        return statements_damaged(statements, "the name of a table is missing", error);
    if (catalog_table(&statements->catalog, first, words->text, ret_table, error) < 0)
        return -1;
    words_next(words);
    return word_is_symbol(words, '.')
               ? statements_damaged(statements, "a name of three parts", error)
               : 0;
}

static int create_database(struct statements *statements, struct words *words, struct error *error)
{
    words_next(words);
    if (!word_is_name(words))
        return statements_damaged(statements, "the name of a database is missing", error);
    if (catalog_database(&statements->catalog, words->text, error) < 0)
        return -1;
    bool tablespace = false;
    while (words_next_outside(words)) {
        if (tablespace && word_is_name(words) &&
            catalog_tablespace(&statements->catalog, words->text, false, error) < 0)
            return -1;
        if (!word_is_symbol(words, '='))
            tablespace = word_is(words, "tablespace");
        if (roles_read_after(statements, words, "owner", error) < 0)
            return -1;
    }
    return 0;
}

static int create_tablespace(struct statements *statements, struct words *words,
                             struct error *error)
{
    struct words name = *words;
    words_next(&name);
    if (!word_is_name(&name))
        return statements_damaged(statements, "the name of a tablespace is missing", error);
    if (catalog_tablespace(&statements->catalog, name.text, true, error) < 0)
        return -1;
    return roles_of_owned(statements, words, error);
}

static int create_extension(struct statements *statements, struct words *words, struct error *error)
{
    char name[WORD_BYTES];
    words_next(words);
    words_skip_if_not_exists(words);
    if (!word_is_name(words))
        return statements_damaged(statements, "the name of an extension is missing", error);
    memcpy(name, words->text, sizeof(name));
    while (words_next(words))
        if (word_is(words, "schema")) {
            words_next(words);
            if (!word_is_name(words))
                return statements_damaged(statements, "the schema of an extension is missing",
                                          error);
            return catalog_extension(&statements->catalog, name, words->text, error);
        }
    return catalog_extension(&statements->catalog, name, NULL, error);
}

/* Before version 10, a view that depends on itself was a table first, with this rule. */
static int create_rule(struct statements *statements, struct words *words, struct error *error)
{
    words_next(words);
    if (strcmp(words->text, "_RETURN") != 0)
        return 0;
    while (words_next_outside(words)) {
        if (!word_is(words, "to"))
            continue;
        struct catalog_table *table;
        words_next(words);
        if (read_table(statements, words, &table, error) < 0)
            return -1;
        table->is_view = true;
        return 0;
    }
    return 0;
}

static int create_table(struct statements *statements, struct words *words, struct error *error)
{
    if (statements->filled)
        return statements_refuse(statements,
                                 "rows that CREATE TABLE ... AS makes cannot be counted", error);
    struct catalog_table *table;
    words_next(words);
    words_skip_if_not_exists(words);
    if (read_table(statements, words, &table, error) < 0)
        return -1;
    table->table.created = true;
    table->table.partitioned = statements->partitioned;
    return 0;
}

static int create_publication(struct statements *statements, struct words *words,
                              struct error *error)
{
    words_next(words);
    if (!word_is_name(words))
        return statements_damaged(statements, "the name of a publication is missing", error);
    return catalog_publication(&statements->catalog, words->text, true, error);
}

static int create_schema(struct statements *statements, struct words *words, struct error *error)
{
    struct words name = *words;
    words_next(&name);
    words_skip_if_not_exists(&name);
    if (word_is_name(&name) && !word_is(&name, "authorization") &&
        catalog_schema(&statements->catalog, name.text, error) < 0)
        return -1;
    return roles_of_owned(statements, words, error);
}

static int create_sequence(struct statements *statements, struct words *words, struct error *error)
{
    (void)words, (void)error;
    statements->catalog.sequences++;
    return 0;
}

static int read_create(struct statements *statements, struct words *words, struct error *error)
{
    static const struct {
        const char *word;
        int (*read)(struct statements *, struct words *, struct error *);
    } objects[] = {
        {"role", roles_of_create_role},
        {"user", roles_of_create_role},
        {"group", roles_of_create_role},
        {"database", create_database},
        {"schema", create_schema},
        {"tablespace", create_tablespace},
        {"extension", create_extension},
        {"policy", roles_of_policy},
        {"rule", create_rule},
        {"sequence", create_sequence},
        {"publication", create_publication},
    };
    if (statements->kind == STATEMENT_TABLE) {
        while (words_next(words) && !word_is(words, "table"))
            ;
        return create_table(statements, words, error);
    }
    words_next(words);
    if (word_is(words, "or")) {
        words_next(words); /* REPLACE */
        words_next(words);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(objects); i++)
        if (word_is(words, objects[i].word))
            return objects[i].read(statements, words, error);
    return 0;
}

static int read_insert(struct statements *statements, struct words *words, struct error *error)
{
    bool whole = statements->insert == INSERT_AFTER_ROW ||
                 (statements->insert == INSERT_TAIL && statements->tail_words == 4);
    if (!whole)
        return statements_refuse(
            statements, "rows of an INSERT other than INSERT ... VALUES cannot be counted", error);
    words_next(words);
    if (!word_is(words, "into"))
        return statements_damaged(statements, "INTO is missing", error);
    struct catalog_table *table;
    words_next(words);
    if (read_table(statements, words, &table, error) < 0)
        return -1;
    catalog_add_rows(table, FROM_INSERT, &statements->inserted);
    return 0;
}

static int read_copy(struct statements *statements, struct words *words, struct error *error)
{
    struct catalog_table *table;
    words_next(words);
    if (read_table(statements, words, &table, error) < 0)
        return -1;
    if (word_is_symbol(words, '(')) /* the columns */
        while (words_next(words) && !(word_is_symbol(words, ')') && words->depth == 0))
            ;
    if (word_is_symbol(words, ')'))
        words_next(words);
    if (word_is(words, "with")) {
        words_next(words); /* OIDS, before version 12 */
        words_next(words);
    }
    bool from = word_is(words, "from");
    words_next(words);
    bool standard_input = word_is(words, "stdin");
    words_next(words);
    if (!from || !standard_input || words->kind != WORD_END)
        return statements_refuse(
            statements, "rows of a COPY other than COPY ... FROM stdin cannot be counted", error);
    statements->copy = table;
    statements->lexer->stop = true;
    return 0;
}

static int set_search_path(struct statements *statements, struct words *words, struct error *error)
{
    while (words->kind != WORD_END) {
        if (words->cut)
            return statements_damaged(statements, "a name that is too long", error);
        if (words->kind != WORD_SYMBOL && strcmp(words->text, "$user") != 0) {
            memcpy(statements->schema, words->text, sizeof(statements->schema));
            return 0;
        }
        words_next(words);
    }
    statements->schema[0] = '\0';
    return 0;
}

static int set_config(struct statements *statements, struct words *words, struct error *error)
{
    words_next(words); /* ( */
    words_next(words);
    if (words->kind != WORD_STRING || strcmp(words->text, "client_encoding") == 0 ||
        strcmp(words->text, "standard_conforming_strings") == 0)
        return statements_damaged(statements, "a setting that pg_dump makes with SET", error);
    if (strcmp(words->text, "search_path") != 0)
        return 0;
    words_next(words); /* , */
    words_next(words);
    struct words path;
    words_init(&path, words->text, strlen(words->text), true);
    words_next(&path);
    return set_search_path(statements, &path, error);
}

static int read_select(struct statements *statements, struct words *words, struct error *error)
{
    while (words_next(words)) {
        if (word_is(words, "set_config"))
            return set_config(statements, words, error);
        if (word_is(words, "setval")) {
            statements->catalog.sequence_values++;
            return 0;
        }
        /* Of old it was lo_open(lo_create('1'), 131072). */
        if (word_is(words, "lo_open"))
            statements->catalog.current->opened_large_objects++;
        if (word_is(words, "lo_create")) {
            statements->catalog.current->large_objects++;
            return 0;
        }
        if (words->depth == 0 && word_is(words, "into"))
            return statements_refuse(statements,
                                     "rows that SELECT ... INTO makes cannot be counted", error);
    }
    return 0;
}

static int set_standard_strings(struct statements *statements, const struct words *words,
                                struct error *error)
{
    bool on = strcasecmp(words->text, "on") == 0;
    if (!on && strcasecmp(words->text, "off") != 0)
        return statements_damaged(statements, "a setting that is neither on nor off", error);
    statements->lexer->standard_strings = on;
    statements->lexer->standard_strings_known = true;
    return 0;
}

static int set_encoding(struct statements *statements, const struct words *words)
{
    struct catalog_name *database = statements->catalog.current;
    if (!statements->encoding)
        statements->encoding = xstrdup(words->text);
    if (!database->encoding)
        database->encoding = xstrdup(words->text);
    plain_lexer_set_encoding(statements->lexer, words->text);
    return 0;
}

static int read_set(struct statements *statements, struct words *words, struct error *error)
{
    words_next(words);
    bool local = word_is(words, "local");
    bool session = word_is(words, "session");
    if (local || session)
        words_next(words);
    bool role = word_is(words, "role") || (session && word_is(words, "authorization"));
    bool strings = word_is(words, "standard_conforming_strings");
    bool encoding = word_is(words, "client_encoding") || word_is(words, "names");
    bool path = word_is(words, "search_path");
    bool tablespace = word_is(words, "default_tablespace");
    if (local && (strings || encoding || path))
        return statements_damaged(statements, "a setting for one transaction", error);
    words_next(words);
    if (word_is_symbol(words, '=') || word_is(words, "to"))
        words_next(words);
    if (role)
        return roles_read(statements, words, false, error);
    if (tablespace && word_is_name(words)) /* '': the database's own */
        return catalog_tablespace(&statements->catalog, words->text, false, error);
    if (strings)
        return set_standard_strings(statements, words, error);
    if (encoding)
        return set_encoding(statements, words);
    return path ? set_search_path(statements, words, error) : 0;
}

static int read_reset(struct statements *statements, struct words *words, struct error *error)
{
    (void)error;
    words_next(words);
    bool all = word_is(words, "all");
    if (all || word_is(words, "standard_conforming_strings") || word_is(words, "client_encoding"))
        plain_lexer_reset_session(statements->lexer);
    if (all || word_is(words, "search_path"))
        strcpy(statements->schema, "public");
    return 0;
}

static int read_update(struct statements *statements, struct words *words, struct error *error)
{
    words_next(words);
    if (word_is(words, "pg_catalog")) /* pg_dumpall --clean and template databases */
        return 0;
    return statements_refuse(statements, "rows that UPDATE changes cannot be verified", error);
}

static int read_harmless(struct statements *statements, struct words *words, struct error *error)
{
    (void)statements, (void)words, (void)error;
    return 0;
}

static int read_uncountable(struct statements *statements, struct words *words, struct error *error)
{
    (void)words;
    return statements_refuse(statements,
                             "rows that such a statement adds or removes cannot be counted", error);
}

/* `whole`: the statement must be in head to its end. */
static const struct {
    const char *word;
    int (*read)(struct statements *, struct words *, struct error *);
    bool whole;
} verbs[] = {
    {"insert", read_insert, false},
    {"select", read_select, false},
    {"create", read_create, false},
    {"alter", roles_of_alter, false},
    {"set", read_set, true},
    {"copy", read_copy, true},
    {"grant", roles_of_grant, true},
    {"revoke", roles_of_grant, true},
    {"comment", read_harmless, false},
    {"drop", read_harmless, false},
    {"security", read_harmless, false},
    {"refresh", read_harmless, false},
    {"begin", read_harmless, false},
    {"commit", read_harmless, false},
    {"start", read_harmless, false},
    {"lock", read_harmless, false},
    {"analyze", read_harmless, false},
    {"vacuum", read_harmless, false},
    {"reindex", read_harmless, false},
    {"cluster", read_harmless, false},
    {"reset", read_reset, true},
    {"update", read_update, false},
    {"delete", read_uncountable, false},
    {"truncate", read_uncountable, false},
    {"merge", read_uncountable, false},
    {"with", read_uncountable, false},
    {"do", read_uncountable, false},
    {"call", read_uncountable, false},
    {"execute", read_uncountable, false},
    {"prepare", read_uncountable, false},
    {"explain", read_uncountable, false},
    {"rollback", read_uncountable, false},
    {"abort", read_uncountable, false},
    {"savepoint", read_uncountable, false},
    {"release", read_uncountable, false},
    {"values", read_uncountable, false},
    {"table", read_uncountable, false},
    {"end", read_uncountable, false},
    {"import", read_uncountable, false},
    {"declare", read_uncountable, false},
    {"discard", read_uncountable, false},
    {"load", read_uncountable, false},
};

static int read_statement(struct statements *statements, struct error *error)
{
    const struct buffer *head = &statements->lexer->head;
    struct words words;
    words_init(&words, head->data, head->length, statements->lexer->standard_strings);
    words_next(&words);
    for (size_t i = 0; i < ARRAY_LENGTH(verbs); i++) {
        if (!word_is(&words, verbs[i].word))
            continue;
        if (verbs[i].whole && head->overflowed)
            return statements_refuse(statements, "a statement of more than 64 KiB", error);
        return verbs[i].read(statements, &words, error);
    }
    return statements_damaged(statements, "this is no statement of SQL", error);
}

int statements_read(struct statements *statements, struct error *error)
{
    statements->copy = NULL;
    int result = read_statement(statements, error);
    statements->kind = STATEMENT_NEW;
    statements->insert = INSERT_HEAD;
    statements->tail_words = 0;
    statements->inserted = (struct row_totals){0};
    statements->partition = statements->partitioned = statements->filled = false;
    return result;
}
