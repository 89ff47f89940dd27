#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "postgres/dump.h"

enum { EXPLANATION_LIMIT = 1500 };

/* What pg_dump says (with LC_ALL=C), and what to do about it; the first that fits counts. */
static const struct {
    const char *said;
    const char *advice;
} advices[] = {
    {"server version mismatch",
     "install the postgresql-client package of the server's major version or a newer one (from "
     "apt.postgresql.org where the system does not have it)"},
    {"row-level security policy",
     "dump as a role with BYPASSRLS, or as the owner of the tables where they do not force it"},
    {"permission denied for",
     "dump as a role that may read everything (the owner, or a member of pg_read_all_data)"},
    {"password authentication failed", "check the user and the password in source.database"},
    {"no password supplied", "source.database holds no password, and the server wants one"},
    {"no pg_hba.conf entry", "the server does not admit this user from this machine: allow it in "
                             "pg_hba.conf, or add sslmode=require to source.database"},
    {"could not translate host name", "check the host in source.database, and this machine's DNS"},
    {"Connection refused", "check that the server runs, and host and port in source.database"},
    {"Network is unreachable", "this machine has no way to that address: an IPv6-only host needs "
                               "IPv6 here, or the host's session pooler"},
    {"timeout expired", "the server does not answer: check host, port and firewalls"},
    {"running locally and accepting", "check that the server runs, and the socket's directory in "
                                      "source.database"},
    {"No space left on device", "make room where the backups are, or choose another place"},
    /* The only limit of time that pg_dump keeps is that on its wait for locks. */
    {"canceling statement due to statement timeout",
     "something on the server holds a lock on a table, or waits for one to change it: dump at "
     "another time"},
    {"conflict with recovery",
     "the server is a standby that goes on replaying: set hot_standby_feedback = on there, or "
     "raise its max_standby_streaming_delay, or dump from the primary"},
    {"ERROR:  relation \"", "it was dropped or renamed while the dump began: dump again"},
    {"could not open relation", "it was dropped while the dump began: dump again"},
    {"cache lookup failed", "something was dropped while the dump ran: dump again"},
    {"too many connections", "a dump needs two connections at once: allow the role and the "
                             "database that many, or dump when fewer clients are connected"},
    {"out of shared memory", "the server has no room for the locks of so many tables: raise its "
                             "max_locks_per_transaction"},
    {"FATAL:  database \"", "check the name of the database in source.database"},
    {"FATAL:  role \"", "check the user in source.database"},
    {"server closed the connection unexpectedly",
     "the server ended or the network broke: look at the server's log, then dump again"},
    {"unsupported startup parameter", "pg_dump cannot work through a transaction pooler: use the "
                                      "direct host, or the session pooler"},
    {"could not open transaction snapshot",
     "the transaction that exported it has ended: dump again"},
    {"invalid snapshot identifier",
     "the transaction that exported the snapshot has ended: dump again"},
    {"ERROR:  snapshot \"", /* "0000004A-00000006-1" does not exist: a later version's words */
     "the transaction that exported the snapshot has ended: dump again"},
};

static const char *advice_find(const char *messages)
{
    for (size_t i = 0; i < ARRAY_LENGTH(advices); i++)
        if (strstr(messages, advices[i].said))
            return advices[i].advice;
    return NULL;
}

/* Without "pg_dump: " and the word for its kind. */
static const char *plain_words(const char *line)
{
    static const char *const fronts[] = {"pg_dump: ", "error: ", "fatal: ", "detail: "};
    for (size_t i = 0; i < ARRAY_LENGTH(fronts); i++)
        if (starts_with(line, fronts[i]))
            line += strlen(fronts[i]);
    return line;
}

/* The failed SQL may be pages long and tells users little. */
static bool is_sql(const char *line)
{
    return strstr(line, "Query was:") || strstr(line, "Command was:") ||
           strstr(line, "The command was:");
}

static bool is_said_about_failure(const char *line)
{
    return starts_with(line, "pg_dump: error:") || starts_with(line, "pg_dump: fatal:");
}

/* The line that matters: the last error; else the last one that is no warning. `ret_detail`: what
 * follows it as detail, or NULL. Lines end in NULs. */
static const char *line_choose(char **lines, size_t count, const char **ret_detail)
{
    size_t chosen = count;
    for (size_t i = 0; i < count; i++)
        if (is_said_about_failure(lines[i]))
            chosen = i;
    if (chosen < count) {
        for (size_t i = chosen + 1; i < count && !*ret_detail; i++)
            if (starts_with(lines[i], "pg_dump: detail:") && !is_sql(lines[i]))
                *ret_detail = lines[i];
        return lines[chosen];
    }
    for (size_t i = count; i > 0; i--)
        if (lines[i - 1][strspn(lines[i - 1], " \t")] != '\0' && !is_sql(lines[i - 1]) &&
            !starts_with(lines[i - 1], "pg_dump: warning:") &&
            !starts_with(lines[i - 1], "pg_dump: hint:"))
            return lines[i - 1];
    return NULL;
}

/* Cut so that there is room for the advice. */
static void line_add(struct buffer *words, const char *front, const char *line)
{
    char text[600];
    text_copy(text, sizeof(text), plain_words(line));
    buffer_printf(words, "%s%s", front, text);
}

char *dump_explain(const char *messages, const char *how)
{
    cleanup(strings_free) struct strings lines = {0};
    for (const char *next = messages; *next;) {
        size_t length = strcspn(next, "\n");
        strings_addf(&lines, "%.*s", (int)length, next);
        next += length + (next[length] == '\n');
    }
    const char *detail = NULL;
    const char *line = line_choose(lines.items, lines.count, &detail);
    const char *advice = advice_find(messages);
    struct buffer words;
    buffer_init(&words, EXPLANATION_LIMIT);
    buffer_printf(&words, "pg_dump %s", how);
    if (line)
        line_add(&words, ": ", line);
    if (detail)
        line_add(&words, ": ", detail);
    if (advice)
        buffer_printf(&words, "; %s", advice);
    return buffer_steal(&words);
}
