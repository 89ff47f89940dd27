#include "archive/definition.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/buffer.h"
#include "base/memory.h"

/* A definition under way. */
struct text {
    const char *at, *end;
    struct buffer word; /* the token that was read last */
    struct definition_digest *digest;
    struct definition_style style;
    bool in_options; /* between the parentheses of WITH (fillfactor='70') */
};

/* What a token is; words and quoted names are the same. */
enum token {
    TOKEN_NAME = 'n',
    TOKEN_STRING = 's',
    TOKEN_SYMBOL = 'y',
};

static void digest_add(struct definition_digest *digest, XXH128_hash_t hash, bool any_order)
{
    if (any_order) {
        digest->words[0] += hash.low64;
        digest->words[1] += hash.high64 + (digest->words[0] < hash.low64);
        return;
    }
    const uint64_t pair[] = {digest->words[0], digest->words[1], hash.low64, hash.high64};
    hash = XXH3_128bits(pair, sizeof(pair));
    *digest = (struct definition_digest){{hash.low64, hash.high64}};
}

static void emit_bytes(struct text *text, enum token token, const char *bytes, size_t length)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, length, (XXH64_hash_t)token);
    digest_add(text->digest, hash, text->style.any_order);
}

static void emit(struct text *text, enum token token)
{
    emit_bytes(text, token, text->word.data, text->word.length);
}

/* A type such as "character varying" is one name in quotes, and two words without. */
static void emit_name(struct text *text)
{
    const char *word = text->word.data;
    for (size_t length = strcspn(word, " "); word[length]; length = strcspn(word, " ")) {
        emit_bytes(text, TOKEN_NAME, word, length);
        word += length + 1;
    }
    emit_bytes(text, TOKEN_NAME, word, strlen(word));
}

static size_t left(const struct text *text)
{
    return (size_t)(text->end - text->at);
}

static bool is_at(const struct text *text, const char *wanted)
{
    size_t length = strlen(wanted);
    return left(text) >= length && memcmp(text->at, wanted, length) == 0;
}

static bool is_word_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || (unsigned char)byte >= 0x80;
}

/* ---- quotes ---- */

/* 'it''s', "a name", E'a \\ b': up to behind its end. */
static void quoted_read(struct text *text, char quote, bool escapes)
{
    buffer_clear(&text->word);
    for (text->at++; text->at < text->end; text->at++) {
        bool doubled = left(text) > 1 && text->at[1] == quote;
        if (*text->at == quote && !doubled)
            break;
        if (*text->at == quote ||
            (escapes && *text->at == '\\' && left(text) > 1 && strchr("\\'", text->at[1])))
            text->at++;
        buffer_append(&text->word, text->at, 1);
    }
    if (text->at < text->end)
        text->at++;
}

/* $tag$ ... $tag$. False: there is none here. */
static bool dollars_read(struct text *text)
{
    const char *tag_end = text->at + 1;
    while (tag_end < text->end && is_word_byte(*tag_end))
        tag_end++;
    if (tag_end == text->end || *tag_end != '$' || isdigit((unsigned char)text->at[1]))
        return false;
    size_t tag = (size_t)(tag_end + 1 - text->at);
    const char *begin = text->at + tag;
    const char *end = memmem(begin, (size_t)(text->end - begin), text->at, tag);
    buffer_clear(&text->word);
    buffer_append(&text->word, begin, (size_t)((end ? end : text->end) - begin));
    text->at = end ? end + tag : text->end;
    return true;
}

/* "2024-01-01 02:00:00.5+02:30:15", behind the seconds: how many seconds its zone is before UTC,
 * and where that begins; NULL: it is no such time. */
static const char *moment_zone(const char *rest, long *ret_seconds)
{
    static const long units[] = {3600, 60, 1};
    const char *zone = rest + strspn(rest, ".0123456789");
    const char *end = zone;
    long seconds = 0;
    if (*zone != '+' && *zone != '-')
        return NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(units) && *end == (i == 0 ? *zone : ':'); i++) {
        if (!isdigit((unsigned char)end[1]) || !isdigit((unsigned char)end[2]))
            return NULL;
        seconds += ((end[1] - '0') * 10L + (end[2] - '0')) * units[i];
        end += 3;
    }
    *ret_seconds = *zone == '-' ? -seconds : seconds;
    return *end == '\0' ? zone : NULL;
}

/* Sessions print moments in their own zone. */
static void moment_normalise(struct buffer *word)
{
    struct tm parts = {0};
    long zone_s;
    if (word->length > 40)
        return;
    const char *rest = strptime(word->data, "%Y-%m-%d %H:%M:%S", &parts);
    const char *zone = rest ? moment_zone(rest, &zone_s) : NULL;
    if (!zone)
        return;
    cleanup(free_pointer) char *fraction = xstrndup(rest, (size_t)(zone - rest));
    long long moment = (long long)timegm(&parts) - zone_s;
    buffer_clear(word);
    buffer_printf(word, "%lld%s", moment, fraction);
}

/* '"app"."users_id_seq"'::regclass, '"english"'::"regconfig": names, which need no quotes without
 * --quote-all-identifiers. */
static bool is_cast_to_name(const struct text *text)
{
    static const char *const casts[] = {"::reg", "::\"reg", "::pg_catalog.reg",
                                        "::\"pg_catalog\".\"reg"};
    for (size_t i = 0; i < ARRAY_LENGTH(casts); i++)
        if (is_at(text, casts[i]))
            return true;
    return false;
}

static void names_normalise(struct buffer *word)
{
    char *end = word->data;
    for (const char *next = word->data; next < word->data + word->length; next++)
        if (*next != '"')
            *end++ = *next;
    *end = '\0';
    word->length = (size_t)(end - word->data);
}

static void string_take(struct text *text, bool escapes)
{
    quoted_read(text, '\'', escapes);
    if (is_cast_to_name(text))
        names_normalise(&text->word);
    moment_normalise(&text->word);
    emit(text, text->in_options ? TOKEN_NAME : TOKEN_STRING);
}

/* ---- what does not count ---- */

static void space_skip(struct text *text)
{
    while (text->at < text->end) {
        if (is_at(text, "--")) {
            const char *newline = memchr(text->at, '\n', left(text));
            text->at = newline ? newline : text->end;
        } else if (isspace((unsigned char)*text->at)) {
            text->at++;
        } else {
            return;
        }
    }
}

/* Reads a word, which has to be one of these. */
static bool word_skip(struct text *text, const char *wanted)
{
    size_t length = strlen(wanted);
    space_skip(text);
    if (!is_at(text, wanted) || (left(text) > length && is_word_byte(text->at[length])))
        return false;
    text->at += length;
    return true;
}

static void name_skip(struct text *text)
{
    space_skip(text);
    if (text->at < text->end && *text->at == '"') {
        quoted_read(text, '"', false);
        return;
    }
    while (text->at < text->end && is_word_byte(*text->at))
        text->at++;
}

/* (10,2) of a type, which has nothing but numbers in it, or [] or [3]. */
static bool modifier_skip(struct text *text, char open, char close)
{
    const char *end = text->at;
    if (text->at == text->end || *text->at != open)
        return false;
    for (end++; end < text->end && (isdigit((unsigned char)*end) || strchr(", -", *end)); end++)
        ;
    if (end == text->end || *end != close)
        return false;
    text->at = end + 1;
    return true;
}

/* What is behind the first word of a type of the standard's: double precision. */
static void type_words_skip(struct text *text)
{
    if (word_skip(text, "precision") || word_skip(text, "varying"))
        return;
    modifier_skip(text, '(', ')');
    if ((word_skip(text, "with") || word_skip(text, "without")) && word_skip(text, "time"))
        word_skip(text, "zone");
}

static bool has_type_words(const char *type, size_t length)
{
    static const char *const types[] = {"double", "character", "bit", "timestamp", "time"};
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
        if (strlen(types[i]) == length && memcmp(types[i], type, length) == 0)
            return true;
    return false;
}

/* The type of a cast, behind its "::". */
static void type_skip(struct text *text)
{
    space_skip(text);
    const char *type = text->at;
    name_skip(text);
    if (has_type_words(type, (size_t)(text->at - type)))
        type_words_skip(text);
    while (text->at < text->end && *text->at == '.') {
        text->at++;
        name_skip(text);
    }
    modifier_skip(text, '(', ')');
    while (modifier_skip(text, '[', ']'))
        ;
}

/* ---- tokens ---- */

/* What tools add to make a statement fit a database that has the object already. Keywords are
 * written in capitals. */
static bool is_again(struct text *text)
{
    struct text ahead = *text;
    const char *word = text->word.data;
    bool again = strcmp(word, "IF") == 0   ? word_skip(&ahead, "NOT") && word_skip(&ahead, "EXISTS")
                 : strcmp(word, "OR") == 0 ? word_skip(&ahead, "REPLACE")
                                           : false;
    if (again)
        text->at = ahead.at;
    return again;
}

static void word_take(struct text *text)
{
    const char *begin = text->at;
    while (text->at < text->end && is_word_byte(*text->at))
        text->at++;
    buffer_clear(&text->word);
    buffer_append(&text->word, begin, (size_t)(text->at - begin));
    if (text->word.length == 1 && strchr("Ee", *begin) && is_at(text, "'"))
        string_take(text, true);
    else if (!is_again(text))
        emit(text, TOKEN_NAME);
    if (strcmp(text->word.data, "WITH") == 0) {
        space_skip(text);
        text->in_options = is_at(text, "(");
    }
}

static void token_take(struct text *text)
{
    char first = *text->at;
    if (first == '\'') {
        string_take(text, text->style.escapes);
    } else if (first == '"') {
        quoted_read(text, '"', false);
        emit_name(text);
    } else if (first == '$' && dollars_read(text)) {
        emit(text, TOKEN_STRING);
    } else if (is_at(text, "::")) {
        text->at += 2;
        type_skip(text);
    } else if (is_word_byte(first)) {
        word_take(text);
    } else {
        text->at++;
        buffer_clear(&text->word);
        buffer_append(&text->word, &first, 1);
        text->in_options = text->in_options && first != ')';
        if (!strchr("();", first))
            emit(text, TOKEN_SYMBOL);
    }
}

void definition_read(struct definition_digest *digest, const char *sql, size_t length,
                     struct definition_style style)
{
    struct text text = {.at = sql, .end = sql + length, .digest = digest, .style = style};
    buffer_init(&text.word, SIZE_MAX / 2);
    for (space_skip(&text); text.at < text.end; space_skip(&text))
        token_take(&text);
    buffer_free(&text.word);
}

struct definition_digest definition_exact(const char *sql)
{
    XXH128_hash_t hash = XXH3_128bits(sql, strlen(sql));
    return (struct definition_digest){{hash.low64, hash.high64}};
}

bool definition_is_same(const struct definition_digest *one, const struct definition_digest *other)
{
    return one->words[0] == other->words[0] && one->words[1] == other->words[1];
}
