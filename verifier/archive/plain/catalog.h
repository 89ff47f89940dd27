/* What a plain dump was found to hold, while it is being read. For plain.c only.
 *
 * Lookups go through balanced trees, so that names made to collide cost nothing. */
#ifndef ARCHIVE_PLAIN_CATALOG_H
#define ARCHIVE_PLAIN_CATALOG_H

#include "archive/plain/plain.h"

struct catalog_name {
    struct catalog_name *next;
    const char *text;
    bool created; /* a role that the dump itself creates */
    bool needed;
    /* Of a database: */
    char *encoding;               /* the first that is set in it; or NULL */
    int64_t large_objects;        /* created in it */
    int64_t opened_large_objects; /* which pg_dump does also with empty ones */
    int64_t line;                 /* of the first \connect to it; 0: none */
    bool dumped;                  /* the end of a dump was met in it */
    struct plain_database *part;  /* once it is taken */
};

struct catalog_names {
    void *tree;
    struct catalog_name *first, **last;
};

struct catalog_table {
    struct catalog_table *next;
    struct plain_table table;
    struct catalog_name *database;
    bool is_view; /* made a view by a rule: old dumps did that */
};

struct catalog {
    void *tree;
    struct catalog_table *first_table, **last_table;
    struct catalog_table *recent; /* the one that was asked for last */
    size_t table_count;
    struct catalog_names roles, databases, tablespaces, schemas, publications;
    struct catalog_name unnamed; /* the database before any \connect, "" */
    struct catalog_name *current;
    const char *database; /* the name of the current one */
    struct plain_extension *extensions;
    size_t extension_count;
    size_t name_bytes;
    int64_t sequences, sequence_values;
};

void catalog_init(struct catalog *catalog);
void catalog_free(struct catalog *catalog);

/* Each finds it or adds it. Cannot verify: more than the limits of plain.h. */
int catalog_table(struct catalog *catalog, const char *schema, const char *name,
                  struct catalog_table **ret_table, struct error *error);
int catalog_role(struct catalog *catalog, const char *name, bool created, struct error *error);
int catalog_tablespace(struct catalog *catalog, const char *name, bool created,
                       struct error *error);
int catalog_schema(struct catalog *catalog, const char *name, struct error *error); /* created */
int catalog_publication(struct catalog *catalog, const char *name, bool created,
                        struct error *error);
int catalog_database(struct catalog *catalog, const char *name, struct error *error);
/* Makes it the one that all that follows is in. */
int catalog_connect(struct catalog *catalog, const char *name, int64_t line, struct error *error);
int catalog_extension(struct catalog *catalog, const char *name, const char *schema,
                      struct error *error);

/* Adds what a data statement held. */
void catalog_add_rows(struct catalog_table *table, enum plain_source source,
                      const struct row_totals *totals);

/* Moves everything into `ret_totals`, and leaves the catalog to be freed. */
void catalog_finish(struct catalog *catalog, struct plain_totals *ret_totals);

#endif
