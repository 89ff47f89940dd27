#include "draft/statement.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum { STATEMENT_BYTES = 1 << 16 };

static const char blanks[] = " \t\n";

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, blanks);
}

/* Where the quoted text that begins there ends. */
static const char *skip_quoted(const char *at)
{
    const char quote = *at++;
    while (*at && (*at != quote || *++at == quote))
        at++;
    return at;
}

/* Where the name that begins there ends; NULL: there is none. */
static const char *skip_name(const char *at)
{
    if (*at == '"')
        return skip_quoted(at);
    size_t length = strcspn(at, " \t\n.,();\"");
    return length > 0 ? at + length : NULL;
}

/* As it is stored; to be freed by the caller. */
static char *stored_name(const char *from, const char *to)
{
    struct buffer name;
    buffer_init(&name, STATEMENT_BYTES);
    bool quoted = *from == '"';
    for (const char *at = from + quoted; at < to - quoted; at++) {
        buffer_append(&name, at, 1);
        at += quoted && at[0] == '"' && at[1] == '"' ? 1 : 0;
    }
    return buffer_steal(&name);
}

/* "schema.name"; NULL when it is none. */
static const char *read_qualified(const char *at, char **ret_schema, char **ret_name)
{
    const char *dot = skip_name(at);
    const char *end = dot && *dot == '.' ? skip_name(dot + 1) : NULL;
    if (!end)
        return NULL;
    *ret_schema = stored_name(at, dot);
    *ret_name = stored_name(dot + 1, end);
    return end;
}

/* Skips to the comma or parenthesis that ends what begins here. */
static const char *skip_item(const char *at)
{
    int depth = 0;
    while (*at && (depth > 0 || (*at != ',' && *at != ')'))) {
        if (*at == '"' || *at == '\'') {
            at = skip_quoted(at);
            continue;
        }
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
        at++;
    }
    return at;
}

/* The type of a column ends where its options begin. */
static char *read_type(const char *at, const char *end)
{
    static const char *const options[] = {" DEFAULT ", " NOT NULL", " COLLATE ", " GENERATED ",
                                          " CONSTRAINT "};
    cleanup(free_pointer) char *text = xstrndup(at, (size_t)(end - at));
    for (size_t i = 0; i < ARRAY_LENGTH(options); i++) {
        char *option = strstr(text, options[i]);
        if (option)
            *option = '\0';
    }
    text[strcspn(text, "\n")] = '\0';
    return take(&text);
}

void statement_columns(const char *create_table, struct draft_table *table)
{
    if (!starts_with(create_table, "CREATE "))
        return;
    const char *at = strchr(create_table, '(');
    /* The parenthesis may be in the table's own name. */
    const char *quote = strchr(create_table, '"');
    while (quote && at && quote < at) {
        quote = skip_quoted(quote);
        at = strchr(quote, '(');
        quote = strchr(quote, '"');
    }
    at = at ? at : "";
    while (*at == '(' || *at == ',') {
        const char *begin = skip_blanks(at + 1);
        const char *end = skip_name(begin);
        at = skip_item(begin);
        if (!end || end >= at || *end != ' ' || starts_with(begin, "CONSTRAINT "))
            continue;
        cleanup(free_pointer) char *name = stored_name(begin, end);
        cleanup(free_pointer) char *type = read_type(end + 1, at);
        draft_add_column(table, name, type);
    }
}

/* --- foreign keys ----------------------------------------------------------------------------- */

/* "(a, b)", each as written. NULL: there is no such list. */
static const char *read_list(const char *at, struct strings *ret_names)
{
    if (*at != '(')
        return NULL;
    do {
        const char *begin = skip_blanks(at + 1);
        const char *end = skip_name(begin);
        if (!end)
            return NULL;
        cleanup(free_pointer) char *name = xstrndup(begin, (size_t)(end - begin));
        strings_add(ret_names, name);
        at = end;
    } while (*at == ',');
    return *at == ')' ? at + 1 : NULL;
}

static const char *skip_word(const char *at, const char *word)
{
    at = at ? skip_blanks(at) : NULL;
    return at && starts_with(at, word) ? skip_blanks(at + strlen(word)) : NULL;
}

/* Counts rows of which every column of the key has a value, and no parent has these. */
static char *orphans_sql(const char *child, const struct strings *columns, const char *parent,
                         const struct strings *parents)
{
    struct buffer sql;
    buffer_init(&sql, STATEMENT_BYTES);
    buffer_printf(&sql, "select count(*) from %s c where ", child);
    for (size_t i = 0; i < columns->count; i++)
        buffer_printf(&sql, "c.%s is not null and ", columns->items[i]);
    buffer_printf(&sql, "not exists (select from %s p where ", parent);
    for (size_t i = 0; i < columns->count; i++)
        buffer_printf(&sql, "%sp.%s = c.%s", i > 0 ? " and " : "", parents->items[i],
                      columns->items[i]);
    buffer_append_text(&sql, ")");
    return buffer_steal(&sql);
}

int foreign_key_parse(const char *statement, struct foreign_key *ret_key)
{
    struct foreign_key key = {0};
    cleanup(strings_free) struct strings columns = {0};
    cleanup(strings_free) struct strings parents = {0};
    const char *child = skip_word(statement, "ALTER TABLE ");
    child = child && starts_with(child, "ONLY ") ? skip_word(child, "ONLY ") : child;
    const char *child_end = child ? read_qualified(child, &key.schema, &key.table) : NULL;
    const char *name = skip_word(child_end, "ADD CONSTRAINT ");
    const char *list = skip_word(name ? skip_name(name) : NULL, "FOREIGN KEY ");
    const char *parent = skip_word(list ? read_list(list, &columns) : NULL, "REFERENCES ");
    const char *parent_end =
        parent ? read_qualified(parent, &key.parent_schema, &key.parent_table) : NULL;
    const char *rest = parent_end ? read_list(parent_end, &parents) : NULL;
    if (!rest || strstr(rest, "NOT VALID") || strstr(rest, "NOT ENFORCED") ||
        columns.count != parents.count) {
        foreign_key_free(&key);
        return -1;
    }
    cleanup(free_pointer) char *from = xstrndup(child, (size_t)(child_end - child));
    cleanup(free_pointer) char *to = xstrndup(parent, (size_t)(parent_end - parent));
    key.orphans = orphans_sql(from, &columns, to, &parents);
    for (size_t i = 0; i < columns.count; i++) {
        const char *column = columns.items[i];
        cleanup(free_pointer) char *stored = stored_name(column, column + strlen(column));
        strings_add(&key.columns, stored);
    }
    *ret_key = key;
    return 0;
}

void foreign_key_free(struct foreign_key *key)
{
    free(key->schema);
    free(key->table);
    free(key->parent_schema);
    free(key->parent_table);
    free(key->orphans);
    strings_free(&key->columns);
    *key = (struct foreign_key){0};
}
