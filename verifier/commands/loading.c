#include "commands/loading.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "commands/commands.h"
#include "report/json_fields.h"

/* --- which files ------------------------------------------------------------------------------ */

static int is_scenario_name(const struct dirent *entry)
{
    const char *name = entry->d_name;
    return *name != '.' && (ends_with(name, ".yaml") || ends_with(name, ".yml"));
}

static int compare_entries(const struct dirent **one, const struct dirent **other)
{
    return strcmp((*one)->d_name, (*other)->d_name);
}

/* Those right in it, by their names; their number, or -1 when it cannot be read. */
static int add_directory(const char *directory, struct strings *paths)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_scenario_name, compare_entries);
    for (int i = 0; i < count; i++) {
        strings_addf(paths, "%s%s%s", directory, ends_with(directory, "/") ? "" : "/",
                     entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return count;
}

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void add_named_directory(const char *path, struct strings *paths, struct strings *complaints)
{
    cleanup(free_pointer) char *absolute = path_absolute(path);
    int count = add_directory(path, paths);
    if (count < 0)
        strings_addf(complaints, "restore-verifier: cannot read the directory %s: %s", absolute,
                     strerror(errno));
    else if (count == 0)
        strings_addf(complaints,
                     "restore-verifier: there is no scenario file in %s: their names end with "
                     ".yaml or .yml (and a backup is named by --backup)",
                     absolute);
}

/* A file that is named and lies in a directory that is named too is one file. */
static void take_once(const struct strings *all, struct strings *ret_paths)
{
    cleanup(strings_free) struct strings seen = {0};
    for (size_t i = 0; i < all->count; i++) {
        char real[PATH_MAX];
        const char *path = realpath(all->items[i], real) ? real : all->items[i];
        if (strings_contain(&seen, path))
            continue;
        strings_add(&seen, path);
        strings_add(ret_paths, all->items[i]);
    }
}

static void find_files(const struct common_options *common, struct strings *ret_paths,
                       struct strings *complaints)
{
    static const char default_directory[] = "scenarios";
    cleanup(strings_free) struct strings all = {0};
    cleanup(free_pointer) char *searched = path_absolute(default_directory);
    for (size_t i = 0; i < common->paths.count; i++) {
        const char *path = common->paths.items[i];
        if (is_directory(path))
            add_named_directory(path, &all, complaints);
        else
            strings_add(&all, path);
    }
    if (common->paths.count == 0 && add_directory(default_directory, &all) <= 0)
        strings_addf(complaints,
                     "restore-verifier: there is no scenario file in %s: name one, or put one "
                     "there",
                     searched);
    take_once(&all, ret_paths);
}

static bool includes(const char *path, const char *other)
{
    char real[PATH_MAX], wanted[PATH_MAX];
    cleanup(strings_free) struct strings included = {0};
    if (!realpath(other, wanted))
        return false;
    scenario_included(path, &included);
    for (size_t i = 0; i < included.count; i++)
        if (realpath(included.items[i], real) && strcmp(real, wanted) == 0)
            return true;
    return false;
}

/* It names no scenario, and another of the files includes it: so it is there for that. Of files
 * that include each other each is told of, since else none would be. */
static bool is_shared(const struct strings *paths, size_t index)
{
    const char *path = paths->items[index];
    cleanup(free_pointer) char *name = scenario_name_read(path);
    for (size_t i = 0; i < paths->count && !name; i++)
        if (i != index && includes(paths->items[i], path) && !includes(path, paths->items[i]))
            return true;
    return false;
}

void scenario_paths(const struct common_options *common, struct strings *ret_paths,
                    struct strings *complaints)
{
    cleanup(strings_free) struct strings found = {0};
    find_files(common, &found, complaints);
    for (size_t i = 0; i < found.count; i++)
        if (!is_shared(&found, i))
            strings_add(ret_paths, found.items[i]);
}

/* --- what they hold --------------------------------------------------------------------------- */

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

static struct scenario *load(const struct common_options *common, struct loaded *loaded,
                             size_t index)
{
    struct scenario *scenario = NULL;
    const char *path = loaded->paths.items[index];
    struct strings *problems = &loaded->problems_of[index];
    struct scenario *const *others = loaded->scenarios;
    int outcome = common->looks_only ? scenario_load_to_look(path, &scenario, problems)
                                     : scenario_load(path, &scenario, problems);
    if (outcome < 0) {
        if (!ends_with(path, ".yaml") && !ends_with(path, ".yml"))
            strings_addf(problems,
                         "%s: a scenario is a .yaml file; a backup is verified with --backup %s "
                         "SCENARIO.yaml",
                         path, path);
        return NULL;
    }
    if (refuse_same_name(is_taken(others, index, scenario->name), scenario, problems) == 0 &&
        refuse_mixed_up(find_mixed_up(others, index, scenario), scenario, problems) == 0)
        return scenario;
    scenario_free(scenario);
    return NULL;
}

/* Keeps the files that are marked. */
static void keep(struct loaded *loaded, const bool *kept)
{
    size_t count = 0;
    for (size_t i = 0; i < loaded->paths.count; i++) {
        if (!kept[i]) {
            free(loaded->paths.items[i]);
            scenario_free(loaded->scenarios[i]);
            strings_free(&loaded->problems_of[i]);
            continue;
        }
        loaded->paths.items[count] = loaded->paths.items[i];
        loaded->scenarios[count] = loaded->scenarios[i];
        loaded->problems_of[count++] = loaded->problems_of[i];
    }
    loaded->paths.count = count;
}

/* --- choosing among them ---------------------------------------------------------------------- */

/* NULL: it cannot be read. To be freed by the caller. */
static char *name_of(const struct loaded *loaded, size_t index)
{
    const struct scenario *scenario = loaded->scenarios[index];
    return scenario ? xstrdup(scenario->name) : scenario_name_read(loaded->paths.items[index]);
}

static void complain_of_no_match(const char *pattern, const struct strings *names,
                                 struct strings *complaints)
{
    enum { NAMES_TOLD = 20 };
    struct strings told = {names->items, names->count < NAMES_TOLD ? names->count : NAMES_TOLD};
    cleanup(free_pointer) char *listed = strings_listed(&told);
    cleanup(free_pointer) char *more = names->count > told.count
                                           ? xasprintf(", and %zu more", names->count - told.count)
                                           : xstrdup("");
    strings_addf(complaints, "restore-verifier: --match '%s' matches no scenario: %s %s%s", pattern,
                 names->count == 1 ? "there is only" : "there are", listed, more);
}

/* A file whose name cannot be read may be the one that is meant: it stays, and is told of. */
static void match(struct loaded *loaded, const char *pattern)
{
    cleanup(free_pointer) bool *kept = xcalloc(loaded->paths.count + 1, sizeof(*kept));
    cleanup(strings_free) struct strings names = {0};
    bool any = false;
    for (size_t i = 0; i < loaded->paths.count; i++) {
        cleanup(free_pointer) char *name = name_of(loaded, i);
        kept[i] = !name || fnmatch(pattern, name, 0) == 0;
        any = any || kept[i];
        if (name)
            strings_add(&names, name);
    }
    if (!any && names.count > 0)
        complain_of_no_match(pattern, &names, &loaded->complaints);
    keep(loaded, kept);
}

/* Before anything else is known of the command line: a scenario that falls to no shard would be
 * left out, so whatever is wrong leaves nothing to do. */
static int shard_wanted(const struct common_options *common, struct shard *ret_shard,
                        struct durations *ret_durations, struct error *error)
{
    int told = strcmp(common->shard, "auto") == 0 ? shard_from_environment(getenv, ret_shard, error)
                                                  : shard_parse(common->shard, ret_shard, error);
    if (told < 0)
        return -1;
    return common->durations ? durations_read(common->durations, ret_durations, error) : 0;
}

static void keep_shard(struct loaded *loaded, const struct shard *shard,
                       const struct durations *durations)
{
    const size_t count = loaded->paths.count;
    cleanup(strings_free) struct strings names = {0};
    cleanup(free_pointer) int *shards = xcalloc(count + 1, sizeof(*shards));
    cleanup(free_pointer) bool *kept = xcalloc(count + 1, sizeof(*kept));
    for (size_t i = 0; i < count; i++) {
        cleanup(free_pointer) char *name = name_of(loaded, i);
        const char *slash = strrchr(loaded->paths.items[i], '/');
        strings_add(&names, name ? name : slash ? slash + 1 : loaded->paths.items[i]);
    }
    shard_split(&names, durations, shard->count, shards);
    shard_split_digest(&names, shards, loaded->split);
    snprintf(loaded->shard, sizeof(loaded->shard), "%d/%d", shard->index, shard->count);
    for (size_t i = 0; i < count; i++)
        kept[i] = shards[i] == shard->index;
    keep(loaded, kept);
    loaded->idle = loaded->paths.count == 0 && count > 0;
    if (loaded->idle)
        fprintf(stderr,
                "restore-verifier: shard %s: of %zu scenario%s none falls to it, and there is "
                "nothing to do\n",
                loaded->shard, count, count == 1 ? "" : "s");
}

static void split(struct loaded *loaded, const struct common_options *common)
{
    struct shard shard;
    struct durations durations = {0};
    struct error error;
    if (shard_wanted(common, &shard, &durations, &error) == 0) {
        keep_shard(loaded, &shard, common->durations ? &durations : NULL);
    } else {
        cleanup(free_pointer) bool *none = xcalloc(loaded->paths.count + 1, sizeof(*none));
        strings_addf(&loaded->complaints, "restore-verifier: %s", error.text);
        keep(loaded, none);
    }
    durations_free(&durations);
}

/* What nightly tells its steps: their scenarios are the shard's. */
static void take_shard(struct loaded *loaded, const char *of_shard)
{
    const char *colon = strchr(of_shard, ':');
    if (!colon)
        return;
    snprintf(loaded->shard, sizeof(loaded->shard), "%.*s", (int)(colon - of_shard), of_shard);
    snprintf(loaded->split, sizeof(loaded->split), "%s", colon + 1);
}

/* --- all together ----------------------------------------------------------------------------- */

static void print_lines(const struct strings *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        fprintf(stderr, "%s\n", lines->items[i]);
}

static void gather_problems(struct loaded *loaded)
{
    for (size_t i = 0; i < loaded->complaints.count; i++)
        strings_add(&loaded->problems, loaded->complaints.items[i]);
    for (size_t i = 0; i < loaded->paths.count; i++)
        for (size_t j = 0; j < loaded->problems_of[i].count; j++)
            strings_add(&loaded->problems, loaded->problems_of[i].items[j]);
}

/* What is wrong in a file that a hundred include is told once. */
static void print_problems(const struct loaded *loaded)
{
    cleanup(strings_free) struct strings of_others = {0};
    for (size_t i = 0; i < loaded->paths.count; i++) {
        cleanup(free_pointer) char *own = xasprintf("%s:", loaded->paths.items[i]);
        for (size_t j = 0; j < loaded->problems_of[i].count; j++) {
            const char *line = loaded->problems_of[i].items[j];
            if (!starts_with(line, own)) {
                if (strings_contain(&of_others, line))
                    continue;
                strings_add(&of_others, line);
            }
            fprintf(stderr, "%s\n", line);
        }
    }
}

void scenarios_load(const struct common_options *common, struct loaded *ret_loaded)
{
    struct loaded loaded = {0};
    scenario_paths(common, &loaded.paths, &loaded.complaints);
    loaded.scenarios = xcalloc(loaded.paths.count + 1, sizeof(*loaded.scenarios));
    loaded.problems_of = xcalloc(loaded.paths.count + 1, sizeof(*loaded.problems_of));
    for (size_t i = 0; i < loaded.paths.count; i++)
        loaded.scenarios[i] = load(common, &loaded, i);
    if (common->match)
        match(&loaded, common->match);
    if (common->shard)
        split(&loaded, common);
    if (common->of_shard)
        take_shard(&loaded, common->of_shard);
    gather_problems(&loaded);
    print_lines(&loaded.complaints);
    *ret_loaded = loaded;
}

void scenarios_load_told(const struct common_options *common, struct loaded *ret_loaded)
{
    scenarios_load(common, ret_loaded);
    print_problems(ret_loaded);
}

void loaded_free(struct loaded *loaded)
{
    for (size_t i = 0; i < loaded->paths.count; i++) {
        scenario_free(loaded->scenarios[i]);
        strings_free(&loaded->problems_of[i]);
    }
    free(loaded->scenarios);
    free(loaded->problems_of);
    strings_free(&loaded->complaints);
    strings_free(&loaded->problems);
    strings_free(&loaded->paths);
}

int loaded_exit_code(const struct loaded *loaded)
{
    bool is_good = loaded->complaints.count == 0 && (loaded->paths.count > 0 || loaded->idle);
    return is_good ? EXIT_VERIFIED : EXIT_CANNOT_VERIFY;
}

static json_t *refused_json(const struct loaded *loaded, size_t index)
{
    cleanup(free_pointer) char *name = name_of(loaded, index);
    json_t *object = json_scenario(name ? name : loaded->paths.items[index], EXIT_CANNOT_VERIFY);
    struct buffer text;
    buffer_init(&text, (size_t)1 << 20);
    for (size_t i = 0; i < loaded->problems_of[index].count; i++)
        buffer_printf(&text, "%s%s", i > 0 ? "\n" : "", loaded->problems_of[index].items[i]);
    json_set_text(object, "error", text.data, SIZE_MAX);
    buffer_free(&text);
    return object;
}

int scenarios_each(const struct common_options *common, scenario_work *work, const void *own)
{
    return scenarios_each_told(common, work, own, NULL);
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
