/* Damage, as tables: each is caught, or changes nothing that is restored, or is of the one kind
 * that no reader can see: another text where any text may stand, in an archive that has no checksum
 * over its table of contents. Prints how many of each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/buffer.h"
#include "base/file.h"
#include "tests/unit/archive_builder.h"
#include "tests/unit/unit.h"

#define LIMIT (64UL << 20)

/* Under sanitizers every reading takes many times as long: a sample does. */
#if defined(__SANITIZE_ADDRESS__)
#define PACE 7
#else
#define PACE 1
#endif

enum outcome { CAUGHT, HARMLESS, TEXT, FALSE_GREEN };

struct figures {
    int tried, caught, harmless, text;
};

static void figures_print(const char *what, const struct figures *figures)
{
    printf("damage: %-46s %6d tried, %6d caught, %5d harmless, %5d undetectable\n", what,
           figures->tried, figures->caught, figures->harmless, figures->text);
    fflush(stdout); /* Check's child ends without flushing */
}

/* ---- which byte is what, by a second reading of the format ---- */

enum field {
    FIELD_CHECKED, /* a change of it must be caught */
    FIELD_UNUSED,  /* a restore does not use it */
    FIELD_TEXT,    /* names and SQL */
};

struct map {
    const unsigned char *bytes;
    size_t length, at;
    unsigned char *fields; /* one of enum field for each byte */
};

static void mark(struct map *map, size_t length, enum field field)
{
    ck_assert_uint_le(map->at + length, map->length);
    memset(map->fields + map->at, field, length);
    map->at += length;
}

static int64_t map_integer(struct map *map, enum field field)
{
    const unsigned char *at = map->bytes + map->at;
    int64_t value = at[1] | at[2] << 8 | at[3] << 16 | (int64_t)at[4] << 24;
    int64_t sign = at[0];
    mark(map, 5, field);
    return sign ? -value : value;
}

/* Its length is checked; whether nothing or an empty string stands there makes no difference. */
static bool map_string(struct map *map, enum field field)
{
    size_t begin = map->at;
    int64_t length = map_integer(map, FIELD_CHECKED);
    if (length > 0)
        mark(map, (size_t)length, field);
    else
        memset(map->fields + begin, FIELD_UNUSED, 5);
    return length >= 0;
}

static void map_entry(struct map *map)
{
    int64_t id = map_integer(map, FIELD_UNUSED);
    bool has_data = map_integer(map, FIELD_CHECKED) == 1;
    if (has_data)
        memset(map->fields + map->at - 10, FIELD_CHECKED, 5);
    ck_assert_int_gt(id, 0);
    map_string(map, FIELD_UNUSED);  /* catalog oid */
    map_string(map, FIELD_UNUSED);  /* oid */
    map_string(map, FIELD_TEXT);    /* tag */
    map_string(map, FIELD_TEXT);    /* description */
    map_integer(map, FIELD_UNUSED); /* section: a whole restore does not look at it */
    map_string(map, FIELD_TEXT);    /* definition */
    map_string(map, FIELD_UNUSED);  /* drop statement: for --clean alone */
    map_string(map, FIELD_TEXT);    /* COPY statement */
    map_string(map, FIELD_TEXT);    /* schema */
    map_string(map, FIELD_TEXT);    /* tablespace */
    map_string(map, FIELD_TEXT);    /* access method */
    map_string(map, FIELD_TEXT);    /* owner */
    map_string(map, FIELD_UNUSED);  /* with oids */
    while (map_string(map, FIELD_UNUSED))
        ;                        /* dependencies: the order of a parallel restore */
    mark(map, 9, FIELD_CHECKED); /* the offset */
}

/* The fields of an archive 1.14 with integers of 4 and offsets of 8 bytes; its data is all checked.
 */
static struct map map_archive(const struct buffer *archive)
{
    struct map map = {.bytes = (const unsigned char *)archive->data, .length = archive->length};
    map.fields = calloc(1, archive->length);
    mark(&map, 7, FIELD_CHECKED);
    mark(&map, 1, FIELD_UNUSED); /* revision */
    mark(&map, 3, FIELD_CHECKED);
    for (int i = 0; i < 8; i++)
        map_integer(&map, FIELD_UNUSED); /* compression level, creation time */
    for (int i = 0; i < 3; i++)
        map_string(&map, FIELD_UNUSED); /* database, versions */
    int64_t entries = map_integer(&map, FIELD_CHECKED);
    for (int64_t i = 0; i < entries; i++)
        map_entry(&map);
    return map;
}

/* ---- trying ---- */

struct subject {
    struct buffer bytes;
    struct archive good;
    int threads;
};

static int read_bytes(struct archive *archive, const char *bytes, size_t length, int threads)
{
    char path[64];
    int descriptor = memory_file(bytes, length, path);
    struct error error;
    struct archive_options options = {.fingerprint = true, .threads = threads};
    int result = archive_read(archive, path, &options, &error);
    close(descriptor);
    return result;
}

static struct subject subject_open(const char *name, int threads)
{
    struct subject subject = {.threads = threads};
    struct error error;
    cleanup(free_pointer) char *path = xasprintf("fixtures/archives/odd/%s", name);
    ck_assert_int_eq(file_read(path, LIMIT, &subject.bytes, &error), 0);
    ck_assert_int_eq(read_bytes(&subject.good, subject.bytes.data, subject.bytes.length, threads),
                     0);
    return subject;
}

static void subject_close(struct subject *subject)
{
    buffer_free(&subject->bytes);
    archive_free(&subject->good);
}

static bool same_tables(const struct archive *a, const struct archive *b)
{
    if (a->table_count != b->table_count || a->large_object_bytes != b->large_object_bytes ||
        a->large_object_count != b->large_object_count)
        return false;
    for (size_t i = 0; i < a->table_count; i++)
        if (strcmp(a->tables[i].name, b->tables[i].name) != 0 ||
            strcmp(a->tables[i].schema, b->tables[i].schema) != 0 ||
            memcmp(&a->tables[i].totals, &b->tables[i].totals, sizeof(struct row_totals)) != 0)
            return false;
    return true;
}

static bool same_entries(const struct archive *a, const struct archive *b)
{
    if (a->entry_count != b->entry_count)
        return false;
    for (size_t i = 0; i < a->entry_count; i++) {
        const struct archive_entry *x = &a->entries[i], *y = &b->entries[i];
        const char *copy_x = x->copy_statement ? x->copy_statement : "";
        const char *copy_y = y->copy_statement ? y->copy_statement : "";
        if (strcmp(x->tag, y->tag) != 0 || strcmp(x->description, y->description) != 0 ||
            strcmp(x->schema, y->schema) != 0 || strcmp(x->owner, y->owner) != 0 ||
            strcmp(x->definition, y->definition) != 0 || strcmp(copy_x, copy_y) != 0 ||
            x->has_data != y->has_data)
            return false;
    }
    return true;
}

/* `field` is what was changed. */
static enum outcome try_bytes(const struct subject *subject, const char *bytes, size_t length,
                              enum field field)
{
    struct archive archive = {0};
    enum outcome outcome = CAUGHT;
    if (read_bytes(&archive, bytes, length, subject->threads) == 0) {
        outcome = FALSE_GREEN;
        bool same = same_tables(&archive, &subject->good) && same_entries(&archive, &subject->good);
        if (field == FIELD_TEXT)
            outcome = TEXT;
        else if (same && field == FIELD_UNUSED)
            outcome = HARMLESS;
    }
    archive_free(&archive);
    return outcome;
}

static void count(struct figures *figures, enum outcome outcome, const char *what, size_t at)
{
    ck_assert_msg(outcome != FALSE_GREEN, "%s at byte %zu is not seen", what, at);
    figures->tried++;
    figures->caught += outcome == CAUGHT;
    figures->harmless += outcome == HARMLESS;
    figures->text += outcome == TEXT;
}

/* ---- bytes changed ---- */

static const char *const changed_files[] = {"custom.dump", "pipe.dump"};

START_TEST(each_byte_changed)
{
    struct subject subject = subject_open(changed_files[_i], 1);
    struct map map = map_archive(&subject.bytes);
    struct figures toc = {0}, data = {0};
    for (size_t at = 0; at < subject.bytes.length; at += _i == 0 ? PACE : 7 * PACE) {
        const unsigned char changes[] = {(unsigned char)(1U << (at % 8)), 0xff};
        for (size_t k = 0; k < sizeof(changes); k++) {
            subject.bytes.data[at] ^= (char)changes[k];
            /* A deflate stream can have codes and bits that it does not use. */
            enum field field = at < map.at ? map.fields[at] : FIELD_UNUSED;
            enum outcome outcome =
                try_bytes(&subject, subject.bytes.data, subject.bytes.length, field);
            count(at < map.at ? &toc : &data, outcome, "a changed byte", at);
            subject.bytes.data[at] ^= (char)changes[k];
        }
    }
    printf("\n");
    figures_print(_i == 0 ? "bytes of header and TOC, with offsets"
                          : "bytes of header and TOC, without offsets",
                  &toc);
    figures_print("bytes of the data blocks", &data);
    ck_assert_int_ge(data.caught, data.tried - data.tried / 100);
    ck_assert_int_gt(toc.caught, toc.tried / 4);
    free(map.fields);
    subject_close(&subject);
}
END_TEST

/* pg_dump asks neither lz4 nor zstd for checksums, and without compression there is none: rows that
 * became other rows cannot be seen in the archive alone. That is known; this measures it. */
START_TEST(each_byte_of_unchecked_data)
{
    static const enum archive_compression compressions[] = {ARCHIVE_UNCOMPRESSED, ARCHIVE_LZ4,
                                                            ARCHIVE_ZSTD};
    struct build build = {.minor = 16,
                          .compression = compressions[_i],
                          .integer_size = 4,
                          .offset_size = 8,
                          .offsets = true,
                          .large_objects = 2};
    struct subject subject = {.threads = 1};
    build_archive(&build, &subject.bytes);
    ck_assert_int_eq(read_bytes(&subject.good, subject.bytes.data, subject.bytes.length, 1), 0);
    struct figures figures = {0};
    for (size_t at = (size_t)subject.good.entries[2].data_offset; at < subject.bytes.length;
         at += PACE) {
        subject.bytes.data[at] ^= (char)(1U << (at % 8));
        count(&figures, try_bytes(&subject, subject.bytes.data, subject.bytes.length, FIELD_TEXT),
              "a changed byte", at);
        subject.bytes.data[at] ^= (char)(1U << (at % 8));
    }
    cleanup(free_pointer) char *what =
        xasprintf("bytes of data compressed with %s", archive_compression_name(compressions[_i]));
    figures_print(what, &figures);
    ck_assert_int_gt(figures.caught, 0);
    subject_close(&subject);
}
END_TEST

/* ---- cut and lengthened ---- */

static const char *const cut_files[] = {"custom.dump", "pipe.dump", "tar.tar", "dump.sql"};

START_TEST(cut_at_every_length)
{
    struct subject subject = subject_open(cut_files[_i], 1);
    struct figures figures = {0};
    /* Where all bytes count, every length; in the large ones a sample, and the end closely. */
    size_t length = subject.bytes.length;
    size_t step = length > 20000 ? 97 : _i == 0 ? 1 : 7;
    size_t close_to_end = length - 2000;
    /* The empty lines at the end of SQL, and what ends the line before them, are nothing. */
    size_t needed = ends_with(cut_files[_i], ".sql") ? length - 2 : length;
    for (size_t at = 0; at<length; at += at> close_to_end ? 1 : step)
        count(
            &figures,
            try_bytes(&subject, subject.bytes.data, at, at < needed ? FIELD_CHECKED : FIELD_UNUSED),
            cut_files[_i], at);
    cleanup(free_pointer) char *what = xasprintf("lengths of %s", cut_files[_i]);
    figures_print(what, &figures);
    ck_assert_int_ge(figures.caught, figures.tried - 2);
    subject_close(&subject);
}
END_TEST

/* What `pg_dump >>` makes. */
START_TEST(two_archives_in_one_file)
{
    struct build build = {.minor = 14, .integer_size = 4, .offset_size = 8, .offsets = _i % 2 == 0};
    struct buffer bytes;
    build_archive(&build, &bytes);
    size_t length = bytes.length;
    cleanup(free_pointer) char *second = xmalloc(length);
    memcpy(second, bytes.data, length);
    buffer_append(&bytes, second, length);
    char path[64];
    int descriptor = memory_file(bytes.data, bytes.length, path);
    struct archive_options options = {.threads = 1 + _i / 2};
    cleanup(archive_free) struct archive archive = {0};
    struct error error = {0};
    cleanup(free_pointer) char *says =
        xasprintf("another archive begins at byte %zu: there are two in one file", length);
    ck_assert_int_eq(archive_read(&archive, path, &options, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
    ck_assert_msg(strstr(error.text, says) != NULL, "%s", error.text);
    close(descriptor);
    buffer_free(&bytes);
}
END_TEST

START_TEST(something_appended)
{
    struct subject subject = subject_open(cut_files[_i % 3], 1 + _i / 3);
    const struct {
        const char *bytes;
        size_t length;
    } tails[] = {
        {"\0", 1},
        {"\n", 1},
        {"\1\0\1\0\0\0", 6},
        {"PGDMP", 5},
        {subject.bytes.data, subject.bytes.length},
    };
    struct figures figures = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(tails); i++) {
        bool padding = i == 0 && _i % 3 == 2; /* zeros behind a tar are padding */
        struct buffer longer;
        buffer_init(&longer, LIMIT);
        buffer_append(&longer, subject.bytes.data, subject.bytes.length);
        buffer_append(&longer, tails[i].bytes, tails[i].length);
        count(
            &figures,
            try_bytes(&subject, longer.data, longer.length, padding ? FIELD_UNUSED : FIELD_CHECKED),
            cut_files[_i % 3], i);
        buffer_free(&longer);
    }
    figures_print("bytes appended", &figures);
    subject_close(&subject);
}
END_TEST

/* ---- blocks ---- */

struct stretch {
    size_t begin, length;
};

/* The blocks of an archive that map_archive() can read, by its offsets or, without, by its twin's.
 */
static size_t blocks_find(const struct subject *subject, const struct archive *with_offsets,
                          struct stretch blocks[32])
{
    size_t begins[32], count_found = 0;
    for (size_t i = 0; i < with_offsets->entry_count; i++)
        if (with_offsets->entries[i].has_data)
            begins[count_found++] = (size_t)with_offsets->entries[i].data_offset;
    for (size_t i = 0; i < count_found; i++)
        for (size_t k = i + 1; k < count_found; k++)
            if (begins[k] < begins[i]) {
                size_t swap = begins[i];
                begins[i] = begins[k];
                begins[k] = swap;
            }
    for (size_t i = 0; i < count_found; i++) {
        size_t end = i + 1 < count_found ? begins[i + 1] : subject->bytes.length;
        blocks[i] = (struct stretch){begins[i], end - begins[i]};
    }
    return count_found;
}

/* Writes the blocks anew in the order of `order`, of which there may be more or fewer. */
static enum outcome try_order(const struct subject *subject, const struct stretch *blocks,
                              const size_t *order, size_t order_count, enum field field)
{
    struct buffer bytes;
    buffer_init(&bytes, LIMIT);
    buffer_append(&bytes, subject->bytes.data, blocks[0].begin);
    for (size_t i = 0; i < order_count; i++)
        buffer_append(&bytes, subject->bytes.data + blocks[order[i]].begin,
                      blocks[order[i]].length);
    enum outcome outcome = try_bytes(subject, bytes.data, bytes.length, field);
    buffer_free(&bytes);
    return outcome;
}

START_TEST(blocks_swapped_doubled_removed)
{
    bool offsets = _i % 2 == 0;
    struct subject subject = subject_open(changed_files[_i % 2], 1 + _i / 2);
    struct subject twin = subject_open("custom.dump", 1);
    struct stretch blocks[32];
    size_t n = blocks_find(&subject, &twin.good, blocks);
    ck_assert_uint_eq(n, 13);
    struct figures swapped = {0}, doubled = {0}, removed = {0};
    for (size_t i = 0; i < n; i++) {
        size_t order[64];
        /* Without offsets a reader goes by the ids, and the order of blocks does not matter. */
        for (size_t k = i + 1; k < n; k++) {
            for (size_t j = 0; j < n; j++)
                order[j] = j == i ? k : j == k ? i : j;
            count(&swapped,
                  try_order(&subject, blocks, order, n, offsets ? FIELD_CHECKED : FIELD_UNUSED),
                  "blocks swapped", i);
        }
        for (size_t at = 0; at <= n; at++) {
            size_t filled = 0;
            for (size_t j = 0; j <= n; j++) {
                if (j == at)
                    order[filled++] = i;
                if (j < n)
                    order[filled++] = j;
            }
            count(&doubled, try_order(&subject, blocks, order, filled, FIELD_CHECKED),
                  "a block doubled", i);
        }
        size_t left = 0;
        for (size_t j = 0; j < n; j++)
            if (j != i)
                order[left++] = j;
        count(&removed, try_order(&subject, blocks, order, left, FIELD_CHECKED), "a block removed",
              i);
    }
    figures_print(offsets ? "blocks swapped, with offsets" : "blocks swapped, without offsets",
                  &swapped);
    figures_print("blocks doubled", &doubled);
    figures_print("blocks removed", &removed);
    ck_assert_int_eq(doubled.caught, doubled.tried);
    ck_assert_int_eq(removed.caught, removed.tried);
    subject_close(&subject);
    subject_close(&twin);
}
END_TEST

/* ---- lengths made huge ---- */

START_TEST(lengths_made_huge)
{
    static const char huge[][5] = {{0, '\xff', '\xff', '\xff', '\x7f'},
                                   {1, '\xff', '\xff', '\xff', '\x7f'},
                                   {0, 0, 0, 0, '\x80'},
                                   {0, '\xff', '\xff', '\xff', '\xff'},
                                   {1, 0, 0, 0, '\x80'}};
    struct subject subject = subject_open(changed_files[_i % 2], 1 + _i / 2);
    struct map map = map_archive(&subject.bytes);
    struct figures figures = {0};
    for (size_t at = 11; at + 5 < subject.bytes.length; at += 13 * PACE)
        for (size_t k = 0; k < ARRAY_LENGTH(huge); k++) {
            /* What is really changed counts: over text, these are five other characters. */
            enum field field = FIELD_UNUSED;
            for (size_t i = 0; i < 5; i++) {
                if (subject.bytes.data[at + i] == huge[k][i])
                    continue;
                if (map.fields[at + i] == FIELD_TEXT)
                    field = FIELD_TEXT;
                if (map.fields[at + i] == FIELD_CHECKED && at + i < map.at) {
                    field = FIELD_CHECKED;
                    break;
                }
            }
            char kept[5];
            memcpy(kept, subject.bytes.data + at, 5);
            memcpy(subject.bytes.data + at, huge[k], 5);
            count(&figures, try_bytes(&subject, subject.bytes.data, subject.bytes.length, field),
                  "a length", at);
            memcpy(subject.bytes.data + at, kept, 5);
        }
    figures_print("five bytes as a huge length", &figures);
    free(map.fields);
    subject_close(&subject);
}
END_TEST

/* ---- inside gzip and zstd ---- */

START_TEST(packed_bytes_changed)
{
    struct subject subject = subject_open("custom.dump", 1);
    struct buffer packed;
    if (_i == 0)
        build_compressed(ARCHIVE_GZIP, true, subject.bytes.data, subject.bytes.length, &packed);
    else
        build_zstd_with_checksum(subject.bytes.data, subject.bytes.length, &packed);
    struct figures changed = {0}, cut = {0};
    for (size_t at = 0; at < packed.length; at++) {
        packed.data[at] ^= (char)(1U << (at % 8));
        /* Harmless: of gzip's header time, extra flags and system; codes that are not used. */
        count(&changed, try_bytes(&subject, packed.data, packed.length, FIELD_UNUSED),
              "a packed byte", at);
        packed.data[at] ^= (char)(1U << (at % 8));
        count(&cut, try_bytes(&subject, packed.data, at, FIELD_CHECKED), "a packed archive cut",
              at);
    }
    figures_print(_i == 0 ? "bytes of a gzip around it" : "bytes of a zstd around it", &changed);
    figures_print("lengths of the same", &cut);
    ck_assert_int_eq(cut.caught, cut.tried);
    ck_assert_int_ge(changed.caught, changed.tried - changed.tried / 50);
    buffer_free(&packed);
    subject_close(&subject);
}
END_TEST

static const struct {
    const char *bytes;
    size_t length;
} garbage[] = {{"\0", 1},
               {"\n", 1},
               {"\x1f", 1},
               {"\x1f\x8b", 2},
               {"\x1f\x8b\x08\0\0\0\0\0\0\3", 10},
               {"garbage", 7},
               {"\0\0\0\0\0\0\0\0", 8}};

START_TEST(garbage_behind_a_gzip)
{
    struct subject subject = subject_open("custom.dump", 1);
    for (int threads = 1; threads <= 2; threads++) {
        subject.threads = threads;
        struct buffer packed;
        build_compressed(ARCHIVE_GZIP, true, subject.bytes.data, subject.bytes.length, &packed);
        buffer_append(&packed, garbage[_i].bytes, garbage[_i].length);
        ck_assert_int_eq(try_bytes(&subject, packed.data, packed.length, FIELD_CHECKED), CAUGHT);
        buffer_free(&packed);
    }
    subject_close(&subject);
}
END_TEST

/* ---- one row less ---- */

/* Valid in every respect: a reader cannot see it, so the totals have to differ. */
START_TEST(a_lost_row_changes_the_totals)
{
    struct build build = {.minor = 14, .integer_size = 4, .offset_size = 8};
    struct buffer bytes;
    build_archive(&build, &bytes);
    char *row = memmem(bytes.data, bytes.length, "2\t\\N\n", 5);
    ck_assert_ptr_nonnull(row);
    /* The chunk's length stands before its first row, "1\tone\n", whose own length is 6. */
    row[-6 - 4] = (char)(row[-6 - 4] - 5);
    memmove(row, row + 5, (size_t)(bytes.data + bytes.length - row) - 5);
    struct archive archive = {0};
    ck_assert_int_eq(read_bytes(&archive, bytes.data, bytes.length - 5, 1), 0);
    ck_assert_int_eq(archive.tables[0].totals.rows, BUILT_FIRST_ROWS - 1);
    archive_free(&archive);
    buffer_free(&bytes);
}
END_TEST

/* Thousands of readings each. */
#define add_slow_test(suite, function, count)                                                      \
    do {                                                                                           \
        TCase *case_ = tcase_create(#function);                                                    \
        tcase_set_timeout(case_, 120);                                                             \
        tcase_add_loop_test(case_, function, 0, (int)(count));                                     \
        suite_add_tcase(suite, case_);                                                             \
    } while (0)

Suite *archive_damage_suite(void)
{
    Suite *suite = suite_create("archive damage");
    add_slow_test(suite, each_byte_changed, 2);
    add_slow_test(suite, each_byte_of_unchecked_data, 3);
    add_slow_test(suite, cut_at_every_length, ARRAY_LENGTH(cut_files));
    add_table_test(suite, two_archives_in_one_file, 4);
    add_slow_test(suite, something_appended, 6);
    add_slow_test(suite, blocks_swapped_doubled_removed, 4);
    add_slow_test(suite, lengths_made_huge, 4);
    add_slow_test(suite, packed_bytes_changed, 2);
    add_slow_test(suite, garbage_behind_a_gzip, ARRAY_LENGTH(garbage));
    add_test(suite, a_lost_row_changes_the_totals);
    return suite;
}
