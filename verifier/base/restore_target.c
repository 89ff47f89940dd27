/* Facts about hosts grow old: each list says where it is from and of when. Add to them here only.
 */
#include "base/restore_target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* What is built from PostgreSQL's own sources.
 * Sources: contrib/ and src/pl/ of PostgreSQL 15; the release notes of 16, 17 (old_snapshot and
 * adminpack removed) and 18 (pg_logicalinspect added). November 2026. */
#define VANILLA                                                                                    \
    "adminpack<17 amcheck autoinc bloom bool_plperl bool_plperlu btree_gin btree_gist citext "     \
    "cube dblink dict_int dict_xsyn earthdistance file_fdw fuzzystrmatch hstore hstore_plperl "    \
    "hstore_plperlu hstore_plpython3u insert_username intagg intarray isn jsonb_plperl "           \
    "jsonb_plperlu jsonb_plpython3u lo ltree ltree_plpython3u moddatetime old_snapshot<17 "        \
    "pageinspect pg_buffercache pg_freespacemap pg_logicalinspect>17 pg_prewarm "                  \
    "pg_stat_statements pg_surgery pg_trgm pg_visibility pg_walinspect pgcrypto pgrowlocks "       \
    "pgstattuple plperl plperlu plpgsql plpython3u pltcl pltclu postgres_fdw refint seg sslinfo "  \
    "tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp xml2"

#define VANILLA_TARGET(major)                                                                      \
    {                                                                                              \
        .name = "vanilla-" #major, .words = "PostgreSQL " #major, .as_of = "November 2026",        \
        .oldest = (major), .newest = (major), .superuser = true, .may = "", .roles = "",           \
        .schemas = "", .extensions = VANILLA,                                                      \
    }

static const struct restore_target targets[] = {
    /* Source: render.com/docs/postgresql-extensions, as it was in 2025. Of the list only the
     * beginning could be read. A user there is named with the database; there are no roles that all
     * databases have in common. */
    {
        .name = "render",
        .words = "Render",
        .as_of = "2025",
        .oldest = 13,
        .may = "",
        .roles = "",
        .schemas = "",
        .extensions =
            "adminpack amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int "
            "dict_xsyn earthdistance file_fdw fuzzystrmatch hstore insert_username intagg intarray "
            "isn lo ltree moddatetime old_snapshot>13 pageinspect pg_buffercache pg_duckdb>15 "
            "pg_freespacemap pg_ivm pg_prewarm pg_similarity<16 pg_stat_statements pg_surgery>13 "
            "pg_trgm pg_visibility pgaudit pgcrypto pgrowlocks pgstattuple plpgsql postgis "
            "postgis_raster postgis_tiger_geocoder vector",
        .complete_upto = "postgis_tiger_geocoder",
    },
    /* Sources: github.com/supabase/postgres at 2024-10-23: supautils.conf (the extensions and kinds
     * that its role postgres may make, roles that are reserved), migrations (schemas), with
     * PostgreSQL's own trusted extensions; its README of 2026 (versions); github.com/supabase/
     * supautils and supabase.com/blog/event-triggers-wo-superuser of 2025-05-08 (event triggers,
     * publications, foreign data wrappers); supabase.com/docs/guides/database/postgres/
     * roles-superuser (no superuser). */
    {
        .name = "supabase",
        .words = "Supabase",
        .as_of = "October 2024",
        .oldest = 15,
        .newest = 17,
        .may = "EVENT TRIGGER,FOREIGN DATA WRAPPER,PUBLICATION,",
        .roles = "anon authenticated authenticator dashboard_user pgbouncer service_role "
                 "supabase_admin supabase_auth_admin supabase_read_only_user "
                 "supabase_replication_admin supabase_storage_admin",
        .schemas = "auth extensions graphql graphql_public pgbouncer realtime storage vault",
        .extensions =
            "address_standardizer address_standardizer_data_us autoinc bloom btree_gin btree_gist "
            "citext cube dblink dict_int dict_xsyn earthdistance fuzzystrmatch hstore http hypopg "
            "index_advisor insert_username intarray isn lo ltree moddatetime pg_cron pg_graphql "
            "pg_hashids pg_jsonschema pg_net pg_partman pg_prewarm pg_repack pg_stat_monitor "
            "pg_stat_statements pg_tle pg_trgm pg_walinspect pgaudit pgcrypto pgjwt pgmq pgroonga "
            "pgroonga_database pgrouting pgrowlocks pgsodium pgstattuple pgtap plcoffee pljava "
            "plls plpgsql plpgsql_check plv8 postgis postgis_raster postgis_sfcgal "
            "postgis_tiger_geocoder postgis_topology postgres_fdw refint rum seg sslinfo "
            "supabase_vault tablefunc tcn timescaledb tsm_system_rows tsm_system_time unaccent "
            "uuid-ossp vector wrappers",
    },
    /* Sources: the setting neon.allowed_extensions of a project on PostgreSQL 17, September 2026;
     * neon.com/docs/extensions/pg-extensions (versions 14 to 18) and neon.com/docs/manage/roles
     * (neon_superuser, no superuser); github.com/neondatabase/neon, its tests of event triggers. */
    {
        .name = "neon",
        .words = "Neon",
        .as_of = "September 2026",
        .oldest = 14,
        .newest = 18,
        .may = "EVENT TRIGGER,",
        .roles = "neon_superuser",
        .schemas = "",
        .extensions =
            "address_standardizer address_standardizer_data_us age amcheck anon autoinc bloom "
            "btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance "
            "fuzzystrmatch "
            "h3 h3_postgis hll hstore hypopg insert_username intagg intarray ip4r isn lo ltree "
            "moddatetime neon neon_utils old_snapshot<17 online_advisor pageinspect pg_buffercache "
            "pg_cron pg_duckdb pg_freespacemap pg_graphql pg_hashids pg_hint_plan pg_jsonschema "
            "pg_logicalinspect>17 pg_mooncake pg_partman pg_prewarm pg_repack pg_search "
            "pg_session_jwt pg_stat_statements pg_surgery pg_tiktoken pg_tracing pg_trgm pg_uuidv7 "
            "pg_visibility pg_walinspect pgaudit pgauditlogtofile pgcrypto pgjwt pgrouting "
            "pgrowlocks pgstattuple pgtap plcoffee plls plpgsql plpgsql_check plv8 postgis "
            "postgis_raster postgis_sfcgal postgis_tiger_geocoder postgis_topology postgres_fdw "
            "prefix rag rdkit refint roaringbitmap rum seg semver sslinfo tablefunc tcn "
            "timescaledb tsm_system_rows tsm_system_time ulid unaccent unit uuid-ossp vector "
            "wal2json xml2",
    },
    /* Sources: the setting rds.extensions of RDS for PostgreSQL 12 as users have published it in
     * 2020; docs.aws.amazon.com/AmazonRDS, "Using PostgreSQL extensions" (pg_partman, pg_cron,
     * pg_tle) and "Understanding the rds_superuser role" (roles, no superuser), 2026; PostgreSQL 18
     * by its release notes. pgvector since 15.2. What was added later is not known here. */
    {
        .name = "rds",
        .words = "Amazon RDS",
        .as_of = "2020",
        .newest = 18,
        .may = "",
        .roles = "rds_password rds_replication rds_superuser",
        .schemas = "",
        .extensions =
            "address_standardizer address_standardizer_data_us amcheck autoinc aws_commons "
            "aws_lambda aws_s3 bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn "
            "earthdistance fuzzystrmatch hll hstore hstore_plperl intagg intarray ip4r isn "
            "jsonb_plperl log_fdw ltree orafce pageinspect pg_bigm pg_buffercache pg_cron "
            "pg_freespacemap pg_hint_plan pg_partman pg_prewarm pg_proctab pg_repack "
            "pg_similarity pg_stat_statements pg_tle pg_transport pg_trgm pg_visibility pgaudit "
            "pgcrypto pglogical pgrouting pgrowlocks pgstattuple pgtap plcoffee plls plperl "
            "plpgsql "
            "plprofiler pltcl plv8 postgis postgis_raster postgis_tiger_geocoder postgis_topology "
            "postgres_fdw prefix rdkit sslinfo tablefunc test_parser tsm_system_rows "
            "tsm_system_time unaccent uuid-ossp vector>14",
        .complete_upto = "",
    },
    VANILLA_TARGET(15),
    VANILLA_TARGET(16),
    VANILLA_TARGET(17),
    VANILLA_TARGET(18),
};

const struct restore_target *restore_target_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

size_t restore_target_names(const char *const **ret_names)
{
    static const char *names[ARRAY_LENGTH(targets)];
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++)
        names[i] = targets[i].name;
    *ret_names = names;
    return ARRAY_LENGTH(targets);
}

/* The word that is `word`, perhaps with versions behind; or NULL. */
static const char *find_word(const char *words, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t whole = strcspn(at, " <>");
        if (whole == length && strncmp(at, word, length) == 0)
            return at;
        at += strcspn(at, " ");
    }
    return NULL;
}

bool restore_target_lists(const char *words, const char *word)
{
    return *word && find_word(words, word);
}

/* "<17" or ">17": in some version that it runs. */
static bool is_of_version(const struct restore_target *target, const char *range)
{
    const int bound = *range == '<' || *range == '>' ? (int)strtol(range + 1, NULL, 10) : 0;
    if (*range == '<')
        return target->oldest == 0 || target->oldest < bound;
    return *range != '>' || target->newest == 0 || target->newest > bound;
}

enum offer restore_target_offers(const struct restore_target *target, const char *extension)
{
    const char *found = *extension ? find_word(target->extensions, extension) : NULL;
    if (found)
        return is_of_version(target, found + strlen(extension)) ? OFFERED : NOT_OFFERED;
    if (!target->complete_upto || strcmp(extension, target->complete_upto) < 0)
        return NOT_OFFERED;
    return OFFER_NOT_KNOWN;
}

bool restore_target_lets_make(const struct restore_target *target, const char *kind)
{
    cleanup(free_pointer) char *word = xasprintf("%s,", kind);
    return target->superuser || strstr(target->may, word) != NULL;
}
