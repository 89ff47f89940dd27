#include "stages/fitting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/plain/plain.h"
#include "archive/source.h"
#include "base/memory.h"

static int setting_is_known(struct stages *stages, const char *setting, bool *ret_known,
                            struct error *error)
{
    const char *const parameters[] = {setting, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(stages->maintenance, "select from pg_settings where name = $1", parameters,
                         &result, NULL, error) < 0)
        return -1;
    *ret_known = PQntuples(result) > 0;
    return 0;
}

/* Which kinds of lines are in the dump and not known here. */
static int find_unknown(struct stages *stages, const struct plain_lines *lines,
                        bool ret_unknown[PLAIN_LINE_KINDS], bool *ret_any, struct error *error)
{
    bool asked[PLAIN_LINE_KINDS] = {false};
    for (size_t i = 0; i < lines->count; i++) {
        enum plain_line_kind kind = lines->items[i].kind;
        const char *setting = plain_line_setting(kind);
        bool known = !setting && tools_know_restrict(stages_client(stages));
        if (asked[kind])
            continue;
        asked[kind] = true;
        if (setting && setting_is_known(stages, setting, &known, error) < 0)
            return -1;
        ret_unknown[kind] = !known;
        *ret_any |= !known;
    }
    return 0;
}

static int make_copy(const struct stages *stages, struct restore_source *file, struct error *error)
{
    if (strcmp(file->path, file->copy_path) == 0)
        return 0;
    cleanup(close_descriptor) int descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
    off_t size = descriptor < 0 ? -1 : lseek(descriptor, 0, SEEK_END);
    if (size < 0)
        return cannot_verify(error, "cannot open %s: %s", file->path, strerror(errno));
    struct source *copying;
    cleanup(source_closep) struct source *source =
        file_source_new(descriptor, file->path, 0, size, NULL, NULL);
    if (copying_source_new(source, file->copy_path, &copying, error) < 0)
        return -1;
    source = copying;
    int64_t length;
    if (source_drain(source, &length, error) < 0)
        return -1;
    if (chown(file->copy_path, stages->account.uid, stages->account.gid) < 0 && geteuid() == 0)
        return cannot_verify(error, "cannot give %s away: %s", file->copy_path, strerror(errno));
    free(file->path);
    file->path = xstrdup(file->copy_path);
    return 0;
}

static int fit_file(struct stages *stages, struct restore_source *file, struct error *error)
{
    bool unknown[PLAIN_LINE_KINDS] = {false}, any = false;
    if (file->format != ARCHIVE_PLAIN || !file->archive->plain)
        return 0;
    const struct plain_lines *lines = &file->archive->plain->lines;
    if (find_unknown(stages, lines, unknown, &any, error) < 0)
        return -1;
    if (!any)
        return 0;
    if (make_copy(stages, file, error) < 0)
        return -1;
    return plain_lines_blank(lines, unknown, file->copy_path, error);
}

int fit_plain(struct stages *stages, struct error *error)
{
    for (size_t i = 0; i < stages->source_count; i++)
        if (fit_file(stages, &stages->sources[i], error) < 0)
            return -1;
    return 0;
}
