#include "archive/plain/lexer.h"

#include <ctype.h>
#include <string.h>

#include "archive/plain/quotes.h"
#include "base/memory.h"

void plain_lexer_init(struct plain_lexer *lexer, const struct plain_events *events, void *context)
{
    *lexer =
        (struct plain_lexer){.events = events, .context = context, .line = 1, .line_start = true};
    buffer_init(&lexer->head, PLAIN_HEAD_BYTES);
    plain_lexer_reset_session(lexer);
}

void plain_lexer_free(struct plain_lexer *lexer)
{
    buffer_free(&lexer->head);
}

void plain_lexer_reset_session(struct plain_lexer *lexer)
{
    lexer->standard_strings = true;
    lexer->standard_strings_known = false;
    lexer->trail_bytes = BYTES_ARE_SAFE;
}

static void keep(struct plain_lexer *lexer, const char *bytes, size_t length)
{
    size_t room = lexer->head.limit - lexer->head.length;
    if (length > room) {
        length = room;
        lexer->head.overflowed = true;
    }
    if (length > 0)
        buffer_append(&lexer->head, bytes, length);
}

/* Keeps what lies before `to` for head. */
static void keep_until(struct plain_lexer *lexer, struct block *block, const char *to)
{
    if (lexer->in_statement && to > block->kept)
        keep(lexer, block->kept, (size_t)(to - block->kept));
    block->kept = to;
}

static void begin_statement(struct plain_lexer *lexer, struct block *block)
{
    if (lexer->in_statement)
        return;
    lexer->in_statement = true;
    lexer->statement_line = lexer->line;
    lexer->parentheses = 0;
    lexer->begins = 0;
    lexer->words = 0;
    memset(lexer->word_letters, 0, sizeof(lexer->word_letters));
    buffer_clear(&lexer->head);
    block->kept = block->at;
}

static int tell(struct plain_lexer *lexer, enum plain_token token, const char *word, int64_t at,
                struct error *error)
{
    return lexer->parentheses == 0 ? lexer->events->token(lexer->context, token, word, at, error)
                                   : 0;
}

static int64_t offset_of(const struct plain_lexer *lexer, const struct block *block)
{
    return lexer->offset + (block->at - block->start);
}

/* psql's own heuristic for bodies such as BEGIN ATOMIC ... END, in which `;` ends nothing. */
static void count_begins(struct plain_lexer *lexer, const char *word)
{
    static const char *const counted[] = {"create", "function", "procedure", "or", "replace"};
    if (lexer->words < 4) {
        for (size_t i = 0; i < ARRAY_LENGTH(counted); i++)
            if (strcmp(word, counted[i]) == 0)
                lexer->word_letters[lexer->words] = word[0];
        lexer->words++;
    }
    const char *letters = lexer->word_letters;
    bool routine =
        letters[0] == 'c' &&
        (letters[1] == 'f' || letters[1] == 'p' ||
         (letters[1] == 'o' && letters[2] == 'r' && (letters[3] == 'f' || letters[3] == 'p')));
    if (!routine || lexer->parentheses > 0)
        return;
    if (strcmp(word, "begin") == 0 || (lexer->begins > 0 && strcmp(word, "case") == 0))
        lexer->begins++;
    else if (lexer->begins > 0 && strcmp(word, "end") == 0)
        lexer->begins--;
}

static int open_string(struct plain_lexer *lexer, enum plain_string string, struct error *error)
{
    if (lexer->no_continuation)
        return lexer_refuse(lexer, "a string goes on behind another one", error);
    if (string == NO_STRING)
        string = lexer->standard_strings ? STANDARD_STRING : ESCAPE_STRING;
    lexer->string = string;
    lexer->escaped = false;
    lexer->state = IN_STRING;
    lexer->quote_line = lexer->line;
    return 0;
}

static int end_word(struct plain_lexer *lexer, char next, struct error *error)
{
    lexer->state = IN_SQL;
    char *word = lexer->word;
    word[lexer->word_length < PLAIN_WORD_BYTES ? lexer->word_length : 0] = '\0';
    if (lexer->word_length == 1 && next == '\'' && strchr("ebxn", word[0])) {
        lexer->string = word[0] == 'e' ? ESCAPE_STRING : word[0] == 'n' ? NO_STRING : BIT_STRING;
        return 0;
    }
    lexer->string = NO_STRING;
    if (lexer->word_length == 1 && word[0] == 'u' && next == '&') {
        lexer->unicode_prefix = 1;
        return 0;
    }
    count_begins(lexer, word);
    return tell(lexer, PLAIN_WORD, word, lexer->word_at, error);
}

static int in_word(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    while (block->at < block->end && lexer->skip == 0 &&
           lexer_is_word_byte((unsigned char)*block->at)) {
        unsigned char byte = (unsigned char)*block->at++;
        lexer_note_lead_byte(lexer, byte);
        if (lexer->word_length < PLAIN_WORD_BYTES - 1)
            lexer->word[lexer->word_length++] = (char)(byte < 0x80 ? tolower(byte) : byte);
        else
            lexer->word_length = PLAIN_WORD_BYTES; /* no keyword is that long */
    }
    if (block->at == block->end || lexer->skip > 0)
        return 0;
    return end_word(lexer, *block->at, error);
}

static int in_number(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    while (block->at < block->end && (lexer_is_word_start((unsigned char)*block->at) ||
                                      isdigit((unsigned char)*block->at) || *block->at == '.'))
        block->at++;
    if (block->at == block->end)
        return 0;
    if (memchr("'\"$", *block->at, 3))
        return lexer_refuse(lexer, "a quote directly behind a number", error);
    lexer->state = IN_SQL;
    return 0;
}

static int end_of_statement(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    keep_until(lexer, block, block->at);
    block->at++;
    block->kept = block->at;
    if (!lexer->in_statement)
        return 0;
    lexer->in_statement = false;
    return lexer->events->statement(lexer->context, error);
}

static int quote(struct plain_lexer *lexer, enum plain_string closed, bool unicode,
                 struct error *error)
{
    if (closed == BIT_STRING)
        return lexer_refuse(lexer, "a string directly behind another one", error);
    if (closed != NO_STRING) { /* '' inside a string */
        lexer->no_continuation = false;
        return open_string(lexer, closed, error);
    }
    enum plain_string string = unicode ? STANDARD_STRING : lexer->string;
    lexer->string = NO_STRING;
    return open_string(lexer, string, error);
}

/* One byte outside quotes, words, numbers and comments, which is no space. */
static int punctuation(struct plain_lexer *lexer, struct block *block, char byte,
                       struct error *error)
{
    int64_t at = offset_of(lexer, block);
    switch (byte) {
    case '(':
        if (tell(lexer, PLAIN_OPEN, "", at, error) < 0)
            return -1;
        lexer->parentheses++;
        return 0;
    case ')':
        if (lexer->parentheses > 0)
            lexer->parentheses--;
        return tell(lexer, PLAIN_CLOSE, "", at, error);
    case ',':
        return tell(lexer, PLAIN_COMMA, "", at, error);
    case '$':
        lexer->state = IN_DOLLAR_TAG;
        lexer->tag_length = 0;
        lexer->quote_line = lexer->line;
        return tell(lexer, PLAIN_STRING, "", at, error);
    default:
        return tell(lexer, PLAIN_OTHER, "", at, error);
    }
}

static int begin_word(struct plain_lexer *lexer, struct block *block, int colons,
                      struct error *error)
{
    /* psql puts the value of its variable in the place of :NAME, be it a command; its own
     * variables have names in capitals, and no others can be there. */
    if (colons == 1 && isupper((unsigned char)*block->at))
        return lexer_refuse(lexer, "a psql variable (a colon and a name in capitals)", error);
    lexer->word_length = 0;
    lexer->word_at = offset_of(lexer, block);
    lexer->state = IN_WORD;
    return 0;
}

static void begin_command(struct plain_lexer *lexer, struct block *block)
{
    lexer->command_alone = !lexer->in_statement && lexer->line_start;
    keep_until(lexer, block, block->at);
    lexer->state = IN_COMMAND;
    lexer->text_length = 0;
    block->at++;
}

static void space(struct plain_lexer *lexer, struct block *block)
{
    if (*block->at++ == '\n') {
        lexer->line++;
        lexer->line_start = true;
    } else {
        lexer->line_start = false;
    }
}

static int in_sql(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    char byte = *block->at;
    enum plain_string closed = lexer->closed;
    bool name_closed = lexer->name_closed;
    int unicode = lexer->unicode_prefix;
    int colons = lexer->colons;
    lexer->closed = NO_STRING;
    lexer->name_closed = false;
    lexer->unicode_prefix = 0;
    lexer->colons = 0;
    if (byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r' || byte == '\f') {
        space(lexer, block);
        return 0;
    }
    if (byte == '\\') {
        begin_command(lexer, block);
        return 0;
    }
    lexer->line_start = false;
    if (byte == '-' || byte == '/') {
        keep_until(lexer, block, block->at);
        lexer->state = byte == '-' ? BEHIND_DASH : BEHIND_SLASH;
        block->at++;
        return 0;
    }
    if (byte == ';' && lexer->parentheses <= 0 && lexer->begins <= 0) {
        lexer->no_continuation = false;
        return end_of_statement(lexer, block, error);
    }
    begin_statement(lexer, block);
    if (byte == '\'') {
        if (closed == NO_STRING &&
            tell(lexer, PLAIN_STRING, "", offset_of(lexer, block), error) < 0)
            return -1;
        block->at++;
        return quote(lexer, closed, unicode == 2, error);
    }
    lexer->no_continuation = false;
    if (lexer_is_word_start((unsigned char)byte))
        return begin_word(lexer, block, colons, error);
    if (byte == '"') {
        if (!name_closed && tell(lexer, PLAIN_NAME, "", offset_of(lexer, block), error) < 0)
            return -1;
        lexer->state = IN_NAME;
        lexer->quote_line = lexer->line;
    } else if (isdigit((unsigned char)byte)) {
        if (tell(lexer, PLAIN_OTHER, "", offset_of(lexer, block), error) < 0)
            return -1;
        lexer->state = IN_NUMBER;
    } else if (byte == '&' && unicode == 1) {
        lexer->unicode_prefix = 2;
    } else {
        if (byte == ':')
            lexer->colons = colons == 1 ? 2 : 1;
        if (punctuation(lexer, block, byte, error) < 0)
            return -1;
    }
    block->at++;
    return 0;
}

/* A dash or a slash was taken: a comment, or an operator. */
static int behind_first_byte(struct plain_lexer *lexer, struct block *block, char first,
                             char second, enum plain_state comment, struct error *error)
{
    if (*block->at == second) {
        block->at++;
        lexer->state = comment;
        lexer->text_length = 0;
        lexer->comment_depth = 1;
        lexer->comment_last = '\0';
        lexer->quote_line = lexer->line;
        return 0;
    }
    block->kept = block->at;
    begin_statement(lexer, block);
    keep(lexer, &first, 1);
    lexer->no_continuation = false;
    lexer->state = IN_SQL;
    return tell(lexer, PLAIN_OTHER, "", offset_of(lexer, block) - 1, error);
}

static void end_of_comment(struct plain_lexer *lexer, struct block *block)
{
    lexer->state = IN_SQL;
    block->kept = block->at;
    if (lexer->in_statement)
        keep(lexer, " ", 1);
}

static void add_text(struct plain_lexer *lexer, const char *from, const char *to)
{
    for (; from < to && lexer->text_length < PLAIN_COMMENT_BYTES - 1; from++)
        lexer->text[lexer->text_length++] = *from;
    if (from < to)
        lexer->text_length = PLAIN_COMMENT_BYTES;
}

/* The text without the space around it. */
static const char *trimmed_text(struct plain_lexer *lexer)
{
    size_t length = lexer->text_length;
    if (length >= PLAIN_COMMENT_BYTES)
        length = PLAIN_COMMENT_BYTES - 1;
    while (length > 0 && isspace((unsigned char)lexer->text[length - 1]))
        length--;
    lexer->text[length] = '\0';
    return lexer->text + strspn(lexer->text, " \t");
}

static int end_line_comment(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    end_of_comment(lexer, block);
    return lexer->in_statement ? 0
                               : lexer->events->comment(lexer->context, trimmed_text(lexer), error);
}

static int in_line_comment(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    const char *from = block->at;
    while (block->at < block->end && *block->at != '\n' && *block->at != '\r')
        block->at++;
    add_text(lexer, from, block->at);
    return block->at < block->end ? end_line_comment(lexer, block, error) : 0;
}

static void in_block_comment(struct plain_lexer *lexer, struct block *block)
{
    while (block->at < block->end) {
        char byte = *block->at++;
        char last = lexer->comment_last;
        lexer->comment_last = byte;
        if (byte == '\n')
            lexer->line++;
        if (last == '/' && byte == '*')
            lexer->comment_depth++;
        else if (last == '*' && byte == '/')
            lexer->comment_depth--;
        else
            continue;
        lexer->comment_last = '\0';
        if (lexer->comment_depth == 0) {
            end_of_comment(lexer, block);
            return;
        }
    }
}

static int end_command(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    lexer->state = IN_SQL;
    block->kept = block->at;
    if (lexer->text_length >= PLAIN_COMMENT_BYTES)
        return lexer_refuse(lexer, "a psql command of more than 1,000 bytes", error);
    return lexer->events->command(lexer->context, trimmed_text(lexer), lexer->command_alone, error);
}

static int in_command(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    const char *newline = memchr(block->at, '\n', (size_t)(block->end - block->at));
    add_text(lexer, block->at, newline ? newline : block->end);
    block->at = newline ? newline : block->end;
    return newline ? end_command(lexer, block, error) : 0;
}

static int step(struct plain_lexer *lexer, struct block *block, struct error *error)
{
    switch (lexer->state) {
    case IN_SQL:
        return in_sql(lexer, block, error);
    case IN_WORD:
        return in_word(lexer, block, error);
    case IN_NUMBER:
        return in_number(lexer, block, error);
    case BEHIND_DASH:
        return behind_first_byte(lexer, block, '-', '-', IN_LINE_COMMENT, error);
    case BEHIND_SLASH:
        return behind_first_byte(lexer, block, '/', '*', IN_BLOCK_COMMENT, error);
    case IN_LINE_COMMENT:
        return in_line_comment(lexer, block, error);
    case IN_BLOCK_COMMENT:
        in_block_comment(lexer, block);
        return 0;
    case IN_STRING:
        return lexer_in_string(lexer, block, error);
    case IN_NAME:
        lexer_in_name(lexer, block);
        return 0;
    case IN_DOLLAR_TAG:
        return lexer_in_dollar_tag(lexer, block, error);
    case IN_DOLLAR_STRING:
        lexer_in_dollar_string(lexer, block);
        return 0;
    case IN_COMMAND:
        return in_command(lexer, block, error);
    }
    return 0;
}

/* A newline is never a trail byte, whatever a broken text says. */
static void skip_trail_byte(struct plain_lexer *lexer, struct block *block)
{
    lexer->skip = *block->at == '\n' ? 0 : lexer->skip - 1;
    if (*block->at != '\n')
        block->at++;
}

int plain_lexer_feed(struct plain_lexer *lexer, const char *bytes, size_t length, size_t *ret_taken,
                     struct error *error)
{
    struct block block = {.start = bytes, .at = bytes, .end = bytes + length, .kept = bytes};
    lexer->stop = false;
    while (block.at < block.end && !lexer->stop) {
        if (lexer->skip > 0)
            skip_trail_byte(lexer, &block);
        else if (step(lexer, &block, error) < 0)
            return -1;
    }
    if (lexer->state != BEHIND_DASH && lexer->state != BEHIND_SLASH &&
        lexer->state != IN_LINE_COMMENT && lexer->state != IN_BLOCK_COMMENT &&
        lexer->state != IN_COMMAND)
        keep_until(lexer, &block, block.at);
    *ret_taken = (size_t)(block.at - bytes);
    lexer->offset += (int64_t)*ret_taken;
    return 0;
}

int plain_lexer_end(struct plain_lexer *lexer, struct error *error)
{
    struct block block = {.start = "", .at = "", .end = "", .kept = ""};
    block.start = block.kept = block.end = block.at;
    if (lexer->state == IN_LINE_COMMENT)
        return end_line_comment(lexer, &block, error);
    if (lexer->state == IN_COMMAND)
        return end_command(lexer, &block, error);
    return 0;
}

const char *plain_lexer_inside(const struct plain_lexer *lexer)
{
    switch (lexer->state) {
    case IN_STRING:
        return "a quoted string";
    case IN_NAME:
        return "a quoted name";
    case IN_DOLLAR_TAG:
    case IN_DOLLAR_STRING:
        return "a dollar-quoted string";
    case IN_BLOCK_COMMENT:
        return "a comment";
    case BEHIND_DASH:
    case BEHIND_SLASH:
    case IN_WORD:
    case IN_NUMBER:
    case IN_SQL:
    case IN_LINE_COMMENT:
    case IN_COMMAND:
        break;
    }
    if (lexer->in_statement || lexer->state == BEHIND_DASH || lexer->state == BEHIND_SLASH)
        return "a statement";
    return NULL;
}
