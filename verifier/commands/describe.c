#include "commands/describe.h"

#include <stdio.h>
#include <stdlib.h>

#include "commands/commands.h"

static void print_options(const char *group, const struct argp_option *options)
{
    for (const struct argp_option *option = options; option->name; option++) {
        if (option->flags & OPTION_HIDDEN)
            continue;
        char letter[2] = "";
        if (option->key > ' ' && option->key < 0x7f) /* as argp decides it */
            snprintf(letter, sizeof(letter), "%c", option->key);
        printf("%s\t%s\t%s\t%s\t%s\t%s\n", group, option->name, letter,
               option->arg ? option->arg : "",
               option->flags & OPTION_ARG_OPTIONAL ? "optional" : "", option->doc);
    }
}

void describe_and_exit(const struct usage *usage, const struct argp_option *own,
                       const struct argp_option *common)
{
    printf("arguments\t%s\n", usage->arguments ? usage->arguments : "");
    printf("words\t%s\n", usage->words);
    print_options("own", own);
    print_options("common", common);
    exit(EXIT_VERIFIED);
}
