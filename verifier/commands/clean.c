/* restore-verifier clean: takes away what killed runs left, and what is kept for later runs. */
#include <stdio.h>
#include <string.h>

#include "base/workdir.h"
#include "commands/commands.h"
#include "commands/options.h"
#include "postgres/ready_cluster.h"

struct clean_options {
    bool cache;
};

static const struct own_option clean_options[] = {
    {"cache", NULL, OPTION_FLAG, offsetof(struct clean_options, cache),
     "Remove the ready clusters too; the next run makes new ones"},
    {0},
};

static const struct usage clean_usage = {
    .words = "Remove the work directories, with the servers in them, that killed runs left in "
             "$TMPDIR and /tmp. Every verify does that too.",
    .options = clean_options,
};

static size_t sweep(void)
{
    const char *parent = workdir_parent();
    size_t removed = workdir_sweep(parent);
    return strcmp(parent, "/tmp") == 0 ? removed : removed + workdir_sweep("/tmp");
}

static void say(const struct common_options *common, size_t count, const char *one,
                const char *many)
{
    if (!common->quiet)
        fprintf(stderr, "removed %zu %s\n", count, count == 1 ? one : many);
}

static int clean(const struct common_options *common, const struct clean_options *own)
{
    struct error error;
    size_t count;
    if (common->paths.count > 0) {
        fprintf(stderr, "restore-verifier clean: takes no arguments, and `%s` is one\n",
                common->paths.items[0]);
        return EXIT_CANNOT_VERIFY;
    }
    say(common, sweep(), "work directory", "work directories");
    if (!own->cache)
        return EXIT_VERIFIED;
    if (ready_cluster_forget(&count, &error) < 0) {
        fprintf(stderr, "restore-verifier: the ready clusters cannot be removed: %s\n", error.text);
        return EXIT_CANNOT_VERIFY;
    }
    say(common, count, "ready cluster", "ready clusters");
    return EXIT_VERIFIED;
}

int command_clean(int argc, char **argv)
{
    struct common_options common;
    struct clean_options own = {0};
    options_parse(argc, argv, &clean_usage, &common, &own);
    int exit_code = clean(&common, &own);
    common_options_free(&common);
    return exit_code;
}
