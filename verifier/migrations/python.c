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
    bool begins_line; /* the first of a statement's line */
    size_t column;    /* of such a one, counted from 0 */
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
    token.begins_line = lexer->fresh;
    token.column = (size_t)(lexer->at - lexer->line_begin);
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

static bool is_name(const struct token *token, const char *name)
{
    return token->kind == TOKEN_NAME && token->length == strlen(name) &&
           memcmp(token->text, name, token->length) == 0;
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
        bool text = token.kind == TOKEN_STRING && separated &&
                    !memchr(token.text, '\\', token.length) && !memchr(token.text, 0, token.length);
        if (text) {
            cleanup(free_pointer) char *value = xstrndup(token.text, token.length);
            strings_add(values, value);
        } else if (!is_name(&token, "None") && !is_sign(&token, "()[]{},")) {
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
static int find_assignment(struct lexer *lexer, bool *ret_found, struct error *error)
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
    return 0;
}

/* Is a name that ends at the lexer's place given a value there, in whatever way? The lexer is a
 * copy, to look ahead with. */
static bool is_assigned(struct lexer lexer, bool begins_line)
{
    struct token token;
    struct error ignored; /* met again by whoever reads on */
    bool found = false;
    if (begins_line) {
        struct lexer again = lexer;
        if (find_assignment(&again, &found, &ignored) == 0 && found)
            return true;
    }
    if (next_token(&lexer, &token, &ignored) < 0)
        return false;
    bool equals_follows = lexer.at < lexer.end && *lexer.at == '=';
    return (is_sign(&token, "=") && !equals_follows) ||
           (is_sign(&token, "+-*/|&^%@") && equals_follows) ||
           (begins_line && is_sign(&token, ","));
}

/* Where in the file the reading is. */
struct place {
    struct token token;
    struct token before;
    bool importing; /* in an `import` statement, behind that word */
    bool hidden;    /* in a function or class */
    size_t hidden_column;
};

static int next_place(struct lexer *lexer, struct place *place, struct error *error)
{
    place->before = place->token;
    if (next_token(lexer, &place->token, error) < 0)
        return -1;
    const struct token *token = &place->token;
    if (token->begins_line) {
        place->importing = false;
        if (place->hidden && token->column <= place->hidden_column)
            place->hidden = false;
    }
    if (!place->hidden && token->begins_line &&
        (is_name(token, "def") || is_name(token, "class") || is_name(token, "async"))) {
        place->hidden = true;
        place->hidden_column = token->column;
    }
    if (is_name(token, "import"))
        place->importing = true;
    return 0;
}

/* Does the name here get a value in a way that is not read? */
static bool is_given_otherwise(const struct lexer *lexer, const struct place *place)
{
    static const char *const words[] = {"for", "as", "del"};
    if (place->importing || lexer->depth > 0 || is_sign(&place->before, "."))
        return place->importing;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (is_name(&place->before, words[i]))
            return true;
    return is_assigned(*lexer, place->token.begins_line);
}

static int read_name_of_interest(struct lexer *lexer, struct place *place, const char *name,
                                 struct strings *values, struct error *error)
{
    bool plain = false;
    if (place->token.begins_line && place->token.column == 0) {
        struct lexer ahead = *lexer;
        if (find_assignment(&ahead, &plain, error) < 0)
            return -1;
        if (plain)
            *lexer = ahead;
    }
    if (plain) {
        place->token.kind = TOKEN_NEWLINE;
        return read_value(lexer, name, values, error);
    }
    if (!is_given_otherwise(lexer, place))
        return 0;
    return cannot_verify(
        error,
        "line %u: `%s` gets its value in a way that cannot be told without running "
        "the file: assign it by one statement at the left margin",
        lexer->line, name);
}

static struct lexer lexer_of(const char *text, size_t length)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct lexer lexer = {.at = text, .end = text + length, .line = 1, .fresh = true};
    if (length >= 3 && memcmp(text, byte_order_mark, 3) == 0)
        lexer.at += 3;
    lexer.line_begin = lexer.at;
    return lexer;
}

int python_constants(const char *text, size_t length, const char *const *names, size_t count,
                     struct strings *ret_values, struct error *error)
{
    struct lexer lexer = lexer_of(text, length);
    struct place place = {.token = {.kind = TOKEN_OTHER, .text = "", .length = 0}};
    while (place.token.kind != TOKEN_END) {
        if (next_place(&lexer, &place, error) < 0)
            return -1;
        for (size_t i = 0; i < count && !place.hidden; i++) {
            if (!is_name(&place.token, names[i]))
                continue;
            if (read_name_of_interest(&lexer, &place, names[i], &ret_values[i], error) < 0)
                return -1;
            break;
        }
    }
    return 0;
}

char *python_title(const char *text, size_t length)
{
    struct lexer lexer = lexer_of(text, length);
    struct token token;
    struct error ignored;
    if (next_token(&lexer, &token, &ignored) < 0 || token.kind != TOKEN_STRING)
        return xstrdup("");
    static const char blanks[] = " \t\r\n";
    const char *begin = token.text;
    const char *end = token.text + token.length;
    while (begin < end && one_of(*begin, blanks))
        begin++;
    const char *line_end = memchr(begin, '\n', (size_t)(end - begin));
    end = line_end ? line_end : end;
    while (end > begin && one_of(end[-1], blanks))
        end--;
    return xstrndup(begin, (size_t)(end - begin));
}
