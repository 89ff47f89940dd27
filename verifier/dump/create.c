#include "dump/create.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

#include "base/memory.h"
#include "base/new_file.h"
#include "dump/compressed_file.h"
#include "dump/compressor.h"
#include "dump/contents.h"
#include "dump/dump_lock.h"
#include "dump/object_upload.h"
#include "dump/replacing.h"
#include "dump/space.h"
#include "postgres/dump.h"
#include "shelf/companions.h"
#include "shelf/name_pattern.h"

/* What every custom-format archive begins with (pg_backup_archiver.c, WriteHead): PGDMP, three
 * bytes of version, the sizes of an int and of an offset, the format (1 is custom); and the least
 * that follows: compression, date. */
static const char magic[] = "PGDMP";
enum { FORMAT_POSITION = 10, FORMAT_CUSTOM = 1, BEGINNING_SIZE = 11, SMALLEST_ARCHIVE = 47 };

/* Where the backup is written: one of the two is there. */
struct target {
    struct new_file *file;
    struct object_upload *upload;
    int descriptor;
    const char *path; /* for messages */
};

static void target_free(struct target *target)
{
    new_file_free(target->file);
    object_upload_free(target->upload);
}

/* What passes through to the compressor, or, without one, as it is. */
struct stream {
    struct compressor *compressor;
    struct compressed_file *plain;
    unsigned char beginning[BEGINNING_SIZE];
    int64_t archive_bytes;
    struct contents contents;
};

static void stream_free(struct stream *stream)
{
    contents_free(&stream->contents);
}

static int ending_check(const char *name, struct error *error)
{
    static const char *const refused[] = {".lz4",     ".xz",  ".bz2",    ".zip",    ".tar",
                                          ".tgz",     ".sql", ".tar.gz", ".sql.gz", ".tar.zst",
                                          ".sql.zst", ".age", ".gpg"};
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++)
        if (ends_with(name, refused[i]))
            return cannot_verify(
                error,
                "backups.name ends in %s, which a dump cannot write: it writes "
                "custom-format archives, so let it end in .dump.gz, .dump.zst or .dump",
                refused[i]);
    return 0;
}

static int taken(const char *path, struct error *error)
{
    return cannot_verify(error, "%s exists already: --force replaces it", path);
}

static int name_choose(const struct backup_create_options *options, char **ret_name,
                       struct error *error)
{
    cleanup(free_pointer) char *name = NULL;
    if (name_pattern_format(options->pattern, options->time, &name, error) < 0 ||
        ending_check(name, error) < 0)
        return -1;
    cleanup(free_pointer) char *path = shelf_path(options->shelf, name);
    struct shelf_entry entry;
    int looked = shelf_look(options->shelf, name, &entry, error);
    if (looked < 0 && shelf_store(options->shelf)) /* of a directory, location_check says more */
        return -1;
    if (looked == 0 && entry.kind == SHELF_FOLDER)
        return cannot_verify(error, "%s is a directory: choose another backups.name", path);
    if (looked == 0 && !options->force)
        return taken(path, error);
    *ret_name = take(&name);
    return 0;
}

static char *parent_of(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length == 0 ? xstrdup(".") : xstrndup(path, length);
}

static int not_made(const char *location, int reason, struct error *error)
{
    if (reason == ENOENT)
        return cannot_verify(error,
                             "the directory %s does not exist, nor does the one above it or the "
                             "one that it is a link to: check backups.location (is a disk not "
                             "mounted?), or make it",
                             location);
    return cannot_verify(error, "cannot make the directory %s: %s", location, strerror(reason));
}

/* Makes what is missing only when told to. */
static int location_check(const struct shelf *shelf, bool make, struct error *error)
{
    struct stat status;
    const char *location = shelf_directory(shelf);
    if (!location) /* that there is a bucket, was seen when the name was looked for */
        return 0;
    if (stat(location, &status) == 0) {
        if (!S_ISDIR(status.st_mode))
            return cannot_verify(error, "%s is not a directory: check backups.location", location);
        if (access(location, W_OK | X_OK) < 0)
            return cannot_verify(error, "cannot write in %s: %s; run this as a user that may",
                                 location, strerror(errno));
        return 0;
    }
    if (errno != ENOENT)
        return cannot_verify(error, "cannot look at %s: %s", location, strerror(errno));
    cleanup(free_pointer) char *parent = parent_of(location);
    if (!make)
        return access(parent, W_OK | X_OK) < 0 ? not_made(location, errno, error) : 0;
    /* A link to nothing is there for mkdir(), and not for stat(). */
    if (mkdir(location, 0700) < 0 && (errno != EEXIST || stat(location, &status) < 0))
        return not_made(location, errno, error);
    cleanup(close_descriptor) int directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0)
        fsync(directory); /* best effort: the backup's own directory is synced later */
    return 0;
}

int backup_existing(const struct backup_create_options *options, char **ret_path,
                    struct error *error)
{
    cleanup(free_pointer) char *name = NULL;
    struct shelf_entry entry;
    if (name_pattern_format(options->pattern, options->time, &name, error) < 0)
        return -1;
    int looked = shelf_look(options->shelf, name, &entry, error);
    if (looked < 0)
        return -1;
    *ret_path = looked == 0 ? shelf_path(options->shelf, name) : NULL;
    return 0;
}

int backup_create_check(const struct backup_create_options *options, char **ret_path,
                        struct error *error)
{
    cleanup(free_pointer) char *name = NULL;
    if (name_choose(options, &name, error) < 0 ||
        location_check(options->shelf, false, error) < 0 ||
        space_check(options->shelf, options->pattern, error) < 0)
        return -1;
    *ret_path = shelf_path(options->shelf, name);
    return 0;
}

static int stream_take(void *context, const void *bytes, size_t length, struct error *error)
{
    struct stream *stream = context;
    if (stream->archive_bytes < BEGINNING_SIZE) {
        size_t missing = (size_t)(BEGINNING_SIZE - stream->archive_bytes);
        memcpy(stream->beginning + stream->archive_bytes, bytes,
               length < missing ? length : missing);
    }
    stream->archive_bytes += (int64_t)length;
    contents_take(&stream->contents, bytes, length);
    if (!stream->compressor)
        return compressed_file_write(stream->plain, bytes, length, error);
    return compressor_write(stream->compressor, bytes, length, error);
}

static int archive_check(const unsigned char beginning[BEGINNING_SIZE], int64_t archive_bytes,
                         struct error *error)
{
    if (archive_bytes < SMALLEST_ARCHIVE)
        return cannot_verify(error,
                             "pg_dump ended well but wrote only %lld bytes, which is no archive",
                             (long long)archive_bytes);
    if (memcmp(beginning, magic, strlen(magic)) != 0 || beginning[FORMAT_POSITION] != FORMAT_CUSTOM)
        return cannot_verify(error, "pg_dump ended well, but what it wrote is no custom-format "
                                    "archive: is it the real pg_dump?");
    return 0;
}

static struct dump_options dump_options_for(const struct backup_create_options *options)
{
    return (struct dump_options){.tools = options->tools,
                                 .database = options->database,
                                 .snapshot = options->snapshot,
                                 .deadline_ms = options->deadline_ms,
                                 .progress_bytes = options->progress_bytes};
}

static int write_compressed(const struct backup_create_options *options,
                            enum compression compression, const struct target *target,
                            struct backup_created *created, struct error *error)
{
    cleanup(compressor_freep) struct compressor *compressor =
        compressor_new(compression, 0, target->descriptor, target->path);
    cleanup(stream_free) struct stream stream = {.compressor = compressor};
    contents_init(&stream.contents);
    struct dump_options dump = dump_options_for(options);
    dump.uncompressed = true;
    dump.sink = stream_take;
    dump.context = &stream;
    if (dump_run(&dump, error) < 0 ||
        archive_check(stream.beginning, stream.archive_bytes, error) < 0 ||
        compressor_finish(compressor, &created->size_bytes, created->sha256, error) < 0)
        return -1;
    contents_finish(&stream.contents, &created->schema);
    created->archive_bytes = stream.archive_bytes;
    return 0;
}

/* As pg_dump compresses it, through a pipe. */
static int write_through(const struct backup_create_options *options, const struct target *target,
                         struct backup_created *created, struct error *error)
{
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    struct compressed_file plain = {
        .descriptor = target->descriptor, .what = target->path, .hash = hash};
    cleanup(stream_free) struct stream stream = {.plain = &plain};
    contents_init(&stream.contents);
    struct dump_options dump = dump_options_for(options);
    dump.sink = stream_take;
    dump.context = &stream;
    if (dump_run(&dump, error) < 0 ||
        archive_check(stream.beginning, stream.archive_bytes, error) < 0)
        return -1;
    sha256_final(hash, created->sha256);
    contents_finish(&stream.contents, &created->schema);
    created->size_bytes = created->archive_bytes = plain.size_bytes;
    return 0;
}

/* pg_dump wrote the file itself, so it is read again to be hashed. */
static int hash_file(struct new_file *file, unsigned char beginning[BEGINNING_SIZE],
                     struct backup_created *created, struct error *error)
{
    enum { BLOCK_SIZE = 256 * 1024 };
    cleanup(free_pointer) unsigned char *block = xmalloc(BLOCK_SIZE);
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    cleanup(contents_free) struct contents contents;
    contents_init(&contents);
    int64_t position = 0;
    for (;;) {
        ssize_t length = pread(new_file_descriptor(file), block, BLOCK_SIZE, position);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return cannot_verify(error, "cannot read %s again: %s", new_file_path(file),
                                 strerror(errno));
        if (length == 0)
            break;
        if (position == 0)
            memcpy(beginning, block, length < BEGINNING_SIZE ? (size_t)length : BEGINNING_SIZE);
        sha256_update(hash, block, (size_t)length);
        contents_take(&contents, block, (size_t)length);
        position += length;
    }
    contents_finish(&contents, &created->schema);
    sha256_final(hash, created->sha256);
    created->size_bytes = created->archive_bytes = position;
    return 0;
}

static int write_plain(const struct backup_create_options *options, struct new_file *file,
                       struct backup_created *created, struct error *error)
{
    unsigned char beginning[BEGINNING_SIZE] = {0};
    struct dump_options dump = dump_options_for(options);
    dump.output = new_file_descriptor(file);
    if (dump_run(&dump, error) < 0 || hash_file(file, beginning, created, error) < 0)
        return -1;
    return archive_check(beginning, created->archive_bytes, error);
}

static int write_archive(const struct backup_create_options *options, const char *name,
                         const struct target *target, struct backup_created *created,
                         struct error *error)
{
    if (ends_with(name, ".gz"))
        return write_compressed(options, COMPRESSION_GZIP, target, created, error);
    if (ends_with(name, ".zst"))
        return write_compressed(options, COMPRESSION_ZSTD, target, created, error);
    return target->file ? write_plain(options, target->file, created, error)
                        : write_through(options, target, created, error);
}

static bool is_ours(const char *name, const void *pattern)
{
    struct name_date date;
    cleanup(free_pointer) char *companion = companion_backup(name);
    return name_pattern_match(pattern, companion ? companion : name, &date);
}

static int target_publish(const struct target *target, bool force,
                          const struct backup_created *created, struct error *error)
{
    return target->file ? new_file_publish(target->file, force, error)
                        : object_upload_complete(target->upload, created->size_bytes, error);
}

/* In a bucket there are no locks: has another dump of the same name written its manifest? */
static int manifest_check(const struct backup_create_options *options, const char *name,
                          struct error *error)
{
    cleanup(manifest_free) struct manifest found = {0};
    cleanup(free_pointer) char *path = shelf_path(options->shelf, name);
    cleanup(free_pointer) char *manifest = manifest_name(name);
    int outcome = manifest_read(options->shelf, manifest, &found, error);
    if (outcome < 0)
        return error_prefix(error, "%s is written, but: ", path);
    if (outcome == 0 && strcmp(found.sha256, options->manifest->sha256) == 0)
        return 0;
    return cannot_verify(error,
                         "%s is written, but its manifest is %s: another dump of that name was at "
                         "work at the same time; run dump --force again, alone",
                         path, outcome == 0 ? "another one's" : "gone");
}

/* Takes the schema. */
static void manifest_complete(struct manifest *manifest, const char *name,
                              struct backup_created *created)
{
    free(manifest->backup);
    manifest->backup = xstrdup(name);
    manifest->size_bytes = created->size_bytes;
    memcpy(manifest->sha256, created->sha256, sizeof(manifest->sha256));
    schema_totals_free(&manifest->schema);
    manifest->schema = created->schema;
    created->schema = (struct schema_totals){0};
    manifest->ended = time(NULL);
}

static int publish(const struct backup_create_options *options, const char *name,
                   const struct target *target, struct backup_created *created, struct error *error)
{
    struct shelf *shelf = options->shelf;
    struct shelf_entry entry;
    int looked = shelf_look(shelf, name, &entry, error);
    if (looked < 0)
        return -1;
    bool replaces = looked == 0;
    if (replaces && !options->force)
        return taken(target->path, error); /* before its manifest is touched */
    if (!options->manifest)
        return target_publish(target, options->force, created, error);
    manifest_complete(options->manifest, name, created);
    if (companions_before(shelf, name, options->recorded_database, replaces, options->manifest,
                          error) < 0)
        return -1;
    if (target_publish(target, options->force, created, error) < 0) {
        companions_withdraw(shelf, name, replaces);
        return -1;
    }
    if (companions_after(shelf, name, replaces, options->manifest, error) < 0)
        return -1;
    return target->upload ? manifest_check(options, name, error) : 0;
}

/* What a killed dump left. Another one may still be at work: no dump takes a day. */
static void uploads_sweep(const struct backup_create_options *options)
{
    enum { DAY_S = 24 * 3600 };
    cleanup(free_pointer) char *beginning =
        xstrndup(options->pattern, strcspn(options->pattern, "%"));
    struct sweep_options sweep = {.prefix = beginning,
                                  .before_ms = ((int64_t)time(NULL) - DAY_S) * 1000,
                                  .wanted = is_ours,
                                  .context = options->pattern};
    store_sweep(shelf_store(options->shelf), &sweep);
}

static int target_open(const struct backup_create_options *options, const char *name,
                       struct target *target, struct error *error)
{
    const char *directory = shelf_directory(options->shelf);
    if (!directory) {
        uploads_sweep(options);
        if (object_upload_start(options->shelf, name, &target->upload, error) < 0)
            return -1;
        target->descriptor = object_upload_descriptor(target->upload);
        target->path = object_upload_path(target->upload);
        return 0;
    }
    new_files_sweep(directory, is_ours, options->pattern);
    if (new_file_open(directory, name, NEW_FILE_NAMELESS, &target->file, error) < 0)
        return -1;
    target->descriptor = new_file_descriptor(target->file);
    target->path = new_file_path(target->file);
    return 0;
}

static int lock_take(const struct backup_create_options *options, struct dump_lock **ret_lock,
                     struct error *error)
{
    const char *directory = shelf_directory(options->shelf);
    return directory ? dump_lock_take(directory, options->pattern, ret_lock, error) : 0;
}

/* The manifest tells what pg_dump is going to write: both see the same snapshot. */
static int replacement_check(const struct backup_create_options *options, const char *name,
                             struct error *error)
{
    struct shelf_entry entry;
    cleanup(replaced_free) struct replaced replaced = {0};
    if (!options->manifest || options->force_empty)
        return 0;
    int looked = shelf_look(options->shelf, name, &entry, error);
    if (looked != 0)
        return looked < 0 ? -1 : 0;
    entry.name = name;
    cleanup(free_pointer) char *path = shelf_path(options->shelf, name);
    replaced_read(options->shelf, &entry, options->scenario, options->recorded_database,
                  options->reports, &replaced);
    replaced.path = path;
    return replacing_check(&replaced, options->manifest, options->database_name, error);
}

int backup_create(const struct backup_create_options *options, struct backup_created *ret_created,
                  struct error *error)
{
    cleanup(free_pointer) char *name = NULL;
    cleanup(dump_lock_releasep) struct dump_lock *lock = NULL;
    cleanup(target_free) struct target target = {0};
    cleanup(backup_created_free) struct backup_created created = {0};
    if (name_choose(options, &name, error) < 0 || location_check(options->shelf, true, error) < 0 ||
        space_check(options->shelf, options->pattern, error) < 0 ||
        lock_take(options, &lock, error) < 0 || replacement_check(options, name, error) < 0 ||
        target_open(options, name, &target, error) < 0)
        return -1;
    if (write_archive(options, name, &target, &created, error) < 0) {
        if (target.upload)
            object_upload_abandon(target.upload, error);
        return -1;
    }
    if (publish(options, name, &target, &created, error) < 0)
        return -1;
    created.path = xstrdup(target.path);
    *ret_created = created;
    created = (struct backup_created){0};
    return 0;
}

void backup_created_free(struct backup_created *created)
{
    free(created->path);
    schema_totals_free(&created->schema);
    *created = (struct backup_created){0};
}
