/* What of a table of contents is not held against what was restored, and why. Pure. */
#ifndef SCHEMA_RULES_H
#define SCHEMA_RULES_H

#include <stdbool.h>

enum schema_rule {
    RULE_NONE,               /* it is compared */
    RULE_DATA,               /* rows, values of sequences, statistics: other checks look at these */
    RULE_LARGE_OBJECTS,      /* likewise, and what is said of them */
    RULE_SETTINGS,           /* of the session that restores */
    RULE_DATABASE,           /* the database as a whole, which is made anew, under another name */
    RULE_RIGHTS,             /* belong to the roles of a server, as owners do: not restored */
    RULE_SECURITY_LABELS,    /* belong to providers of the server: not restored */
    RULE_SUBSCRIPTIONS,      /* would connect to the server that publishes: not restored */
    RULE_OF_EVERY_DATABASE,  /* the schema public and plpgsql: of every database */
    RULE_EXTENSION_COMMENTS, /* are the extension's, in the version that is here */
    RULE_EXCLUDED,           /* restore.exclude names it, or what it needs */
    SCHEMA_RULE_COUNT,
};

/* RULE_EXCLUDED is not found here: what a user leaves out is known elsewhere. */
enum schema_rule schema_rule_of(const char *kind, const char *name);

/* "rights", for a list of what was left out. */
const char *schema_rule_words(enum schema_rule rule);

/* Is only its name compared? Options of a user mapping are shown to nobody but its user. */
bool schema_kind_is_named_only(const char *kind);

#endif
