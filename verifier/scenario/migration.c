/* The sections `migration` and `commands`: commands of the user's own, which run on a copy. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "scenario/placeholders.h"
#include "scenario/sections.h"

/* A text for one argument, in which places have been marked. */
static const char *argument_text(struct reader *reader, const struct key *key,
                                 const struct node *item)
{
    const char *text = node_text(reader, key->name, item, "a text in each item");
    cleanup(free_pointer) char *plain = xstrdup(text ? text : "");
    for (char *next = plain; *next; next++)
        if (*next == PLACEHOLDER_BEGIN || *next == PLACEHOLDER_END)
            *next = ' ';
    if (!text || is_printable(plain))
        return text;
    problems_add(&reader->problems, item->mark, "`%s` holds a control character, or no UTF-8",
                 key->name);
    return NULL;
}

void read_command(struct reader *reader, const struct key *key, const struct node *value,
                  void *field)
{
    if (value->kind == NODE_TEXT && !node_is_null(value)) {
        problems_add(&reader->problems, value->mark,
                     "`%s` expects a list, such as [alembic, upgrade, head]: no shell reads it",
                     key->name);
        return;
    }
    if (!node_is(reader, key->name, value, NODE_LIST, "a list, such as [alembic, upgrade, head]"))
        return;
    for (size_t i = 0; i < value->count; i++) {
        const char *text = argument_text(reader, key, &value->items[i]);
        if (text)
            strings_add(field, text);
    }
}

static bool is_variable_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    return *name && strchr(letters, *name) &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") ==
               strlen(name);
}

/* An empty value is a value. */
static void read_variable(struct reader *reader, const struct node *name, const struct node *value,
                          struct strings *environment)
{
    cleanup(free_pointer) char *words = shown(name->text);
    if (!is_variable_name(name->text))
        problems_add(&reader->problems, name->mark,
                     "`%s` is no name of an environment variable: letters, digits and _", words);
    else if (value->broken)
        return;
    else if (value->kind != NODE_TEXT || node_is_null(value))
        problems_add(&reader->problems, value->mark,
                     "`%s` expects a text; an empty one is written ''", words);
    else
        strings_addf(environment, "%s=%s", name->text, value->text);
}

void read_environment(struct reader *reader, const struct key *key, const struct node *value,
                      void *field)
{
    if (!node_is(reader, key->name, value, NODE_MAP, "at least one `NAME: value`"))
        return;
    for (size_t i = 0; i < value->count; i++)
        read_variable(reader, &value->keys[i], &value->items[i], field);
}

#define FIELD(member) offsetof(struct migration_wanted, member)

static const struct key keys[] = {
    {"command", read_command, FIELD(command), NO_MARK, false},
    {"directory", read_directory, FIELD(directory), NO_MARK, false},
    {"environment", read_environment, FIELD(environment), NO_MARK, false},
    {"back", read_command, FIELD(back), NO_MARK, false},
    {"timeout", read_duration_ms, FIELD(timeout_ms), NO_MARK, false},
    {"checks", read_migration_checks, 0, NO_MARK, false},
    {"tcp", read_yes_or_no, FIELD(tcp), NO_MARK, false},
    {"superuser", read_yes_or_no, FIELD(superuser), NO_MARK, false},
    {"network", read_yes_or_no, FIELD(network), NO_MARK, false},
};

void read_migration(struct reader *reader, const struct key *key, const struct node *value,
                    void *field)
{
    struct migration_wanted *migration = field;
    migration->present = true;
    read_section(reader, key->name, keys, ARRAY_LENGTH(keys), value, migration);
}

/* --- together --------------------------------------------------------------------------------- */

static bool hands_address_on(const struct strings *command, const struct strings *environment)
{
    for (size_t i = 0; i < command->count; i++)
        if (placeholder_of_address_is_in(command->items[i]))
            return true;
    for (size_t i = 0; i < environment->count; i++)
        if (placeholder_of_address_is_in(environment->items[i]))
            return true;
    return false;
}

static void check_return(struct problems *problems, const struct migration_wanted *migration)
{
    for (size_t i = 0; i < migration->check_count && migration->back.count == 0; i++)
        if (migration->checks[i].metric == METRIC_LOST_ON_RETURN)
            problems_add(
                problems, migration->checks[i].mark,
                "`lost_on_return` needs `back`, the command that takes the migration back");
}

void check_migration(struct problems *problems, const struct scenario *scenario)
{
    const struct migration_wanted *migration = &scenario->migration;
    bool by_default = migration->command.count == 0;
    if (!migration->present)
        return;
    if (by_default && scenario->alembic_count == 0)
        problems_add(problems, migration->mark,
                     "`migration` lacks the key `command`, such as [alembic, upgrade, head]");
    else if ((!by_default || migration->environment.count > 0) &&
             !hands_address_on(&migration->command, &migration->environment))
        problems_add(problems, migration->mark,
                     "`migration` tells nobody where the copy is, so that the command would look "
                     "for a database of its own: write ${migration.url:postgresql} into "
                     "`environment` or `command`");
    if (scenario->restore.server)
        problems_add(problems, migration->mark,
                     "a migration is rehearsed on a throwaway server only: remove `server` under "
                     "`restore`, or `migration`");
    check_return(problems, migration);
}

void migration_wanted_free(struct migration_wanted *migration)
{
    strings_free(&migration->command);
    strings_free(&migration->environment);
    strings_free(&migration->back);
    free(migration->directory);
}

/* --- commands --------------------------------------------------------------------------------- */

static const struct key command_keys[] = {
    {"name", read_line, offsetof(struct own_command, name), offsetof(struct own_command, mark),
     true},
    {"run", read_command, offsetof(struct own_command, run), NO_MARK, true},
    {"directory", read_directory, offsetof(struct own_command, directory), NO_MARK, false},
    {"environment", read_environment, offsetof(struct own_command, environment), NO_MARK, false},
    {"timeout", read_duration_ms, offsetof(struct own_command, timeout_ms), NO_MARK, false},
};

void read_commands(struct reader *reader, const struct key *key, const struct node *value,
                   void *field)
{
    struct scenario *scenario = reader->scenario;
    (void)field;
    if (!node_is(reader, key->name, value, NODE_LIST, "a list of at least one `- name: ...`"))
        return;
    scenario->commands = xcalloc(value->count, sizeof(*scenario->commands));
    for (size_t i = 0; i < value->count; i++)
        read_section(reader, key->name, command_keys, ARRAY_LENGTH(command_keys), &value->items[i],
                     &scenario->commands[scenario->command_count++]);
}

void check_commands(struct problems *problems, const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->command_count; i++) {
        const struct own_command *command = &scenario->commands[i];
        cleanup(free_pointer) char *words = shown(command->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(scenario->commands[j].name, command->name) == 0)
                problems_add(problems, command->mark,
                             "a command named `%s` stands here twice: first on line %u", words,
                             scenario->commands[j].mark.line);
        if (!hands_address_on(&command->run, &command->environment))
            problems_add(problems, command->mark,
                         "the command `%s` is not told where the database is: write "
                         "${restored.url:postgresql} into its `environment` or `run`",
                         words);
    }
    if (scenario->command_count > 0 && scenario->restore.server)
        problems_add(problems, scenario->commands[0].mark,
                     "commands run on a copy on a throwaway server only: remove `server` under "
                     "`restore`, or `commands`");
}

void own_commands_free(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->command_count; i++) {
        free(scenario->commands[i].name);
        strings_free(&scenario->commands[i].run);
        free(scenario->commands[i].directory);
        strings_free(&scenario->commands[i].environment);
    }
    free(scenario->commands);
}
