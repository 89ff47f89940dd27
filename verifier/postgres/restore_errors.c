#include "postgres/restore_errors.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The server's and the tools' own words in English; stable over many major versions. */
static const char *const machine_words[] = {
    "is not available",                      /* extension "x" is not available */
    "could not open extension control file", /* the same before 13 */
    "has no installation script",            /* extension version not packaged */
    "could not access file",                 /* a library that is not there */
    "could not load library",
    "must be loaded via shared_preload_libraries",
    "role \"",                              /* role "x" does not exist: see is_machine */
    "unrecognized configuration parameter", /* client and server of different versions */
    "unrecognized parameter",               /* WITH (...), of a later release */
    "invalid command \\restrict",           /* a psql from before August 2025 */
    "function pg_catalog.pg_restore_",      /* the statistics of a pg_dump since 18 */
    "unsupported version (",                /* archive newer than pg_restore */
    "No space left on device",
    "could not extend file",
    "File too large",
    "could not write to file",
    "Cannot allocate memory",
    "out of memory",
    "out of shared memory",
    "could not resize shared memory",
    "too many clients",
    "remaining connection slots are reserved",
    "could not connect to server",
    "connection to server", /* connection to server at ... failed */
    "server closed the connection unexpectedly",
    "terminating connection due to",
    "the database system is",    /* shutting down, in recovery mode */
    "No such file or directory", /* a file of ours, or a library of the server's */
    "could not open input file",
    "permission denied",
    "Permission denied", /* the server may not touch it: postgres/confinement.h */
    "must be superuser",
    "only superuser", /* can define a leakproof function */
    "must be owner of",
    "must be member of role",   /* of the owners that plain SQL names */
    "must be able to SET ROLE", /* the same since 16 */
    "could not fork",
    "could not create worker process",
    "encoding conversion functions",
    "invalid value for parameter \"default_tablespace\"",
    "tablespace \"", /* tablespace "x" does not exist */
    "directory \"",  /* directory "x" does not exist: that of a tablespace */
    "security label provider",
    "collation \"", /* collation "x" for encoding "y" does not exist: see is_machine */
    "locale name",
};

static bool contains(const char *text, const char *words)
{
    return strstr(text, words) != NULL;
}

static bool is_machine(const char *message)
{
    for (size_t i = 0; i < ARRAY_LENGTH(machine_words); i++) {
        const char *words = machine_words[i];
        if (!contains(message, words))
            continue;
        if (ends_with(words, " \"") && !contains(message, "does not exist"))
            continue; /* the words before a name; only its absence is the machine's */
        return true;
    }
    return false;
}

static enum restore_error_class classify(const char *message, bool has_public_schema)
{
    static const char *const harmless[] = {
        "could not execute query: ERROR:  schema \"public\" already exists",
        "ERROR:  schema \"public\" already exists",
    };
    static const char *const always_harmless[] = {
        /* What pg_restore since 17 sends to every server; those before have no such limit. */
        ("could not execute query: ERROR:  unrecognized configuration parameter "
         "\"transaction_timeout\""),
        /* Archives from before 9.1 create it, and every database has it by now. */
        "could not execute query: ERROR:  language \"plpgsql\" already exists",
        "could not execute query: ERROR:  extension \"plpgsql\" already exists",
        /* Only for comments on them, which archives may hold from before 11 and from before 15. */
        "could not execute query: ERROR:  must be owner of extension plpgsql",
        "could not execute query: ERROR:  must be owner of schema public",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(always_harmless); i++)
        if (strcmp(message, always_harmless[i]) == 0)
            return RESTORE_HARMLESS;
    for (size_t i = 0; i < ARRAY_LENGTH(harmless) && has_public_schema; i++)
        if (strcmp(message, harmless[i]) == 0)
            return RESTORE_HARMLESS;
    return is_machine(message) ? RESTORE_MACHINE : RESTORE_BACKUP;
}

static struct restore_error *append(struct restore_errors *errors, enum restore_error_class class,
                                    const char *message)
{
    errors->items = xreallocarray(errors->items, errors->count + 1, sizeof(*errors->items));
    struct restore_error *item = &errors->items[errors->count++];
    *item = (struct restore_error){.class = class,
                                   .message = xstrdup(message),
                                   .place = xstrdup(""),
                                   .command = xstrdup(""),
                                   .context = xstrdup("")};
    errors->counts[class]++;
    return item;
}

void restore_errors_add(struct restore_errors *errors, enum restore_error_class class,
                        const char *message)
{
    append(errors, class, message);
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = xstrdup(with);
}

/* "; 2615 2200 SCHEMA public postgres" behind "from TOC entry 3": the numbers say nothing to
 * people. */
static const char *toc_entry_words(const char *line)
{
    const char *words = strchr(line, ';');
    if (!words)
        return line;
    words++;
    words += strspn(words, " 0123456789");
    return words;
}

/* The parser's memory between lines. */
struct reader {
    struct restore_errors *errors;
    bool has_public_schema;
    char *place;                   /* of the errors to come, until the next place is named */
    struct restore_error *current; /* the error whose further lines are being read */
};

static void start_error(struct reader *reader, const char *message, const char *place)
{
    reader->current = append(reader->errors, classify(message, reader->has_public_schema), message);
    replace(&reader->current->place, place);
}

/* pg_restore: error: ... / pg_restore: from TOC entry 3; 2615 2200 SCHEMA public postgres */
static void read_pg_restore_line(struct reader *reader, const char *line)
{
    reader->current = NULL;
    if (starts_with(line, "error: ")) {
        start_error(reader, line + strlen("error: "), reader->place);
    } else if (starts_with(line, "from TOC entry ")) {
        replace(&reader->place, toc_entry_words(line));
    } else if (starts_with(line, "fatal: ")) {
        start_error(reader, line + strlen("fatal: "), reader->place);
    }
}

/* psql:backup.sql:12: ERROR:  relation "a" does not exist
 * psql:backup.sql:12: STATEMENT:  DROP TABLE a; */
static void read_psql_line(struct reader *reader, const char *line)
{
    const char *statement = strstr(line, ": STATEMENT:  ");
    if (reader->current && statement) {
        replace(&reader->current->command, statement + strlen(": STATEMENT:  "));
        return;
    }
    reader->current = NULL;
    const char *message = strstr(line, ": ERROR:  ");
    const char *fatal = message ? message : strstr(line, ": FATAL:  ");
    if (!fatal)
        fatal = strstr(line, ": error: ");
    if (!fatal)
        return;
    const char *number = fatal;
    while (number > line && number[-1] != ':')
        number--;
    cleanup(free_pointer) char *place = xasprintf("line %.*s", (int)(fatal - number), number);
    bool has_line = number > line && strspn(number, "0123456789") == (size_t)(fatal - number);
    start_error(reader, fatal + strlen(": "), has_line ? place : "");
}

/* A whole row may hold what nobody should read in a report; what it violates is in the message. */
static void read_detail(struct reader *reader, const char *detail)
{
    if (starts_with(detail, "Failing row contains "))
        return;
    char *longer = xasprintf("%s (%s)", reader->current->message, detail);
    free(reader->current->message);
    reader->current->message = longer;
}

static void read_line(struct reader *reader, const char *line)
{
    if (starts_with(line, "pg_restore: ")) {
        read_pg_restore_line(reader, line + strlen("pg_restore: "));
    } else if (starts_with(line, "psql:") && strstr(line, ": ")) {
        read_psql_line(reader, line);
    } else if (reader->current && starts_with(line, "Command was: ")) {
        replace(&reader->current->command, line + strlen("Command was: "));
    } else if (reader->current && starts_with(line, "CONTEXT:  ")) {
        replace(&reader->current->context, line + strlen("CONTEXT:  "));
    } else if (reader->current && starts_with(line, "DETAIL:  ")) {
        read_detail(reader, line + strlen("DETAIL:  "));
    }
}

void restore_errors_parse(const char *text, bool has_public_schema, bool cut,
                          struct restore_errors *ret_errors)
{
    struct restore_errors errors = {0};
    struct reader reader = {
        .errors = &errors, .has_public_schema = has_public_schema, .place = xstrdup("")};
    while (*text) {
        size_t length = strcspn(text, "\n");
        cleanup(free_pointer) char *line = xstrndup(text, length);
        read_line(&reader, line);
        text += length + (text[length] == '\n');
    }
    free(reader.place);
    if (cut)
        restore_errors_add(&errors, RESTORE_BACKUP, "more errors than could be read");
    *ret_errors = errors;
}

bool restore_error_is_failed_drop(const struct restore_error *error)
{
    const char *command = error->command;
    return contains(error->message, "does not exist") &&
           (starts_with(command, "DROP ") ||
            (starts_with(command, "ALTER ") && contains(command, " DROP ")));
}

void restore_errors_join(struct restore_errors *all, struct restore_errors *next)
{
    size_t count = all->count + next->count;
    if (next->count > 0) {
        all->items = xreallocarray(all->items, count, sizeof(*all->items));
        memcpy(all->items + all->count, next->items, next->count * sizeof(*next->items));
    }
    all->count = count;
    for (size_t i = 0; i < ARRAY_LENGTH(all->counts); i++)
        all->counts[i] += next->counts[i];
    free(next->items);
    *next = (struct restore_errors){0};
}

void restore_errors_free(struct restore_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        free(errors->items[i].message);
        free(errors->items[i].place);
        free(errors->items[i].command);
        free(errors->items[i].context);
    }
    free(errors->items);
    *errors = (struct restore_errors){0};
}
