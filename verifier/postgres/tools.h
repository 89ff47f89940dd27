/* The PostgreSQL programs on this machine: which versions there are, and which one a task needs. */
#ifndef POSTGRES_TOOLS_H
#define POSTGRES_TOOLS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/process.h"

/* One installation of PostgreSQL's programs. */
struct tools {
    char *directory; /* where its programs are */
    char *version;   /* "15.18 (Debian 15.18-0+deb12u1)", as the program says it; NULL: not asked */
    int major;       /* 0: not asked */
};

/* Which programs a task needs. */
enum task {
    TASK_RESTORE /* initdb postgres pg_restore psql */,
    TASK_CLIENT /* pg_restore psql */,
    TASK_DUMP /* pg_dump */
};

/* Finds the installation for a task: the one of exactly that major, or else the nearest newer one.
 * (What a newer pg_dump writes, the server's own pg_restore may not be able to read.) When there is
 * none, the error names the Debian package. Searched are RESTORE_VERIFIER_PGBIN (directories
 * separated by colons; nothing else when it is set), Debian's and RPM's version directories, and
 * PATH. */
int tools_find(enum task task, int major, struct tools **ret_tools, struct error *error);
/* The newest one, whatever is needed. */
int tools_find_newest(enum task task, struct tools **ret_tools, struct error *error);
/* Those in a directory whose version is known: it is not asked for. -1: it lacks some. */
int tools_in(enum task task, const char *directory, struct tools **ret_tools);
void tools_free(struct tools *tools); /* takes NULL */
void tools_freep(struct tools **tools);

/* "install the package postgresql-17 (from ...)": to be freed by the caller. */
char *tools_advice(enum task task, int major);

/* Does its psql know the \restrict that pg_dump writes since August 2025? */
bool tools_know_restrict(const struct tools *tools);

/* The path of one of its programs: to be freed by the caller. */
char *tools_program(const struct tools *tools, const char *program);

/* "15.18 (Debian ...)" -> 15; "9.6.24" -> 9; 0 when it is no version. */
int version_major(const char *version);

/* The account that servers and tools run as. PostgreSQL refuses to run as root, and what a backup
 * holds should not own anything: as root this is the user `restore-verifier`, if there is one, or
 * `nobody`; never `postgres`, who owns the machine's real databases. Otherwise it is ourselves. */
int server_account(struct account *ret_account, struct error *error);

#endif
