/* Gathers what runs on other machines have left: histories and JUnit reports that were brought
 * together in directories, such as the artifacts of CI jobs. */
#ifndef COMMANDS_GATHERING_H
#define COMMANDS_GATHERING_H

#include "commands/pages.h"

/* Looks through the directories and those below them; links to files are followed. Lines of
 * histories are put together, each run once; of reports of the same kind the newest counts, by when
 * its run began. A source's exit code is the worst of its last verification and of its newest
 * reports, but for a report of verify that is older than that.
 *
 * `expected` are names of scenarios: one of which nothing is found has an alarm and exit code 2.
 * So has one by whose name a file is called that cannot be read.
 * 1: some file that may be a report or a history could not be read, which is told on standard
 * error. -1: a directory cannot be read, or there is nothing in any of them and nothing is
 * expected. */
int sources_gather(const struct strings *directories, const struct strings *expected,
                   struct sources *ret_sources, struct error *error);

#endif
