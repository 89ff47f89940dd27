#include "rehearsal/what_runs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rehearsal/command.h"
#include "scenario/placeholders.h"

void what_runs_versions(const struct scenario *scenario, struct what_runs *what)
{
    what->version_table = (struct version_table){TOOL_ALEMBIC, migration_tool_table(TOOL_ALEMBIC)};
    if (scenario->alembic_count > 0)
        what->version_table.name = scenario->alembic[0].table;
    else if (scenario->migrations_count > 0)
        what->version_table =
            (struct version_table){scenario->migrations[0].tool, scenario->migrations[0].table};
}

void what_runs_free(struct what_runs *what)
{
    strings_free(&what->command);
    strings_free(&what->back);
    strings_free(&what->environment);
    strings_free(&what->secrets);
    free(what->directory);
    what->directory = NULL;
}

/* --- Alembic's own upgrade -------------------------------------------------------------------- */

/* The directory of alembic.ini, at or above `path`; to be freed, NULL: there is none. */
static char *ini_directory(const char *path)
{
    char *directory = xstrdup(path);
    for (;;) {
        cleanup(free_pointer) char *ini = xasprintf("%s/alembic.ini", directory);
        if (access(ini, R_OK) == 0)
            return directory;
        char *slash = strrchr(directory, '/');
        if (!slash || slash == directory)
            break;
        *slash = '\0';
    }
    free(directory);
    return NULL;
}

static char *directory_of(const struct alembic_expectation *alembic)
{
    const char *slash = alembic->config ? strrchr(alembic->config, '/') : NULL;
    if (slash)
        return xstrndup(alembic->config, (size_t)(slash - alembic->config));
    return alembic->migrations.count > 0 ? ini_directory(alembic->migrations.items[0]) : NULL;
}

/* That with which the project speaks of its database, as far as the scenario shows it. */
static char *scheme_of(const struct scenario *scenario)
{
    const char *url = scenario->source.database ? scenario->source.database : "";
    const char *end = strstr(url, "://");
    bool one = end && starts_with(url, "postgresql");
    return one ? xstrndup(url, (size_t)(end - url)) : xstrdup("postgresql");
}

/* Nobody wrote down what runs, so it must not be able to find another database by itself. */
static int by_default(const struct scenario *scenario, struct what_runs *what,
                      struct strings *ret_command, struct strings *ret_environment,
                      struct error *error)
{
    static const char *const upgrade[] = {"alembic", "upgrade", "head"};
    if (scenario->alembic_count == 0)
        return cannot_verify(error, "the scenario says nothing of migrations: add `migration` with "
                                    "a `command`, or `alembic`");
    const struct alembic_expectation *alembic = &scenario->alembic[0];
    if (!what->directory && !alembic->config && alembic->migrations.count == 0)
        return cannot_verify(error, "the scenario does not say where the project's migrations lie: "
                                    "say `migrations` or `config` under `alembic`, or `migration` "
                                    "with a `command`");
    if (!what->directory)
        what->directory = directory_of(alembic);
    if (!what->directory)
        return cannot_verify(error, "there is no alembic.ini above the migrations that `alembic` "
                                    "names, so nobody knows where to run `alembic upgrade head`: "
                                    "say `config`, or `migration` with a `directory`");
    if (!scenario->migration.network && !command_network_can_be_taken())
        return cannot_verify(error, "this machine gives no process a network of its own, so that "
                                    "`alembic upgrade head` might reach another database than the "
                                    "copy: say under `migration` what is to be run");
    for (size_t i = 0; i < ARRAY_LENGTH(upgrade); i++)
        strings_add(ret_command, upgrade[i]);
    cleanup(free_pointer) char *scheme = scheme_of(scenario);
    if (scenario->migration.environment.count == 0)
        strings_addf(ret_environment, "DATABASE_URL=%cmigration.url:%s%c", PLACEHOLDER_BEGIN,
                     scheme, PLACEHOLDER_END);
    return 0;
}

/* --- filling in ------------------------------------------------------------------------------- */

static void fill(const struct strings *texts, const char *const values[PLACEHOLDER_COUNT],
                 struct strings *ret_filled)
{
    for (size_t i = 0; i < texts->count; i++) {
        cleanup(free_pointer) char *filled = placeholders_fill(texts->items[i], values);
        strings_add(ret_filled, filled);
    }
}

static bool asks_for(const struct strings *texts, enum placeholder placeholder)
{
    for (size_t i = 0; i < texts->count; i++)
        if (placeholder_is_in(texts->items[i], placeholder))
            return true;
    return false;
}

/* A URL says them as they are: no tool has to read %2F, and env.py's set_main_option cannot. */
static int refuse_unsafe(const char *what, const char *text, struct error *error)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";
    if (text[strspn(text, safe)] == '\0')
        return 0;
    return cannot_verify(
        error, "%s, %s, has characters that cannot stand in a URL as they are%s", what, text,
        *text == '/' ? ": set TMPDIR to a directory named by letters, digits, `-`, "
                       "`_` and `.`"
                     : "");
}

/* Values of variables that are called a secret. */
static void find_secrets(struct what_runs *what)
{
    static const char *const words[] = {"PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL"};
    for (size_t i = 0; i < what->environment.count; i++) {
        const char *entry = what->environment.items[i];
        const char *value = strchr(entry, '=');
        cleanup(free_pointer) char *name = xstrndup(entry, (size_t)(value - entry));
        for (size_t j = 0; j < ARRAY_LENGTH(words); j++)
            if (strcasestr(name, words[j])) {
                strings_add(&what->secrets, value + 1);
                break;
            }
    }
}

static void check_from(const struct strings *back, const char *from, struct what_runs *what)
{
    if (!from && asks_for(back, PLACEHOLDER_FROM))
        text_copy(
            what->back_problem, sizeof(what->back_problem),
            "the database has no single revision to go back to, which ${migration.from} would "
            "be: name in `back` what to go back to");
}

/* libpq and SQLAlchemy's drivers take a socket's directory as a parameter behind a host that counts
 * for nothing; without that host not all of them take a URL. */
static char *url_rest(const struct copy_place *place)
{
    return place->password ? xasprintf("%s:%s@%s:%s/%s", place->role, place->password, place->host,
                                       place->port, place->database)
                           : xasprintf("%s@localhost/%s?host=%s&port=%s", place->role,
                                       place->database, place->host, place->port);
}

/* Everything that a place has, but for what the scenario's default brings along. */
static int fill_all(const struct strings *arguments, const struct strings *environment,
                    const struct strings *back, const struct copy_place *place,
                    struct what_runs *what, struct error *error)
{
    if (refuse_unsafe("the directory of the server's socket", place->host, error) < 0 ||
        refuse_unsafe("the role that owns the tables", place->role, error) < 0)
        return -1;
    cleanup(free_pointer) char *url = url_rest(place);
    const char *const values[PLACEHOLDER_COUNT] = {[PLACEHOLDER_URL] = url,
                                                   [PLACEHOLDER_HOST] = place->host,
                                                   [PLACEHOLDER_PORT] = place->port,
                                                   [PLACEHOLDER_USER] = place->role,
                                                   [PLACEHOLDER_PASSWORD] =
                                                       place->password ? place->password : "",
                                                   [PLACEHOLDER_DATABASE] = place->database,
                                                   [PLACEHOLDER_FROM] = place->from};
    fill(arguments, values, &what->command);
    fill(back, values, &what->back);
    fill(environment, values, &what->environment);
    find_secrets(what);
    if (place->password)
        strings_add(&what->secrets, place->password);
    return 0;
}

int what_runs_fill(const struct strings *arguments, const struct strings *environment,
                   const struct copy_place *place, struct what_runs *what, struct error *error)
{
    static const struct strings none = {0};
    return fill_all(arguments, environment, &none, place, what, error);
}

static int refuse_unknown_from(const struct migration_wanted *wanted, const char *from,
                               struct error *error)
{
    if (from || (!asks_for(&wanted->command, PLACEHOLDER_FROM) &&
                 !asks_for(&wanted->environment, PLACEHOLDER_FROM)))
        return 0;
    return cannot_verify(error, "the database has no single revision, which ${migration.from} "
                                "would be");
}

int what_runs_find(const struct scenario *scenario, const struct copy_place *place,
                   struct what_runs *what, struct error *error)
{
    const struct migration_wanted *wanted = &scenario->migration;
    cleanup(strings_free) struct strings command = {0};
    cleanup(strings_free) struct strings environment = {0};
    what_runs_free(what);
    if (refuse_unknown_from(wanted, place->from, error) < 0)
        return -1;
    what->directory = wanted->directory ? xstrdup(wanted->directory) : NULL;
    for (size_t i = 0; i < wanted->environment.count; i++)
        strings_add(&environment, wanted->environment.items[i]);
    if (wanted->command.count == 0 && by_default(scenario, what, &command, &environment, error) < 0)
        return -1;
    check_from(&wanted->back, place->from, what);
    return fill_all(wanted->command.count > 0 ? &wanted->command : &command, &environment,
                    &wanted->back, place, what, error);
}
