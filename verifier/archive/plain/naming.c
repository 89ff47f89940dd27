#include "archive/plain/naming.h"

#include <stdlib.h>
#include <string.h>

#include "archive/plain/words.h"
#include "base/memory.h"

/* A name of one or two parts. */
struct qualified {
    char *schema; /* "" where none is written */
    char *name;
};

static void qualified_free(struct qualified *qualified)
{
    free(qualified->schema);
    free(qualified->name);
}

/* From the word read last on; reads one more. */
static bool qualified_read(struct words *words, struct qualified *ret_name)
{
    if (!word_is_name(words) || words->cut)
        return false;
    ret_name->schema = xstrdup("");
    ret_name->name = xstrdup(words->text);
    words_next(words);
    if (!word_is_symbol(words, '.'))
        return true;
    words_next(words);
    free(ret_name->schema);
    ret_name->schema = take(&ret_name->name);
    ret_name->name = xstrdup(words->text);
    bool good = word_is_name(words) && !words->cut;
    words_next(words);
    return good;
}

static bool skip_to(struct words *words, const char *word)
{
    while (words_next_outside(words))
        if (word_is(words, word))
            return words_next(words);
    return false;
}

/* `name` is taken. */
static bool told(struct plain_object *object, const char *kind, const char *schema, char *name)
{
    object->kind = xstrdup(kind);
    object->schema = xstrdup(schema);
    object->name = name;
    return true;
}

enum form {
    FORM_QUALIFIED, /* CREATE TABLE app.users */
    FORM_BARE,      /* CREATE SCHEMA app */
    FORM_FUNCTION,  /* CREATE FUNCTION app.touch( */
    FORM_ON_TABLE,  /* CREATE TRIGGER touched ... ON app.users: "users touched" */
    FORM_INDEX,     /* CREATE INDEX users_email ON app.users: in the schema of its table */
};

static const struct {
    const char *words; /* behind CREATE */
    const char *kind;
    enum form form;
    const char *before; /* what the table stands behind */
} created[] = {
    {"schema", "SCHEMA", FORM_BARE, NULL},
    {"extension", "EXTENSION", FORM_BARE, NULL},
    {"publication", "PUBLICATION", FORM_BARE, NULL},
    {"event trigger", "EVENT TRIGGER", FORM_BARE, NULL},
    {"foreign data wrapper", "FOREIGN DATA WRAPPER", FORM_BARE, NULL},
    {"foreign table", "FOREIGN TABLE", FORM_QUALIFIED, NULL},
    {"server", "SERVER", FORM_BARE, NULL},
    {"unlogged table", "TABLE", FORM_QUALIFIED, NULL},
    {"table", "TABLE", FORM_QUALIFIED, NULL},
    {"materialized view", "MATERIALIZED VIEW", FORM_QUALIFIED, NULL},
    {"view", "VIEW", FORM_QUALIFIED, NULL},
    {"sequence", "SEQUENCE", FORM_QUALIFIED, NULL},
    {"type", "TYPE", FORM_QUALIFIED, NULL},
    {"domain", "DOMAIN", FORM_QUALIFIED, NULL},
    {"collation", "COLLATION", FORM_QUALIFIED, NULL},
    {"statistics", "STATISTICS", FORM_QUALIFIED, NULL},
    {"text search configuration", "TEXT SEARCH CONFIGURATION", FORM_QUALIFIED, NULL},
    {"text search dictionary", "TEXT SEARCH DICTIONARY", FORM_QUALIFIED, NULL},
    {"function", "FUNCTION", FORM_FUNCTION, NULL},
    {"procedure", "PROCEDURE", FORM_FUNCTION, NULL},
    {"aggregate", "AGGREGATE", FORM_FUNCTION, NULL},
    {"policy", "POLICY", FORM_ON_TABLE, "on"},
    {"trigger", "TRIGGER", FORM_ON_TABLE, "on"},
    {"constraint trigger", "TRIGGER", FORM_ON_TABLE, "on"},
    {"rule", "RULE", FORM_ON_TABLE, "to"},
    {"unique index", "INDEX", FORM_INDEX, "on"},
    {"index", "INDEX", FORM_INDEX, "on"},
};

/* Reads these words, separated by spaces, from the one read last on, and one more. */
static bool words_read(struct words *words, const char *wanted)
{
    struct words ahead = *words;
    while (*wanted) {
        size_t length = strcspn(wanted, " ");
        if (ahead.kind != WORD_PLAIN || strlen(ahead.text) != length ||
            memcmp(ahead.text, wanted, length) != 0)
            return false;
        words_next(&ahead);
        wanted += length + (wanted[length] == ' ');
    }
    *words = ahead;
    return true;
}

/* The table that it is on: for a rule, the TO behind its ON. */
static bool on_table_read(struct words *words, const char *before, struct qualified *ret_table)
{
    if (!word_is(words, before) && !skip_to(words, before))
        return false;
    if (word_is(words, before))
        words_next(words);
    if (word_is(words, "only"))
        words_next(words);
    return qualified_read(words, ret_table);
}

static bool created_read(struct words *words, size_t which, struct plain_object *object)
{
    const char *kind = created[which].kind;
    cleanup(qualified_free) struct qualified name = {0};
    cleanup(qualified_free) struct qualified table = {0};
    words_skip_if_not_exists(words);
    if (!qualified_read(words, &name))
        return false;
    switch (created[which].form) {
    case FORM_BARE:
    case FORM_QUALIFIED:
        return told(object, kind, name.schema, take(&name.name));
    case FORM_FUNCTION:
        return told(object, kind, name.schema, xasprintf("%s(", name.name));
    case FORM_ON_TABLE:
        return on_table_read(words, created[which].before, &table) &&
               told(object, kind, table.schema, xasprintf("%s %s", table.name, name.name));
    case FORM_INDEX:
        return on_table_read(words, created[which].before, &table) &&
               told(object, kind, table.schema, take(&name.name));
    }
    return false;
}

static bool create_names(struct words *words, struct plain_object *object)
{
    words_next(words);
    words_read(words, "or replace");
    for (size_t i = 0; i < ARRAY_LENGTH(created); i++)
        if (words_read(words, created[i].words))
            return created_read(words, i, object);
    return false;
}

static const char *constraint_kind(const struct words *words)
{
    if (word_is(words, "foreign"))
        return "FK CONSTRAINT";
    return word_is(words, "check") ? "CHECK CONSTRAINT" : "CONSTRAINT";
}

/* ALTER TABLE ONLY app.users ... */
static bool alter_table_names(struct words *words, struct plain_object *object)
{
    cleanup(qualified_free) struct qualified table = {0};
    cleanup(qualified_free) struct qualified other = {0};
    words_read(words, "only");
    if (!qualified_read(words, &table))
        return false;
    if (words_read(words, "enable row level security"))
        return told(object, "ROW SECURITY", table.schema, take(&table.name));
    if (words_read(words, "attach partition"))
        return qualified_read(words, &other) &&
               told(object, "TABLE ATTACH", other.schema, take(&other.name));
    if (words_read(words, "add constraint"))
        return qualified_read(words, &other) && told(object, constraint_kind(words), table.schema,
                                                     xasprintf("%s %s", table.name, other.name));
    if (words_read(words, "alter column"))
        return qualified_read(words, &other) && words_read(words, "set default") &&
               told(object, "DEFAULT", table.schema, xasprintf("%s %s", table.name, other.name));
    return false;
}

static bool alter_names(struct words *words, struct plain_object *object)
{
    cleanup(qualified_free) struct qualified name = {0};
    cleanup(qualified_free) struct qualified part = {0};
    words_next(words);
    if (words_read(words, "table"))
        return alter_table_names(words, object);
    if (words_read(words, "sequence"))
        return qualified_read(words, &name) && words_read(words, "owned by") &&
               told(object, "SEQUENCE OWNED BY", name.schema, take(&name.name));
    if (words_read(words, "index"))
        return qualified_read(words, &name) && words_read(words, "attach partition") &&
               qualified_read(words, &part) &&
               told(object, "INDEX ATTACH", part.schema, take(&part.name));
    return false;
}

bool statement_names(const char *statement, struct plain_object *object)
{
    struct words words;
    words_init(&words, statement, strlen(statement), true);
    words_next(&words);
    if (word_is(&words, "create"))
        return create_names(&words, object);
    return word_is(&words, "alter") && alter_names(&words, object);
}
