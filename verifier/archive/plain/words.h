/* Reads the words of one SQL statement, whose quotes the lexer has found to be closed. For
 * statement.c only. */
#ifndef ARCHIVE_PLAIN_WORDS_H
#define ARCHIVE_PLAIN_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum word_kind {
    WORD_END = 0,
    WORD_PLAIN,  /* unquoted, in lower case; numbers too */
    WORD_NAME,   /* in double quotes */
    WORD_STRING, /* in quotes of any other kind; without escapes undone, but for '' */
    WORD_SYMBOL, /* one character */
};

#define WORD_BYTES 256

struct words {
    const char *at, *end;
    bool backslashes; /* escape in '...' */
    /* the word read last: */
    enum word_kind kind;
    char text[WORD_BYTES]; /* longer ones are cut, and `cut` is set */
    bool cut;
    int64_t depth; /* in parentheses, of the word; their own is that outside them */
    int64_t inner;
};

void words_init(struct words *words, const char *text, size_t length, bool standard_strings);
bool words_next(struct words *words);         /* false at the end */
bool words_next_outside(struct words *words); /* skips what is in parentheses, but not those */
/* If the word read last is IF, skips IF NOT EXISTS and reads the next word. */
void words_skip_if_not_exists(struct words *words);

/* About the word read last. */
bool word_is(const struct words *words, const char *plain);
bool word_is_symbol(const struct words *words, char symbol);
bool word_is_name(const struct words *words); /* an identifier, quoted or not */
bool word_is_one_of(const struct words *words, const char *const *list, size_t count);

#endif
