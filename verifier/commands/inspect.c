/* restore-verifier inspect: what a backup holds. No server and no PostgreSQL programs are needed.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "commands/commands.h"
#include "commands/options.h"
#include "report/json_fields.h"
#include "report/text.h"
#include "shelf/backup_read.h"
#include "shelf/find.h"
#include "shelf/location.h"
#include "shelf/manifest.h"
#include "stages/recipe.h"

/* ---- for a person ---- */

static int text_width(const char *text)
{
    return (int)text_columns(text, SIZE_MAX);
}

static void print_line(const char *name, const char *value)
{
    cleanup(free_pointer) char *shown = value ? text_line(value) : NULL;
    if (shown && shown[0])
        printf("  %-14s %s\n", name, shown);
}

static void print_list(const char *name, const struct strings *items)
{
    for (size_t i = 0; i < items->count; i++) {
        cleanup(free_pointer) char *shown = text_line(items->items[i]);
        if (i == 0)
            printf("  %-14s %s", name, shown);
        else
            printf(", %s", shown);
    }
    if (items->count > 0)
        putchar('\n');
}

/* Plain SQL whose comments were taken away, and what then tells where it ends. */
static const char *headless_words(enum archive_end end)
{
    switch (end) {
    case ARCHIVE_END_RESET:
        return " without pg_dump's header; it ends as the files of `supabase db dump` do";
    case ARCHIVE_END_UNKNOWN:
        return " without pg_dump's header and last line; whether it was cut off cannot be told";
    case ARCHIVE_END_SURE:
        break;
    }
    return "";
}

static void print_format(const struct archive *archive)
{
    printf("  %-14s %s%s", "format", archive_format_name(archive->format),
           headless_words(archive->end));
    if (archive->version_major > 0)
        printf(", archive version %d.%d, compression %s", archive->version_major,
               archive->version_minor, archive_compression_name(archive->compression));
    if (archive->container != ARCHIVE_BARE)
        printf(", inside %s", archive_container_name(archive->container));
    putchar('\n');
}

static void print_sizes(const struct archive *archive)
{
    char stored[SIZE_TEXT_SIZE], unpacked[SIZE_TEXT_SIZE];
    size_format(archive->stored_bytes, stored);
    size_format(archive->unpacked_bytes, unpacked);
    printf("  %-14s %s", "size", stored);
    if (archive->container != ARCHIVE_BARE && archive->complete)
        printf(", unpacked %s", unpacked);
    putchar('\n');
}

/* Of plain SQL that is not a whole database; NULL where it is, and for archives. */
static const char *holds_words(const struct archive *archive)
{
    bool created = false, data = false;
    for (size_t i = 0; i < archive->table_count; i++) {
        created = created || archive->tables[i].created;
        data = data || archive->tables[i].has_data;
    }
    if (archive->format != ARCHIVE_PLAIN || archive->part_count > 0 || created == data)
        return archive->table_count == 0 && archive->created_roles.count > 0 ? "roles alone" : NULL;
    return data ? "data alone: the tables that they are for are in another file"
                : "definitions alone: their data are in another file";
}

/* Each file of a set, in the order in which they are restored. */
static void print_parts(const struct archive *archive)
{
    for (size_t i = 0; i < archive->part_count; i++) {
        const struct archive *part = &archive->parts[i];
        cleanup(free_pointer) char *name = text_line(part->name);
        char size[SIZE_TEXT_SIZE];
        size_format(part->stored_bytes, size);
        printf("  %-14s %s, %s%s%s%s, %s\n", backup_part_name(part->part), name,
               archive_format_name(part->format), headless_words(part->end),
               part->container == ARCHIVE_BARE ? "" : " in ",
               part->container == ARCHIVE_BARE ? "" : archive_container_name(part->container),
               size);
    }
}

static void print_head(const struct archive *archive, const char *path)
{
    cleanup(free_pointer) char *shown = text_line(path);
    printf("%s\n", shown);
    if (archive->format == ARCHIVE_UNKNOWN_FORMAT)
        return;
    if (archive->part_count > 0)
        print_parts(archive);
    else
        print_format(archive);
    print_line("holds", archive->complete ? holds_words(archive) : NULL);
    print_sizes(archive);
    print_line("sha256", archive->sha256);
    if (archive->has_creation_time) {
        char when[64];
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S, in the dumping machine's time zone",
                 &archive->creation_local);
        print_line("dumped", when);
    }
    print_line("dumped from", archive->server_version);
    print_line("by pg_dump", archive->pg_dump_version);
    print_line("database", archive->database);
    print_list("databases", &archive->databases);
    print_line("encoding", archive->encoding);
    struct strings extensions = {0};
    for (size_t i = 0; i < archive->extension_count; i++)
        strings_add(&extensions, archive->extensions[i].name);
    print_list("extensions", &extensions);
    strings_free(&extensions);
    print_list("roles", &archive->roles);
}

static int compare_sizes(const void *left, const void *right)
{
    const struct archive_table *const *a = left, *const *b = right;
    const struct row_totals *x = &(*a)->totals, *y = &(*b)->totals;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    if (x->rows != y->rows)
        return x->rows < y->rows ? 1 : -1;
    return (*a > *b) - (*a < *b);
}

static void print_row(int width, const char *label, int64_t rows, int64_t bytes, int64_t largest)
{
    char number[COUNT_TEXT_SIZE], size[SIZE_TEXT_SIZE];
    count_format(rows, number);
    size_format(bytes, size);
    printf("%s%*s  %15s  %10s", label, width - text_width(label), "", number, size);
    if (largest >= 0) {
        char largest_size[SIZE_TEXT_SIZE];
        size_format(largest, largest_size);
        printf("  %11s", largest_size);
    }
    putchar('\n');
}

static void print_tables(const struct archive *archive)
{
    size_t count = archive->table_count;
    cleanup(free_pointer) const struct archive_table **tables = xcalloc(count, sizeof(*tables));
    int width = text_width("large objects");
    int64_t rows = 0, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        tables[i] = &archive->tables[i];
        cleanup(free_pointer) char *label = archive_table_label(tables[i]);
        cleanup(free_pointer) char *shown = text_line(label);
        if (text_width(shown) > width)
            width = text_width(shown);
        rows += tables[i]->totals.rows;
        bytes += tables[i]->totals.bytes;
    }
    qsort(tables, count, sizeof(*tables), compare_sizes);
    printf("\n%s%*s  %15s  %10s  %11s\n", "table", width - text_width("table"), "", "rows", "bytes",
           "largest row");
    for (size_t i = 0; i < count; i++) {
        cleanup(free_pointer) char *label = archive_table_label(tables[i]);
        cleanup(free_pointer) char *shown = text_line(label);
        print_row(width, shown, tables[i]->totals.rows, tables[i]->totals.bytes,
                  tables[i]->totals.largest_row_bytes);
    }
    cleanup(free_pointer) char *all = xasprintf("%zu table%s", count, count == 1 ? "" : "s");
    print_row(width, all, rows, bytes, -1);
    if (archive->large_object_count > 0)
        print_row(width, "large objects", archive->large_object_count, archive->large_object_bytes,
                  -1);
}

static void print_recipe(const struct archive *archive, const struct manifest *manifest,
                         const char *path)
{
    cleanup(strings_free) struct strings needs = {0};
    cleanup(strings_free) struct strings commands = {0};
    restore_needs(archive, manifest, &needs);
    restore_commands(archive, manifest, path, &commands);
    puts("\nto restore it for real, on the server that PGHOST, PGUSER and the like name");
    print_list("needs", &needs);
    for (size_t i = 0; i < commands.count; i++) {
        cleanup(free_pointer) char *shown = text_line(commands.items[i]);
        printf("  %s\n", shown);
    }
}

/* ---- for a program ---- */

static void set_line(json_t *object, const char *key, const char *text)
{
    if (text && *text) {
        cleanup(free_pointer) char *shown = text_line(text);
        json_object_set_new(object, key, json_string(shown));
    }
}

static json_t *json_extensions(const struct archive *archive)
{
    json_t *array = json_array();
    for (size_t i = 0; i < archive->extension_count; i++) {
        json_t *extension = json_object();
        set_line(extension, "name", archive->extensions[i].name);
        set_line(extension, "schema", archive->extensions[i].schema);
        json_array_append_new(array, extension);
    }
    return array;
}

static void json_set_versions(json_t *object, const struct archive *archive)
{
    cleanup(free_pointer) char *version =
        archive->version_major > 0
            ? xasprintf("%d.%d", archive->version_major, archive->version_minor)
            : NULL;
    set_line(object, "format", archive_format_name(archive->format));
    set_line(object, "archive_version", version);
    set_line(object, "compression", archive_compression_name(archive->compression));
    set_line(object, "container", archive_container_name(archive->container));
    set_line(object, "server_version", archive->server_version);
    set_line(object, "pg_dump_version", archive->pg_dump_version);
}

static const char *end_name(enum archive_end end)
{
    return end == ARCHIVE_END_SURE ? "sure" : end == ARCHIVE_END_RESET ? "reset" : "unknown";
}

static json_t *json_parts(const struct archive *archive)
{
    json_t *array = json_array();
    for (size_t i = 0; i < archive->part_count; i++) {
        const struct archive *part = &archive->parts[i];
        json_t *object = json_object();
        set_line(object, "part", backup_part_name(part->part));
        set_line(object, "file", part->name);
        json_set_versions(object, part);
        set_line(object, "end", end_name(part->end));
        json_object_set_new(object, "size_bytes", json_integer(part->stored_bytes));
        set_line(object, "sha256", part->sha256[0] ? part->sha256 : NULL);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *json_archive(const struct archive *archive, const char *path)
{
    json_t *object = json_object();
    if (archive->part_count > 0)
        json_object_set_new(object, "parts", json_parts(archive));
    set_line(object, "end", end_name(archive->end));
    set_line(object, "file", path);
    json_object_set_new(object, "intact", json_boolean(archive->complete));
    json_set_versions(object, archive);
    set_line(object, "database", archive->database);
    json_set_strings(object, "databases", &archive->databases);
    set_line(object, "encoding", archive->encoding);
    char when[TIME_TEXT_SIZE] = "";
    if (archive->has_creation_time)
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &archive->creation_local);
    set_line(object, "created_local", when[0] ? when : NULL);
    json_object_set_new(object, "size_bytes", json_integer(archive->stored_bytes));
    json_object_set_new(object, "unpacked_size_bytes", json_integer(archive->unpacked_bytes));
    set_line(object, "sha256", archive->sha256[0] ? archive->sha256 : NULL);
    json_object_set_new(object, "entry_count", json_integer((json_int_t)archive->entry_count));
    json_object_set_new(object, "extensions", json_extensions(archive));
    json_set_strings(object, "roles", &archive->roles);
    json_object_set_new(object, "large_object_count", json_integer(archive->large_object_count));
    json_object_set_new(object, "large_object_size_bytes",
                        json_integer(archive->large_object_bytes));
    return object;
}

static json_t *json_recipe(const struct archive *archive, const struct manifest *manifest,
                           const char *path)
{
    json_t *object = json_object();
    cleanup(strings_free) struct strings needs = {0};
    cleanup(strings_free) struct strings commands = {0};
    restore_needs(archive, manifest, &needs);
    restore_commands(archive, manifest, path, &commands);
    json_set_strings(object, "needs", &needs);
    json_set_strings(object, "commands", &commands);
    return object;
}

static json_t *json_table(const struct archive_table *table)
{
    json_t *object = json_object();
    if (table->database)
        set_line(object, "database", table->database);
    set_line(object, "schema", table->schema);
    set_line(object, "name", table->name);
    json_object_set_new(object, "row_count", json_integer(table->totals.rows));
    json_object_set_new(object, "size_bytes", json_integer(table->totals.bytes));
    json_object_set_new(object, "largest_row_bytes", json_integer(table->totals.largest_row_bytes));
    cleanup(free_pointer) char *fingerprint =
        table->has_fingerprint
            ? xasprintf("%016llx%016llx", (unsigned long long)table->totals.fingerprint[1],
                        (unsigned long long)table->totals.fingerprint[0])
            : NULL;
    set_line(object, "fingerprint", fingerprint);
    return object;
}

static int exit_code_of(const struct error *error)
{
    if (!error)
        return EXIT_VERIFIED;
    return error->fault == FAULT_BACKUP ? EXIT_BAD_BACKUP : EXIT_CANNOT_VERIFY;
}

static void print_json(const struct archive *archive, const struct manifest *manifest,
                       const char *path, const struct error *error)
{
    json_t *root = json_frame("inspect", exit_code_of(error));
    json_object_set_new(root, "archive", json_archive(archive, path));
    json_t *tables = json_array();
    for (size_t i = 0; archive->complete && i < archive->table_count; i++)
        json_array_append_new(tables, json_table(&archive->tables[i]));
    json_object_set_new(root, "tables", tables);
    if (archive->complete)
        json_object_set_new(root, "restore", json_recipe(archive, manifest, path));
    if (error) {
        json_t *object = json_object();
        json_object_set_new(object, "fault",
                            json_string(error->fault == FAULT_BACKUP ? "backup" : "machine"));
        set_line(object, "text", error->text);
        json_object_set_new(root, "error", object);
    }
    json_print_document(root, stdout);
}

/* ---- the command ---- */

static void print_result(const struct archive *archive, const struct manifest *manifest,
                         const char *path, bool json, const struct error *error)
{
    if (json) {
        print_json(archive, manifest, path, error);
        return;
    }
    print_head(archive, path);
    if (error)
        return;
    print_tables(archive);
    print_recipe(archive, manifest, path);
}

/* A file is read as it lies there, whoever writes it; of a directory it is first seen what it is,
 * and of a bucket how large. */
static int read_backup(struct archive *archive, const char *path,
                       const struct archive_options *reading, struct error *error)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(backup_file_free) struct backup_file file = {0};
    cleanup(free_pointer) char *name = NULL;
    struct stat status;
    if (!starts_with(path, "s3://") && (stat(path, &status) < 0 || !S_ISDIR(status.st_mode)))
        return archive_read(archive, path, reading, error);
    if (location_open_file(NULL, path, &shelf, &name, error) < 0 ||
        backup_stat(shelf, name, NULL, &file, error) < 0)
        return -1;
    return backup_read(archive, &file, reading, error);
}

/* What `dump` wrote down beside it, which only adds to the recipe. False: there is none, or none of
 * use, which is told. */
static bool manifest_beside(const struct archive *archive, const char *path,
                            struct manifest *ret_manifest)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(free_pointer) char *name = NULL;
    struct error error;
    if (!archive->complete || archive->part_count > 0 ||
        location_open_file(NULL, path, &shelf, &name, &error) < 0)
        return false;
    int found =
        manifest_select(shelf, name, archive->stored_bytes, archive->sha256, ret_manifest, &error);
    if (found == 0 && strcmp(ret_manifest->sha256, archive->sha256) == 0)
        return true;
    cleanup(free_pointer) char *shown = found < 0 ? text_line(error.text) : NULL;
    if (found <= 0)
        fprintf(stderr, "its manifest is left out of account: %s\n",
                shown ? shown : "it is that of another backup");
    return false;
}

static int inspect(const char *path, const struct common_options *options)
{
    struct archive archive = {0};
    struct error error;
    struct archive_options reading = {
        .fingerprint = true, .threads = options->jobs > 0 ? options->jobs : 0, .is_part = true};
    signal(SIGPIPE, SIG_IGN); /* a connection that is closed is an error like any other */
    cleanup(free_pointer) char *whole =
        starts_with(path, "s3://") ? xstrdup(path) : path_absolute(path);
    int result = read_backup(&archive, whole, &reading, &error);
    cleanup(manifest_free) struct manifest manifest = {0};
    bool has_manifest = manifest_beside(&archive, whole, &manifest);
    if (!options->quiet || options->json)
        print_result(&archive, has_manifest ? &manifest : NULL, path, options->json,
                     result < 0 ? &error : NULL);
    archive_free(&archive);
    if (fflush(stdout) != 0) {
        fputs("restore-verifier inspect: cannot write to standard output\n", stderr);
        return EXIT_CANNOT_VERIFY;
    }
    if (result == 0)
        return EXIT_VERIFIED;
    cleanup(free_pointer) char *shown = text_line(error.text);
    fprintf(stderr, "%s: %s\n",
            error.fault == FAULT_BACKUP ? "The backup is bad" : "Could not look", shown);
    return exit_code_of(&error);
}

int command_inspect(int argc, char **argv)
{
    static const struct usage usage = {
        .arguments = "BACKUP",
        .words =
            "Tell what a backup holds: versions, extensions, roles, and each table with its "
            "rows. Every byte is read and checked; no server and no PostgreSQL programs are "
            "needed. Ends with what a restore for real needs, and the commands for it. BACKUP is a "
            "file or directory made by pg_dump, bare or inside gzip or "
            "zstd, a directory with the files of one backup (roles.sql, schema.sql, data.sql), "
            "or s3://bucket/key with S3_ENDPOINT_URL and credentials in the environment. "
            "--jobs says how many threads read it (default: one for each processor).",
        .takes_jobs = true,
        .takes_format = true,
    };
    struct common_options options;
    options_parse(argc, argv, &usage, &options, NULL);
    int exit_code = EXIT_CANNOT_VERIFY;
    if (options.paths.count == 1)
        exit_code = inspect(options.paths.items[0], &options);
    else
        fprintf(stderr, "%s: name one backup, not %zu\n", argv[0], options.paths.count);
    common_options_free(&options);
    return exit_code;
}
