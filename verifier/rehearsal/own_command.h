/* Commands of the scenario's own, which look at what was restored: on a copy, that they may change,
 * one for all of them, as the role that owns its tables. Or its migrations, on an empty database.
 */
#ifndef REHEARSAL_OWN_COMMAND_H
#define REHEARSAL_OWN_COMMAND_H

#include "rehearsal/command.h"
#include "scenario/scenario.h"
#include "stages/stages.h"

struct own_commands; /* the copy */

int own_commands_begin(const struct lent_server *server, struct own_commands **ret_commands,
                       struct error *error);

/* The same with an empty database in place of the copy. */
int own_commands_begin_empty(const struct lent_server *server, struct own_commands **ret_commands,
                             struct error *error);

/* `ret_came`: it had a session in the copy. */
int own_command_run(struct own_commands *commands, const struct own_command *wanted,
                    struct command_end *ret_end, bool *ret_came, struct error *error);

/* The command of the scenario's migration, upwards. */
int own_commands_migrate(struct own_commands *commands, const struct scenario *scenario,
                         struct command_end *ret_end, bool *ret_came, struct error *error);

void own_commands_end(struct own_commands *commands); /* takes NULL */

#endif
