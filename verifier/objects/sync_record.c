#include "objects/sync_record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "objects/encoding.h"
#include "objects/sync.h"

#define SOURCE "\"source\":"
#define BEGAN  "\"began_ms\":"

static void take_line(const json_t *line, struct key_table *table)
{
    const char *key = json_string_value(json_object_get(line, "key"));
    const char *etag = json_string_value(json_object_get(line, "etag"));
    const json_t *size = json_object_get(line, "size");
    const json_t *modified = json_object_get(line, "modified_ms");
    if (!key || !etag || !json_is_integer(size) || !json_is_integer(modified) ||
        strlen(etag) >= ETAG_SIZE)
        return;
    cleanup(free_pointer) char *decoded = xstrdup(key);
    long length = percent_decode(decoded, strlen(decoded), false);
    struct key_entry *entry = length > 0 ? key_table_find(table, decoded, (size_t)length) : NULL;
    if (entry && entry->object.size_bytes == json_integer_value(size) &&
        entry->object.modified_ms == json_integer_value(modified))
        memcpy(entry->object.etag, etag, strlen(etag) + 1);
}

/* NULL: there is none. */
static FILE *open_record(const struct folder *folder)
{
    int descriptor =
        openat(folder->descriptor, SYNC_RECORD, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "r");
    if (!file)
        close_descriptor(&descriptor);
    return file;
}

/* The longest key, encoded, and what stands around it. */
enum { LINE_SIZE = 4 * KEY_LIMIT + 1024 };

void sync_record_read(const struct folder *folder, struct key_table *table)
{
    FILE *file = open_record(folder);
    char line[LINE_SIZE];
    while (file && fgets(line, sizeof(line), file)) {
        size_t length = strlen(line);
        while (length > 0 && strchr(",\n", line[length - 1]))
            length--;
        if (!starts_with(line, "{\"key\":"))
            continue;
        json_t *parsed = json_loadb(line, length, 0, NULL);
        take_line(parsed, table);
        json_decref(parsed);
    }
    if (file)
        fclose(file);
}

/* What follows `name` on its line, which stands before the objects: freed by the caller; or NULL.
 */
static char *record_value(const struct folder *folder, const char *name)
{
    FILE *file = open_record(folder);
    char line[LINE_SIZE];
    char *value = NULL;
    while (file && !value && fgets(line, sizeof(line), file) && !starts_with(line, "{\"key\":"))
        if (starts_with(line, name))
            value = xstrndup(line + strlen(name), strcspn(line + strlen(name), "\n"));
    if (file)
        fclose(file);
    return value;
}

int64_t sync_began_ms(const char *copy)
{
    struct folder *folder = NULL;
    struct error ignored;
    if (folder_open(copy, false, &folder, &ignored) < 0)
        return -1;
    cleanup(free_pointer) char *value = record_value(folder, BEGAN);
    folder_free(folder);
    return value ? strtoll(value, NULL, 10) : -1;
}

bool sync_record_is_of(const struct folder *folder, const char *source)
{
    cleanup(free_pointer) char *value = record_value(folder, SOURCE);
    json_t *parsed =
        value ? json_loads(value, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    const char *recorded = json_string_value(parsed);
    /* A slash at the end says nothing. */
    size_t length = strlen(source) - (ends_with(source, "/") ? 1 : 0);
    bool same = recorded && strncmp(recorded, source, length) == 0 &&
                (recorded[length] == '\0' || strcmp(recorded + length, "/") == 0);
    json_decref(parsed);
    return same;
}

/* ETags come from outside: only what needs no escape in JSON, and anything else is no ETag. */
static bool is_plain(const char *etag)
{
    for (; *etag; etag++)
        if (*etag <= ' ' || *etag > '~' || *etag == '"' || *etag == '\\')
            return false;
    return true;
}

static void write_objects(FILE *file, const struct key_table *table)
{
    const char *separator = "\n";
    for (const struct key_entry *entry = table->first; entry; entry = entry->next) {
        if (!entry->marked)
            continue;
        struct buffer key;
        buffer_init(&key, 4 * KEY_LIMIT);
        percent_encode(&key, entry->object.key, entry->object.key_length, true);
        fprintf(file,
                "%s{\"key\":\"%s\",\"size\":%" PRId64 ",\"modified_ms\":%" PRId64
                ",\"etag\":\"%s\"}",
                separator, key.data, entry->object.size_bytes, entry->object.modified_ms,
                is_plain(entry->object.etag) ? entry->object.etag : "");
        buffer_free(&key);
        separator = ",\n";
    }
}

static void write_record(FILE *file, const char *source, int64_t began_ms,
                         const struct key_table *table)
{
    struct objects_measured measured = {0};
    for (const struct key_entry *entry = table->first; entry; entry = entry->next)
        if (entry->marked) {
            measured.count++;
            measured.size_bytes += entry->object.size_bytes;
        }
    char now[TIME_TEXT_SIZE];
    time_format_utc(time(NULL), now);
    json_t *name = json_string(source);
    cleanup(free_pointer) char *quoted = name ? json_dumps(name, JSON_ENCODE_ANY) : NULL;
    json_decref(name);
    fprintf(file,
            "{\"format\":1,\n" SOURCE "%s,\n" BEGAN "%" PRId64
            ",\n\"synced\":\"%s\",\n\"object_count\":%" PRId64 ",\n\"total_size\":%" PRId64
            ",\n\"objects\":[",
            quoted ? quoted : "null", began_ms, now, measured.count, measured.size_bytes);
    write_objects(file, table);
    fputs("\n]}\n", file);
}

int sync_record_write(const struct folder *folder, const char *source, int64_t began_ms,
                      const struct key_table *table, struct error *error)
{
    static const char temporary[] = SYNC_RECORD ".new";
    unlinkat(folder->descriptor, temporary, 0);
    int descriptor = openat(folder->descriptor, temporary,
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!file) {
        int reason = errno;
        close_descriptor(&descriptor);
        return cannot_verify(error, "cannot write %s/" SYNC_RECORD ": %s", folder->path,
                             strerror(reason));
    }
    write_record(file, source, began_ms, table);
    bool written = fflush(file) == 0 && !ferror(file) && fsync(descriptor) == 0;
    int reason = errno;
    if (fclose(file) != 0 || !written ||
        renameat(folder->descriptor, temporary, folder->descriptor, SYNC_RECORD) < 0) {
        reason = written ? errno : reason;
        unlinkat(folder->descriptor, temporary, 0);
        return cannot_verify(error, "cannot write %s/" SYNC_RECORD ": %s", folder->path,
                             strerror(reason));
    }
    return 0;
}
