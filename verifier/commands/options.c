#include "commands/options.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "commands/commands.h"
#include "commands/describe.h"
#include "commands/environment.h"
#include "report/json_fields.h"
#include "scenario/quantity.h"

enum {
    OPTION_REPORTS = 1000,
    OPTION_FORMAT,
    OPTION_CHDIR,
    OPTION_ENV_FILE,
    OPTION_MATCH,
    OPTION_SHARD,
    OPTION_DURATIONS,
    OPTION_OF_SHARD,
    OPTION_OWN,
    OPTION_OWN_END = 2000
};

/* What argp hands to the parsers. */
struct inputs {
    struct common_options *common;
    const struct own_option *options;
    char *own;
};

static const struct argp_option common_list[] = {
    {"reports", OPTION_REPORTS, "DIR", 0, "The directory of the reports (default: reports)", 10},
    {"jobs", 'j', "N|auto", 0,
     "Do N things at the same time, or as many as memory and processors are enough for", 10},
    {"match", OPTION_MATCH, "GLOB", 0, "Only the scenarios whose names match, such as 'shop-*'",
     10},
    {"shard", OPTION_SHARD, "I/N|auto", 0,
     "Of N runs that share the scenarios this is number I; `auto` takes both from the variables of "
     "GitLab, Kubernetes, Slurm, CircleCI or Buildkite",
     10},
    {"durations", OPTION_DURATIONS, "FILE", 0,
     "Make the shards take equally long, by the durations that list prints; all shards must be "
     "given the same file",
     10},
    {"of-shard", OPTION_OF_SHARD, "I/N:SPLIT", 0, "These scenarios are the shard's already", 10},
    {"format", OPTION_FORMAT, "text|json", 0, "Print the results on standard output in this form",
     10},
    {"quiet", 'q', NULL, 0, "Print nothing but errors", 10},
    {"verbose", 'v', NULL, 0, "Print more", 10},
    {"chdir", OPTION_CHDIR, "DIR", 0, "Do as if called in this directory", 10},
    {"env-file", OPTION_ENV_FILE, "FILE", 0,
     "Take variables from this file: NAME=value lines, which mean what they say; its mode is 0600",
     10},
    {0},
};

static void parse_jobs(struct argp_state *state, const char *text, int *ret_jobs)
{
    char *end = NULL;
    long jobs = strcmp(text, "auto") == 0 ? JOBS_AUTO : strtol(text, &end, 10);
    if (jobs != JOBS_AUTO && (end == text || *end != '\0' || jobs < 1 || jobs > 64))
        argp_error(state, "--jobs takes a number from 1 to 64, or `auto`, not `%s`", text);
    *ret_jobs = (int)jobs;
}

/* As own_set does for texts. */
static void set_once(struct argp_state *state, const char *name, const char *argument,
                     const char **field)
{
    if (*argument == '\0')
        argp_error(state, "--%s is empty: leave it out, or give it a value", name);
    if (*field)
        argp_error(state, "--%s stands here twice", name);
    *field = argument;
}

static error_t parse_common(int key, char *argument, struct argp_state *state)
{
    struct common_options *options = state->input;
    switch (key) {
    case OPTION_REPORTS:
        if (*argument == '\0')
            argp_error(state, "--reports is empty: name a directory");
        options->reports = argument;
        return 0;
    case 'j':
        parse_jobs(state, argument, &options->jobs);
        return 0;
    case OPTION_FORMAT:
        if (strcmp(argument, "json") != 0 && strcmp(argument, "text") != 0)
            argp_error(state, "--format is `text` or `json`, not `%s`", argument);
        options->json = strcmp(argument, "json") == 0;
        options->text_on_stdout = !options->json;
        return 0;
    case OPTION_CHDIR:
        options->chdir = argument;
        return 0;
    case OPTION_ENV_FILE:
        options->env_file = argument;
        return 0;
    case OPTION_MATCH:
        set_once(state, "match", argument, &options->match);
        return 0;
    case OPTION_SHARD:
        set_once(state, "shard", argument, &options->shard);
        return 0;
    case OPTION_DURATIONS:
        set_once(state, "durations", argument, &options->durations);
        return 0;
    case OPTION_OF_SHARD:
        options->of_shard = argument;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case 'v':
        options->verbose = true;
        return 0;
    case ARGP_KEY_ARG:
        strings_add(&options->paths, argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void own_set(struct argp_state *state, const struct own_option *option, char *argument,
                    void *field)
{
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        break;
    case OPTION_TEXT:
        /* A variable that is not set must not mean something else, nor may a first value go unseen.
         */
        if (*argument == '\0')
            argp_error(state, "--%s is empty: leave it out, or give it a value", option->name);
        if (*(const char **)field)
            argp_error(state, "--%s stands here twice", option->name);
        *(const char **)field = argument;
        break;
    case OPTION_TEXTS:
        if (*argument == '\0')
            argp_error(state, "--%s is empty: leave it out, or give it a value", option->name);
        strings_add(field, argument);
        break;
    case OPTION_DURATION:
        if (duration_parse(argument, field) < 0)
            argp_error(state, "--%s takes a duration such as 90s or 30m, not `%s`", option->name,
                       argument);
        break;
    case OPTION_WORD:
        if (argument && strcmp(argument, option->argument) != 0)
            argp_error(state, "--%s takes nothing or `%s`, not `%s`", option->name,
                       option->argument, argument);
        if (argument || !*(const char **)field)
            *(const char **)field = argument ? argument : "";
        break;
    }
}

static error_t parse_own(int key, char *argument, struct argp_state *state)
{
    const struct inputs *inputs = state->input;
    if (key < OPTION_OWN || key >= OPTION_OWN_END)
        return ARGP_ERR_UNKNOWN;
    const struct own_option *option = &inputs->options[key - OPTION_OWN];
    own_set(state, option, argument, inputs->own + option->offset);
    return 0;
}

/* argp gives every parser one input; children get theirs in the parent's ARGP_KEY_INIT. */
static error_t parse_nothing(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    struct inputs *inputs = state->input;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = inputs;
    state->child_inputs[1] = inputs->common;
    return 0;
}

/* A table of ours as argp wants it, to be freed by the caller. */
static struct argp_option *own_list(const struct own_option *options)
{
    size_t count = 0;
    while (options && options[count].name)
        count++;
    struct argp_option *list = xcalloc(count + 1, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i] =
            (struct argp_option){.name = options[i].name,
                                 .key = OPTION_OWN + (int)i,
                                 .arg = options[i].argument,
                                 .flags = options[i].kind == OPTION_WORD ? OPTION_ARG_OPTIONAL : 0,
                                 .doc = options[i].words,
                                 .group = 1};
    return list;
}

static bool takes_scenarios(const struct usage *usage)
{
    return usage->arguments && strstr(usage->arguments, "[SCENARIO");
}

static bool takes(const struct usage *usage, int key)
{
    switch (key) {
    case OPTION_REPORTS:
        return usage->takes_reports;
    case OPTION_FORMAT:
        return usage->takes_format;
    case 'j':
        return usage->takes_jobs;
    case OPTION_MATCH:
    case OPTION_SHARD:
    case OPTION_DURATIONS:
        return takes_scenarios(usage);
    case OPTION_OF_SHARD:
        return false;
    case 'v':
        return usage->takes_verbose;
    default:
        return true;
    }
}

/* Goes where the command is to work, with the variables that it is to have. */
static void enter(const struct common_options *common)
{
    struct error error;
    int entered = 0;
    if (common->chdir && chdir(common->chdir) < 0)
        entered = cannot_verify(&error, "cannot change to the directory %s: %s", common->chdir,
                                strerror(errno));
    if (entered == 0 && common->env_file)
        entered = environment_load(common->env_file, &error);
    if (entered == 0)
        return;
    fprintf(stderr, "restore-verifier: %s\n", error.text);
    exit(EXIT_CANNOT_VERIFY);
}

static void refuse_usage(const char *program, const char *words)
{
    fprintf(stderr, "%s: %s\n", program, words);
    exit(EXIT_CANNOT_VERIFY);
}

void options_parse(int argc, char **argv, const struct usage *usage, struct common_options *common,
                   void *own)
{
    cleanup(free_pointer) struct argp_option *list = own_list(usage->options);
    const struct argp own_argp = {.options = list, .parser = parse_own};
    struct argp_option shared[ARRAY_LENGTH(common_list)];
    memcpy(shared, common_list, sizeof(shared));
    for (size_t i = 0; shared[i].name; i++)
        shared[i].flags = takes(usage, shared[i].key) ? 0 : OPTION_HIDDEN;
    if (argc == 2 && strcmp(argv[1], DESCRIBE_OPTION) == 0)
        describe_and_exit(usage, list, shared);
    const struct argp common_argp = {.options = shared, .parser = parse_common};
    const struct argp_child children[] = {
        {&own_argp, 0, usage->options ? "Options of this command:" : NULL, 1},
        {&common_argp, 0, "Common options:", 2},
        {0}};
    const struct argp whole = {.parser = parse_nothing,
                               .args_doc = usage->arguments,
                               .doc = usage->words,
                               .children = children};
    struct inputs inputs = {.common = common, .options = usage->options, .own = own};
    *common = (struct common_options){.reports = "reports", .looks_only = usage->looks_only};
    argp_err_exit_status = EXIT_CANNOT_VERIFY;
    argp_parse(&whole, argc, argv, 0, NULL, &inputs);
    if ((common->match || common->shard) && !takes_scenarios(usage))
        refuse_usage(argv[0], "--match and --shard choose scenarios, and this command takes none");
    if (common->durations && !common->shard)
        refuse_usage(argv[0], "--durations goes with --shard");
    enter(common);
}

void common_options_free(struct common_options *common)
{
    strings_free(&common->paths);
}

bool wants_color(int descriptor)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(descriptor) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}
