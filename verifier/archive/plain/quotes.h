/* The part of the lexer that reads what stands in quotes, byte by byte of the session's encoding.
 * For lexer.c only. */
#ifndef ARCHIVE_PLAIN_QUOTES_H
#define ARCHIVE_PLAIN_QUOTES_H

#include "archive/plain/lexer.h"

/* The block under way: `kept` is the first byte that head does not have yet. */
struct block {
    const char *start, *at, *end, *kept;
};

bool lexer_is_word_start(unsigned char byte);
bool lexer_is_word_byte(unsigned char byte);
void lexer_note_lead_byte(struct plain_lexer *lexer, unsigned char byte);

/* Bad backup: `what`, on the line under way, is nothing that pg_dump writes. */
int lexer_refuse(const struct plain_lexer *lexer, const char *what, struct error *error);

/* Each takes bytes of the block up to the end of the quote, or fewer. */
int lexer_in_string(struct plain_lexer *lexer, struct block *block, struct error *error);
void lexer_in_name(struct plain_lexer *lexer, struct block *block);
int lexer_in_dollar_tag(struct plain_lexer *lexer, struct block *block, struct error *error);
void lexer_in_dollar_string(struct plain_lexer *lexer, struct block *block);

#endif
