#include "migrations/warnings.h"

#include <string.h>

static const struct rule {
    const char *call;
    const char *having; /* NULL: whatever it has */
    const char *lacking;
    const char *words;
} rules[] = {
    {"create_index", NULL, "postgresql_concurrently=True",
     "an index made without CONCURRENTLY keeps writers waiting until the transaction ends"},
    {"drop_index", NULL, "postgresql_concurrently=True",
     "an index dropped without CONCURRENTLY keeps readers and writers waiting"},
    {"create_foreign_key", NULL, "postgresql_not_valid=True",
     "a foreign key without NOT VALID keeps writers of both tables waiting while it looks at every "
     "row"},
    {"create_check_constraint", NULL, "postgresql_not_valid=True",
     "a check without NOT VALID keeps readers and writers waiting while it looks at every row"},
    {"create_unique_constraint", NULL, NULL,
     "a unique constraint keeps readers and writers waiting while its index is built: build the "
     "index first, concurrently"},
    {"alter_column", "type_=", NULL, "another type may rewrite the table, behind a lock"},
    {"alter_column", "nullable=False", NULL,
     "NOT NULL keeps readers and writers waiting while it looks at every row"},
    {"alter_column", "new_column_name=", NULL,
     "a column that is renamed is missing for what still runs"},
    {"rename_table", NULL, NULL, "a table that is renamed is missing for what still runs"},
    {"drop_column", NULL, NULL, "a column that is dropped is missing for what still runs"},
    {"drop_table", NULL, NULL, "a table that is dropped is missing for what still runs"},
};

/* Behind a string that begins at `text`, plain or in three quotes. */
static const char *string_end(const char *text)
{
    char quote = *text;
    size_t width = text[1] == quote && text[2] == quote ? 3 : 1;
    for (text += width; *text; text++) {
        if (*text == '\\' && text[1])
            text++;
        else if (*text == quote && (width == 1 || (text[1] == quote && text[2] == quote)))
            return text + width;
    }
    return text;
}

/* Behind what is no code: a string or a comment; else the next character. */
static const char *next_code(const char *text)
{
    if (*text == '\'' || *text == '"')
        return string_end(text);
    return *text == '#' ? text + strcspn(text, "\n") : text + 1;
}

/* Behind the parenthesis that closes the one at `text`. */
static const char *call_end(const char *text)
{
    int depth = 0;
    while (*text) {
        depth += (*text == '(') - (*text == ')');
        if (depth == 0)
            return text + 1;
        text = next_code(text);
    }
    return text;
}

/* A call without blanks, comments, and what is in strings; to be freed by the caller. */
static char *compact(const char *call, const char *end)
{
    char *text = xcalloc((size_t)(end - call) + 1, 1);
    size_t length = 0;
    while (call < end) {
        const char *next = next_code(call);
        if (*call != '#' && next == call + 1 && !strchr(" \t\r\n", *call))
            text[length++] = *call;
        call = next;
    }
    return text;
}

/* "nullable=False", as an argument of its own. */
static bool has_argument(const char *call, const char *argument)
{
    for (const char *found = call; (found = strstr(found, argument)); found++)
        if (found > call && (found[-1] == ',' || found[-1] == '('))
            return true;
    return false;
}

static void look_at_call(const char *name, unsigned line, struct strings *warnings)
{
    size_t length = strcspn(name, "( \t\n");
    const char *open = name + length + strspn(name + length, " \t");
    if (*open != '(')
        return;
    cleanup(free_pointer) char *call = compact(open, call_end(open));
    for (size_t i = 0; i < ARRAY_LENGTH(rules); i++) {
        const struct rule *rule = &rules[i];
        if (strlen(rule->call) != length || strncmp(rule->call, name, length) != 0 ||
            (rule->having && !has_argument(call, rule->having)) ||
            (rule->lacking && has_argument(call, rule->lacking)))
            continue;
        strings_addf(warnings, "line %u: %s", line, rule->words);
    }
}

static bool begins_name(const char *text, const char *at)
{
    return at == text ||
           !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.", at[-1]);
}

void migration_warnings(const char *text, struct strings *ret_warnings)
{
    static const char upgrade[] = "def upgrade(", definition[] = "def ";
    bool inside = false;
    unsigned line = 1;
    for (const char *at = text; *at;) {
        bool at_margin = at == text || at[-1] == '\n';
        if (at_margin && starts_with(at, definition))
            inside = starts_with(at, upgrade);
        if (inside && starts_with(at, "op.") && begins_name(text, at))
            look_at_call(at + strlen("op."), line, ret_warnings);
        const char *next = next_code(at);
        for (; at < next; at++)
            line += *at == '\n';
    }
}
