#include "postgres/collations.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_VERSION = 100000, DATABASE_VERSIONS = 150000 };

/* Names are kept to one line. */
#define ONE_LINE(text) "coalesce(regexp_replace(" text ", '[[:cntrl:]]', '?', 'g'), '')"

#define PROVIDER(letter)                                                                           \
    "case coalesce(" letter ", 'c') when 'c' then 'libc' when 'i' then 'icu' "                     \
    "when 'b' then 'builtin' else 'unknown' end"

/* Columns came and went with versions: to_jsonb finds those that are there. */
#define DATABASE_LOCALE                                                                            \
    "coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', datcollate)"
#define COLLATION_LOCALE                                                                           \
    "coalesce(to_jsonb(c)->>'colllocale', to_jsonb(c)->>'colliculocale', collcollate)"

#define DATABASE_SQL(actual)                                                                       \
    "select 'default', " PROVIDER("to_jsonb(d)->>'datlocprovider'") ", " ONE_LINE(                 \
        DATABASE_LOCALE) ", coalesce(to_jsonb(d)->>'datcollversion', ''), "                        \
                         "coalesce(" actual                                                        \
                         ", '') from pg_database d where datname = current_database()"

#define COLLATIONS_SQL                                                                             \
    "select " ONE_LINE("format('%s.%s', nspname, collname)") ", " PROVIDER(                        \
        "collprovider::text") ", " ONE_LINE(COLLATION_LOCALE) ", coalesce(collversion, ''), "      \
                                                              "actual from pg_collation c join "   \
                                                              "pg_namespace n on n.oid = "         \
                                                              "collnamespace, "                    \
                                                              "pg_collation_actual_version(c.oid)" \
                                                              " actual where collprovider <> 'd' " \
                                                              "and actual is not null "            \
                                                              "and (nspname !~ "                   \
                                                              "'^pg_|^information_schema$' or "    \
                                                              "c.oid in (select "                  \
                                                              "unnest(indcollation) "              \
                                                              "from pg_index)) order by 1"

/* Before 15 only collations have versions: one of the same locale has that of the database. */
static const char older_sql[] = DATABASE_SQL(
    "(select max(pg_collation_actual_version(o.oid)) from pg_collation o "
    "where o.collprovider = 'c' and o.collcollate = datcollate)") " union all " COLLATIONS_SQL;
static const char newer_sql[] =
    DATABASE_SQL("pg_database_collation_actual_version(d.oid)") " union all " COLLATIONS_SQL;

int collations_read(struct connection *connection, struct collations *ret_collations,
                    struct error *error)
{
    const int version = connection_server_version(connection);
    struct collations collations = {0};
    cleanup(result_clear) PGresult *result = NULL;
    if (version >= FIRST_VERSION &&
        connection_query(connection, version >= DATABASE_VERSIONS ? newer_sql : older_sql, NULL,
                         &result, NULL, error) < 0)
        return -1;
    for (int i = 0; result && i < PQntuples(result); i++) {
        const char *texts[COLLATION_TEXTS];
        for (int j = 0; j < COLLATION_TEXTS; j++)
            texts[j] = PQgetvalue(result, i, j);
        collations_add(&collations, texts);
    }
    *ret_collations = collations;
    return 0;
}

void collations_add(struct collations *collations, const char *const texts[COLLATION_TEXTS])
{
    collations->items =
        xreallocarray(collations->items, collations->count + 1, sizeof(*collations->items));
    collations->items[collations->count++] = (struct collation){.name = xstrdup(texts[0]),
                                                                .provider = xstrdup(texts[1]),
                                                                .locale = xstrdup(texts[2]),
                                                                .recorded = xstrdup(texts[3]),
                                                                .actual = xstrdup(texts[4])};
}

const struct collation *collations_find(const struct collations *collations, const char *name)
{
    for (size_t i = 0; i < collations->count; i++)
        if (strcmp(collations->items[i].name, name) == 0)
            return &collations->items[i];
    return NULL;
}

void collations_free(struct collations *collations)
{
    for (size_t i = 0; i < collations->count; i++) {
        free(collations->items[i].name);
        free(collations->items[i].provider);
        free(collations->items[i].locale);
        free(collations->items[i].recorded);
        free(collations->items[i].actual);
    }
    free(collations->items);
    *collations = (struct collations){0};
}
