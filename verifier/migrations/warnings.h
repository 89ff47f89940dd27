/* What in an Alembic migration is known to lock or to lose, by looking at its file alone.
 *
 * Only calls of `op.` in `upgrade` are looked at, and only a short list of which linters agree:
 *
 *     create_index, drop_index without postgresql_concurrently     squawk:
 * require-concurrent-index-creation, -deletion create_foreign_key without postgresql_not_valid
 * squawk: adding-foreign-key-constraint create_check_constraint without postgresql_not_valid
 * squawk: constraint-missing-not-valid create_unique_constraint squawk:
 * disallowed-unique-constraint alter_column with type_                                      squawk:
 * changing-column-type alter_column with nullable=False                             squawk:
 * adding-not-nullable-field alter_column with new_column_name, rename_table              squawk:
 * renaming-column, renaming-table drop_column, drop_table squawk: ban-drop-column, ban-drop-table
 *
 * Source: squawkhq.com/docs/rules, and the same rules in strong_migrations and eugene.
 */
#ifndef MIGRATIONS_WARNINGS_H
#define MIGRATIONS_WARNINGS_H

#include "base/memory.h"

/* Adds "line 12: ..." for each, in the order of the file. */
void migration_warnings(const char *text, struct strings *ret_warnings);

#endif
