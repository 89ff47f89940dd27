#include "postgres/restore_reasons.h"

#include <string.h>

#include "base/memory.h"

/* --- functions that need a search_path -------------------------------------------------------- */

/* Is what does not exist named without its schema? pg_dump names every schema, so that the name was
 * looked up by somebody else. */
static bool lacks_schema(const char *message)
{
    const char *end = strstr(message, " does not exist");
    if (!end)
        return false;
    const char *begin = strstr(message, "ERROR:  ");
    begin = begin ? begin + strlen("ERROR:  ") : message;
    const char *arguments = memchr(begin, '(', (size_t)(end - begin));
    size_t length = (size_t)((arguments ? arguments : end) - begin);
    return !memchr(begin, '.', length);
}

/* "public.f(integer)" of PL/pgSQL function public.f(integer) line 1 at RETURN, "f" of SQL function
 * "f" during inlining; to be freed; NULL: the context is no function. */
static char *function_in(const char *context)
{
    static const char word[] = "function ";
    const char *found = strstr(context, word);
    if (!found)
        return NULL;
    const char *name = found + strlen(word);
    if (*name == '"')
        return xstrndup(name + 1, strcspn(name + 1, "\""));
    const char *arguments = strchr(name, ')');
    return xstrndup(name, arguments ? (size_t)(arguments + 1 - name) : strcspn(name, " "));
}

static const char *user_of(const struct restore_error *error)
{
    if (strstr(error->message, "COPY failed for table") || strstr(error->context, "COPY "))
        return "a check or a generated column";
    if (starts_with(error->command, "REFRESH "))
        return "a materialized view";
    if (starts_with(error->command, "CREATE ") && strstr(error->command, " INDEX "))
        return "an index";
    return "a definition";
}

static char *search_path_reason(const struct restore_error *error)
{
    cleanup(free_pointer) char *function = function_in(error->context);
    if (!function || !lacks_schema(error->message))
        return NULL;
    return xasprintf("A restore runs with an empty search_path, and the function %s, which %s "
                     "uses, names no schema for what it looks up: write the schema there, or give "
                     "it a path of its own (ALTER FUNCTION ... SET search_path = ...) in the "
                     "source, and dump again",
                     function, user_of(error));
}

/* --- what the message alone tells ------------------------------------------------------------- */

struct reason {
    const char *words, *also; /* both are in the message; `also` may be NULL */
    const char *text;
};

#define NOT_BROUGHT                                                                                \
    "What it names is not in the archive: dumps of single schemas and tables (pg_dump -n, -t) "    \
    "leave out extensions and what lies in other schemas, and so may restore.exclude; dump the "   \
    "whole database"
#define BROKEN_ROWS                                                                                \
    "The rows do not meet what the table demands of them. It may have been added as NOT VALID, "   \
    "or depend on a function that has changed, or on other rows: mend the rows or the "            \
    "definition in the source"
#define TWICE                                                                                      \
    "Rows have a key twice that must be unique. The source's own index should have refused that "  \
    "and may be damaged, as indexes on text are after an update of the C library: find the "       \
    "duplicates there, then REINDEX"
#define MAY_NOT                                                                                    \
    "The role that restores may not do this: give restore.server a URL of one that may, or leave " \
    "it out with restore.exclude"
#define NO_ROOM "The disk is full: TMPDIR names the directory in which a restore works"

/* The first that fits counts. */
static const struct reason reasons[] = {
    {"violates foreign key constraint", NULL,
     "Rows refer to rows that are not there. If `every table has its rows` passes, the source "
     "itself holds such rows, which came in while its triggers were off, or under a constraint "
     "that is NOT VALID: mend them there"},
    {"violates check constraint", NULL, BROKEN_ROWS},
    {"violates not-null constraint", NULL, BROKEN_ROWS},
    {"is violated by some row", NULL, BROKEN_ROWS},
    {"contains null values", NULL, BROKEN_ROWS},
    {"no partition of relation", NULL,
     "A row fits none of the partitions that it is loaded into: a partition is missing, or its "
     "bounds are compared in another order here"},
    {"could not create unique index", NULL, TWICE},
    {"duplicate key value violates unique constraint", NULL, TWICE},
    {"could not create exclusion constraint", NULL, TWICE},
    {"must be marked IMMUTABLE", NULL,
     "An index or a partition uses a function that was declared IMMUTABLE when it was made and is "
     "not any more: declare it so again in the source"},
    {"is not immutable", NULL,
     "A generated column uses a function that was declared IMMUTABLE when it was made and is not "
     "any more: declare it so again in the source"},
    {"role \"", "does not exist",
     "Roles are in no archive of pg_dump: make it on the server first (CREATE ROLE ... NOLOGIN), "
     "or restore into a throwaway server, which makes those that the archive names"},
    {"extension \"", "is not available",
     "The package of that extension is not installed here: install it for this version of "
     "PostgreSQL, or leave the extension out with restore.exclude"},
    {"could not open extension control file", NULL,
     "The package of that extension is not installed here: install it for this version of "
     "PostgreSQL, or leave the extension out with restore.exclude"},
    {"has no installation script", NULL,
     "The package of that extension is here in another version: update it"},
    {"extension \"", "does not exist", NOT_BROUGHT},
    {"could not access file", NULL,
     "A function needs a library that is not installed here: install the package that it is of"},
    {"could not load library", NULL,
     "A function needs a library that does not work here: install the package that it is of for "
     "this version of PostgreSQL"},
    {"must be loaded via shared_preload_libraries", NULL,
     "The extension needs a server that loads it at its start: leave it out with restore.exclude, "
     "or give restore.server one that does"},
    {"collation \"", "does not exist",
     "This machine does not have the locale of that collation: install it (dpkg-reconfigure "
     "locales), or, for one of ICU, a PostgreSQL that is built with it"},
    {"tablespace \"", "does not exist",
     "The server has no tablespace of that name: dump with --no-tablespaces, or in custom format, "
     "of which a restore leaves them out"},
    {"invalid value for parameter \"default_tablespace\"", NULL,
     "The server has no tablespace of that name: dump with --no-tablespaces, or in custom format, "
     "of which a restore leaves them out"},
    {"language \"", "does not exist",
     "That language comes from an extension which is not in the archive, or not installed here: "
     "dump the whole database, and install the extension's package"},
    {"operator class \"", "does not exist", NOT_BROUGHT},
    {"operator does not exist", NULL, NOT_BROUGHT},
    {"type \"", "does not exist", NOT_BROUGHT},
    {"function pg_catalog.pg_restore_", NULL,
     "The dump has statistics, which PostgreSQL 18 and newer take: install the package "
     "postgresql-18, or dump without --statistics"},
    {"function ", "does not exist", NOT_BROUGHT},
    {"schema \"", "does not exist", NOT_BROUGHT},
    {"text search ", "does not exist", NOT_BROUGHT},
    {"invalid byte sequence for encoding", NULL,
     "The rows hold bytes that are no text in the encoding that the archive names, as a database "
     "in SQL_ASCII accepts them: mend the rows in the source, or restore into SQL_ASCII by hand"},
    {"has no equivalent in encoding", NULL,
     "The rows hold characters that the encoding of the restored database does not have: it must "
     "be made with the encoding of the source"},
    {"unrecognized parameter", NULL,
     "The server that was dumped knows it and this one does not: update PostgreSQL here, or dump "
     "with the pg_dump of the server's own release"},
    {"unrecognized configuration parameter", NULL,
     "The pg_dump, or the server that was dumped, is newer than the PostgreSQL here, which does "
     "not know that setting: install the newer one"},
    {"invalid command \\restrict", NULL,
     "This psql is older than the pg_dump that wrote that: update the package postgresql-client"},
    {"bytes at block", NULL, /* what did fit was written */ NO_ROOM},
    {"Permission denied", NULL, "A throwaway server reaches its own files, and nothing else"},
    {"No space left on device", NULL, NO_ROOM},
    {"could not extend file", NULL, NO_ROOM},
    {"permission denied", NULL, MAY_NOT},
    {"must be superuser", NULL, MAY_NOT},
    {"only superuser", NULL, MAY_NOT},
    {"must be owner of", NULL, MAY_NOT},
    {"must be member of role", NULL, MAY_NOT},
    {"must be able to SET ROLE", NULL, MAY_NOT},
};

char *restore_reason(const struct restore_error *error)
{
    char *searching = search_path_reason(error);
    if (searching)
        return searching;
    for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++)
        if (strstr(error->message, reasons[i].words) &&
            (!reasons[i].also || strstr(error->message, reasons[i].also)))
            return xstrdup(reasons[i].text);
    return NULL;
}
