#include "archive/plain/quotes.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"

void plain_lexer_set_encoding(struct plain_lexer *lexer, const char *encoding)
{
    static const struct {
        const char *name;
        int trail_bytes;
    } unsafe[] = {
        {"sjis", SHIFT_JIS},    {"shiftjis", SHIFT_JIS},   {"mskanji", SHIFT_JIS},
        {"win932", SHIFT_JIS},  {"windows932", SHIFT_JIS}, {"shiftjis2004", SHIFT_JIS},
        {"big5", TWO_BYTES},    {"win950", TWO_BYTES},     {"windows950", TWO_BYTES},
        {"gbk", TWO_BYTES},     {"win936", TWO_BYTES},     {"windows936", TWO_BYTES},
        {"uhc", TWO_BYTES},     {"win949", TWO_BYTES},     {"windows949", TWO_BYTES},
        {"gb18030", TWO_BYTES}, {"johab", JOHAB},
    };
    char plain[32];
    size_t length = 0;
    for (const char *at = encoding; *at && length < sizeof(plain) - 1; at++)
        if (isalnum((unsigned char)*at))
            plain[length++] = (char)tolower((unsigned char)*at);
    plain[length] = '\0';
    lexer->trail_bytes = BYTES_ARE_SAFE;
    for (size_t i = 0; i < ARRAY_LENGTH(unsafe); i++)
        if (strcmp(plain, unsafe[i].name) == 0)
            lexer->trail_bytes = unsafe[i].trail_bytes;
}

/* In these encodings a byte that looks like ASCII may be the second one of a character: a four-byte
 * character of GB18030 is two such pairs. */
void lexer_note_lead_byte(struct plain_lexer *lexer, unsigned char byte)
{
    if (byte < 0x80 || lexer->trail_bytes == BYTES_ARE_SAFE)
        return;
    if (lexer->trail_bytes == SHIFT_JIS && byte >= 0xA1 && byte <= 0xDF)
        return;
    lexer->skip = lexer->trail_bytes == JOHAB && byte == 0x8F ? 2 : 1;
}

bool lexer_is_word_start(unsigned char byte)
{
    return isalpha(byte) || byte == '_' || byte >= 0x80;
}

bool lexer_is_word_byte(unsigned char byte)
{
    return lexer_is_word_start(byte) || isdigit(byte) || byte == '$';
}

int lexer_refuse(const struct plain_lexer *lexer, const char *what, struct error *error)
{
    /* In a quote, `line` has gone on to wherever the block ended. */
    bool quoted = lexer->state == IN_STRING || lexer->state == IN_DOLLAR_TAG;
    return bad_backup(error,
                      "line %lld: %s; pg_dump never writes this, so the file is damaged or was "
                      "changed by hand: make a new backup",
                      (long long)(quoted ? lexer->quote_line : lexer->line), what);
}

static void count_lines(struct plain_lexer *lexer, const char *from, const char *to)
{
    while (from < to && (from = memchr(from, '\n', (size_t)(to - from)))) {
        lexer->line++;
        from++;
    }
}

/* Moves to the first `byte`, or to the block's end, or behind the first byte of a character. */
static void find(struct plain_lexer *lexer, struct block *block, char byte)
{
    const char *from = block->at;
    if (lexer->trail_bytes == BYTES_ARE_SAFE) {
        const char *found = memchr(from, byte, (size_t)(block->end - from));
        block->at = found ? found : block->end;
    } else {
        while (block->at < block->end && *block->at != byte && lexer->skip == 0)
            lexer_note_lead_byte(lexer, (unsigned char)*block->at++);
    }
    count_lines(lexer, from, block->at);
}

static void close_string(struct plain_lexer *lexer, struct block *block)
{
    block->at++;
    lexer->state = IN_SQL;
    lexer->closed = lexer->string;
    lexer->no_continuation = lexer->string != STANDARD_STRING;
    lexer->string = NO_STRING;
}

int lexer_in_string(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    if (lexer->string != ESCAPE_STRING) {
        const char *from = block->at;
        find(lexer, block, '\'');
        if (!lexer->standard_strings_known && lexer->string == STANDARD_STRING &&
            memchr(from, '\\', (size_t)(block->at - from)))
            return lexer_refuse(
                lexer, "a backslash in a string before standard_conforming_strings is set", error);
        if (block->at < block->end && lexer->skip == 0)
            close_string(lexer, block);
        return 0;
    }
    while (block->at < block->end && lexer->skip == 0) {
        char byte = *block->at;
        if (byte == '\n')
            lexer->line++;
        if (lexer->escaped) {
            lexer->escaped = false;
        } else if (byte == '\\') {
            lexer->escaped = true;
        } else if (byte == '\'') {
            close_string(lexer, block);
            return 0;
        }
        block->at++;
        lexer_note_lead_byte(lexer, (unsigned char)byte);
    }
    return 0;
}

void lexer_in_name(struct plain_lexer *lexer, struct block *block)
{
    find(lexer, block, '"');
    if (block->at == block->end || lexer->skip > 0)
        return;
    block->at++;
    lexer->name_closed = true;
    lexer->state = IN_SQL;
}

int lexer_in_dollar_tag(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    unsigned char byte = (unsigned char)*block->at;
    if (byte == '$') {
        block->at++;
        lexer->state = IN_DOLLAR_STRING;
        lexer->tag_matched = 0;
        return 0;
    }
    if (isdigit(byte) && lexer->tag_length == 0) {
        lexer->state = IN_NUMBER; /* $1 */
        return 0;
    }
    if (!lexer_is_word_byte(byte) || lexer->tag_length == sizeof(lexer->tag))
        return lexer_refuse(lexer, "a dollar sign that begins no quote", error);
    lexer->tag[lexer->tag_length++] = (char)byte;
    block->at++;
    return 0;
}

void lexer_in_dollar_string(struct plain_lexer *lexer, struct block *block)
{
    while (block->at < block->end && lexer->skip == 0) {
        if (lexer->tag_matched == 0) {
            find(lexer, block, '$');
            if (block->at == block->end || lexer->skip > 0)
                return;
            block->at++;
            lexer->tag_matched = 1;
            continue;
        }
        char byte = *block->at;
        size_t matched = lexer->tag_matched - 1;
        if (byte == '$') {
            block->at++;
            lexer->tag_matched = 1; /* it may begin the tag that ends the quote */
            if (matched == lexer->tag_length) {
                lexer->state = IN_SQL;
                return;
            }
        } else if (matched < lexer->tag_length && byte == lexer->tag[matched]) {
            block->at++;
            lexer->tag_matched++;
        } else {
            lexer->tag_matched = 0; /* `find` takes the byte */
        }
    }
}
