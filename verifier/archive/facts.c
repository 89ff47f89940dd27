#include "archive/facts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- words of SQL ---- */

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_SYMBOL };

/* A name or keyword, or a single character. Strings, comments and numbers are passed over. */
struct token {
    enum token_kind kind;
    char symbol;
    const char *begin; /* of a quoted name: behind the quote */
    size_t length;
};

static bool word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool word_character(char c)
{
    return word_start(c) || isdigit((unsigned char)c) || c == '$';
}

/* Behind the closing quote, or the end of the text. */
static const char *quoted_end(const char *at, char quote, bool backslashes)
{
    while (*at) {
        if (backslashes && *at == '\\' && at[1])
            at++;
        else if (*at == quote && at[1] == quote)
            at++;
        else if (*at == quote)
            return at + 1;
        at++;
    }
    return at;
}

/* `at` stands on a $: behind $tag$...$tag$, or behind the $ where that is no quote. */
static const char *dollar_end(const char *at)
{
    size_t length = 1;
    while (word_character(at[length]) && at[length] != '$')
        length++;
    if (at[length] != '$')
        return at + 1;
    length++;
    const char *next = at + length;
    while ((next = strchr(next, '$')) != NULL) {
        if (strncmp(next, at, length) == 0)
            return next + length;
        next++;
    }
    return at + strlen(at);
}

static const char *comment_end(const char *at)
{
    if (at[0] == '-') {
        const char *end = strchr(at, '\n');
        return end ? end : at + strlen(at);
    }
    const char *end = strstr(at + 2, "*/");
    return end ? end + 2 : at + strlen(at);
}

static const char *pass_over(const char *at)
{
    for (;;) {
        if (isspace((unsigned char)*at))
            at++;
        else if ((at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*'))
            at = comment_end(at);
        else if (*at == '\'')
            at = quoted_end(at + 1, '\'', false);
        else if ((*at == 'E' || *at == 'e') && at[1] == '\'')
            at = quoted_end(at + 2, '\'', true);
        else if (*at == '$')
            at = dollar_end(at);
        else
            return at;
    }
}

/* The token at *at, which is moved behind it. */
static struct token token_next(const char **at)
{
    const char *begin = pass_over(*at);
    struct token token = {.begin = begin, .kind = TOKEN_SYMBOL, .symbol = *begin, .length = 1};
    if (*begin == '\0') {
        token.kind = TOKEN_END;
        token.length = 0;
    } else if (*begin == '"') {
        token.kind = TOKEN_QUOTED;
        token.begin = begin + 1;
        *at = quoted_end(begin + 1, '"', false);
        token.length = (size_t)(*at - token.begin);
        if (token.length > 0 && (*at)[-1] == '"')
            token.length--;
        return token;
    } else if (word_start(*begin)) {
        token.kind = TOKEN_WORD;
        while (word_character(begin[token.length]))
            token.length++;
    }
    *at = begin + token.length;
    return token;
}

static bool is_word(const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && token->length == strlen(word) &&
           strncasecmp(token->begin, word, token->length) == 0;
}

static bool is_symbol(const struct token *token, char symbol)
{
    return token->kind == TOKEN_SYMBOL && token->symbol == symbol;
}

static bool is_name(const struct token *token)
{
    return token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED;
}

/* The name that a token stands for: unquoted in lower case, quoted as it is. Caller frees. */
static char *token_name(const struct token *token)
{
    char *name = xmalloc(token->length + 1);
    size_t length = 0;
    for (size_t i = 0; i < token->length; i++) {
        char c = token->begin[i];
        if (token->kind == TOKEN_WORD)
            c = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        else if (c == '"')
            i++; /* doubled */
        name[length++] = c;
    }
    name[length] = '\0';
    return name;
}

bool definition_creates(const char *definition)
{
    struct token token = token_next(&definition);
    return is_word(&token, "create");
}

/* ---- roles ---- */

/* Names that were met, found by hash: a hostile archive may name very many. */
#define ROLES_MOST  65536U
#define ROLES_SLOTS (ROLES_MOST * 2)

struct role_set {
    struct strings *names;
    uint32_t *slots; /* index + 1 into names; 0: free */
    bool too_many;
};

static uint32_t name_hash(const char *name)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    return hash;
}

static void role_name_add(struct role_set *set, const char *name)
{
    uint32_t slot = name_hash(name) % ROLES_SLOTS;
    for (; set->slots[slot] != 0; slot = (slot + 1) % ROLES_SLOTS)
        if (strcmp(set->names->items[set->slots[slot] - 1], name) == 0)
            return;
    if (set->names->count >= ROLES_MOST) {
        set->too_many = true;
        return;
    }
    strings_add(set->names, name);
    set->slots[slot] = (uint32_t)set->names->count;
}

static void role_add(struct role_set *roles, const struct token *token)
{
    static const char *const nobody[] = {"public", "current_user", "session_user", "current_role",
                                         "user"};
    for (size_t i = 0; i < ARRAY_LENGTH(nobody); i++)
        if (is_word(token, nobody[i]))
            return;
    cleanup(free_pointer) char *name = token_name(token);
    if (name[0] != '\0')
        role_name_add(roles, name);
}

/* A list of roles with commas between; *at stands behind it then. */
static void role_list(const char **at, struct role_set *roles)
{
    for (;;) {
        const char *ahead = *at;
        struct token token = token_next(&ahead);
        if (is_word(&token, "group")) { /* as old versions wrote it */
            *at = ahead;
            token = token_next(&ahead);
        }
        if (!is_name(&token))
            return;
        role_add(roles, &token);
        *at = ahead;
        token = token_next(&ahead);
        if (!is_symbol(&token, ','))
            return;
        *at = ahead;
    }
}

/* One statement: looks for the words that a list of roles follows. */
static bool statement_roles(const char **at, struct role_set *roles)
{
    struct token token = token_next(at);
    while (is_symbol(&token, ';'))
        token = token_next(at);
    if (token.kind == TOKEN_END)
        return false;
    bool grants = is_word(&token, "grant") || is_word(&token, "revoke");
    bool creates = is_word(&token, "create");
    bool alters = is_word(&token, "alter");
    bool sets = is_word(&token, "set");
    int depth = 0;
    bool done = false;
    while (token.kind != TOKEN_END && !(depth == 0 && is_symbol(&token, ';'))) {
        struct token before = token;
        token = token_next(at);
        if (is_symbol(&token, '('))
            depth++;
        else if (is_symbol(&token, ')'))
            depth--;
        if (depth > 0 || done)
            continue;
        bool list = false;
        if (alters && is_word(&token, "grant"))
            grants = true;
        if (alters && is_word(&token, "revoke"))
            grants = true;
        if (grants && (is_word(&token, "to") || is_word(&token, "from")))
            list = true;
        else if (grants && is_word(&before, "granted") && is_word(&token, "by"))
            list = true;
        else if (alters && is_word(&before, "for") &&
                 (is_word(&token, "role") || is_word(&token, "user")))
            list = true;
        else if (sets && is_word(&before, "session") && is_word(&token, "authorization"))
            list = true;
        else if (creates && (is_word(&token, "using") || is_word(&token, "with")))
            done = true; /* the expressions of a policy */
        else if (creates && is_word(&token, "to"))
            list = done = true;
        else if (creates && is_word(&before, "mapping") && is_word(&token, "for"))
            list = done = true;
        if (list)
            role_list(at, roles);
    }
    return token.kind != TOKEN_END;
}

static void definition_roles(const char *definition, struct role_set *roles)
{
    const char *at = definition;
    while (statement_roles(&at, roles))
        ;
}

void roles_in_definition(const char *definition, struct strings *roles)
{
    cleanup(free_pointer) uint32_t *slots = xcalloc(ROLES_SLOTS, sizeof(*slots));
    struct role_set set = {.names = roles, .slots = slots};
    definition_roles(definition, &set);
}

/* ---- which table is loaded ---- */

/* "t" or "s.t" at *at, which is moved behind it; the schema is "" where none is named. */
static int table_name_read(const char **at, char **ret_schema, char **ret_name)
{
    struct token first = token_next(at);
    const char *ahead = *at;
    struct token dot = token_next(&ahead);
    struct token second = token_next(&ahead);
    if (!is_name(&first) || (is_symbol(&dot, '.') && !is_name(&second)))
        return -1;
    if (is_symbol(&dot, '.'))
        *at = ahead;
    *ret_schema = is_symbol(&dot, '.') ? token_name(&first) : xstrdup("");
    *ret_name = token_name(is_symbol(&dot, '.') ? &second : &first);
    return 0;
}

int copy_statement_parse(const char *statement, char **ret_schema, char **ret_name,
                         char **ret_columns)
{
    cleanup(free_pointer) char *schema = NULL, *name = NULL;
    const char *at = statement;
    struct token token = token_next(&at);
    if (!is_word(&token, "copy") || table_name_read(&at, &schema, &name) < 0)
        return -1;
    const char *columns = at;
    const char *columns_end = columns;
    token = token_next(&at);
    if (is_symbol(&token, '(')) {
        columns = token.begin;
        while (token.kind != TOKEN_END && !is_symbol(&token, ')'))
            token = token_next(&at);
        columns_end = at;
        token = token_next(&at);
    }
    if (is_word(&token, "with")) { /* WITH OIDS, before PostgreSQL 12 */
        token_next(&at);
        token = token_next(&at);
    }
    if (!is_word(&token, "from") || strcmp(pass_over(at), "stdin;\n") != 0)
        return -1;
    *ret_schema = take(&schema);
    *ret_name = take(&name);
    *ret_columns = xstrndup(columns, (size_t)(columns_end - columns));
    return 0;
}

int root_comment_parse(const char *definition, char **ret_schema, char **ret_name)
{
    static const char comment[] = "-- load via partition root ";
    const char *at = definition + strlen(comment);
    return starts_with(definition, comment) ? table_name_read(&at, ret_schema, ret_name) : -1;
}

/* ---- entries ---- */

/* "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;": the name behind SCHEMA, or "". */
static char *extension_schema(const char *definition)
{
    const char *at = definition;
    struct token token;
    do
        token = token_next(&at);
    while (token.kind != TOKEN_END && !is_word(&token, "schema"));
    token = token_next(&at);
    return is_name(&token) ? token_name(&token) : xstrdup("");
}

static void extensions_gather(struct archive *archive)
{
    size_t count = 0;
    for (size_t i = 0; i < archive->entry_count; i++)
        count += strcmp(archive->entries[i].description, "EXTENSION") == 0;
    archive->extensions = xcalloc(count, sizeof(*archive->extensions));
    for (size_t i = 0; i < archive->entry_count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        if (strcmp(entry->description, "EXTENSION") == 0)
            archive->extensions[archive->extension_count++] = (struct archive_extension){
                .name = xstrdup(entry->tag), .schema = extension_schema(entry->definition)};
    }
}

/* "SET client_encoding = 'UTF8';" */
static void encoding_set(struct archive *archive, const char *definition)
{
    const char *begin = strchr(definition, '\'');
    const char *end = begin ? strchr(begin + 1, '\'') : NULL;
    if (!end || archive->encoding)
        return;
    archive->encoding = xstrndup(begin + 1, (size_t)(end - begin - 1));
}

int facts_gather(struct archive *archive, struct error *error)
{
    static const char *const with_roles[] = {"ACL", "DEFAULT ACL", "POLICY", "USER MAPPING"};
    cleanup(free_pointer) uint32_t *slots = xcalloc(ROLES_SLOTS, sizeof(*slots));
    struct role_set roles = {.names = &archive->roles, .slots = slots};
    extensions_gather(archive);
    for (size_t i = 0; i < archive->entry_count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        if (entry->owner[0] != '\0')
            role_name_add(&roles, entry->owner);
        if (strcmp(entry->description, "ENCODING") == 0)
            encoding_set(archive, entry->definition);
        for (size_t k = 0; k < ARRAY_LENGTH(with_roles); k++)
            if (strcmp(entry->description, with_roles[k]) == 0)
                definition_roles(entry->definition, &roles);
    }
    if (roles.too_many)
        return cannot_verify(error, "it names more than the %u roles that this program keeps",
                             ROLES_MOST);
    return 0;
}
