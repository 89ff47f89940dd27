#include "archive/toc.h"

#include <stdlib.h>
#include <string.h>

#include "archive/arena.h"
#include "archive/toc_field.h"
#include "base/memory.h"

#define VERSION(major, minor) ((major)*1000 + (minor))
#define OLDEST_MINOR          7

#define OFFSET_NOT_SET 1
#define OFFSET_SET     2
#define OFFSET_NO_DATA 3

static int version(const struct archive *archive)
{
    return VERSION(archive->version_major, archive->version_minor);
}

/* ---- the header ---- */

/* A short string on the heap, for the fields of the header. */
static int heap_string(const struct toc *toc, struct reader *reader, char **ret_text,
                       const char *what, struct error *error)
{
    char *text;
    if (toc_string(toc, reader, NULL, &text, what, error) < 0)
        return -1;
    free(*ret_text);
    *ret_text = text ? xstrdup(text) : NULL;
    return 0;
}

static int check_version(const struct archive *archive, struct error *error)
{
    int major = archive->version_major, minor = archive->version_minor;
    if (major < 1)
        return bad_backup(error,
                          "its header names the archive version %d.%d, which never was: it "
                          "is damaged",
                          major, minor);
    if (major > ARCHIVE_NEWEST_MAJOR || minor > ARCHIVE_NEWEST_MINOR)
        return cannot_verify(error,
                             "its archive version is %d.%d, and this program knows versions up to "
                             "%d.%d: it was made by a newer pg_dump, or its header is damaged",
                             major, minor, ARCHIVE_NEWEST_MAJOR, ARCHIVE_NEWEST_MINOR);
    if (minor < OLDEST_MINOR)
        return cannot_verify(error,
                             "its archive version is %d.%d, and this program knows versions from "
                             "1.%d (PostgreSQL 7.3) on",
                             major, minor, OLDEST_MINOR);
    return 0;
}

static int compression_read(struct toc *toc, struct reader *reader, struct error *error)
{
    static const char what[] = "the header";
    struct archive *archive = toc->archive;
    if (version(archive) >= VERSION(1, 15)) {
        uint8_t algorithm;
        if (reader_byte(reader, &algorithm, what, error) < 0)
            return -1;
        if (algorithm > ARCHIVE_ZSTD)
            return bad_backup(error,
                              "its header names the compression algorithm %d, which does not exist",
                              algorithm);
        archive->compression = (enum archive_compression)algorithm;
        return 0;
    }
    int64_t level;
    if (toc_integer(toc, reader, &level, what, error) < 0)
        return -1;
    if (level < -1 || level > 9)
        return bad_backup(error,
                          "its header names the compression level %lld, which does not exist",
                          (long long)level);
    archive->compression = level == 0 ? ARCHIVE_UNCOMPRESSED : ARCHIVE_GZIP;
    return 0;
}

static int creation_time_read(struct toc *toc, struct reader *reader, struct error *error)
{
    static const struct {
        int64_t least, most;
    } ranges[] = {{0, 61}, {0, 59}, {0, 23}, {1, 31}, {0, 11}, {70, 8099}, {-1, 1}};
    int64_t fields[ARRAY_LENGTH(ranges)];
    for (size_t i = 0; i < ARRAY_LENGTH(ranges); i++) {
        if (toc_integer(toc, reader, &fields[i], "the header", error) < 0)
            return -1;
        if (fields[i] < ranges[i].least || fields[i] > ranges[i].most)
            return bad_backup(error, "the creation time in its header is damaged");
    }
    struct archive *archive = toc->archive;
    archive->creation_local = (struct tm){
        .tm_sec = (int)fields[0],
        .tm_min = (int)fields[1],
        .tm_hour = (int)fields[2],
        .tm_mday = (int)fields[3],
        .tm_mon = (int)fields[4],
        .tm_year = (int)fields[5],
        .tm_isdst = (int)fields[6],
    };
    struct tm normal = archive->creation_local; /* timegm() changes what it is given */
    archive->creation_time_as_utc = timegm(&normal);
    archive->has_creation_time = true;
    return 0;
}

static int sizes_and_format_read(struct toc *toc, struct reader *reader, struct error *error)
{
    uint8_t bytes[3];
    if (reader_bytes(reader, bytes, sizeof(bytes), "the header", error) < 0)
        return -1;
    toc->integer_size = bytes[0];
    toc->offset_size = bytes[1];
    toc->format = bytes[2];
    if (toc->integer_size < 1 || toc->integer_size > 32)
        return bad_backup(error, "its header says that an integer has %d bytes: it is damaged",
                          toc->integer_size);
    if (toc->offset_size < 1 || toc->offset_size > 32)
        return bad_backup(error, "its header says that a file offset has %d bytes: it is damaged",
                          toc->offset_size);
    if (toc->format != TOC_FORMAT_CUSTOM && toc->format != TOC_FORMAT_TAR)
        return bad_backup(error,
                          "its header names the format %d, which is neither custom (1) nor "
                          "tar (3): it is damaged",
                          toc->format);
    return 0;
}

static int header_read(struct toc *toc, struct reader *reader, struct error *error)
{
    static const char what[] = "the header";
    struct archive *archive = toc->archive;
    uint8_t bytes[5 + 3];
    if (reader_bytes(reader, bytes, sizeof(bytes), what, error) < 0)
        return -1;
    if (memcmp(bytes, "PGDMP", 5) != 0)
        return bad_backup(error, "it does not begin like an archive of pg_dump");
    archive->version_major = bytes[5];
    archive->version_minor = bytes[6];
    archive->version_revision = bytes[7];
    if (check_version(archive, error) < 0 || sizes_and_format_read(toc, reader, error) < 0 ||
        compression_read(toc, reader, error) < 0 || creation_time_read(toc, reader, error) < 0 ||
        heap_string(toc, reader, &archive->database, what, error) < 0)
        return -1;
    if (version(archive) < VERSION(1, 10))
        return 0;
    if (heap_string(toc, reader, &archive->server_version, what, error) < 0)
        return -1;
    return heap_string(toc, reader, &archive->pg_dump_version, what, error);
}

/* ---- an entry ---- */

static int dependencies_read(const struct toc *toc, struct reader *reader,
                             struct archive_entry *entry, struct error *error)
{
    cleanup(free_pointer) int *ids = NULL;
    size_t count = 0, capacity = 0;
    /* Before, they were the catalog's numbers of objects, and pg_restore did not go by them. */
    bool has_dump_ids = version(toc->archive) >= VERSION(1, 8);
    for (;;) {
        bool present;
        uint32_t id;
        uint32_t most = has_dump_ids ? INT32_MAX : UINT32_MAX;
        if (toc_number(toc, reader, most, &present, &id, "the dependency", error) < 0)
            return -1;
        if (!present)
            break;
        if (!has_dump_ids)
            continue;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            if (capacity * sizeof(*ids) > TOC_LIMIT_BYTES / 2)
                return toc_too_large(error);
            ids = xreallocarray(ids, capacity, sizeof(*ids));
        }
        ids[count++] = (int)id;
    }
    if (count == 0)
        return 0;
    entry->dependencies = arena_take(toc->archive->arena, count * sizeof(*ids));
    if (!entry->dependencies)
        return toc_too_large(error);
    memcpy(entry->dependencies, ids, count * sizeof(*ids));
    entry->dependency_count = count;
    return 0;
}

static int offset_read(struct toc *toc, struct reader *reader, struct archive_entry *entry,
                       struct error *error)
{
    static const char what[] = "a data offset";
    uint8_t bytes[1 + 32];
    int64_t begin = reader->offset;
    if (reader_bytes(reader, bytes, 1 + (size_t)toc->offset_size, what, error) < 0)
        return -1;
    uint64_t offset = 0;
    bool large = false;
    for (int i = 0; i < toc->offset_size; i++) {
        if (i < 8)
            offset |= (uint64_t)bytes[1 + i] << (8 * i);
        else
            large |= bytes[1 + i] != 0;
    }
    bool set = bytes[0] == OFFSET_SET;
    bool no_data = bytes[0] == OFFSET_NO_DATA;
    if ((!set && !no_data && bytes[0] != OFFSET_NOT_SET) || large || offset > INT64_MAX ||
        (!set && offset != 0))
        return bad_backup(error, "the data offset at byte %lld of its table of contents is damaged",
                          (long long)begin);
    if (no_data == entry->has_data)
        return bad_backup(error,
                          "its table of contents contradicts itself at byte %lld: whether entry %d "
                          "has data",
                          (long long)begin, entry->dump_id);
    if (set)
        entry->data_offset = (int64_t)offset;
    else if (!no_data)
        toc->every_offset_known = false;
    return 0;
}

/* The names that pg_dump gives to members: nothing that could lead out of a directory. */
static int file_read_name(struct toc *toc, struct reader *reader, struct archive_entry *entry,
                          struct error *error)
{
    char *file;
    if (toc_text(toc, reader, NULL, &file, "the name of a data file", error) < 0)
        return -1;
    toc->every_offset_known = false;
    if ((file[0] != '\0') != entry->has_data)
        return bad_backup(error,
                          "its table of contents contradicts itself before byte %lld: whether "
                          "entry %d has data",
                          (long long)reader->offset, entry->dump_id);
    if (file[0] == '\0')
        return 0;
    cleanup(free_pointer) char *data = xasprintf("%d.dat", entry->dump_id);
    cleanup(free_pointer) char *objects = xasprintf("blobs_%d.toc", entry->dump_id);
    if (strcmp(file, data) != 0 && strcmp(file, objects) != 0 && strcmp(file, "blobs.toc") != 0)
        return bad_backup(error,
                          "its table of contents says before byte %lld that the data of "
                          "entry %d is in \"%.100s\", a name that pg_dump does not give",
                          (long long)reader->offset, entry->dump_id, file);
    entry->file = file;
    return 0;
}

static int with_oids_read(const struct toc *toc, struct reader *reader, struct error *error)
{
    char *text;
    if (version(toc->archive) < VERSION(1, 9))
        return 0;
    if (toc_text(toc, reader, NULL, &text, "an entry", error) < 0)
        return -1;
    if (strcmp(text, "false") != 0 && strcmp(text, "true") != 0)
        return bad_backup(error,
                          "its table of contents is damaged before byte %lld: neither "
                          "\"true\" nor \"false\"",
                          (long long)reader->offset);
    return 0;
}

/* The fields that came with later versions stand between the others. */
static int entry_place_read(const struct toc *toc, struct reader *reader,
                            const struct archive_entry *before, struct archive_entry *entry,
                            struct error *error)
{
    static const char what[] = "an entry of the table of contents";
    if (toc_text(toc, reader, before ? before->schema : NULL, &entry->schema, what, error) < 0)
        return -1;
    if (version(toc->archive) >= VERSION(1, 10) &&
        toc_string_skip(toc, reader, what, error) < 0) /* tablespace */
        return -1;
    if (version(toc->archive) >= VERSION(1, 14) &&
        toc_string_skip(toc, reader, what, error) < 0) /* table access method */
        return -1;
    int64_t kind;
    if (version(toc->archive) >= VERSION(1, 16) &&
        toc_integer(toc, reader, &kind, what, error) < 0) /* relkind */
        return -1;
    return toc_text(toc, reader, before ? before->owner : NULL, &entry->owner, what, error);
}

static int entry_start_read(const struct toc *toc, struct reader *reader,
                            struct archive_entry *entry, struct error *error)
{
    int64_t begin = reader->offset;
    int64_t id, has_data;
    if (toc_integer(toc, reader, &id, "the table of contents", error) < 0 ||
        toc_integer(toc, reader, &has_data, "the table of contents", error) < 0)
        return -1;
    if (id <= 0 || has_data < 0 || has_data > 1)
        return bad_backup(error, "the entry at byte %lld of its table of contents is damaged",
                          (long long)begin);
    entry->dump_id = (int)id;
    entry->has_data = has_data == 1;
    entry->data_offset = -1;
    return 0;
}

static int entry_oids_read(const struct toc *toc, struct reader *reader,
                           struct archive_entry *entry, struct error *error)
{
    if (version(toc->archive) >= VERSION(1, 8) &&
        toc_number(toc, reader, UINT32_MAX, NULL, &entry->catalog_oid, "the catalog's oid", error) <
            0)
        return -1;
    return toc_number(toc, reader, UINT32_MAX, NULL, &entry->oid, "the object's oid", error);
}

/* Archives from before 8.4 do not say it. */
static enum archive_section old_section(const char *description)
{
    static const struct {
        const char *description;
        enum archive_section section;
    } known[] = {
        {"COMMENT", ARCHIVE_SECTION_NONE},
        {"ACL", ARCHIVE_SECTION_NONE},
        {"ACL LANGUAGE", ARCHIVE_SECTION_NONE},
        {"TABLE DATA", ARCHIVE_SECTION_DATA},
        {"BLOBS", ARCHIVE_SECTION_DATA},
        {"BLOB COMMENTS", ARCHIVE_SECTION_DATA},
        {"CONSTRAINT", ARCHIVE_SECTION_POST_DATA},
        {"CHECK CONSTRAINT", ARCHIVE_SECTION_POST_DATA},
        {"FK CONSTRAINT", ARCHIVE_SECTION_POST_DATA},
        {"INDEX", ARCHIVE_SECTION_POST_DATA},
        {"RULE", ARCHIVE_SECTION_POST_DATA},
        {"TRIGGER", ARCHIVE_SECTION_POST_DATA},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
        if (strcmp(known[i].description, description) == 0)
            return known[i].section;
    return ARCHIVE_SECTION_PRE_DATA;
}

static int section_read(const struct toc *toc, struct reader *reader, struct archive_entry *entry,
                        struct error *error)
{
    int64_t section = old_section(entry->description);
    if (version(toc->archive) >= VERSION(1, 11) &&
        toc_integer(toc, reader, &section, "an entry of the table of contents", error) < 0)
        return -1;
    if (section < ARCHIVE_SECTION_NONE || section > ARCHIVE_SECTION_POST_DATA)
        return bad_backup(error,
                          "entry %d of its table of contents is in section %lld, which does "
                          "not exist",
                          entry->dump_id, (long long)section);
    entry->section = (enum archive_section)section;
    return 0;
}

static int entry_read(struct toc *toc, struct reader *reader, const struct archive_entry *before,
                      struct archive_entry *entry, struct error *error)
{
    static const char what[] = "an entry of the table of contents";
    if (entry_start_read(toc, reader, entry, error) < 0 ||
        entry_oids_read(toc, reader, entry, error) < 0 ||
        toc_text(toc, reader, before ? before->tag : NULL, &entry->tag, what, error) < 0 ||
        toc_text(toc, reader, before ? before->description : NULL, &entry->description, what,
                 error) < 0 ||
        section_read(toc, reader, entry, error) < 0)
        return -1;
    if (toc_text(toc, reader, NULL, &entry->definition, what, error) < 0 ||
        toc_string_skip(toc, reader, what, error) < 0 || /* drop statement */
        toc_string(toc, reader, NULL, &entry->copy_statement, what, error) < 0 ||
        entry_place_read(toc, reader, before, entry, error) < 0 ||
        with_oids_read(toc, reader, error) < 0 || dependencies_read(toc, reader, entry, error) < 0)
        return -1;
    if (entry->copy_statement && entry->copy_statement[0] == '\0')
        entry->copy_statement = NULL;
    if (toc->format == TOC_FORMAT_CUSTOM)
        return offset_read(toc, reader, entry, error);
    return file_read_name(toc, reader, entry, error);
}

/* Something that has data of a kind unknown here would be counted as nothing. */
static int entry_check(const struct archive_entry *entry, struct error *error)
{
    bool known = entry_is_table_data(entry) || entry_is_large_objects(entry) ||
                 entry_is_object_comments(entry);
    if (entry->has_data && !known)
        return bad_backup(error,
                          "entry %d (%s %s) has data, of a kind that this program does not "
                          "know",
                          entry->dump_id, entry->description, entry->tag);
    if (known && !entry->has_data)
        return bad_backup(error, "entry %d (%s %s) has no data, which it must have", entry->dump_id,
                          entry->description, entry->tag);
    return 0;
}

/* ---- all entries ---- */

struct id_place {
    int dump_id;
    size_t index;
};

static int compare_places(const void *left, const void *right)
{
    const struct id_place *a = left, *b = right;
    return (a->dump_id > b->dump_id) - (a->dump_id < b->dump_id);
}

static int index_entries(struct toc *toc, struct error *error)
{
    const struct archive *archive = toc->archive;
    size_t count = archive->entry_count;
    cleanup(free_pointer) struct id_place *places = xcalloc(count, sizeof(*places));
    for (size_t i = 0; i < count; i++)
        places[i] = (struct id_place){archive->entries[i].dump_id, i};
    qsort(places, count, sizeof(*places), compare_places);
    toc->by_id = xcalloc(count, sizeof(*toc->by_id));
    toc->data_seen = xcalloc(count, sizeof(*toc->data_seen));
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && places[i].dump_id == places[i - 1].dump_id)
            return bad_backup(error, "its table of contents has two entries with the id %d",
                              places[i].dump_id);
        toc->by_id[i] = places[i].index;
    }
    return 0;
}

static int entries_read(struct toc *toc, struct reader *reader, struct error *error)
{
    struct archive *archive = toc->archive;
    int64_t count;
    if (toc_integer(toc, reader, &count, "the table of contents", error) < 0)
        return -1;
    if (count < 0)
        return bad_backup(error, "its table of contents says that it has %lld entries",
                          (long long)count);
    size_t capacity = 0;
    for (int64_t i = 0; i < count; i++) {
        /* Room grows with what is there, not with what is promised. */
        if (archive->entry_count == capacity) {
            size_t more = capacity ? capacity / 2 : 64;
            if (arena_count(archive->arena, more * sizeof(*archive->entries)) < 0)
                return toc_too_large(error);
            capacity += more;
            archive->entries = xreallocarray(archive->entries, capacity, sizeof(*archive->entries));
        }
        struct archive_entry entry = {0};
        if (entry_read(toc, reader, i > 0 ? &archive->entries[i - 1] : NULL, &entry, error) < 0 ||
            entry_check(&entry, error) < 0)
            return -1;
        archive->entries[archive->entry_count++] = entry;
    }
    return 0;
}

int toc_read(struct toc *toc, struct archive *archive, struct reader *reader, struct error *error)
{
    *toc = (struct toc){.archive = archive, .every_offset_known = true};
    if (!archive->arena)
        archive->arena = arena_new(TOC_LIMIT_BYTES);
    if (header_read(toc, reader, error) < 0 || entries_read(toc, reader, error) < 0)
        return -1;
    return index_entries(toc, error);
}

static bool entries_are_same(const struct archive_entry *a, const struct archive_entry *b)
{
    const char *const left[] = {a->tag, a->description, a->schema, a->owner, a->definition};
    const char *const right[] = {b->tag, b->description, b->schema, b->owner, b->definition};
    for (size_t i = 0; i < ARRAY_LENGTH(left); i++)
        if (strcmp(left[i], right[i]) != 0)
            return false;
    return a->dump_id == b->dump_id && a->oid == b->oid && a->has_data == b->has_data &&
           a->data_offset == b->data_offset &&
           strcmp(a->copy_statement ? a->copy_statement : "",
                  b->copy_statement ? b->copy_statement : "") == 0;
}

static int compare_again(const struct archive *first, const struct archive *again,
                         struct error *error)
{
    if (again->entry_count != first->entry_count)
        return bad_backup(error, "it has %zu entries, and the first one has %zu",
                          again->entry_count, first->entry_count);
    for (size_t i = 0; i < first->entry_count; i++)
        if (!entries_are_same(&first->entries[i], &again->entries[i]))
            return bad_backup(error,
                              "entry %d is not the one of the first, or not where its data is",
                              first->entries[i].dump_id);
    return 0;
}

int toc_read_again(const struct toc *toc, struct reader *reader, struct error *error)
{
    cleanup(archive_free) struct archive scratch = {
        .version_major = toc->archive->version_major,
        .version_minor = toc->archive->version_minor,
        .arena = arena_new(TOC_LIMIT_BYTES),
    };
    struct toc again = *toc;
    int64_t begin = reader->offset;
    again.archive = &scratch;
    if (entries_read(&again, reader, error) < 0 ||
        compare_again(toc->archive, &scratch, error) < 0 || reader_fill(reader, error) < 0)
        return error_prefix(error, "the second table of contents, behind the data at byte %lld: ",
                            (long long)begin);
    if (reader->at_end)
        return 0;
    return bad_backup(error, "it goes on behind its end, at byte %lld", (long long)reader->offset);
}

void toc_free(struct toc *toc)
{
    free(toc->by_id);
    free(toc->data_seen);
    free(toc->table_of);
    *toc = (struct toc){0};
}

struct archive_entry *toc_find(const struct toc *toc, int64_t dump_id)
{
    size_t low = 0, high = toc->archive->entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct archive_entry *entry = &toc->archive->entries[toc->by_id[middle]];
        if (entry->dump_id == dump_id)
            return entry;
        if (entry->dump_id < dump_id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

int toc_mark_data(struct toc *toc, const struct archive_entry *entry, struct error *error)
{
    bool *seen = &toc->data_seen[entry - toc->archive->entries];
    if (*seen) {
        cleanup(free_pointer) char *label = entry_label(entry);
        return bad_backup(error, "it holds the data of %s twice", label);
    }
    *seen = true;
    return 0;
}

int toc_check_all_met(const struct toc *toc, struct error *error)
{
    const struct archive *archive = toc->archive;
    size_t missing = 0;
    cleanup(free_pointer) char *names = NULL;
    for (size_t i = 0; i < archive->entry_count; i++) {
        if (!archive->entries[i].has_data || toc->data_seen[i])
            continue;
        missing++;
        if (missing > 3)
            continue;
        cleanup(free_pointer) char *label = entry_label(&archive->entries[i]);
        cleanup(free_pointer) char *before = take(&names);
        names = before ? xasprintf("%s, %s", before, label) : xstrdup(label);
    }
    if (missing == 0)
        return 0;
    return bad_backup(error, "the data of %zu of its entries is missing: %s%s", missing, names,
                      missing > 3 ? ", ..." : "");
}

bool entry_is_table_data(const struct archive_entry *entry)
{
    return strcmp(entry->description, "TABLE DATA") == 0;
}

bool entry_is_large_objects(const struct archive_entry *entry)
{
    return strcmp(entry->description, "BLOBS") == 0;
}

bool entry_is_object_comments(const struct archive_entry *entry)
{
    return strcmp(entry->description, "BLOB COMMENTS") == 0;
}

char *entry_label(const struct archive_entry *entry)
{
    if (entry_is_large_objects(entry))
        return xstrdup("the large objects");
    if (entry_is_object_comments(entry))
        return xstrdup("the comments on large objects");
    return xasprintf("table %s%s%s", entry->schema, entry->schema[0] ? "." : "", entry->tag);
}
