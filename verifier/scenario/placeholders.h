/* What a migration's command is told of the copy that it works on, in its arguments and
 * environment:
 *
 *     ${migration.url:SCHEME}    its address, such as postgresql+asyncpg://...; default: postgresql
 *     ${migration.host}          .port .user .password .database: the same in parts
 *     ${migration.from}          the revision that it had before
 *
 * The commands of the section `commands` are told the same, but for the revision, as
 * ${restored.url} and so on. None is known when the scenario is read. Until it is filled in, a
 * place stands between two control characters, which no scenario file can hold; so what comes from
 * the environment is not looked at again.
 */
#ifndef SCENARIO_PLACEHOLDERS_H
#define SCENARIO_PLACEHOLDERS_H

#include <stdbool.h>

#define PLACEHOLDER_OF_MIGRATION "migration."
#define PLACEHOLDER_OF_COMMANDS  "restored."
#define PLACEHOLDER_BEGIN        '\x01'
#define PLACEHOLDER_END          '\x02'

enum placeholder {
    PLACEHOLDER_URL,
    PLACEHOLDER_HOST,
    PLACEHOLDER_PORT,
    PLACEHOLDER_USER,
    PLACEHOLDER_PASSWORD,
    PLACEHOLDER_DATABASE,
    PLACEHOLDER_FROM,
    PLACEHOLDER_COUNT,
};

/* The section whose places begin like that, "migration" or "commands"; NULL: it is none. */
const char *placeholder_section(const char *inside);

/* What is wrong with "migration.url:SCHEME" and the like, to be freed by the caller; NULL: nothing.
 */
char *placeholder_problem(const char *inside);

/* Is there a place for that in the text? */
bool placeholder_is_in(const char *text, enum placeholder placeholder);
/* Or for anything of the copy's address? */
bool placeholder_of_address_is_in(const char *text);

/* With everything filled in; to be freed by the caller. The value of the URL is what follows its
 * scheme; one that is NULL must have no place. */
char *placeholders_fill(const char *text, const char *const values[PLACEHOLDER_COUNT]);

#endif
