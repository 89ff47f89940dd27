#include "migrations/python.h"

#include <stdbool.h>
#include <string.h>

enum token_kind {
    TOKEN_END,
    TOKEN_NEWLINE, /* the end of a statement's line */
    TOKEN_NAME,
    TOKEN_STRING, /* the token is what stands between the quotes */
    TOKEN_OTHER,  /* one character, or a string that is no plain text */
};

struct token {
    enum token_kind kind;
    const char *text;
    size_t length;
    bool at_margin; /* begins a statement in the first column */
};

struct lexer {
    const char *at;
    const char *end;
    const char *line_begin;
    unsigned line;
    int depth;  /* of brackets */
    bool fresh; /* no token of a statement yet */
};

static int fail(const struct lexer *lexer, const char *words, struct error *error)
{
    return cannot_verify(error, "line %u: %s", lexer->line, words);
}

static bool one_of(char c, const char *characters)
{
    return c != '\0' && strchr(characters, c);
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static void next_line(struct lexer *lexer)
{
    lexer->at++;
    lexer->line++;
    lexer->line_begin = lexer->at;
}

/* Does a backslash at `at` join this line with the next? */
static bool joins_lines(const struct lexer *lexer)
{
    size_t left = (size_t)(lexer->end - lexer->at);
    return (left >= 2 && memcmp(lexer->at, "\\\n", 2) == 0) ||
           (left >= 3 && memcmp(lexer->at, "\\\r\n", 3) == 0);
}

/* Blanks, comments, and line ends that end no statement. */
static void skip_blanks(struct lexer *lexer)
{
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        if (joins_lines(lexer)) {
            lexer->at = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
            next_line(lexer);
        } else if (c == '#') {
            const char *end = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
            lexer->at = end ? end : lexer->end;
        } else if (one_of(c, " \t\r\f")) {
            lexer->at++;
        } else if (c == '\n' && (lexer->depth > 0 || lexer->fresh)) {
            next_line(lexer);
        } else {
            return;
        }
    }
}

/* `at` is its first quote. */
static int read_string(struct lexer *lexer, struct token *token, struct error *error)
{
    char quote = *lexer->at;
    size_t left = (size_t)(lexer->end - lexer->at);
    bool triple = left >= 3 && lexer->at[1] == quote && lexer->at[2] == quote;
    size_t width = triple ? 3 : 1;
    token->text = lexer->at += width;
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        bool closes = c == quote && (!triple || ((size_t)(lexer->end - lexer->at) >= 3 &&
                                                 lexer->at[1] == quote && lexer->at[2] == quote));
        if (closes) {
            token->length = (size_t)(lexer->at - token->text);
            lexer->at += width;
            return 0;
        }
        if (c == '\n' && !triple)
            break;
        if (c == '\\' && lexer->at + 1 < lexer->end)
            c = *++lexer->at;
        if (c == '\n')
            next_line(lexer);
        else
            lexer->at++;
    }
    return fail(lexer, "a string does not end", error);
}

static bool is_quote(const struct lexer *lexer)
{
    return lexer->at < lexer->end && (*lexer->at == '"' || *lexer->at == '\'');
}

/* A name, or a string with letters in front of it: r"...", f'...'. */
static int read_name(struct lexer *lexer, struct token *token, struct error *error)
{
    while (lexer->at < lexer->end && is_name_character(*lexer->at))
        lexer->at++;
    token->kind = TOKEN_NAME;
    token->length = (size_t)(lexer->at - token->text);
    if (!is_quote(lexer) || token->length > 2)
        return 0;
    bool plain = token->length == 1 && one_of(token->text[0], "rRuU");
    token->kind = plain ? TOKEN_STRING : TOKEN_OTHER;
    return read_string(lexer, token, error);
}

static int next_token(struct lexer *lexer, struct token *ret_token, struct error *error)
{
    skip_blanks(lexer);
    struct token token = {.text = lexer->at, .length = 1};
    token.at_margin = lexer->fresh && lexer->at == lexer->line_begin;
    if (lexer->at == lexer->end) {
        if (lexer->depth > 0)
            return fail(lexer, "a bracket is not closed", error);
        token.kind = TOKEN_END;
    } else if (*lexer->at == '\n') {
        token.kind = TOKEN_NEWLINE;
        next_line(lexer);
    } else if (is_quote(lexer)) {
        token.kind = TOKEN_STRING;
        if (read_string(lexer, &token, error) < 0)
            return -1;
    } else if (is_name_character(*lexer->at)) {
        if (read_name(lexer, &token, error) < 0)
            return -1;
    } else {
        token.kind = TOKEN_OTHER;
        char c = *lexer->at++;
        lexer->depth += one_of(c, "([{") ? 1 : 0;
        if (one_of(c, ")]}") && lexer->depth-- == 0)
            return fail(lexer, "a bracket closes nothing", error);
    }
    lexer->fresh = token.kind == TOKEN_NEWLINE;
    *ret_token = token;
    return 0;
}

static bool is_sign(const struct token *token, const char *signs)
{
    return token->kind == TOKEN_OTHER && token->length == 1 && one_of(token->text[0], signs);
}

static bool is_end(const struct token *token)
{
    return token->kind == TOKEN_NEWLINE || token->kind == TOKEN_END;
}

/* From behind the `=` to the end of the statement. */
static int read_value(struct lexer *lexer, const char *name, struct strings *values,
                      struct error *error)
{
    struct token token = {0};
    bool separated = true; /* two strings side by side would be one */
    bool empty = true;
    strings_free(values);
    for (;;) {
        if (next_token(lexer, &token, error) < 0)
            return -1;
        if (is_end(&token) && !empty)
            return 0;
        bool none =
            token.kind == TOKEN_NAME && token.length == 4 && memcmp(token.text, "None", 4) == 0;
        bool text = token.kind == TOKEN_STRING && separated && token.length > 0 &&
                    !memchr(token.text, '\\', token.length) && !memchr(token.text, 0, token.length);
        if (text) {
            cleanup(free_pointer) char *value = xstrndup(token.text, token.length);
            strings_add(values, value);
        } else if (!none && !is_sign(&token, "()[]{},")) {
            return cannot_verify(error,
                                 "line %u: the value of `%s` cannot be told without running the "
                                 "file: write it as None, a string, or strings in brackets",
                                 lexer->line, name);
        }
        empty = false;
        separated = is_sign(&token, "([{,");
    }
}

/* Behind the name: an annotation, if there is one, and then whether a value is assigned. */
static int find_assignment(struct lexer *lexer, bool *ret_found, struct token *ret_last,
                           struct error *error)
{
    struct token token = {0};
    if (next_token(lexer, &token, error) < 0)
        return -1;
    if (is_sign(&token, ":"))
        while (!is_end(&token) && !(is_sign(&token, "=") && lexer->depth == 0))
            if (next_token(lexer, &token, error) < 0)
                return -1;
    /* `==` begins no statement that means something. */
    *ret_found = is_sign(&token, "=") && !(lexer->at < lexer->end && *lexer->at == '=');
    *ret_last = token;
    return 0;
}

int python_constants(const char *text, size_t length, const char *const *names, size_t count,
                     struct strings *ret_values, struct error *error)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct lexer lexer = {.at = text, .end = text + length, .line = 1, .fresh = true};
    if (length >= 3 && memcmp(text, byte_order_mark, 3) == 0)
        lexer.at += 3;
    lexer.line_begin = lexer.at;
    struct token token = {.kind = TOKEN_OTHER};
    while (token.kind != TOKEN_END) {
        if (next_token(&lexer, &token, error) < 0)
            return -1;
        size_t i = 0;
        while (i < count &&
               !(token.kind == TOKEN_NAME && token.at_margin && token.length == strlen(names[i]) &&
                 memcmp(token.text, names[i], token.length) == 0))
            i++;
        bool assigned;
        if (i == count)
            continue;
        if (find_assignment(&lexer, &assigned, &token, error) < 0 ||
            (assigned && read_value(&lexer, names[i], &ret_values[i], error) < 0))
            return -1;
    }
    return 0;
}
