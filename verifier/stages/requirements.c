#include "stages/requirements.h"

#include <stdlib.h>
#include <string.h>

#include "archive/facts.h"
#include "base/buffer.h"
#include "postgres/tools.h"

static int header_major(const struct archive *archive)
{
    /* pg_restore reads archives up to its own header version; older readers refuse. */
    static const struct {
        int minor;
        int major;
    } readers[] = {{16, 17}, {15, 16}, {14, 12}};
    for (size_t i = 0; i < ARRAY_LENGTH(readers); i++)
        if (archive->version_minor >= readers[i].minor)
            return readers[i].major;
    return 0;
}

bool entry_is_statistics(const struct archive_entry *entry)
{
    return strcmp(entry->description, "STATISTICS DATA") == 0;
}

static bool has_statistics(const struct archive *archive)
{
    for (size_t i = 0; i < archive->entry_count; i++)
        if (entry_is_statistics(&archive->entries[i]))
            return true;
    return false;
}

/* pg_dump writes for servers of its own major version, whatever it dumped; what older ones do not
 * know decides. */
static int statements_major(const struct archive *archive)
{
    int pg_dump = archive->pg_dump_version ? version_major(archive->pg_dump_version) : 0;
    if (has_statistics(archive))
        return pg_dump; /* which came with 18 */
    if (archive->format == ARCHIVE_PLAIN && pg_dump >= 17)
        return 17; /* SET transaction_timeout, which pg_restore sends by itself */
    return 0;
}

struct required_versions required_versions(const struct archive *archive)
{
    struct required_versions all = {0};
    for (size_t i = 0; i < archive->part_count; i++) {
        struct required_versions part = required_versions(&archive->parts[i]);
        all.server = part.server > all.server ? part.server : all.server;
        all.reader = part.reader > all.reader ? part.reader : all.reader;
        all.has_statistics |= part.has_statistics;
    }
    if (archive->part_count > 0)
        return all;
    int server = archive->server_version ? version_major(archive->server_version) : 0;
    int header = header_major(archive);
    int statements = statements_major(archive);
    int most = server > header ? server : header;
    return (struct required_versions){.server = most > statements ? most : statements,
                                      .reader = header,
                                      .has_statistics = has_statistics(archive)};
}

/* Objects that PostgreSQL lets only superusers create; `words` (may be NULL) must stand in the
 * definition. */
static const struct {
    const char *description;
    const char *words;
} superuser_objects[] = {
    {"EVENT TRIGGER", NULL},           {"FOREIGN DATA WRAPPER", NULL}, {"OPERATOR CLASS", NULL},
    {"OPERATOR FAMILY", NULL},         {"ACCESS METHOD", NULL},        {"TEXT SEARCH PARSER", NULL},
    {"TEXT SEARCH TEMPLATE", NULL},    {"SHELL TYPE", NULL},           {"TRANSFORM", NULL},
    {"PUBLICATION", "FOR ALL TABLES"}, {"CAST", "WITHOUT FUNCTION"},   {"FUNCTION", "LANGUAGE c"},
    {"FUNCTION", "LANGUAGE internal"}, {"PROCEDURAL LANGUAGE", "u"}, /* the untrusted ones end in u:
                                                                        plpython3u */
};

bool entry_needs_superuser(const struct archive_entry *entry)
{
    for (size_t i = 0; i < ARRAY_LENGTH(superuser_objects); i++) {
        const char *words = superuser_objects[i].words;
        if (strcmp(entry->description, superuser_objects[i].description) != 0)
            continue;
        if (!words || (strcmp(words, "u") == 0 ? ends_with(entry->tag, words)
                                               : strstr(entry->definition, words) != NULL))
            return true;
    }
    return false;
}

static bool is_trusted(struct connection *connection, const char *extension)
{
    const char *const parameters[] = {extension, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    struct error ignored;
    if (connection_query(connection,
                         "select bool_or(trusted or not superuser) from "
                         "pg_available_extension_versions where name = $1",
                         parameters, &result, NULL, &ignored) < 0)
        return false;
    return strcmp(PQgetvalue(result, 0, 0), "t") == 0;
}

bool fills_schema(const struct archive *archive)
{
    bool has[PART_COUNT] = {false};
    for (size_t i = 0; i < archive->part_count; i++)
        has[archive->parts[i].part] = true;
    return has[PART_SCHEMA] && has[PART_DATA];
}

/* Of a set: a part with something of the database in it. */
static bool is_plain(const struct archive *archive)
{
    for (size_t i = 0; i < archive->part_count; i++)
        if (!backup_part_is_of_server(archive->parts[i].part) && is_plain(&archive->parts[i]))
            return true;
    return archive->part_count == 0 && archive->format == ARCHIVE_PLAIN;
}

static int compare_ids(const void *left, const void *right)
{
    int one = *(const int *)left, other = *(const int *)right;
    return (one > other) - (one < other);
}

static size_t functions_find(const struct archive *archive, int *ids)
{
    size_t count = 0;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (strcmp(archive->entries[i].description, "FUNCTION") == 0)
            ids[count++] = archive->entries[i].dump_id;
    if (count > 0)
        qsort(ids, count, sizeof(*ids), compare_ids);
    return count;
}

/* While rows are loaded. Constraints that are entries of their own are made when all are there. */
static bool computes(const struct archive_entry *entry)
{
    bool is_domain = strcmp(entry->description, "DOMAIN") == 0;
    return (is_domain || strcmp(entry->description, "TABLE") == 0) &&
           (strstr(entry->definition, "CHECK (") ||
            strstr(entry->definition, "GENERATED ALWAYS AS ("));
}

/* A function of the backup may look into any table. */
bool needs_its_order(const struct archive *archive)
{
    cleanup(free_pointer) int *functions = xcalloc(archive->entry_count + 1, sizeof(*functions));
    size_t count = functions_find(archive, functions);
    for (size_t i = 0; count > 0 && i < archive->entry_count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        if (!computes(entry))
            continue;
        for (size_t j = 0; j < entry->dependency_count; j++)
            if (bsearch(&entry->dependencies[j], functions, count, sizeof(*functions), compare_ids))
                return true;
    }
    return false;
}

char *superuser_reason(const struct archive *archive, struct connection *connection)
{
    if (is_plain(archive))
        return xstrdup("plain SQL names the owners of its objects itself");
    if (fills_schema(archive))
        return xstrdup("the data of a set are loaded without asking triggers and foreign keys");
    for (size_t i = 0; i < archive->entry_count; i++)
        if (entry_needs_superuser(&archive->entries[i]))
            return xasprintf("it has the %s %s", archive->entries[i].description,
                             archive->entries[i].tag);
    for (size_t i = 0; i < archive->extension_count; i++)
        if (!is_trusted(connection, archive->extensions[i].name))
            return xasprintf("only a superuser may create the extension %s",
                             archive->extensions[i].name);
    return NULL;
}

/* How long the string at `text` is with its quotes, or the word, which may be any of ours. */
static size_t option_length(const char *text)
{
    size_t length = 1;
    if (*text != '\'')
        return strspn(text, "abcdefghijklmnopqrstuvwxyz");
    while (text[length] && (text[length] != '\'' || text[length + 1] == '\''))
        length += text[length] == '\'' ? 2 : 1;
    return text[length] ? length + 1 : 0;
}

/* Adds `keyword = value` of a CREATE DATABASE, where it is there. */
static bool option_take(const char *definition, const char *keyword, struct buffer *options)
{
    cleanup(free_pointer) char *start = xasprintf(" %s = ", keyword);
    const char *found = strstr(definition, start);
    size_t length = found ? option_length(found + strlen(start)) : 0;
    if (length == 0)
        return false;
    buffer_printf(options, "%s %.*s ", keyword, (int)length, found + strlen(start));
    return true;
}

char *required_locale(const struct archive *archive)
{
    static const char *const keywords[] = {"LOCALE",     "LC_COLLATE", "LC_CTYPE",
                                           "ICU_LOCALE", "ICU_RULES",  "BUILTIN_LOCALE"};
    for (size_t i = 0; i < archive->entry_count; i++) {
        if (strcmp(archive->entries[i].description, "DATABASE") != 0)
            continue;
        const char *definition = archive->entries[i].definition;
        bool found = false;
        struct buffer options;
        buffer_init(&options, 2048);
        option_take(definition, "LOCALE_PROVIDER", &options); /* nothing without the others */
        for (size_t k = 0; k < ARRAY_LENGTH(keywords); k++)
            found |= option_take(definition, keywords[k], &options);
        if (found && !options.overflowed)
            return buffer_steal(&options);
        buffer_free(&options);
        return NULL;
    }
    return NULL;
}

bool creates_public_schema(const struct archive *archive)
{
    for (size_t i = 0; i < archive->entry_count; i++)
        if (strcmp(archive->entries[i].description, "SCHEMA") == 0 &&
            strcmp(archive->entries[i].tag, "public") == 0)
            return definition_creates(archive->entries[i].definition);
    return false;
}

/* Debian's packages for extensions that are not in postgresql-N itself; %d is the major version. */
static const struct {
    const char *extension;
    const char *package;
} packages[] = {
    {"age", "postgresql-%d-age"},
    {"citus", "postgresql-%d-citus"},
    {"hll", "postgresql-%d-hll"},
    {"http", "postgresql-%d-http"},
    {"hypopg", "postgresql-%d-hypopg"},
    {"ip4r", "postgresql-%d-ip4r"},
    {"orafce", "postgresql-%d-orafce"},
    {"pg_cron", "postgresql-%d-cron"},
    {"pg_partman", "postgresql-%d-partman"},
    {"pg_repack", "postgresql-%d-repack"},
    {"pgaudit", "postgresql-%d-pgaudit"},
    {"pgrouting", "postgresql-%d-pgrouting"},
    {"pgtap", "postgresql-%d-pgtap"},
    {"plperl", "postgresql-plperl-%d"},
    {"plperlu", "postgresql-plperl-%d"},
    {"plpython3u", "postgresql-plpython3-%d"},
    {"pltcl", "postgresql-pltcl-%d"},
    {"pltclu", "postgresql-pltcl-%d"},
    {"postgis", "postgresql-%d-postgis-3"},
    {"postgis_raster", "postgresql-%d-postgis-3"},
    {"postgis_topology", "postgresql-%d-postgis-3"},
    {"rum", "postgresql-%d-rum"},
    {"semver", "postgresql-%d-semver"},
    {"timescaledb", "postgresql-%d-timescaledb"},
    {"vector", "postgresql-%d-pgvector"},
};

/* "vector (package postgresql-15-pgvector)" */
static void describe_missing(const char *extension, int major, struct buffer *words)
{
    buffer_append_text(words, extension);
    for (size_t i = 0; i < ARRAY_LENGTH(packages); i++) {
        const char *package = packages[i].package;
        const char *number = strstr(package, "%d");
        if (strcmp(packages[i].extension, extension) == 0)
            buffer_printf(words, " (package %.*s%d%s)", (int)(number - package), package, major,
                          number + strlen("%d"));
    }
}

bool extension_is_left_out(const struct archive *archive, const struct exclusion *exclusion,
                           const char *extension)
{
    if (strings_contain(&exclusion->extensions, extension))
        return true;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (strcmp(archive->entries[i].description, "EXTENSION") == 0 &&
            strcmp(archive->entries[i].tag, extension) == 0)
            return exclusion->left_out[i];
    return false;
}

int extension_is_available(struct connection *connection, const char *extension,
                           bool *ret_available, struct error *error)
{
    const char *const parameters[] = {extension, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, "select from pg_available_extensions where name = $1",
                         parameters, &result, NULL, error) < 0)
        return -1;
    *ret_available = PQntuples(result) > 0;
    return 0;
}

int extensions_refuse(const struct strings *missing, int major, bool can_leave_out,
                      struct error *error)
{
    struct buffer list;
    buffer_init(&list, sizeof(error->text));
    for (size_t i = 0; i < missing->count; i++) {
        buffer_append_text(&list, i > 0 ? ", " : "");
        describe_missing(missing->items[i], major, &list);
    }
    cleanup(free_pointer) char *otherwise =
        can_leave_out
            ? xasprintf("leave it out with `EXTENSION %s` under restore.exclude", missing->items[0])
            : xstrdup("dump in custom format, of which restore.exclude can leave it out");
    cannot_verify(error,
                  "the backup needs the extension%s %s, which %s not installed for PostgreSQL %d "
                  "here: install what is missing, or %s",
                  missing->count == 1 ? "" : "s", list.data, missing->count == 1 ? "is" : "are",
                  major, otherwise);
    buffer_free(&list);
    return -1;
}

int extensions_available(const struct archive *archive, const struct exclusion *exclusion,
                         struct connection *connection, struct error *error)
{
    int major = connection_server_version(connection) / 10000;
    cleanup(strings_free) struct strings seen = {0};
    cleanup(strings_free) struct strings missing = {0};
    for (size_t i = 0; i < archive->extension_count; i++) {
        const char *name = archive->extensions[i].name;
        bool available = true;
        if (extension_is_left_out(archive, exclusion, name) || strings_contain(&seen, name))
            continue;
        strings_add(&seen, name);
        if (extension_is_available(connection, name, &available, error) < 0)
            return -1;
        if (!available)
            strings_add(&missing, name);
    }
    bool can_leave_out = archive->format != ARCHIVE_PLAIN || archive->part_count > 0;
    return missing.count == 0 ? 0 : extensions_refuse(&missing, major, can_leave_out, error);
}
