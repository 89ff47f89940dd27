#include "migrations/warnings.h"

#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *body; /* of upgrade, from line 5 on */
    const char *warnings[3];
} bodies[] = {
    {"    pass\n", {NULL}},
    {"    op.create_table('t', sa.Column('a', sa.Integer, nullable=False))\n", {NULL}},
    {"    op.create_index('i', 't', ['a'])\n", {"line 5: an index made without CONCURRENTLY"}},
    {"    op.create_index('i', 't', ['a'], postgresql_concurrently = True)\n", {NULL}},
    {"    op.create_index('i', 't',\n        ['a'],  # postgresql_concurrently=True\n    )\n",
     {"line 5: an index made"}},
    {"    op.create_index('postgresql_concurrently=True', 't', ['a)'])\n",
     {"line 5: an index made"}},
    {"    x = 1\n    op.drop_index('i')\n", {"line 6: an index dropped"}},
    {"    op.create_foreign_key('f', 'a', 'b', ['x'], ['y'])\n", {"line 5: a foreign key"}},
    {"    op.create_foreign_key('f', 'a', 'b', ['x'], ['y'], postgresql_not_valid=True)\n", {NULL}},
    {"    op.create_check_constraint('c', 't', 'x > 0')\n", {"line 5: a check"}},
    {"    op.create_unique_constraint('c', 't', ['x'])\n", {"line 5: a unique constraint"}},
    {"    op.alter_column('t', 'a', type_=sa.BigInteger(), nullable=False)\n",
     {"line 5: another type", "line 5: NOT NULL"}},
    {"    op.alter_column('t', 'a', existing_nullable=False, new_column_name='b')\n",
     {"line 5: a column that is renamed"}},
    {"    op.rename_table('t', 'u'); op.drop_column('u', 'a'); op.drop_table('v')\n",
     {"line 5: a table that is renamed", "line 5: a column that is dropped",
      "line 5: a table that is dropped"}},
    {"    shop.drop_table('v'); op.drop_tables('v'); op.drop_table\n", {NULL}},
    {"    '''\n    op.drop_table('v')\n    '''\n    # op.drop_table('v')\n", {NULL}},
    {"    op.drop_table('v'", {"line 5: a table that is dropped"}},
    {"    op.drop_table('v", {"line 5: a table that is dropped"}},
};

START_TEST(files_are_warned_of)
{
    cleanup(strings_free) struct strings warnings = {0};
    cleanup(free_pointer) char *text =
        xasprintf("\"\"\"op.drop_table('x')\"\"\"\nop.drop_table('y')\n\ndef upgrade():\n%s%s",
                  bodies[_i].body, "\n\ndef downgrade():\n    op.drop_table('z')\n");
    migration_warnings(text, &warnings);
    for (size_t i = 0; i < ARRAY_LENGTH(bodies[_i].warnings); i++) {
        const char *expected = bodies[_i].warnings[i];
        ck_assert_msg((expected != NULL) == (i < warnings.count), "%s: %zu", bodies[_i].body,
                      warnings.count);
        if (expected)
            ck_assert_msg(starts_with(warnings.items[i], expected), "%s", warnings.items[i]);
    }
}
END_TEST

Suite *migration_warnings_suite(void)
{
    Suite *suite = suite_create("migrations/warnings");
    add_table_test(suite, files_are_warned_of, ARRAY_LENGTH(bodies));
    return suite;
}
