#include "archive/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/members.h"
#include "archive/stranger.h"
#include "base/memory.h"

#define NAME_MOST 4096 /* of a member, and of a pax header */
#define SIZE_MOST (1LL << 60)

/* ---- headers ---- */

struct tar_member {
    char *name; /* owned */
    char type;
    int64_t size;
};

static bool block_is_zero(const uint8_t *block, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (block[i] != 0)
            return false;
    return true;
}

/* Octal digits, or base 256 where the first bit is set; -1: neither. */
static int64_t tar_number(const uint8_t *field, size_t size)
{
    uint64_t number = 0;
    if (field[0] & 0x80U) {
        for (size_t i = 1; i < size; i++) {
            if (number >> 54)
                return -1;
            number = number << 8 | field[i];
        }
        return (field[0] & 0x7fU) ? -1 : (int64_t)number;
    }
    size_t i = 0;
    while (i < size && field[i] == ' ')
        i++;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        number = number << 3 | (uint64_t)(field[i] - '0');
    if (i < size && field[i] != ' ' && field[i] != '\0')
        return -1;
    return (int64_t)number;
}

bool tar_header_valid(const uint8_t block[TAR_BLOCK_BYTES])
{
    int64_t sum = 0;
    for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
        sum += i >= 148 && i < 156 ? ' ' : block[i];
    return block[0] != '\0' && tar_number(block + 148, 8) == sum;
}

/* "prefix/name" of a ustar header. */
static char *header_name(const uint8_t *block)
{
    char name[101] = {0}, prefix[156] = {0};
    memcpy(name, block, 100);
    if (memcmp(block + 257, "ustar\0", 6) == 0)
        memcpy(prefix, block + 345, 155);
    return prefix[0] ? xasprintf("%s/%s", prefix, name) : xstrdup(name);
}

static int64_t padding(int64_t size)
{
    return (TAR_BLOCK_BYTES - size % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES;
}

/* The content of a header about the next member, as text. */
static int extension_read(struct reader *reader, int64_t size, char **ret_text, struct error *error)
{
    static const char what[] = "a tar header";
    if (size > NAME_MOST)
        return bad_backup(error, "the tar header before byte %lld is %lld bytes long",
                          (long long)reader->offset, (long long)size);
    char *text = xcalloc(1, (size_t)size + 1);
    if (reader_bytes(reader, text, (size_t)size, what, error) < 0 ||
        reader_skip(reader, padding(size), what, error) < 0) {
        free(text);
        return -1;
    }
    *ret_text = text;
    return 0;
}

/* Records "LENGTH KEY=VALUE\n"; path and size are of interest. */
static void pax_apply(char *text, char **name, int64_t *size)
{
    while (*text) {
        char *end = text;
        unsigned long length = strtoul(text, &end, 10);
        if (end == text || *end != ' ' || length > strlen(text) ||
            length <= (unsigned long)(end - text) + 1 || text[length - 1] != '\n')
            return;
        text[length - 1] = '\0';
        if (starts_with(end, " path=")) {
            free(*name);
            *name = xstrdup(end + 6);
        } else if (starts_with(end, " size=")) {
            *size = (int64_t)(strtoull(end + 6, NULL, 10) & INT64_MAX);
        }
        text += length;
    }
}

static int header_parse(const uint8_t *block, int64_t offset, struct tar_member *member,
                        struct error *error)
{
    if (!tar_header_valid(block))
        return bad_backup(error, "the tar header at byte %lld is damaged: its checksum is wrong",
                          (long long)offset);
    member->size = tar_number(block + 124, 12);
    member->type = (char)block[156];
    if (member->size < 0)
        return bad_backup(error, "the tar header at byte %lld is damaged: its size is no number",
                          (long long)offset);
    return 0;
}

/* Behind the end mark there is padding only. */
static int end_check(struct reader *reader, struct error *error)
{
    for (;;) {
        const uint8_t *bytes;
        size_t length;
        if (reader_run(reader, INT64_MAX, &bytes, &length, error) < 0)
            return -1;
        if (length == 0)
            return 0;
        if (!block_is_zero(bytes, length))
            return bad_backup(error,
                              "something other than padding stands behind the end of the "
                              "tar, before byte %lld",
                              (long long)reader->offset);
    }
}

/* The next member; its name is NULL at the proper end. */
static int tar_next(struct reader *reader, struct tar_member *ret_member, struct error *error)
{
    static const char what[] = "the tar";
    cleanup(free_pointer) char *name = NULL;
    int64_t pax_size = -1;
    for (;;) {
        uint8_t block[TAR_BLOCK_BYTES];
        int64_t offset = reader->offset;
        if (reader_bytes(reader, block, sizeof(block), what, error) < 0)
            return -1;
        if (block_is_zero(block, sizeof(block))) {
            if (reader_bytes(reader, block, sizeof(block), "the end mark of the tar", error) < 0)
                return -1;
            if (!block_is_zero(block, sizeof(block)))
                return bad_backup(error, "the end mark of the tar at byte %lld is damaged",
                                  (long long)offset);
            *ret_member = (struct tar_member){0};
            return end_check(reader, error);
        }
        struct tar_member member = {0};
        if (header_parse(block, offset, &member, error) < 0)
            return -1;
        if (member.type != 'x' && member.type != 'g' && member.type != 'L' && member.type != 'K') {
            member.name = name ? take(&name) : header_name(block);
            if (pax_size >= 0)
                member.size = pax_size;
            if (member.size > SIZE_MOST) {
                free(member.name);
                return bad_backup(error,
                                  "the tar header at byte %lld is damaged: its size is "
                                  "beyond all files",
                                  (long long)offset);
            }
            *ret_member = member;
            return 0;
        }
        cleanup(free_pointer) char *text = NULL;
        if (extension_read(reader, member.size, &text, error) < 0)
            return -1;
        if (member.type == 'x') {
            pax_apply(text, &name, &pax_size);
        } else if (member.type == 'L') {
            free(name);
            name = take(&text);
        }
    }
}

/* ---- the members of a backup ---- */

/* The data of an entry that came before the table of contents. */
struct early_data {
    int dump_id;
    struct unknown_data data;
};

struct tar {
    struct reading *reading;
    struct reader *reader;
    const char *copy_directory;
    struct toc toc;
    bool have_toc;
    char *directory; /* in which toc.dat or the first of our members lies: "backup/" */
    char *other;     /* the first file that is none of ours */
    struct early_data *early;
    size_t early_count, early_capacity;
    struct oid_list met, listed;
};

#define EARLY_LIMIT_BYTES (8UL << 20)

static void tar_free(struct tar *tar)
{
    toc_free(&tar->toc);
    free(tar->directory);
    free(tar->other);
    free(tar->early);
    oid_list_free(&tar->met);
    oid_list_free(&tar->listed);
}

static int early_data_add(struct tar *tar, int dump_id, const struct unknown_data *data,
                          struct error *error)
{
    if (tar->early_count == tar->early_capacity) {
        tar->early_capacity = tar->early_capacity ? tar->early_capacity * 2 : 64;
        if (tar->early_capacity * sizeof(*tar->early) > EARLY_LIMIT_BYTES)
            return cannot_verify(error, "toc.dat stands behind more data files in its tar than "
                                        "this program keeps: pack it with toc.dat first");
        tar->early = xreallocarray(tar->early, tar->early_capacity, sizeof(*tar->early));
    }
    tar->early[tar->early_count++] = (struct early_data){dump_id, *data};
    return 0;
}

/* The entry that a data file belongs to; marks its data as met. */
static int member_entry(struct toc *toc, int64_t dump_id, struct archive_entry **ret_entry,
                        struct error *error)
{
    struct archive_entry *entry = toc_find(toc, dump_id);
    if (!entry || !entry->has_data ||
        !(entry_is_table_data(entry) || entry_is_object_comments(entry)))
        return bad_backup(error,
                          "it holds a data file %lld.dat, for which the table of contents "
                          "announces no data",
                          (long long)dump_id);
    *ret_entry = entry;
    return toc_mark_data(toc, entry, error);
}

static int data_member_read(struct tar *tar, const struct member_name *name, struct source *source,
                            struct error *error)
{
    bool fingerprint = tar->reading->fingerprint;
    if (name->number > INT32_MAX)
        return bad_backup(error, "it holds a data file whose number no entry can have");
    if (!tar->have_toc) {
        struct unknown_data data;
        if (unknown_data_read(fingerprint, source, &data, error) < 0)
            return -1;
        return early_data_add(tar, (int)name->number, &data, error);
    }
    struct archive_entry *entry;
    struct table_data data;
    if (member_entry(&tar->toc, name->number, &entry, error) < 0)
        return -1;
    int64_t length;
    if (entry_is_object_comments(entry))
        return source_drain(source, &length, error);
    if (table_data_read(entry, fingerprint, source, &data, error) < 0) {
        cleanup(free_pointer) char *label = entry_label(entry);
        return error_prefix(error, "%s: ", label);
    }
    table_data_keep(&tar->toc, entry, &data);
    return 0;
}

static int toc_member_read(struct tar *tar, struct source *source, struct error *error)
{
    if (tar->have_toc)
        return bad_backup(error, "it holds two toc.dat");
    tar->have_toc = true;
    return member_toc_read(tar->reading, &tar->toc, source, error);
}

static int object_member_read(struct tar *tar, uint32_t oid, struct source *source,
                              struct error *error)
{
    int64_t length;
    if (source_drain(source, &length, error) < 0)
        return -1;
    tar->reading->archive->large_object_count++;
    tar->reading->archive->large_object_bytes += length;
    return oid_list_add(&tar->met, oid, error);
}

static int content_read(struct tar *tar, const struct member_name *name, struct source *source,
                        struct error *error)
{
    int64_t ignored;
    switch (name->kind) {
    case MEMBER_TOC:
        return toc_member_read(tar, source, error);
    case MEMBER_DATA:
        return data_member_read(tar, name, source, error);
    case MEMBER_LARGE_OBJECT:
        return object_member_read(tar, name->number, source, error);
    case MEMBER_LARGE_OBJECT_LIST:
        return object_list_read(source, &tar->listed, error);
    case MEMBER_RESTORE_SCRIPT:
    case MEMBER_OTHER:
        break;
    }
    return source_drain(source, &ignored, error);
}

/* The member's bytes as they lie in the tar, on their way to the copy. */
static int member_copied(struct tar *tar, const char *base, const struct member_name *name,
                         struct source **source, struct error *error)
{
    if (!tar->copy_directory || name->kind == MEMBER_OTHER || name->kind == MEMBER_RESTORE_SCRIPT)
        return 0;
    cleanup(free_pointer) char *path = xasprintf("%s/%s", tar->copy_directory, base);
    struct source *copying;
    if (access(path, F_OK) == 0)
        return bad_backup(error, "it holds %.100s twice", base);
    if (copying_source_new(*source, path, &copying, error) < 0)
        return -1;
    *source = copying;
    return 0;
}

/* All of ours lie in one directory of the tar; two would be two backups. */
static int directory_check(struct tar *tar, const struct tar_member *member, const char *base,
                           struct error *error)
{
    size_t length = (size_t)(base - member->name);
    if (!tar->directory)
        tar->directory = xstrndup(member->name, length);
    else if (strlen(tar->directory) != length || strncmp(tar->directory, member->name, length) != 0)
        return bad_backup(error,
                          "it holds files of more than one backup: \"%.100s\" is not in "
                          "\"%.100s\"",
                          member->name, tar->directory);
    return 0;
}

/* What is none of ours may tell what the tar is instead. */
static int other_note(struct tar *tar, const struct tar_member *member, bool regular,
                      struct error *error)
{
    if (!tar->other && regular)
        tar->other = xstrdup(member->name);
    return tar->have_toc || tar->directory ? 0 : stranger_member_check(member->name, error);
}

static int irregular(const struct tar_member *member, struct error *error)
{
    if (member->type == 'S')
        return cannot_verify(error,
                             "%.100s in it is packed with holes, which this program does not read: "
                             "pack it without tar --sparse",
                             member->name);
    return bad_backup(error, "%.100s in it is no regular file", member->name);
}

static int member_read(struct tar *tar, const struct tar_member *member, struct error *error)
{
    const char *slash = strrchr(member->name, '/');
    const char *base = slash ? slash + 1 : member->name;
    struct member_name name = member_classify(base);
    bool regular = member->type == '0' || member->type == '\0' || member->type == '7';
    if (name.kind == MEMBER_OTHER && other_note(tar, member, regular, error) < 0)
        return -1;
    if (name.kind != MEMBER_OTHER && !regular)
        return irregular(member, error);
    if (name.kind != MEMBER_OTHER && directory_check(tar, member, base, error) < 0)
        return -1;
    cleanup(source_closep) struct source *source = part_source_new(tar->reader, member->size, base);
    if (member_copied(tar, base, &name, &source, error) < 0)
        return -1;
    source = member_open(tar->reading, name.compression, source);
    if (content_read(tar, &name, source, error) < 0)
        return error_prefix(error, "%.100s: ", member->name);
    return 0;
}

/* What came before the table of contents finds its tables. */
static int early_data_join(struct tar *tar, struct error *error)
{
    for (size_t i = 0; i < tar->early_count; i++) {
        const struct early_data *early = &tar->early[i];
        struct archive_entry *entry;
        if (member_entry(&tar->toc, early->dump_id, &entry, error) < 0)
            return -1;
        if (entry_is_object_comments(entry))
            continue;
        bool copy = entry->copy_statement != NULL;
        if (copy ? !early->data.is_copy : !early->data.is_inserts)
            return bad_backup(error, "%d.dat does not hold the %s that its entry announces",
                              early->dump_id, copy ? "rows of a COPY" : "INSERT statements");
        struct table_data data = {.totals = copy ? early->data.copy : early->data.inserts,
                                  .has_fingerprint = copy && tar->reading->fingerprint};
        table_data_keep(&tar->toc, entry, &data);
    }
    return 0;
}

static int whole_check(struct tar *tar, struct error *error)
{
    if (!tar->have_toc && tar->other && !tar->directory)
        return cannot_verify(error,
                             "it is a tar without a toc.dat, so no backup of pg_dump; if what it "
                             "holds (%.100s) is one, unpack it first, and verify that with "
                             "--backup",
                             tar->other);
    if (!tar->have_toc)
        return bad_backup(error, "it is a tar without a toc.dat, so no backup of pg_dump");
    if (early_data_join(tar, error) < 0 || object_lists_compare(&tar->met, &tar->listed, error) < 0)
        return -1;
    const struct archive *archive = tar->reading->archive;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (entry_is_large_objects(&archive->entries[i]))
            tar->toc.data_seen[i] = true; /* their lists were compared */
    if (toc_check_all_met(&tar->toc, error) < 0)
        return -1;
    return large_objects_check(&tar->toc, error);
}

int tar_read(struct reading *reading, struct reader *reader, const char *copy_directory,
             struct error *error)
{
    cleanup(tar_free) struct tar tar = {
        .reading = reading, .reader = reader, .copy_directory = copy_directory};
    if (copy_directory && mkdir(copy_directory, 0700) < 0)
        return cannot_verify(error, "cannot create %s: %s", copy_directory, strerror(errno));
    for (;;) {
        struct tar_member member = {0};
        if (tar_next(reader, &member, error) < 0)
            return -1;
        cleanup(free_pointer) char *name = member.name;
        if (!name)
            return whole_check(&tar, error);
        int64_t end = reader->offset + member.size;
        if (member_read(&tar, &member, error) < 0)
            return -1;
        if (reader->offset != end)
            return bad_backup(error, "%.100s goes on behind its end", name);
        if (reader_skip(reader, padding(member.size), "the padding of the tar", error) < 0)
            return -1;
    }
}
