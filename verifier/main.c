/* restore-verifier: picks the command. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "commands/commands.h"
#include "commands/describe.h"
#include "scenario/words.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"nightly", command_nightly, "dump, sync, verify and prune, as far as scenarios ask for it"},
    {"verify", command_verify, "restore the latest backup of each scenario and check it"},
    {"dump", command_dump, "make a backup of each scenario's database"},
    {"prune", command_prune, "delete old backups, never the last good one"},
    {"inspect", command_inspect, "tell what a backup holds; needs no server"},
    {"sync", command_sync, "copy each scenario's bucket to its backup directory"},
    {"rehearse", command_rehearse, "verify, then run each scenario's migration on a copy"},
    {"sabotage", command_sabotage, "damage copies of each backup and demand that verify sees it"},
    {"gate", command_gate, "tell whether each backup was verified lately, for deployments"},
    {"list", command_list, "list each scenario's backups: which verified, until when they stay"},
    {"report", command_report, "write a page that shows how the backup of each scenario stands"},
    {"clean", command_clean, "remove what killed runs left, and what is kept for later runs"},
    {"lint", command_lint, "check scenario files"},
    {"init", command_init, "write a scenario from what a database or a backup holds"},
    {"fetch", command_fetch, "get a backup out of its place, checked, to restore it for real"},
    {"check", command_check, "before the night: is all there that scenarios name?"},
};

const char *argp_program_version = "restore-verifier " PROGRAM_VERSION;

static void usage(FILE *stream)
{
    fputs("Usage: restore-verifier COMMAND [OPTION...] [SCENARIO.yaml ...]\n\n"
          "Takes the latest backup of a PostgreSQL database, restores it into a throwaway server,\n"
          "checks what came back, and writes a JUnit report.\n\n"
          "Commands:\n",
          stream);
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
        fprintf(stream, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`restore-verifier COMMAND --help` tells a command's options.\n\n"
          "Exit codes: 0 every check passed; 1 a backup, its objects or a migration are bad;\n"
          "2 something could not be verified, or usage.\n",
          stream);
}

/* For the manual and the completions, as DESCRIBE_OPTION of each command. */
static void describe(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
        printf("%s\t%s\n", commands[i].name, commands[i].summary);
}

/* Where standard input, output or error is closed, the next file that is opened would take its
 * number, and be written to in its place. */
static void open_standard_descriptors(void)
{
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= STDIN_FILENO && descriptor <= STDERR_FILENO);
    if (descriptor > STDERR_FILENO)
        close(descriptor);
}

int main(int argc, char **argv)
{
    /* Our memory and environment hold passwords and tokens: closed to other programs of the same
     * user, such as a server that runs the SQL of a backup, and in no core dump. */
    prctl(PR_SET_DUMPABLE, 0);
    open_standard_descriptors();
    if (argc < 2) {
        usage(stderr);
        return EXIT_CANNOT_VERIFY;
    }
    static char help[] = "--help";
    if (strcmp(argv[1], "help") == 0 && argc > 2) { /* "help verify" is "verify --help" */
        argv[1] = argv[2];
        argv[2] = help;
        argc = 3;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return EXIT_VERIFIED;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts(argp_program_version);
        return EXIT_VERIFIED;
    }
    if (strcmp(argv[1], DESCRIBE_OPTION) == 0) {
        describe();
        return EXIT_VERIFIED;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        cleanup(free_pointer) char *name = xasprintf("restore-verifier %s", commands[i].name);
        argv[1] = name;
        return commands[i].run(argc - 1, argv + 1);
    }
    const char *names[ARRAY_LENGTH(commands)];
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
        names[i] = commands[i].name;
    cleanup(free_pointer) char *near = suggestion(argv[1], names, ARRAY_LENGTH(names));
    fprintf(stderr, "restore-verifier: there is no command `%s`%s\n", argv[1], near);
    return EXIT_CANNOT_VERIFY;
}
