/* Places where a person would restore a backup for real, and their rules: `restore.target`. All
 * that is known of them stands in restore_target.c, with its sources and dates.
 */
#ifndef BASE_RESTORE_TARGET_H
#define BASE_RESTORE_TARGET_H

#include <stdbool.h>
#include <stddef.h>

struct restore_target {
    const char *name;          /* in a scenario: "neon", "vanilla-17" */
    const char *words;         /* in messages: "Neon", "PostgreSQL 17" */
    const char *as_of;         /* of when the list of extensions is: "October 2024" */
    int oldest, newest;        /* major versions that it runs; 0: not known */
    bool superuser;            /* the user who restores may be one */
    const char *may;           /* kinds that need one elsewhere, and not there: "EVENT TRIGGER," */
    const char *roles;         /* that are there, beside postgres, with blanks between */
    const char *schemas;       /* likewise: of a new database there, which are the host's own */
    const char *extensions;    /* likewise; with the versions of PostgreSQL if not of all: "x<17" */
    const char *complete_upto; /* an extension behind which, by the alphabet, the list was not to be
                                  had; "" : nothing of what is not listed is known; NULL: it is
                                  complete */
};

enum offer { OFFERED, NOT_OFFERED, OFFER_NOT_KNOWN };

/* NULL: there is none of that name. */
const struct restore_target *restore_target_find(const char *name);

/* All names, in their order; gives their number. Borrowed. */
size_t restore_target_names(const char *const **ret_names);

/* `words` with blanks between: is `word` one of them? */
bool restore_target_lists(const char *words, const char *word);

enum offer restore_target_offers(const struct restore_target *target, const char *extension);

/* May the user who restores make an object of that kind, which PostgreSQL lets only superusers
 * make? */
bool restore_target_lets_make(const struct restore_target *target, const char *kind);

#endif
