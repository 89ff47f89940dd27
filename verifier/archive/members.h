/* The files of a backup in directory format, wherever they lie: in a directory or in a tar.
 *
 * toc.dat, then for each entry with table data ID.dat, for each large object blob_OID.dat, and
 * lists of large objects, blobs.toc (since archive 1.16 blobs_ID.toc). All but those of pg_dump -Ft
 * may be compressed, with .gz, .lz4 or .zst at the end of their names.
 */
#ifndef ARCHIVE_MEMBERS_H
#define ARCHIVE_MEMBERS_H

#include "archive/data.h"

enum member_kind {
    MEMBER_OTHER, /* none of ours */
    MEMBER_TOC,
    MEMBER_DATA,
    MEMBER_LARGE_OBJECT,
    MEMBER_LARGE_OBJECT_LIST,
    MEMBER_RESTORE_SCRIPT, /* restore.sql, which pg_dump -Ft adds */
};

struct member_name {
    enum member_kind kind;
    uint32_t
        number; /* dump id of MEMBER_DATA, oid of MEMBER_LARGE_OBJECT; of a list its dump id or 0 */
    enum archive_compression compression;
};

/* Tells from the name, without directories. */
struct member_name member_classify(const char *name);

/* The content of a member, decompressed. Owns `below`. */
struct source *member_open(struct reading *reading, enum archive_compression compression,
                           struct source *below);

/* Reads a TOC that is a member, to its end. */
int member_toc_read(struct reading *reading, struct toc *toc, struct source *source,
                    struct error *error);

/* The oids of large objects: those whose members were met, and those that the lists name. */
struct oid_list {
    uint32_t *oids;
    size_t count, capacity;
};
int oid_list_add(struct oid_list *list, uint32_t oid, struct error *error);
void oid_list_free(struct oid_list *list);

/* Reads "OID blob_OID.dat" lines into `list`. */
int object_list_read(struct source *source, struct oid_list *list, struct error *error);

/* Bad backup: a large object without a line in a list, a line without one, either twice. Sorts
 * both. */
int object_lists_compare(struct oid_list *met, struct oid_list *listed, struct error *error);

#endif
