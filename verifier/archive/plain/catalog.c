#include "archive/plain/catalog.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

void catalog_init(struct catalog *catalog)
{
    *catalog = (struct catalog){.unnamed = {.text = ""}};
    catalog->current = &catalog->unnamed;
    catalog->database = catalog->unnamed.text;
    catalog->last_table = &catalog->first_table;
    catalog->roles.last = &catalog->roles.first;
    catalog->databases.last = &catalog->databases.first;
    catalog->tablespaces.last = &catalog->tablespaces.first;
    catalog->schemas.last = &catalog->schemas.first;
    catalog->publications.last = &catalog->publications.first;
}

static void keep_node(void *node)
{
    (void)node; /* the lists own what the trees point to */
}

static void free_names(struct catalog_names *names)
{
    tdestroy(names->tree, keep_node);
    for (struct catalog_name *name = names->first, *next; name; name = next) {
        next = name->next;
        free(name->encoding);
        free(name);
    }
}

static void free_extension(struct plain_extension *extension)
{
    free(extension->name);
    free(extension->schema);
}

void catalog_free(struct catalog *catalog)
{
    tdestroy(catalog->tree, keep_node);
    for (struct catalog_table *table = catalog->first_table, *next; table; table = next) {
        next = table->next;
        free(table->table.schema);
        free(table->table.name);
        free(table);
    }
    free_names(&catalog->roles);
    free_names(&catalog->databases);
    free_names(&catalog->tablespaces);
    free(catalog->unnamed.encoding);
    free_names(&catalog->schemas);
    free_names(&catalog->publications);
    for (size_t i = 0; i < catalog->extension_count; i++)
        free_extension(&catalog->extensions[i]);
    free(catalog->extensions);
    *catalog = (struct catalog){0};
}

static int count_name(struct catalog *catalog, size_t length, struct error *error)
{
    catalog->name_bytes += length;
    if (catalog->name_bytes > PLAIN_MAX_NAME_BYTES)
        return cannot_verify(error, "the names in the dump take more than %d MiB",
                             PLAIN_MAX_NAME_BYTES >> 20);
    return 0;
}

static int compare_tables(const void *one, const void *other)
{
    const struct plain_table *a = &((const struct catalog_table *)one)->table;
    const struct plain_table *b = &((const struct catalog_table *)other)->table;
    int order = strcmp(a->name, b->name);
    if (order == 0)
        order = strcmp(a->schema, b->schema);
    return order != 0 ? order : strcmp(a->database, b->database);
}

int catalog_table(struct catalog *catalog, const char *schema, const char *name,
                  struct catalog_table **ret_table, struct error *error)
{
    /* INSERTs come one a row, so this must be cheap for the table of the last one. */
    const struct plain_table *recent = catalog->recent ? &catalog->recent->table : NULL;
    if (recent && recent->database == catalog->database && strcmp(recent->name, name) == 0 &&
        strcmp(recent->schema, schema) == 0) {
        *ret_table = catalog->recent;
        return 0;
    }
    struct catalog_table *added = xcalloc(1, sizeof(*added));
    added->table = (struct plain_table){
        .database = catalog->database, .schema = xstrdup(schema), .name = xstrdup(name)};
    added->database = catalog->current;
    struct catalog_table **found = tsearch(added, &catalog->tree, compare_tables);
    if (!found)
        out_of_memory();
    *ret_table = catalog->recent = *found;
    if (*found != added) {
        free(added->table.schema);
        free(added->table.name);
        free(added);
        return 0;
    }
    *catalog->last_table = added;
    catalog->last_table = &added->next;
    if (++catalog->table_count > PLAIN_MAX_TABLES)
        return cannot_verify(error, "the dump holds more than %d tables", PLAIN_MAX_TABLES);
    return count_name(catalog, strlen(schema) + strlen(name) + 2, error);
}

static int compare_names(const void *one, const void *other)
{
    return strcmp(((const struct catalog_name *)one)->text,
                  ((const struct catalog_name *)other)->text);
}

static int find_name(struct catalog *catalog, struct catalog_names *names, const char *text,
                     struct catalog_name **ret_name, struct error *error)
{
    struct catalog_name wanted = {.text = text};
    struct catalog_name **found = tfind(&wanted, &names->tree, compare_names);
    if (found) {
        *ret_name = *found;
        return 0;
    }
    size_t size = strlen(text) + 1;
    struct catalog_name *added = xcalloc(1, sizeof(*added) + size);
    added->text = memcpy(added + 1, text, size);
    *names->last = added;
    names->last = &added->next;
    if (!tsearch(added, &names->tree, compare_names))
        out_of_memory();
    *ret_name = added;
    return count_name(catalog, size, error);
}

static int note_name(struct catalog *catalog, struct catalog_names *names, const char *text,
                     bool created, struct error *error)
{
    struct catalog_name *name = NULL;
    if (find_name(catalog, names, text, &name, error) < 0)
        return -1;
    name->created |= created;
    name->needed |= !created;
    return 0;
}

int catalog_role(struct catalog *catalog, const char *name, bool created, struct error *error)
{
    return note_name(catalog, &catalog->roles, name, created, error);
}

int catalog_tablespace(struct catalog *catalog, const char *name, bool created, struct error *error)
{
    return note_name(catalog, &catalog->tablespaces, name, created, error);
}

int catalog_schema(struct catalog *catalog, const char *name, struct error *error)
{
    return note_name(catalog, &catalog->schemas, name, true, error);
}

int catalog_publication(struct catalog *catalog, const char *name, bool created,
                        struct error *error)
{
    return note_name(catalog, &catalog->publications, name, created, error);
}

int catalog_database(struct catalog *catalog, const char *name, struct error *error)
{
    return note_name(catalog, &catalog->databases, name, false, error);
}

int catalog_connect(struct catalog *catalog, const char *name, int64_t line, struct error *error)
{
    struct catalog_name *database = NULL;
    if (find_name(catalog, &catalog->databases, name, &database, error) < 0)
        return -1;
    database->needed = true;
    if (database->line == 0)
        database->line = line;
    catalog->current = database;
    catalog->database = database->text;
    return 0;
}

int catalog_extension(struct catalog *catalog, const char *name, const char *schema,
                      struct error *error)
{
    size_t count = catalog->extension_count;
    if ((count & (count - 1)) == 0) /* grows by doubling */
        catalog->extensions =
            xreallocarray(catalog->extensions, count ? 2 * count : 1, sizeof(*catalog->extensions));
    catalog->extensions[catalog->extension_count++] =
        (struct plain_extension){.database = catalog->database,
                                 .name = xstrdup(name),
                                 .schema = schema ? xstrdup(schema) : NULL};
    return count_name(catalog, strlen(name) + (schema ? strlen(schema) : 0) + 2, error);
}

void catalog_add_rows(struct catalog_table *table, enum plain_source source,
                      const struct row_totals *totals)
{
    struct row_totals *sum = &table->table.totals;
    /* More than one COPY for a table: --load-via-partition-root writes one for each partition. */
    sum->rows += totals->rows;
    sum->bytes += totals->bytes;
    if (totals->largest_row_bytes > sum->largest_row_bytes)
        sum->largest_row_bytes = totals->largest_row_bytes;
    if (source == FROM_INSERT || table->table.source == FROM_INSERT) {
        table->table.source = FROM_INSERT;
        sum->fingerprint[0] = sum->fingerprint[1] = 0;
        return;
    }
    table->table.source = source;
    uint64_t low = sum->fingerprint[0] + totals->fingerprint[0];
    sum->fingerprint[1] += totals->fingerprint[1] + (low < totals->fingerprint[0]);
    sum->fingerprint[0] = low;
}

static void take_names(const struct catalog_names *names, struct strings *ret_list)
{
    for (const struct catalog_name *name = names->first; name; name = name->next)
        if (name->needed && !name->created)
            strings_add(ret_list, name->text);
}

static void take_created(const struct catalog_names *names, struct strings *ret_list)
{
    for (const struct catalog_name *name = names->first; name; name = name->next)
        if (name->created)
            strings_add(ret_list, name->text);
}

/* The totals own their databases in `databases`, in the order of the catalog's list. */
static const char *same_database(const struct catalog *catalog, const struct plain_totals *totals,
                                 const char *database)
{
    size_t i = 0;
    for (const struct catalog_name *name = catalog->databases.first; name; name = name->next, i++)
        if (name->text == database)
            return totals->databases.items[i];
    return "";
}

static void take_database(struct catalog_name *database, const char *name,
                          struct plain_totals *totals)
{
    database->part = &totals->database_parts[totals->database_part_count++];
    *database->part = (struct plain_database){
        .name = name,
        .encoding = take(&database->encoding),
        .large_objects = database->large_objects,
        .hollow_large_objects = database->large_objects - database->opened_large_objects,
        .line = database->line};
    totals->large_objects += database->large_objects;
    totals->hollow_large_objects += database->part->hollow_large_objects;
}

/* All that are in the list, since each of them is needed. */
static void take_databases(struct catalog *catalog, struct plain_totals *totals)
{
    totals->database_parts = xcalloc(totals->databases.count + 1, sizeof(*totals->database_parts));
    take_database(&catalog->unnamed, "", totals);
    for (struct catalog_name *name = catalog->databases.first; name; name = name->next)
        take_database(name, totals->databases.items[totals->database_part_count - 1], totals);
}

void catalog_finish(struct catalog *catalog, struct plain_totals *ret_totals)
{
    take_names(&catalog->roles, &ret_totals->roles);
    take_created(&catalog->roles, &ret_totals->created_roles);
    take_names(&catalog->databases, &ret_totals->databases);
    take_names(&catalog->publications, &ret_totals->publications);
    take_created(&catalog->schemas, &ret_totals->created_schemas);
    take_names(&catalog->tablespaces, &ret_totals->tablespaces);
    take_databases(catalog, ret_totals);
    ret_totals->sequences = catalog->sequences;
    ret_totals->sequence_values = catalog->sequence_values;
    ret_totals->tables = xcalloc(catalog->table_count, sizeof(*ret_totals->tables));
    for (struct catalog_table *table = catalog->first_table; table; table = table->next) {
        if (table->is_view)
            continue;
        struct plain_table *copy = &ret_totals->tables[ret_totals->table_count++];
        *copy = table->table;
        copy->database = table->database->part->name;
        table->database->part->table_count++;
        table->table.schema = table->table.name = NULL;
    }
    for (size_t i = 0; i < catalog->extension_count; i++)
        catalog->extensions[i].database =
            same_database(catalog, ret_totals, catalog->extensions[i].database);
    ret_totals->extensions = catalog->extensions;
    ret_totals->extension_count = catalog->extension_count;
    catalog->extensions = NULL;
    catalog->extension_count = 0;
}

void plain_totals_free(struct plain_totals *totals)
{
    if (!totals)
        return;
    for (size_t i = 0; i < totals->table_count; i++) {
        free(totals->tables[i].schema);
        free(totals->tables[i].name);
    }
    free(totals->tables);
    for (size_t i = 0; i < totals->extension_count; i++)
        free_extension(&totals->extensions[i]);
    free(totals->extensions);
    strings_free(&totals->roles);
    for (size_t i = 0; i < totals->database_part_count; i++)
        free(totals->database_parts[i].encoding);
    free(totals->database_parts);
    strings_free(&totals->created_roles);
    strings_free(&totals->databases);
    strings_free(&totals->publications);
    strings_free(&totals->created_schemas);
    strings_free(&totals->tablespaces);
    free(totals->encoding);
    free(totals->dumped_from);
    free(totals->dumped_by);
    free(totals->started);
    free(totals->trailer);
    plain_lines_free(&totals->lines);
    plain_objects_free(&totals->objects);
    plain_grants_free(&totals->grants);
    free(totals->appended.text);
    free(totals);
}

void plain_totals_freep(struct plain_totals **totals)
{
    plain_totals_free(*totals);
}
