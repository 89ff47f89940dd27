#include "report/evidence_words.h"

const struct control evidence_controls[] = {
    {"SOC 2 A1.3",
     "Recovery procedures are tested, so that the system can be recovered as promised.",
     "That backups of the named databases were restored in tests, on which nights, with what "
     "result, and how long the restore took.",
     "The recovery of applications, networks and people's work, and whether the objectives that "
     "were agreed are met: those are not in a history."},
    {"ISO/IEC 27001:2022 A.8.13",
     "Backups of information, software and systems are kept and regularly tested, as the policy on "
     "backup says.",
     "That the backups of the named databases were tested, how regularly, and what was done about "
     "those that failed, as far as the next test that passed shows it.",
     "The policy itself, backups of anything else, and where else copies are kept."},
    {"DORA, Regulation (EU) 2022/2554, article 12",
     "Procedures for backup, restoration and recovery are documented and tested periodically; "
     "restored data is checked for integrity.",
     "Periodic tests of the restore, the checks of the restored data counted by their verdicts, "
     "the time of each restore and the age of each backup.",
     "That restoring takes place on systems that are separated from the source, as article 12 asks "
     "for, except that a test's server is a throwaway one unless its run says otherwise; recovery "
     "as a whole."},
    {"HIPAA, 45 CFR 164.308(a)(7)",
     "A contingency plan: a plan for backups of data, one for recovery, and their periodic testing "
     "and revision.",
     "That retrievable, exact copies of the named databases existed on the nights that passed, and "
     "that restoring them was tested.",
     "The plans, their revision, emergency operation, and which applications are critical."},
    {0},
};

const char *const evidence_shows[] = {
    "Which backup, by its name, time, size and SHA-256, was restored when, and what came of it.",
    "What the restored database held: tables and rows, objects of the schema by kind with their "
    "digests, revisions of migrations, objects of buckets where they were asked for.",
    "Whether rows were compared value for value with those in the backup, as `restore.contents` "
    "asks for. Where a run does not say so, they were counted.",
    "How many checks passed, warned, failed, could not look, or were skipped. A run passes only "
    "when "
    "every table has exactly the rows, and the schema every object, that the backup holds.",
    "What failed, in words, since when, and when a run passed again.",
    "Nights without a verification.",
    NULL,
};

const char *const evidence_does_not_show[] = {
    ("That a backup holds what the database held: a backup of wrong data restores as well. That is "
     "shown as far as the scenario's own checks ask for it."),
    "Which checks a scenario has: they stand in its file and in the reports of its runs.",
    "That a backup that passed once is still there, and readable, now.",
    "Databases that have no scenario here.",
    "That the clocks of the machines were right: every time is what a machine said.",
    NULL,
};

const char evidence_chain_rule[] =
    "Each run is a line of JSON in the scenario's history. Lines are ordered by their time (began) "
    "and id. A line's digest is the SHA-256 of its bytes without the line feed. A link is the "
    "SHA-256 of the link before it and the line's digest, both written as 64 small hexadecimal "
    "digits; in front of the first link stand 64 zeros. The last link is the tail.";

const char *const evidence_chain_proves[] = {
    "Against the history as it lies there later: no line of the period was changed, removed, added "
    "or moved after this document was made. `restore-verifier report --check` compares them.",
    "With the document of the period before: whether the two join, when the line that is named as "
    "previous is that document's last.",
    NULL,
};

const char *const evidence_chain_does_not_prove[] = {
    "That nothing was changed before the document was made: lines are not chained when they are "
    "written, and whoever can write the history could have changed it until then. Make documents "
    "of short periods and keep them where those who run the backups cannot change them.",
    "Who made the document, unless it is signed; a signature proves that it was made by somebody "
    "who had the key, and not when. Whoever has the key can sign another document.",
    "That a run which left no line never took place, or that lines older than `history_keep` are "
    "still there.",
    NULL,
};
