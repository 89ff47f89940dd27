/* Splits SQL text into statements, comments and psql commands, exactly where psql splits it
 * (psqlscan.l of PostgreSQL 15), from blocks of any size and in constant memory. For plain.c only.
 *
 * Where psql versions differ on text that pg_dump never writes (`1$a$`, a string continued on the
 * next line after E'...'), the text is refused instead of guessed at.
 */
#ifndef ARCHIVE_PLAIN_LEXER_H
#define ARCHIVE_PLAIN_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define PLAIN_HEAD_BYTES    (64 << 10) /* of each statement; what is longer is not kept */
#define PLAIN_COMMENT_BYTES 1024       /* likewise */
#define PLAIN_WORD_BYTES    64

enum plain_token {
    PLAIN_WORD, /* unquoted; its text in lower case is given */
    PLAIN_NAME, /* in double quotes */
    PLAIN_STRING,
    PLAIN_OPEN,  /* the parenthesis that leads into depth 1 */
    PLAIN_CLOSE, /* the one that leads back to depth 0 */
    PLAIN_COMMA,
    PLAIN_OTHER,
};

/* What the lexer tells, in the order of the text. Each returns 0, or -1 with `error` filled. */
struct plain_events {
    /* A token outside all parentheses; `at` is its offset in the whole text. `word` is "" for all
     * but words, and for words too long to be a keyword. */
    int (*token)(void *context, enum plain_token token, const char *word, int64_t at,
                 struct error *error);
    /* A `;` that ends a statement: lexer->head holds its text without comments. */
    int (*statement)(void *context, struct error *error);
    /* A `--` comment between statements, without the dashes and the spaces around it. */
    int (*comment)(void *context, const char *text, struct error *error);
    /* A backslash outside quotes, and the rest of its line. `alone` when it begins the line and no
     * statement is under way. */
    int (*command)(void *context, const char *line, bool alone, struct error *error);
};

enum plain_state {
    IN_SQL = 0,
    IN_WORD,
    IN_NUMBER,
    BEHIND_DASH,
    BEHIND_SLASH,
    IN_LINE_COMMENT,
    IN_BLOCK_COMMENT,
    IN_STRING,
    IN_NAME,
    IN_DOLLAR_TAG,
    IN_DOLLAR_STRING,
    IN_COMMAND,
};

enum plain_string {
    NO_STRING = 0,
    STANDARD_STRING,
    ESCAPE_STRING, /* E'...', or any when standard_conforming_strings is off */
    BIT_STRING,    /* B'...' and X'...' */
};

struct plain_lexer {
    const struct plain_events *events;
    void *context;

    /* What the session is set to; the client changes it when it sees SET. */
    bool standard_strings;
    bool standard_strings_known;
    enum { BYTES_ARE_SAFE = 0, TWO_BYTES, SHIFT_JIS, JOHAB } trail_bytes; /* that look like ASCII */
    bool stop; /* set by the client in `statement`: leave the rest to it */

    enum plain_state state;
    int64_t line;   /* of the next byte, from 1 */
    int64_t offset; /* of the first byte of the block under way */
    bool line_start;
    int skip;   /* trail bytes to come */
    int colons; /* 1 behind a single colon, 2 behind a pair */
    int64_t quote_line;

    bool in_statement;
    int64_t statement_line;
    struct buffer head; /* head.overflowed: the statement is longer */
    int64_t parentheses;
    int64_t begins; /* open BEGIN and CASE of a function's body */
    int words;      /* seen in this statement, up to 4; their first letters: */
    char word_letters[4];

    char word[PLAIN_WORD_BYTES];
    size_t word_length;
    int64_t word_at;
    enum plain_string string;
    bool escaped;               /* behind a backslash in a string */
    enum plain_string closed;   /* the last byte was the quote that closed such a string */
    bool no_continuation;       /* nothing but space since an escape or bit string */
    bool name_closed;           /* the last byte was the quote that closed a name */
    int unicode_prefix;         /* the last bytes were U (1) or U& (2) */
    char tag[PLAIN_WORD_BYTES]; /* of the dollar quotes, without the dollars */
    size_t tag_length;
    size_t tag_matched; /* 0: not behind a dollar; else 1 + bytes of the tag that matched */
    int64_t comment_depth;
    char comment_last;
    char text[PLAIN_COMMENT_BYTES]; /* of a line comment or command */
    size_t text_length;             /* may be larger than what `text` holds */
    bool command_alone;
};

void plain_lexer_init(struct plain_lexer *lexer, const struct plain_events *events, void *context);
void plain_lexer_free(struct plain_lexer *lexer);

/* Takes all of the block, or less when the client set `stop` (and then clears that). */
int plain_lexer_feed(struct plain_lexer *lexer, const char *bytes, size_t length, size_t *ret_taken,
                     struct error *error);

/* The end of the text: ends what a newline would have ended. */
int plain_lexer_end(struct plain_lexer *lexer, struct error *error);

/* Words for what the text ended in the middle of, or NULL when it is between two statements. */
const char *plain_lexer_inside(const struct plain_lexer *lexer);

/* A `\connect` was seen: the session has settings of its own again. */
void plain_lexer_reset_session(struct plain_lexer *lexer);
/* `SET client_encoding`. */
void plain_lexer_set_encoding(struct plain_lexer *lexer, const char *encoding);

#endif
