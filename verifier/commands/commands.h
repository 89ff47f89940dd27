/* The commands of the program, one file each. Each parses its own options, prints what it has to
 * say, and returns the exit code. */
#ifndef COMMANDS_COMMANDS_H
#define COMMANDS_COMMANDS_H

enum {
    EXIT_VERIFIED = 0,      /* every check passed, or what was asked is done */
    EXIT_BAD_BACKUP = 1,    /* a backup is bad */
    EXIT_CANNOT_VERIFY = 2, /* something could not be verified or done, or usage */
};

/* argv[0] is the program's name together with the command's, for messages. */
int command_verify(int argc, char **argv);
int command_dump(int argc, char **argv);
int command_rehearse(int argc, char **argv);
int command_sabotage(int argc, char **argv);
int command_prune(int argc, char **argv);
int command_sync(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_clean(int argc, char **argv);
int command_gate(int argc, char **argv);
int command_list(int argc, char **argv);
int command_report(int argc, char **argv);
int command_lint(int argc, char **argv);
int command_nightly(int argc, char **argv);
int command_init(int argc, char **argv);
int command_check(int argc, char **argv);
int command_fetch(int argc, char **argv);

#endif
