/* Alembic's configuration, as far as it says where migrations are. See places.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "migrations/places.h"
#include "migrations/python.h"

enum { FILE_LIMIT_BYTES = 1 << 20, INTERPOLATIONS_LIMIT = 64 };

static const char blanks[] = " \t\r";

/* What the file says, before it is understood; NULL: nothing. */
struct settings {
    char *script_location;
    char *version_locations;     /* of an ini file, not yet divided */
    struct strings version_list; /* of a TOML file */
    char *separator;
    bool recursive;
};

static void settings_free(struct settings *settings)
{
    free(settings->script_location);
    free(settings->version_locations);
    strings_free(&settings->version_list);
    free(settings->separator);
}

/* --- ini -------------------------------------------------------------------------------------- */

/* The section's options, as Python's configparser reads them: names and values side by side. */
struct options {
    struct strings names;
    struct strings values;
};

static const char *option(const struct options *options, const char *name)
{
    for (size_t i = options->names.count; i > 0; i--)
        if (strcmp(options->names.items[i - 1], name) == 0)
            return options->values.items[i - 1];
    return NULL;
}

static char *trimmed(const char *begin, const char *end)
{
    while (begin < end && strchr(blanks, *begin))
        begin++;
    while (end > begin && strchr(blanks, end[-1]))
        end--;
    return xstrndup(begin, (size_t)(end - begin));
}

/* A line that begins with a blank goes on with the value before it. */
static void read_option(struct options *options, const char *begin, const char *end)
{
    if (begin < end && strchr(blanks, *begin) && options->values.count > 0) {
        char **value = &options->values.items[options->values.count - 1];
        cleanup(free_pointer) char *more = trimmed(begin, end);
        cleanup(free_pointer) char *before = *value;
        *value = xasprintf("%s\n%s", before, more);
        return;
    }
    const char *equals = begin;
    while (equals < end && *equals != '=' && *equals != ':')
        equals++;
    if (equals == end)
        return;
    cleanup(free_pointer) char *name = trimmed(begin, equals);
    cleanup(free_pointer) char *value = trimmed(equals + 1, end);
    strings_add(&options->names, name);
    strings_add(&options->values, value);
}

static void read_ini_options(const char *text, struct options *options)
{
    bool inside = false;
    while (*text) {
        const char *end = strchrnul(text, '\n');
        const char *first = text + strspn(text, blanks);
        bool comment = *first == '#' || *first == ';';
        if (*text == '[')
            inside = starts_with(text, "[alembic]") || starts_with(text, "[DEFAULT]");
        else if (inside && !comment && first < end)
            read_option(options, text, end);
        text = *end ? end + 1 : end;
    }
}

/* Replaces %(NAME)s by the option, or by the file's directory, and %% by %. */
static int interpolate(const struct options *options, const char *here, const char *value,
                       int *budget, struct buffer *text, struct error *error)
{
    for (const char *c = value; *c; c++) {
        if (*c != '%') {
            buffer_append(text, c, 1);
            continue;
        }
        if (c[1] == '%') {
            buffer_append(text, c++, 1);
            continue;
        }
        const char *end = c[1] == '(' ? strstr(c, ")s") : NULL;
        cleanup(free_pointer) char *name = end ? xstrndup(c + 2, (size_t)(end - c - 2)) : NULL;
        bool is_here = name && strcmp(name, "here") == 0;
        const char *other = is_here ? NULL : name ? option(options, name) : NULL;
        if (!is_here && !other)
            return cannot_verify(error, "`%s` cannot be told: %s", value,
                                 name ? "it names an option that is not there"
                                      : "write %% for a single %");
        if (is_here)
            buffer_append(text, here, strlen(here));
        else if (--*budget < 0 || interpolate(options, here, other, budget, text, error) < 0)
            return *budget < 0 ? cannot_verify(error, "`%s` names itself", value) : -1;
        c = end + 1;
    }
    return 0;
}

static int get_option(const struct options *options, const char *here, const char *name,
                      char **ret_value, struct error *error)
{
    const char *value = option(options, name);
    int budget = INTERPOLATIONS_LIMIT;
    if (!value)
        return 0;
    struct buffer text;
    buffer_init(&text, FILE_LIMIT_BYTES);
    int outcome = interpolate(options, here, value, &budget, &text, error);
    if (outcome < 0)
        error_prefix(error, "%s: ", name);
    else if (text.length > 0)
        *ret_value = xstrndup(text.data, text.length);
    buffer_free(&text);
    return outcome;
}

static int read_ini(const char *text, const char *here, struct settings *settings,
                    struct error *error)
{
    struct options options = {0};
    cleanup(free_pointer) char *recursive = NULL;
    cleanup(free_pointer) char *old_separator = NULL;
    read_ini_options(text, &options);
    int outcome = 0;
    if (get_option(&options, here, "script_location", &settings->script_location, error) < 0 ||
        get_option(&options, here, "version_locations", &settings->version_locations, error) < 0 ||
        get_option(&options, here, "path_separator", &settings->separator, error) < 0 ||
        get_option(&options, here, "version_path_separator", &old_separator, error) < 0 ||
        get_option(&options, here, "recursive_version_locations", &recursive, error) < 0)
        outcome = -1;
    if (!settings->separator)
        settings->separator = take(&old_separator);
    settings->recursive = recursive && strcasecmp(recursive, "true") == 0;
    strings_free(&options.names);
    strings_free(&options.values);
    return outcome;
}

/* The words between which separator? NULL: not known. */
static const char *separators(const char *separator)
{
    static const struct {
        const char *name, *characters;
    } known[] = {{"space", " "}, {"newline", "\n"}, {"os", ":"}, {":", ":"}, {";", ";"}};
    if (!separator)
        return ", \n"; /* Alembic's old way */
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
        if (strcmp(separator, known[i].name) == 0)
            return known[i].characters;
    return NULL;
}

static int divide(const struct settings *settings, struct strings *ret_directories,
                  struct error *error)
{
    const char *between = separators(settings->separator);
    if (!between)
        return cannot_verify(error,
                             "`%s` is no separator of paths that is known: space, newline, os, "
                             "`:` or `;`",
                             settings->separator);
    for (const char *at = settings->version_locations; *at;) {
        size_t length = strcspn(at, between);
        cleanup(free_pointer) char *directory = trimmed(at, at + length);
        if (*directory && *directory != '\n')
            strings_add(ret_directories, directory);
        at += length + (at[length] ? 1 : 0);
    }
    return 0;
}

/* --- TOML ------------------------------------------------------------------------------------- */

/* What stands between [tool.alembic] and the next table; NULL when there is none. */
static char *toml_table(const char *text)
{
    const char *begin = NULL;
    while (*text) {
        const char *end = strchrnul(text, '\n');
        const char *first = text + strspn(text, blanks);
        if (begin && *first == '[')
            return xstrndup(begin, (size_t)(text - begin));
        if (!begin && starts_with(first, "[tool.alembic]"))
            begin = end;
        text = *end ? end + 1 : end;
    }
    return begin ? xstrdup(begin) : NULL;
}

/* Strings, lists and comments are written in TOML as in Python. */
static int read_toml(const char *text, const char *here, struct settings *settings,
                     struct error *error)
{
    static const char *const names[] = {"script_location", "version_locations"};
    struct strings values[ARRAY_LENGTH(names)] = {0};
    cleanup(free_pointer) char *table = toml_table(text);
    if (!table)
        return cannot_verify(error, "it has no table [tool.alembic]");
    int outcome = python_constants(table, strlen(table), names, ARRAY_LENGTH(names), values, error);
    if (outcome < 0)
        cannot_verify(error,
                      "its table [tool.alembic] is not understood: name the directories under "
                      "`migrations` instead");
    struct options none = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        for (size_t j = 0; j < values[i].count && outcome == 0; j++) {
            struct buffer path;
            int budget = 0;
            buffer_init(&path, FILE_LIMIT_BYTES);
            outcome = interpolate(&none, here, values[i].items[j], &budget, &path, error);
            cleanup(free_pointer) char *value = buffer_steal(&path);
            if (outcome == 0 && i == 0 && !settings->script_location)
                settings->script_location = take(&value);
            else if (outcome == 0)
                strings_add(&settings->version_list, value);
        }
        strings_free(&values[i]);
    }
    const char *recursive = strstr(table, "\nrecursive_version_locations");
    if (recursive) {
        recursive += 1 + strcspn(recursive + 1, "=\n");
        recursive += strspn(recursive, "= \t");
        settings->recursive = starts_with(recursive, "true");
    }
    return outcome;
}

/* --- both ------------------------------------------------------------------------------------- */

/* `package:directory` is where Python would import the package from: here, or in src. */
static int locate(const char *here, const char *location, char **ret_path, struct error *error)
{
    const char *colon = location[0] == '/' ? NULL : strchr(location, ':');
    if (!colon) {
        *ret_path = location[0] == '/' ? xstrdup(location) : xasprintf("%s/%s", here, location);
        return 0;
    }
    cleanup(free_pointer) char *package = xstrndup(location, (size_t)(colon - location));
    for (char *c = package; *c; c++)
        if (*c == '.')
            *c = '/';
    static const char *const roots[] = {"", "src/"};
    for (size_t i = 0; i < ARRAY_LENGTH(roots); i++) {
        char *path = xasprintf("%s/%s%s/%s", here, roots[i], package, colon + 1);
        if (access(path, F_OK) == 0) {
            *ret_path = path;
            return 0;
        }
        free(path);
    }
    return cannot_verify(error,
                         "`%s` names a Python package that is not beside it: name the directories "
                         "under `migrations` instead",
                         location);
}

static int add_place(struct places *places, const char *here, const char *location,
                     const char *below, struct error *error)
{
    cleanup(free_pointer) char *path = NULL;
    if (locate(here, location, &path, error) < 0)
        return -1;
    strings_addf(&places->directories, "%s%s", path, below);
    return 0;
}

static int settle(const struct settings *settings, const char *here, struct places *ret_places,
                  struct error *error)
{
    cleanup(strings_free) struct strings divided = {0};
    const struct strings *locations = &settings->version_list;
    ret_places->recursive = settings->recursive;
    if (settings->version_locations) {
        if (divide(settings, &divided, error) < 0)
            return -1;
        locations = &divided;
    }
    for (size_t i = 0; i < locations->count; i++)
        if (add_place(ret_places, here, locations->items[i], "", error) < 0)
            return -1;
    if (locations->count > 0)
        return 0;
    if (!settings->script_location)
        return cannot_verify(error, "it has no `script_location`");
    return add_place(ret_places, here, settings->script_location, "/versions", error);
}

int places_from_config(const char *path, struct places *ret_places, struct error *error)
{
    struct buffer content;
    cleanup(settings_free) struct settings settings = {0};
    cleanup(places_free) struct places places = {0};
    if (file_read(path, FILE_LIMIT_BYTES, &content, error) < 0)
        return -1;
    const char *slash = strrchr(path, '/');
    cleanup(free_pointer) char *here = slash == path ? xstrdup("/")
                                       : slash       ? xstrndup(path, (size_t)(slash - path))
                                                     : xstrdup(".");
    cleanup(free_pointer) char *text = xstrndup(content.data, content.length);
    buffer_free(&content);
    int outcome = ends_with(path, ".toml") ? read_toml(text, here, &settings, error)
                                           : read_ini(text, here, &settings, error);
    if (outcome == 0)
        outcome = settle(&settings, here, &places, error);
    if (outcome < 0)
        return error_prefix(error, "%s: ", path);
    *ret_places = places;
    places = (struct places){0};
    return 0;
}
