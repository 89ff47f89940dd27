#include "stages/blame.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "postgres/restore_reasons.h"

/* --- what was reported ------------------------------------------------------------------------ */

/* Room is left for the reason in the message of a check. */
enum { FIRST_BYTES = 600 };

/* Where several databases are restored: the one that a line of plain SQL is about, or "". */
static const char *database_of_line(const struct archive *archive, const char *place)
{
    const struct archive_database *last = NULL;
    int64_t line = starts_with(place, "line ") ? strtoll(place + strlen("line "), NULL, 10) : 0;
    for (size_t i = 0; i < archive->database_part_count; i++) {
        const struct archive_database *part = &archive->database_parts[i];
        if (part->line > 0 && part->line <= line && (!last || part->line > last->line))
            last = part;
    }
    return last && archive->databases.count > 1 ? last->name : "";
}

static char *error_line(const struct archive *archive, const struct restore_error *item)
{
    const char *database = database_of_line(archive, item->place);
    return xasprintf("%s%s%s%s%s", item->message, *item->place ? ", in " : "", item->place,
                     *database ? ", in the database " : "", database);
}

static void record_first(const struct archive *archive, const struct restore_errors *errors,
                         enum restore_error_class class, char *first, char *first_reason,
                         size_t reason_size)
{
    size_t i = 0;
    while (i < errors->count && errors->items[i].class != class)
        i++;
    if (i == errors->count)
        return;
    cleanup(free_pointer) char *line = error_line(archive, &errors->items[i]);
    cleanup(free_pointer) char *reason = restore_reason(&errors->items[i]);
    text_copy(first, FIRST_BYTES, line);
    text_copy(first_reason, reason_size, reason ? reason : "");
}

/* One error a line, and below it its reason, unless that is `told` already: a hundred of one kind
 * need it once. */
static void error_write(const struct archive *archive, const struct restore_error *item,
                        char **told, struct buffer *lines)
{
    static const char *const names[] = {"harmless", "this machine", "backup"};
    bool harmless = item->class == RESTORE_HARMLESS;
    cleanup(free_pointer) char *line = error_line(archive, item);
    cleanup(free_pointer) char *reason = harmless ? NULL : restore_reason(item);
    buffer_printf(lines, "%s%s: %s", lines->length ? "\n" : "", names[item->class], line);
    if (!reason || strcmp(reason, *told) == 0)
        return;
    buffer_printf(lines, "\n    %s", reason);
    free(*told);
    *told = take(&reason);
}

void restore_errors_record(struct stages *stages, const struct restore_result *result)
{
    struct restore_fact *fact = &stages->facts->restore;
    const struct archive *archive = &stages->archive;
    const struct restore_errors *errors = &result->errors;
    text_copy(fact->how, sizeof(fact->how), result->how);
    fact->harmless_count = (int)errors->counts[RESTORE_HARMLESS];
    fact->machine_count = (int)errors->counts[RESTORE_MACHINE];
    fact->backup_count = (int)errors->counts[RESTORE_BACKUP];
    record_first(archive, errors, RESTORE_MACHINE, fact->first_machine, fact->first_machine_reason,
                 sizeof(fact->first_machine_reason));
    record_first(archive, errors, RESTORE_BACKUP, fact->first_backup, fact->first_backup_reason,
                 sizeof(fact->first_backup_reason));
    cleanup(free_pointer) char *told =
        xstrdup(fact->machine_count > 0 ? fact->first_machine_reason : fact->first_backup_reason);
    struct buffer lines;
    buffer_init(&lines, sizeof(fact->errors) - 1);
    for (size_t i = 0; i < errors->count; i++)
        error_write(archive, &errors->items[i], &told, &lines);
    text_copy(fact->errors, sizeof(fact->errors), lines.data);
    buffer_free(&lines);
}

/* --- whose fault it is ------------------------------------------------------------------------ */

/* Bounds of partitions and checks may compare texts, which every locale orders in its own way. */
static bool depends_on_locale(const char *message)
{
    return strstr(message, "partition") || strstr(message, "violates check constraint");
}

/* Where texts are not in the order that the database had, what fails for that says nothing about
 * the backup: why they may not be, or NULL; to be freed by the caller. */
static char *locale_doubt(const struct stages *stages)
{
    const char *missing = stages->facts->server.locale_missing;
    cleanup(free_pointer) char *named = required_locale(&stages->archive);
    if (*missing)
        return xasprintf("the locale of the database (%s) is not on this machine and \"C\" had to "
                         "serve: install it (dpkg-reconfigure locales) and verify again",
                         missing);
    /* What it creates itself gets the locale that it names. */
    if (stages->restore_format == ARCHIVE_PLAIN && stages->archive.databases.count == 0 && !named)
        return xstrdup("this plain SQL names no locale and \"C\" had to serve: dump with --create "
                       "or in custom format");
    return NULL;
}

/* On a server that is older than the backup asks for, nothing is the backup's fault. */
static int blame_version(const struct stages *stages, int total, struct error *error)
{
    const struct restore_fact *fact = &stages->facts->restore;
    int needed = stages->facts->server.needed_major;
    cleanup(free_pointer) char *advice =
        stages->cluster ? tools_advice(TASK_RESTORE, needed)
                        : xstrdup("name a newer server, or use a throwaway one");
    return cannot_verify(
        error, "%d error%s while restoring into PostgreSQL %d, and the backup asks for %d: %s; %s",
        total, total == 1 ? "" : "s", connection_server_version(stages->maintenance) / 10000,
        needed, *fact->first_machine ? fact->first_machine : fact->first_backup, advice);
}

static int blame_backup(const struct stages *stages, int total, struct error *error)
{
    const struct restore_fact *fact = &stages->facts->restore;
    cleanup(free_pointer) char *appended = archive_appended(&stages->archive);
    return bad_backup(error, "%d error%s while restoring: %s%s%s%s%s", total, total == 1 ? "" : "s",
                      fact->first_backup, appended ? "; " : "", appended ? appended : "",
                      *fact->first_backup_reason ? ". " : "", fact->first_backup_reason);
}

int restore_errors_judge(const struct stages *stages, struct error *error)
{
    const struct restore_fact *fact = &stages->facts->restore;
    int total = fact->machine_count + fact->backup_count;
    const char *plural = total == 1 ? "" : "s";
    cleanup(free_pointer) char *doubt =
        depends_on_locale(fact->first_backup) ? locale_doubt(stages) : NULL;
    if (total > 0 && stages->facts->server.needed_major > 0)
        return blame_version(stages, total, error);
    if (fact->machine_count > 0)
        return cannot_verify(
            error,
            "%d error%s while restoring, among them one that is this machine's fault: %s%s%s",
            total, plural, fact->first_machine, *fact->first_machine_reason ? ". " : "",
            fact->first_machine_reason);
    if (doubt)
        return cannot_verify(error, "%d error%s while restoring: %s; this may be because %s", total,
                             plural, fact->first_backup, doubt);
    return fact->backup_count > 0 ? blame_backup(stages, total, error) : 0;
}
