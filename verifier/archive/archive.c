#include "archive/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/arena.h"
#include "archive/custom.h"
#include "archive/decoder.h"
#include "archive/directory.h"
#include "archive/kind.h"
#include "archive/plain/plain.h"
#include "archive/tar.h"
#include "archive/toc.h"
#include "base/buffer.h"
#include "base/file_mark.h"
#include "base/processors.h"

/* The file being read, and what is needed to read it. */
struct input {
    struct reading reading;
    const struct archive_options *options;
    const char *path;
    struct source *stream; /* borrowed; NULL: a file or a directory at `path` */
    int descriptor;
    struct stat status;
    struct sha256 *hash;
    struct source *source; /* the topmost layer */
    bool cluster;          /* it begins as pg_dumpall begins */
};

static void input_close(struct input *input)
{
    source_close(input->source);
    sha256_free(input->hash);
    close_descriptor(&input->descriptor);
}

/* ---- plain SQL ---- */

static void plain_tables_take(struct archive *archive, struct plain_totals *totals)
{
    archive->plain = totals;
    archive->table_count = totals->table_count;
    archive->tables = xcalloc(totals->table_count, sizeof(*archive->tables));
    for (size_t i = 0; i < totals->table_count; i++) {
        struct plain_table *plain = &totals->tables[i];
        archive->tables[i] = (struct archive_table){
            .database = plain->database[0] ? (char *)(uintptr_t)plain->database : NULL,
            .schema = plain->schema,
            .name = plain->name,
            .target_schema = plain->schema,
            .target_name = plain->name,
            .partitioned = plain->partitioned,
            .has_data = plain->source != NO_DATA,
            .created = plain->created,
            .by_inserts = plain->source == FROM_INSERT,
            .has_fingerprint = plain->source != FROM_INSERT,
            .totals = plain->totals,
        };
    }
}

static void plain_databases_take(struct archive *archive, const struct plain_totals *totals)
{
    archive->database_parts =
        xcalloc(totals->database_part_count, sizeof(*archive->database_parts));
    for (size_t i = 0; i < totals->database_part_count; i++) {
        const struct plain_database *plain = &totals->database_parts[i];
        archive->database_parts[archive->database_part_count++] = (struct archive_database){
            .name = plain->name,
            .encoding = plain->encoding ? plain->encoding : archive->encoding,
            .line = plain->line,
            .table_count = plain->table_count,
            .large_object_count = plain->large_objects,
            .hollow_large_objects = plain->hollow_large_objects};
    }
}

static void plain_take(struct archive *archive, struct plain_totals *totals, bool fingerprint)
{
    plain_tables_take(archive, totals);
    for (size_t i = 0; i < archive->table_count; i++)
        archive->tables[i].has_fingerprint &= fingerprint;
    archive->extensions = xcalloc(totals->extension_count, sizeof(*archive->extensions));
    for (size_t i = 0; i < totals->extension_count; i++) {
        const struct plain_extension *extension = &totals->extensions[i];
        archive->extensions[archive->extension_count++] = (struct archive_extension){
            .name = xstrdup(extension->name),
            .schema = xstrdup(extension->schema ? extension->schema : "")};
    }
    archive->roles = totals->roles;
    totals->roles = (struct strings){0};
    archive->created_roles = totals->created_roles;
    totals->created_roles = (struct strings){0};
    archive->created_schemas = totals->created_schemas;
    totals->created_schemas = (struct strings){0};
    archive->publications = totals->publications;
    totals->publications = (struct strings){0};
    archive->end = totals->trailer ? ARCHIVE_END_SURE
                   : totals->reset ? ARCHIVE_END_RESET
                                   : ARCHIVE_END_UNKNOWN;
    archive->tablespaces = totals->tablespaces;
    totals->tablespaces = (struct strings){0};
    archive->databases = totals->databases;
    totals->databases = (struct strings){0};
    archive->encoding = take(&totals->encoding);
    archive->server_version = take(&totals->dumped_from);
    archive->pg_dump_version = take(&totals->dumped_by);
    archive->large_object_count = totals->large_objects;
    archive->hollow_large_objects = totals->hollow_large_objects;
    plain_databases_take(archive, totals);
    archive->sequence_count = totals->sequences;
    archive->sequence_values = totals->sequence_values;
}

static int plain_read(struct reading *reading, struct reader *reader, struct error *error)
{
    cleanup(plain_freep) struct plain *plain = reading->options->is_part
                                                   ? plain_new_part(reading->fingerprint)
                                                   : plain_new(reading->fingerprint);
    if (reading->options->contents_only && reading->archive->stored_bytes > CONTENTS_PLAIN_MOST)
        return cannot_verify(error, "plain SQL has no table of contents");
    for (;;) {
        const uint8_t *bytes;
        size_t length;
        if (reader_run(reader, INT64_MAX, &bytes, &length, error) < 0)
            return -1;
        if (length == 0)
            break;
        if (plain_feed(plain, bytes, length, error) < 0)
            return -1;
    }
    struct plain_totals *totals = NULL;
    if (plain_finish(plain, &totals, error) < 0)
        return -1;
    plain_take(reading->archive, totals, reading->fingerprint);
    return 0;
}

/* ---- layers ---- */

/* Takes up to KIND_HEAD_BYTES from the topmost layer and puts them back in front of it. */
static int head_peek(struct input *input, uint8_t head[KIND_HEAD_BYTES], size_t *ret_length,
                     struct error *error)
{
    struct buffer taken;
    buffer_init(&taken, SIZE_MAX / 2);
    size_t length = 1;
    while (length > 0 && taken.length < KIND_HEAD_BYTES) {
        const uint8_t *bytes;
        if (source_next(input->source, &bytes, &length, error) < 0) {
            buffer_free(&taken);
            return -1;
        }
        buffer_append(&taken, bytes, length);
    }
    *ret_length = taken.length < KIND_HEAD_BYTES ? taken.length : KIND_HEAD_BYTES;
    memcpy(head, taken.data, *ret_length);
    input->source = prefixed_source_new(taken.data, taken.length, input->source);
    buffer_free(&taken);
    return 0;
}

static void container_open(struct input *input)
{
    struct archive *archive = input->reading.archive;
    if (archive->container == ARCHIVE_BARE)
        return;
    input->source =
        decoder_new(archive->container == ARCHIVE_IN_GZIP ? ENCODING_GZIP : ENCODING_ZSTD, 0,
                    input->source, &input->reading.allowance);
}

/* Whether the unpacked bytes are to be written to a file, and is it needed to restore from. */
static bool copy_wanted(const struct input *input)
{
    const struct archive *archive = input->reading.archive;
    if (!input->options->copy_path || archive->format == ARCHIVE_DIRECTORY_TAR)
        return false;
    return archive->container != ARCHIVE_BARE || input->options->always_copy || input->stream ||
           input->cluster; /* a copy, since a restore may have to change it: stages/grantors.h */
}

static int layers_add(struct input *input, struct error *error)
{
    if (copy_wanted(input)) {
        struct source *copying;
        if (copying_source_new(input->source, input->options->copy_path, &copying, error) < 0)
            return -1;
        input->source = copying;
    }
    if (input->reading.threads > 1) {
        struct source *queue;
        if (queue_source_new(input->source, &queue, error) < 0)
            return -1;
        input->source = queue;
    }
    return 0;
}

/* ---- a file ---- */

static int file_open(struct input *input, struct error *error)
{
    input->descriptor = open(input->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (input->descriptor < 0 || fstat(input->descriptor, &input->status) < 0)
        return cannot_verify(error, "cannot open it: %s", strerror(errno));
    if (!S_ISREG(input->status.st_mode))
        return cannot_verify(error, "it is neither a file nor a directory");
    input->reading.archive->stored_bytes = input->status.st_size;
    allowance_init(&input->reading.allowance, input->status.st_size);
    return 0;
}

static void progress_reset(struct input *input)
{
    if (input->reading.progress)
        *input->reading.progress = input->options->progress_before;
}

static void input_start(struct input *input)
{
    progress_reset(input);
    sha256_free(input->hash);
    source_close(input->source);
    input->hash = sha256_new();
    input->source = file_source_new(input->descriptor, input->path, 0, input->status.st_size,
                                    input->hash, input->reading.progress);
}

/* Takes container and format from the beginning of the file. */
static int kind_read(struct input *input, struct error *error)
{
    uint8_t head[KIND_HEAD_BYTES];
    size_t length;
    struct archive *archive = input->reading.archive;
    if (head_peek(input, head, &length, error) < 0)
        return -1;
    archive->container = container_of_head(head, length);
    if (archive->container != ARCHIVE_BARE) {
        container_open(input);
        if (head_peek(input, head, &length, error) < 0)
            return -1;
    }
    static const char banner[] = "\n-- PostgreSQL database cluster dump\n";
    input->cluster = memmem(head, length, banner, strlen(banner)) != NULL;
    return format_of_head(input->path, head, length, &archive->format, error);
}

static int format_read(struct input *input, struct error *error)
{
    struct archive *archive = input->reading.archive;
    struct reader reader;
    reader_init(&reader, input->source, 0);
    int result = -1;
    switch (archive->format) {
    case ARCHIVE_CUSTOM:
        result = custom_read(&input->reading, &reader, error);
        break;
    case ARCHIVE_TAR:
        result = tar_read(&input->reading, &reader, NULL, error);
        break;
    case ARCHIVE_DIRECTORY_TAR:
        result = tar_read(&input->reading, &reader, input->options->copy_path, error);
        break;
    case ARCHIVE_PLAIN:
        result = plain_read(&input->reading, &reader, error);
        break;
    case ARCHIVE_DIRECTORY:
    case ARCHIVE_UNKNOWN_FORMAT:
        return cannot_verify(error, "its format is not known");
    }
    archive->unpacked_bytes = reader.offset;
    return result;
}

/* A bare custom archive with offsets can be read from several places at once. */
static int parallel_try(struct input *input, bool *ret_done, struct error *error)
{
    struct archive *archive = input->reading.archive;
    *ret_done = false;
    if (archive->container != ARCHIVE_BARE || archive->format != ARCHIVE_CUSTOM ||
        input->reading.threads < 2 || input->stream || copy_wanted(input))
        return 0;
    sha256_free(input->hash);
    input->hash = sha256_new();
    progress_reset(input);
    if (custom_read_parallel(&input->reading, input->descriptor, input->path, input->status.st_size,
                             input->hash, ret_done, error) < 0)
        return -1;
    if (*ret_done) {
        archive->unpacked_bytes = archive->stored_bytes;
        return 0;
    }
    /* Once more, from the beginning. */
    struct archive empty = {.container = archive->container,
                            .format = archive->format,
                            .stored_bytes = archive->stored_bytes};
    archive_free(archive);
    *archive = empty;
    input_start(input);
    return 0;
}

static void restore_set(struct input *input)
{
    struct archive *archive = input->reading.archive;
    bool unpacked = archive->format == ARCHIVE_DIRECTORY_TAR;
    archive->restore_format = unpacked ? ARCHIVE_DIRECTORY : archive->format;
    bool copied = input->options->copy_path && (copy_wanted(input) || unpacked);
    if (copied)
        archive->restore_path = xstrdup(input->options->copy_path);
    else if (archive->container == ARCHIVE_BARE && !unpacked && !input->stream)
        archive->restore_path = xstrdup(input->path);
}

static int file_read_whole(struct input *input, struct error *error)
{
    if (file_open(input, error) < 0)
        return -1;
    input_start(input);
    if (kind_read(input, error) < 0)
        return -1;
    bool done;
    if (parallel_try(input, &done, error) < 0)
        return -1;
    if (!done && (layers_add(input, error) < 0 || format_read(input, error) < 0))
        return -1;
    sha256_final(input->hash, input->reading.archive->sha256);
    restore_set(input);
    return 0;
}

/* ---- either ---- */

static int backup_read(struct input *input, struct error *error)
{
    struct archive *archive = input->reading.archive;
    struct stat status;
    if (stat(input->path, &status) < 0)
        return cannot_verify(error, "cannot open it: %s", strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return file_read_whole(input, error);
    archive->format = ARCHIVE_DIRECTORY;
    if (directory_read(&input->reading, input->path, error) < 0)
        return -1;
    archive->restore_format = ARCHIVE_DIRECTORY;
    archive->restore_path = xstrdup(input->path);
    return 0;
}

/* Only at its end does a stream tell whether it gave all, and the right bytes. */
static int stream_end(struct input *input, struct error *error)
{
    int64_t left, unread;
    if (source_drain(input->source, &left, error) < 0 ||
        source_drain(input->stream, &unread, error) < 0)
        return -1;
    if (left > 0 || unread > 0)
        return cannot_verify(error, "%lld bytes at its end were not looked at",
                             (long long)(left + unread));
    return 0;
}

static int stream_read_whole(struct input *input, struct error *error)
{
    struct archive *archive = input->reading.archive;
    allowance_init(&input->reading.allowance, archive->stored_bytes);
    progress_reset(input);
    input->hash = sha256_new();
    input->source = counted_source_new(input->stream, archive->stored_bytes, input->hash,
                                       input->reading.progress);
    if (kind_read(input, error) < 0 || layers_add(input, error) < 0 ||
        format_read(input, error) < 0 || stream_end(input, error) < 0)
        return -1;
    sha256_final(input->hash, archive->sha256);
    restore_set(input);
    return 0;
}

static struct input input_for(struct archive *archive, const char *name,
                              const struct archive_options *options)
{
    return (struct input){
        .reading = {.archive = archive,
                    .fingerprint = options->fingerprint,
                    .threads = options->threads > 0 ? options->threads : processors(),
                    .progress = options->progress_bytes,
                    .options = options},
        .options = options,
        .path = name,
        .descriptor = -1,
    };
}

int archive_read(struct archive *archive, const char *path, const struct archive_options *options,
                 struct error *error)
{
    cleanup(input_close) struct input input = input_for(archive, path, options);
    struct file_mark mark;
    struct error unmarked; /* what is not there is not there for the reading either */
    bool marked = file_mark_take(path, &mark, &unmarked) == 0;
    int outcome = backup_read(&input, error);
    /* One that somebody replaced or still writes is neither good nor bad. */
    if (marked && file_mark_check(path, &mark, error) < 0)
        outcome = -1;
    if (outcome < 0)
        return error_prefix(error, "%s: ", path);
    archive->complete = true;
    return 0;
}

int archive_read_stream(struct archive *archive, const char *name, struct source *bytes,
                        int64_t stored_bytes, const struct archive_options *options,
                        struct error *error)
{
    cleanup(input_close) struct input input = input_for(archive, name, options);
    input.stream = bytes;
    archive->stored_bytes = stored_bytes;
    if (stream_read_whole(&input, error) < 0)
        return error_prefix(error, "%s: ", name);
    archive->complete = true;
    return 0;
}

int archive_read_contents(struct archive *archive, const void *bytes, size_t length,
                          struct error *error)
{
    cleanup(source_closep) struct source *source = memory_source_new(bytes, length);
    struct reader reader;
    struct toc toc;
    reader_init(&reader, source, 0);
    int outcome = toc_read(&toc, archive, &reader, error);
    toc_free(&toc);
    return outcome < 0 && reader.at_end ? 1 : outcome;
}

void archive_free(struct archive *archive)
{
    free(archive->server_version);
    free(archive->pg_dump_version);
    free(archive->database);
    free(archive->encoding);
    free(archive->entries);
    free(archive->tables);
    for (size_t i = 0; i < archive->extension_count; i++) {
        free(archive->extensions[i].name);
        free(archive->extensions[i].schema);
    }
    free(archive->extensions);
    strings_free(&archive->roles);
    strings_free(&archive->created_roles);
    strings_free(&archive->created_schemas);
    strings_free(&archive->publications);
    strings_free(&archive->tablespaces);
    strings_free(&archive->databases);
    free(archive->database_parts);
    free(archive->restore_path);
    arena_free(archive->arena);
    plain_totals_free(archive->plain);
    for (size_t i = 0; i < archive->part_count; i++)
        archive_free(&archive->parts[i]);
    free(archive->parts);
    free(archive->set_dependencies);
    free(archive->name);
    *archive = (struct archive){0};
}

/* ---- words ---- */

const char *archive_format_name(enum archive_format format)
{
    static const char *const names[] = {"unknown",   "custom",           "tar",
                                        "directory", "directory in tar", "plain"};
    return names[format];
}

const char *archive_compression_name(enum archive_compression compression)
{
    static const char *const names[] = {"none", "gzip", "lz4", "zstd"};
    return names[compression];
}

const char *archive_container_name(enum archive_container container)
{
    static const char *const names[] = {"none", "gzip", "zstd"};
    return names[container];
}

char *archive_table_label(const struct archive_table *table)
{
    const char *schema = table->schema ? table->schema : "";
    return xasprintf("%s%s%s%s%s", table->database ? table->database : "",
                     table->database ? ": " : "", schema, schema[0] ? "." : "", table->name);
}
