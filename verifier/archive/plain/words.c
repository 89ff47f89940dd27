#include "archive/plain/words.h"

#include <ctype.h>
#include <string.h>

void words_init(struct words *words, const char *text, size_t length, bool standard_strings)
{
    *words = (struct words){.at = text, .end = text + length, .backslashes = !standard_strings};
}

static void add(struct words *words, size_t *length, char byte)
{
    if (*length < WORD_BYTES - 1)
        words->text[(*length)++] = byte;
    else
        words->cut = true;
    words->text[*length] = '\0';
}

static bool is_word_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || byte == '$' ||
           (unsigned char)byte >= 0x80;
}

static void read_quoted(struct words *words, bool backslashes)
{
    char quote = *words->at++;
    size_t length = 0;
    while (words->at < words->end) {
        char byte = *words->at++;
        if (byte == quote) {
            if (words->at == words->end || *words->at != quote)
                return;
            words->at++;
        } else if (byte == '\\' && backslashes && words->at < words->end) {
            add(words, &length, byte);
            byte = *words->at++;
        }
        add(words, &length, byte);
    }
}

static void read_plain(struct words *words)
{
    size_t length = 0;
    while (words->at < words->end && is_word_byte(*words->at)) {
        unsigned char byte = (unsigned char)*words->at++;
        add(words, &length, (char)(byte < 0x80 ? tolower(byte) : byte));
    }
    if (words->at < words->end && *words->at == '\'' && length == 1 &&
        strchr("ebxn", words->text[0])) {
        words->kind = WORD_STRING;
        bool backslashes = words->text[0] == 'e' || (words->text[0] == 'n' && words->backslashes);
        words->text[0] = '\0';
        read_quoted(words, backslashes);
    }
}

static void read_dollar_quoted(struct words *words)
{
    const char *tag = words->at;
    const char *tag_end = memchr(tag + 1, '$', (size_t)(words->end - tag - 1));
    words->at++;
    if (!tag_end || (tag_end > tag + 1 && isdigit((unsigned char)tag[1])))
        return;
    size_t size = (size_t)(tag_end + 1 - tag);
    const char *close = memmem(tag_end + 1, (size_t)(words->end - tag_end - 1), tag, size);
    words->kind = WORD_STRING;
    words->at = close ? close + size : words->end;
}

bool words_next(struct words *words)
{
    while (words->at < words->end && isspace((unsigned char)*words->at))
        words->at++;
    words->text[0] = '\0';
    words->cut = false;
    words->depth = words->inner;
    if (words->at == words->end) {
        words->kind = WORD_END;
        return false;
    }
    char byte = *words->at;
    if (byte == '"') {
        words->kind = WORD_NAME;
        read_quoted(words, false);
    } else if (byte == '\'') {
        words->kind = WORD_STRING;
        read_quoted(words, words->backslashes);
    } else if (byte != '$' && is_word_byte(byte)) {
        words->kind = WORD_PLAIN;
        read_plain(words);
    } else {
        words->kind = WORD_SYMBOL;
        words->text[0] = byte;
        words->text[1] = '\0';
        if (byte == '$') {
            read_dollar_quoted(words);
            return true;
        }
        words->at++;
        if (byte == '(')
            words->inner++;
        else if (byte == ')' && words->inner > 0)
            words->depth = --words->inner;
    }
    return true;
}

bool words_next_outside(struct words *words)
{
    while (words_next(words))
        if (words->depth == 0)
            return true;
    return false;
}

bool word_is(const struct words *words, const char *plain)
{
    return words->kind == WORD_PLAIN && strcmp(words->text, plain) == 0;
}

bool word_is_symbol(const struct words *words, char symbol)
{
    return words->kind == WORD_SYMBOL && words->text[0] == symbol;
}

bool word_is_name(const struct words *words)
{
    return (words->kind == WORD_NAME || words->kind == WORD_PLAIN) && words->text[0] != '\0' &&
           !words->cut;
}

bool word_is_one_of(const struct words *words, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (word_is(words, list[i]))
            return true;
    return false;
}

void words_skip_if_not_exists(struct words *words)
{
    if (!word_is(words, "if"))
        return;
    words_next(words); /* NOT */
    words_next(words); /* EXISTS */
    words_next(words);
}
