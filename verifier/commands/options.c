#include "commands/options.h"

#include <argp.h>
#include <errno.h>
#include <glob.h>
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
    {"jobs", 'j', "N", 0, "Do N things at the same time", 10},
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
    char *end;
    long jobs = strtol(text, &end, 10);
    if (end == text || *end != '\0' || jobs < 1 || jobs > 64)
        argp_error(state, "--jobs takes a number from 1 to 64, not `%s`", text);
    *ret_jobs = (int)jobs;
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

static bool takes(const struct usage *usage, int key)
{
    switch (key) {
    case OPTION_REPORTS:
        return usage->takes_reports;
    case OPTION_FORMAT:
        return usage->takes_format;
    case 'j':
        return usage->takes_jobs;
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
    *common = (struct common_options){.reports = "reports"};
    argp_err_exit_status = EXIT_CANNOT_VERIFY;
    argp_parse(&whole, argc, argv, 0, NULL, &inputs);
    enter(common);
}

void common_options_free(struct common_options *common)
{
    strings_free(&common->paths);
}

void scenario_paths(const struct common_options *common, struct strings *ret_paths)
{
    for (size_t i = 0; i < common->paths.count; i++)
        strings_add(ret_paths, common->paths.items[i]);
    glob_t found;
    if (common->paths.count > 0 || glob("scenarios/*.{yaml,yml}", GLOB_BRACE, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        strings_add(ret_paths, found.gl_pathv[i]);
    globfree(&found);
}

static bool is_taken(struct scenario *const *scenarios, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (scenarios[i] && strcasecmp(scenarios[i]->name, name) == 0)
            return true;
    return false;
}

/* Two databases that lie in one backup. */
static bool share_backup(const struct scenario *one, const struct scenario *other)
{
    return one->backups.database && other->backups.database &&
           strcmp(one->backups.database, other->backups.database) != 0;
}

/* The scenario whose backups cannot be told from this one's, though they are of another database.
 */
static const struct scenario *find_mixed_up(struct scenario *const *scenarios, size_t count,
                                            const struct scenario *scenario)
{
    for (size_t i = 0; i < count; i++) {
        const struct scenario *other = scenarios[i];
        if (other && other->source.database && scenario->source.database &&
            strcmp(other->source.database, scenario->source.database) != 0 &&
            !share_backup(other, scenario) &&
            strcmp(other->backups.location, scenario->backups.location) == 0 &&
            backup_names_equal(&other->backups.names, &scenario->backups.names))
            return other;
    }
    return NULL;
}

static int refuse_mixed_up(const struct scenario *other, const struct scenario *scenario,
                           struct strings *problems)
{
    if (!other)
        return 0;
    strings_addf(problems,
                 "%s: the scenario `%s` of this run keeps its backups in the same place under the "
                 "same names, and they are of another database: give backups.name another one",
                 scenario->path, other->name);
    return -1;
}

static int refuse_same_name(bool taken, const struct scenario *scenario, struct strings *problems)
{
    if (!taken)
        return 0;
    strings_addf(problems,
                 "%s: another scenario of this run is named `%s` as well, and their reports would "
                 "overwrite each other: give one another name",
                 scenario->path, scenario->name);
    return -1;
}

struct scenario **scenarios_load(const struct strings *paths, struct strings *problems)
{
    struct scenario **scenarios = xcalloc(paths->count, sizeof(struct scenario *));
    for (size_t i = 0; i < paths->count; i++) {
        struct scenario *scenario = NULL;
        const char *path = paths->items[i];
        if (scenario_load(path, &scenario, problems) < 0) {
            if (!ends_with(path, ".yaml") && !ends_with(path, ".yml"))
                strings_addf(
                    problems,
                    "%s: a scenario is a .yaml file; a backup is verified with --backup %s "
                    "SCENARIO.yaml",
                    path, path);
            continue;
        }
        if (refuse_same_name(is_taken(scenarios, i, scenario->name), scenario, problems) < 0 ||
            refuse_mixed_up(find_mixed_up(scenarios, i, scenario), scenario, problems) < 0) {
            scenario_free(scenario);
            continue;
        }
        scenarios[i] = scenario;
    }
    return scenarios;
}

void scenarios_free(struct scenario **scenarios, size_t count)
{
    for (size_t i = 0; i < count && scenarios; i++)
        scenario_free(scenarios[i]);
    free(scenarios);
}

void scenarios_load_all(const struct common_options *common, struct loaded *ret_loaded)
{
    struct loaded loaded = {0};
    scenario_paths(common, &loaded.paths);
    cleanup(free_pointer) char *searched = path_absolute("scenarios");
    if (loaded.paths.count == 0)
        strings_addf(
            &loaded.problems,
            "restore-verifier: there is no scenario file in %s: name one, or put one there",
            searched);
    loaded.scenarios = scenarios_load(&loaded.paths, &loaded.problems);
    *ret_loaded = loaded;
}

void loaded_tell(const struct loaded *loaded)
{
    for (size_t i = 0; i < loaded->problems.count; i++)
        fprintf(stderr, "%s\n", loaded->problems.items[i]);
}

void scenarios_load_told(const struct common_options *common, struct loaded *ret_loaded)
{
    scenarios_load_all(common, ret_loaded);
    loaded_tell(ret_loaded);
}

void loaded_free(struct loaded *loaded)
{
    scenarios_free(loaded->scenarios, loaded->paths.count);
    strings_free(&loaded->problems);
    strings_free(&loaded->paths);
}

static json_t *refused_json(const struct loaded *loaded, size_t index)
{
    const char *path = loaded->paths.items[index];
    cleanup(free_pointer) char *of_this_file = xasprintf("%s:", path);
    cleanup(free_pointer) char *name = scenario_name_read(path);
    json_t *object = json_scenario(name ? name : path, EXIT_CANNOT_VERIFY);
    struct buffer text;
    buffer_init(&text, (size_t)1 << 20);
    for (size_t i = 0; i < loaded->problems.count; i++)
        if (starts_with(loaded->problems.items[i], of_this_file))
            buffer_printf(&text, "%s%s", text.length > 0 ? "\n" : "", loaded->problems.items[i]);
    json_set_text(object, "error", text.data, SIZE_MAX);
    buffer_free(&text);
    return object;
}

int scenarios_each_told(const struct common_options *common, scenario_work *work, const void *own,
                        json_t *refused)
{
    struct loaded loaded;
    scenarios_load_told(common, &loaded);
    int worst = loaded.problems.count > 0 ? EXIT_CANNOT_VERIFY : EXIT_VERIFIED;
    for (size_t i = 0; i < loaded.paths.count; i++) {
        int exit_code =
            loaded.scenarios[i] ? work(loaded.scenarios[i], common, own) : EXIT_CANNOT_VERIFY;
        worst = exit_code > worst ? exit_code : worst;
        if (!loaded.scenarios[i] && refused)
            json_array_append_new(refused, refused_json(&loaded, i));
    }
    loaded_free(&loaded);
    return worst;
}

int scenarios_each(const struct common_options *common, scenario_work *work, const void *own)
{
    return scenarios_each_told(common, work, own, NULL);
}

bool wants_color(int descriptor)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(descriptor) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}
