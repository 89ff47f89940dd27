/* What the statements of a plain dump say: tables, rows of INSERTs, roles, extensions, settings.
 * For plain.c only. The forms are those of pg_dump.c, dumputils.c and pg_dumpall.c. */
#ifndef ARCHIVE_PLAIN_STATEMENT_H
#define ARCHIVE_PLAIN_STATEMENT_H

#include "archive/plain/catalog.h"
#include "archive/plain/lexer.h"
#include "archive/plain/words.h"

enum insert_state {
    INSERT_HEAD = 0, /* before VALUES */
    INSERT_DEFAULT,  /* behind DEFAULT, which VALUES must follow */
    INSERT_NEXT_ROW,
    INSERT_IN_ROW,
    INSERT_AFTER_ROW,
    INSERT_TAIL, /* ON CONFLICT DO NOTHING */
    INSERT_UNKNOWN,
};

struct statements {
    struct catalog catalog;
    struct plain_lexer *lexer;
    char schema[WORD_BYTES];    /* of unqualified names; "" when the search_path is empty */
    char *encoding;             /* the first one set */
    struct catalog_table *copy; /* after statements_read: the rows of this table follow */

    /* The statement under way, of which head may hold only the beginning. */
    enum {
        STATEMENT_NEW = 0,
        STATEMENT_CREATE,
        STATEMENT_TABLE,
        STATEMENT_INSERT,
        STATEMENT_OTHER
    } kind;
    enum insert_state insert;
    int tail_words;
    int64_t row_at;
    struct row_totals inserted;
    bool partition; /* the last word was PARTITION */
    bool partitioned;
    bool filled; /* CREATE TABLE ... AS */
};

void statements_init(struct statements *statements, struct plain_lexer *lexer);
void statements_free(struct statements *statements);

/* The lexer's events of the same names. */
void statements_token(struct statements *statements, enum plain_token token, const char *word,
                      int64_t at);
int statements_read(struct statements *statements, struct error *error);
/* The same for a statement behind the end of a dump, which nobody promised to be countable: where
 * it is not, `ret_changes_rows` says so instead of an error. */
int statements_read_appended(struct statements *statements, bool *ret_changes_rows,
                             struct error *error);

/* A `\connect`: another database, in which nothing is set. */
int statements_connect(struct statements *statements, const char *database, struct error *error);

/* The beginning of the statement under way, for messages: nothing from inside quotes or
 * parentheses, where passwords and data are. */
void statements_quote(const struct statements *statements, char text[80]);

#endif
