/* What evidence says of itself: which controls ask for it, and what it shows and does not. */
#ifndef REPORT_EVIDENCE_WORDS_H
#define REPORT_EVIDENCE_WORDS_H

#include <stddef.h>

struct control {
    const char *name;
    const char *asks; /* in our words: the text of the control counts */
    const char *shown;
    const char *not_shown;
};

/* Ends with one without a name. */
extern const struct control evidence_controls[];

/* Each ends with NULL. */
extern const char *const evidence_shows[];
extern const char *const evidence_does_not_show[];
extern const char *const evidence_chain_proves[];
extern const char *const evidence_chain_does_not_prove[];

/* How the chain is made, so that others can make it again. */
extern const char evidence_chain_rule[];

#endif
