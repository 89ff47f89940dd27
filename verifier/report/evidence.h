/* Evidence: what the runs of a period have proven, as one document, for those who audit.
 *
 * It is made from histories alone. As JSON it is complete, and may be signed; as a page it says the
 * same for people, and names the digest of the JSON. What it can show and what it cannot is said in
 * the document itself (evidence_words.h).
 */
#ifndef REPORT_EVIDENCE_H
#define REPORT_EVIDENCE_H

#include "history/chain.h"
#include "history/period.h"
#include "report/page.h"

#define EVIDENCE_FORMAT "restore-verifier evidence"
enum { EVIDENCE_VERSION = 1 };

/* Days in a row on which no backup was verified, nor looked at in vain. */
struct gap {
    time_t first; /* midnight, UTC */
    time_t last;
    bool before_first_run; /* nothing older is on record */
};

/* Runs in a row that did not pass. All borrowed. */
struct episode {
    const struct history_entry *first;
    const struct history_entry *last;
    const struct history_entry *green; /* the next that passed; NULL: none has so far */
    size_t runs;
    bool red; /* something bad was found, and not only nothing could be seen */
};

struct evidence_scenario {
    const struct page_scenario *told;
    size_t first; /* of its entries: those of the period */
    size_t end;
    int64_t nights; /* days of the period that are over, or on which something ran */
    int64_t verified;
    int64_t red;
    int64_t unseen; /* the backup could not be looked at */
    int64_t missing;
    struct gap *gaps;
    size_t gap_count;
    struct episode *episodes;
    size_t episode_count;
    struct strings programs;
    struct strings servers;
    struct chain tail;
};

struct evidence {
    struct period period;
    time_t made;
    const char *key_name; /* of who signs it (base/signature.h); NULL: nobody */
    struct evidence_scenario *scenarios;
    size_t count;
};

/* `told` lives as long as the evidence. */
void evidence_gather(const struct page_scenario *told, size_t count, const struct period *period,
                     time_t made, const char *key_name, struct evidence *ret_evidence);
void evidence_free(struct evidence *evidence);

/* The document as JSON; freed by the caller. */
char *evidence_json(const struct evidence *evidence);
/* As a page. `json_name` is the file's name without its directory. */
int evidence_page_write(const struct evidence *evidence, const char *json_name,
                        const char *json_sha256, const char *path, struct error *error);

#endif
