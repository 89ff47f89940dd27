/* What in an Alembic migration is known to lock or to lose, by looking at its file alone.
 *
 * Only calls of `op.` in `upgrade` are looked at, and only a short list of which linters agree:
 *
 * - create_index, drop_index without postgresql_concurrently
 *   (require-concurrent-index-creation, require-concurrent-index-deletion)
 * - create_foreign_key, create_check_constraint without postgresql_not_valid
 *   (adding-foreign-key-constraint, constraint-missing-not-valid)
 * - create_unique_constraint (disallowed-unique-constraint)
 * - alter_column with type_, nullable=False, new_column_name
 *   (changing-column-type, adding-not-nullable-field, renaming-column)
 * - rename_table, drop_column, drop_table (renaming-table, ban-drop-column, ban-drop-table)
 *
 * The names are those of squawk's rules.
 *
 * Source: squawkhq.com/docs/rules, and the same rules in strong_migrations and eugene.
 */
#ifndef MIGRATIONS_WARNINGS_H
#define MIGRATIONS_WARNINGS_H

#include "base/memory.h"

/* Adds "line 12: ..." for each, in the order of the file. */
void migration_warnings(const char *text, struct strings *ret_warnings);

#endif
