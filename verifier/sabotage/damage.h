/* What the files of this folder share; others use sabotage.h. */
#ifndef SABOTAGE_DAMAGE_H
#define SABOTAGE_DAMAGE_H

#include "archive/archive.h"
#include "sabotage/copy_rows.h"
#include "sabotage/sabotage.h"
#include "shelf/shelf.h"
#include "stages/exclusion.h"

/* One file of a backup, on its way to a damaged copy. */
struct damage {
    const struct sabotage_order *order;
    struct sabotage_fact *fact;
    const struct archive *archive; /* what it holds */
    const struct exclusion *exclusion;
    struct shelf *shelf; /* where it lies */
    const char *from;
    const char *to; /* where nothing is yet */
    uint64_t state; /* of the random numbers */
};

uint64_t damage_random(struct damage *damage, uint64_t below);

/* What these return: made, or what is looked for is not there, and fact->done says so; or -1. */
enum { DAMAGE_MADE = 0, DAMAGE_NOT_HERE = 1 };

int damage_not_here(struct damage *damage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void damage_tell(struct damage *damage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void damage_remedy(struct damage *damage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What sees whether an object is there, and where a sequence stands. */
void damage_remedy_object(struct damage *damage, const char *type, const char *name);
void damage_remedy_sequence(struct damage *damage, const char *name);

/* bytes.c: whatever the format */
int file_copy(const char *from, const char *to, struct error *error);
/* The first `length` bytes. */
int file_cut(const char *from, const char *to, int64_t length, struct error *error);
/* Flips all bits of a byte. */
int file_flip(const char *path, int64_t offset, struct error *error);
/* A place in the middle half: the beginning tells what a file is, and behind the end of its data it
 * may have bytes that mean nothing. */
int64_t damage_middle(struct damage *damage, int64_t begin, int64_t end);
/* Behind the header of a gzip member, in which a time, a name and the like have no checksum; 0: it
 * is none. */
int64_t gzip_data_begin(const char *path);
/* As old as the original, and readable for the programs that restore it and nobody else. */
int copy_dress(const char *path, time_t modified, struct error *error);
int damage_cut(struct damage *damage, struct error *error);
int damage_flip(struct damage *damage, struct error *error);

/* directory.c: in directory format */
int directory_damage(struct damage *damage, struct error *error);

/* entries.c and plain.c: the same for archives in custom format and for plain SQL */
/* A table with rows; NULL: there is none that can be changed so. */
const struct archive_table *entries_table(struct damage *damage, enum row_edit edit);
int entries_missing_data(struct damage *damage, struct error *error);
int entries_rows(struct damage *damage, enum row_edit edit, struct error *error);
int entries_left_out(struct damage *damage, const char *const *types, const char *what,
                     struct error *error);
int entries_sequence(struct damage *damage, struct error *error);
int entries_other_database(struct damage *damage, struct error *error);
int entries_older(struct damage *damage, struct error *error);

int plain_missing_data(struct damage *damage, struct error *error);
int plain_rows(struct damage *damage, enum row_edit edit, struct error *error);
int plain_left_out(struct damage *damage, const char *const *types, const char *what,
                   struct error *error);
int plain_sequence(struct damage *damage, struct error *error);
int plain_other_database(struct damage *damage, struct error *error);

#endif
