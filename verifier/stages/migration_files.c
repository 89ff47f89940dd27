#include "stages/migration_files.h"

#include "migrations/names.h"

int alembic_migrations_read(const struct alembic_expectation *alembic, struct places *ret_places,
                            struct migrations *ret_migrations, struct error *error)
{
    *ret_places = (struct places){.recursive = true};
    for (size_t i = 0; i < alembic->migrations.count; i++)
        strings_add(&ret_places->directories, alembic->migrations.items[i]);
    if (alembic->config && places_from_config(alembic->config, ret_places, error) < 0)
        return error_prefix(error, "alembic.config: ");
    if (migrations_read(ret_places, ret_migrations, error) < 0)
        return error_prefix(error, "alembic.%s: ", alembic->config ? "config" : "migrations");
    return 0;
}

int tool_migrations_read(const struct migrations_expectation *expected, struct strings *ret_names,
                         struct error *error)
{
    for (size_t i = 0; i < expected->directories.count; i++)
        if (migration_names_read(expected->tool, expected->directories.items[i], ret_names, error) <
            0)
            return error_prefix(error, "migrations.directory: ");
    return 0;
}
