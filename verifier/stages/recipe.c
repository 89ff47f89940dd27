#include "stages/recipe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/secret.h"
#include "stages/requirements.h"

enum { LINE_BYTES = 64 * 1024 };

/* Quoted for a shell, if it needs to be; control characters become question marks. Caller frees. */
static char *shell_quote(const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    if (*text && text[strspn(text, plain)] == '\0')
        return xstrdup(text);
    struct buffer quoted;
    buffer_init(&quoted, LINE_BYTES);
    buffer_append_text(&quoted, "'");
    for (; *text; text++)
        if (*text == '\'')
            buffer_append_text(&quoted, "'\\''");
        else
            buffer_append(&quoted, (unsigned char)*text < ' ' || *text == 0x7f ? "?" : text, 1);
    buffer_append_text(&quoted, "'");
    return buffer_steal(&quoted);
}

/* For --dbname: what has a `=` in it or looks like a URL is read as more than a name there. Caller
 * frees. */
static char *dbname_quote(const char *database)
{
    if (!strchr(database, '=') && !strstr(database, "://"))
        return shell_quote(database);
    struct buffer words;
    buffer_init(&words, LINE_BYTES);
    buffer_append_text(&words, "dbname='");
    for (; *database; database++)
        buffer_printf(&words, "%s%c", strchr("'\\", *database) ? "\\" : "", *database);
    buffer_append_text(&words, "'");
    cleanup(free_pointer) char *connection = buffer_steal(&words);
    return shell_quote(connection);
}

static void add_sql(struct strings *commands, const char *database, const char *sql)
{
    cleanup(free_pointer) char *name = dbname_quote(database);
    cleanup(free_pointer) char *statement = shell_quote(sql);
    strings_addf(commands, "psql --dbname=%s --command=%s", name, statement);
}

/* --- what it needs ---------------------------------------------------------------------------- */

/* A superuser of that name is there as a rule. */
static bool is_needed_role(const struct archive *archive, const char *role)
{
    return strcmp(role, "postgres") != 0 && !strings_contain(&archive->created_roles, role);
}

/* Those that the archive names, and those that the manifest adds: in whom they are. */
static void needed_roles(const struct archive *archive, const struct manifest *manifest,
                         struct strings *roles)
{
    for (size_t i = 0; i < archive->roles.count; i++)
        if (is_needed_role(archive, archive->roles.items[i]))
            strings_add(roles, archive->roles.items[i]);
    for (size_t i = 0; manifest && i < manifest->surroundings.role_count; i++) {
        const char *name = manifest->surroundings.roles[i].name;
        if (is_needed_role(archive, name) && !strings_contain(&archive->roles, name))
            strings_add(roles, name);
    }
}

/* "pg_trgm 1.6" where the manifest knows that, to be freed by the caller. */
static char *extension_words(const char *name, const struct manifest *manifest)
{
    for (size_t i = 0; manifest && i < manifest->extensions.count; i++) {
        const char *known = manifest->extensions.items[i];
        if (starts_with(known, name) && known[strlen(name)] == ' ')
            return xstrdup(known);
    }
    return xstrdup(name);
}

/* `name` of `SET name TO value`, to be freed by the caller. */
static char *name_of_setting(const char *statement, const char **ret_value)
{
    const char *name = strstr(statement, " SET ") + strlen(" SET ");
    const char *end = strstr(name, " TO ");
    *ret_value = end ? end + strlen(" TO ") : "";
    size_t length = end ? (size_t)(end - name) : strlen(name);
    return *name == '"' && length > 2 ? xstrndup(name + 1, length - 2) : xstrndup(name, length);
}

/* The statements of the archive about its database: one a line. */
static void archive_settings(const struct archive *archive, struct strings *statements)
{
    for (size_t i = 0; i < archive->entry_count; i++) {
        const char *line = archive->entries[i].definition;
        if (strcmp(archive->entries[i].description, "DATABASE PROPERTIES") != 0)
            continue;
        for (size_t length; *line; line += length + (line[length] == '\n')) {
            length = strcspn(line, "\n");
            cleanup(free_pointer) char *sql = xstrndup(line, length);
            if (starts_with(sql, "ALTER ") && strstr(sql, " SET "))
                strings_add(statements, sql);
        }
    }
}

static void needed_settings(const struct archive *archive, const struct manifest *manifest,
                            struct strings *names)
{
    cleanup(strings_free) struct strings statements = {0};
    archive_settings(archive, &statements);
    for (size_t i = 0; i < statements.count; i++) {
        const char *value;
        cleanup(free_pointer) char *name = name_of_setting(statements.items[i], &value);
        if (!strings_contain(names, name))
            strings_add(names, name);
    }
    for (size_t i = 0; manifest && i < manifest->surroundings.setting_count; i++)
        if (!strings_contain(names, manifest->surroundings.settings[i].name))
            strings_add(names, manifest->surroundings.settings[i].name);
}

static void add_need(struct strings *needs, const char *one, const char *many,
                     const struct strings *names)
{
    cleanup(free_pointer) char *listed = strings_listed(names);
    if (names->count > 0)
        strings_addf(needs, "the %s %s", names->count == 1 ? one : many, listed);
}

void restore_needs(const struct archive *archive, const struct manifest *manifest,
                   struct strings *needs)
{
    struct required_versions required = required_versions(archive);
    cleanup(strings_free) struct strings roles = {0};
    cleanup(strings_free) struct strings extensions = {0};
    cleanup(strings_free) struct strings settings = {0};
    if (required.server > 0)
        strings_addf(needs, "PostgreSQL %d or newer", required.server);
    needed_roles(archive, manifest, &roles);
    for (size_t i = 0; i < archive->extension_count; i++) {
        cleanup(free_pointer) char *words = extension_words(archive->extensions[i].name, manifest);
        strings_add(&extensions, words);
    }
    needed_settings(archive, manifest, &settings);
    add_need(needs, "role", "roles", &roles);
    add_need(needs, "extension", "extensions", &extensions);
    add_need(needs, "tablespace", "tablespaces", &archive->tablespaces);
    add_need(needs, "setting", "settings", &settings);
}

/* --- the commands ----------------------------------------------------------------------------- */

/* What stands in a comment of a shell line. */
__attribute__((format(printf, 2, 3))) static void add_remark(struct strings *commands,
                                                             const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *words = xvasprintf(format, arguments);
    va_end(arguments);
    for (char *next = words; *next; next++)
        if ((unsigned char)*next < ' ' || *next == 0x7f)
            *next = '?';
    strings_addf(commands, "# %s", words);
}

/* How the source had it, as far as that may be given without asking; NULL: that is not known. */
static void add_role(const char *role, const struct role_around *known, struct strings *commands)
{
    static const char *const options[][2] = {{"createdb", " --createdb"},
                                             {"createrole", " --createrole"},
                                             {"noinherit", " --no-inherit"}};
    static const char *const grave[] = {"superuser", "replication", "bypassrls"};
    cleanup(free_pointer) char *name = shell_quote(role);
    struct buffer line;
    buffer_init(&line, LINE_BYTES);
    bool logs_in = known && strings_contain(&known->attributes, "login");
    buffer_printf(&line, "createuser --%slogin", logs_in ? "" : "no-");
    for (size_t i = 0; known && i < ARRAY_LENGTH(options); i++)
        if (strings_contain(&known->attributes, options[i][0]))
            buffer_append_text(&line, options[i][1]);
    buffer_printf(&line, " %s%s", *role == '-' ? "-- " : "", name);
    strings_add(commands, line.data);
    buffer_free(&line);
    for (size_t i = 0; known && i < ARRAY_LENGTH(grave); i++)
        if (strings_contain(&known->attributes, grave[i]))
            add_remark(commands, "the role %s had the attribute %s: give it that yourself", role,
                       grave[i]);
}

/* In PostgreSQL's own roles, or the superuser's, nobody is put without being asked. */
static void add_memberships(const struct role_around *role, const struct strings *made,
                            struct strings *commands)
{
    cleanup(free_pointer) char *member = identifier_quote(role->name);
    for (size_t i = 0; i < role->member_of.count; i++) {
        const char *name = role->member_of.items[i];
        cleanup(free_pointer) char *group = identifier_quote(name);
        cleanup(free_pointer) char *sql = xasprintf("GRANT %s TO %s", group, member);
        if (strings_contain(made, name) && strings_contain(made, role->name))
            add_sql(commands, "postgres", sql);
        else
            add_remark(commands, "the role %s was a member of %s: grant it that yourself",
                       role->name, name);
    }
}

static void add_roles(const struct archive *archive, const struct manifest *manifest,
                      struct strings *commands)
{
    cleanup(strings_free) struct strings roles = {0};
    needed_roles(archive, manifest, &roles);
    for (size_t i = 0; i < roles.count; i++)
        add_role(roles.items[i],
                 manifest ? surroundings_find_role(&manifest->surroundings, roles.items[i]) : NULL,
                 commands);
    for (size_t i = 0; manifest && i < manifest->surroundings.role_count; i++)
        add_memberships(&manifest->surroundings.roles[i], &roles, commands);
}

/* A word of SQL, or what stands in quotes, and where it ends. Caller frees. */
static char *sql_value(const char *text, const char **ret_end)
{
    struct buffer value;
    buffer_init(&value, LINE_BYTES);
    bool quoted = *text == '\'';
    for (text += quoted; *text && (quoted || *text != ' '); text++) {
        if (quoted && *text == '\'' && *++text != '\'')
            break;
        buffer_append(&value, text, 1);
    }
    *ret_end = text;
    return buffer_steal(&value);
}

/* "LC_COLLATE 'de_DE' " as " --lc-collate=de_DE": createdb has the names of CREATE DATABASE. Gives
 * what follows. */
static const char *add_locale_option(const char *options, struct buffer *line)
{
    buffer_append_text(line, " --");
    for (; *options && *options != ' '; options++) {
        const char letter = (char)(*options == '_' ? '-' : tolower((unsigned char)*options));
        buffer_append(line, &letter, 1);
    }
    cleanup(free_pointer) char *value = sql_value(options + strspn(options, " "), &options);
    cleanup(free_pointer) char *word = shell_quote(value);
    buffer_printf(line, "=%s", word);
    return options + strspn(options, " ");
}

static void add_database(const struct archive *archive, const char *database,
                         struct strings *commands)
{
    cleanup(free_pointer) char *name = shell_quote(database);
    cleanup(free_pointer) char *locale = required_locale(archive);
    struct buffer line;
    buffer_init(&line, LINE_BYTES);
    buffer_append_text(&line, "createdb --template=template0");
    if (archive->encoding) {
        cleanup(free_pointer) char *encoding = shell_quote(archive->encoding);
        buffer_printf(&line, " --encoding=%s", encoding);
    }
    for (const char *options = locale ? locale : ""; *options;)
        options = add_locale_option(options, &line);
    buffer_printf(&line, " %s%s", *database == '-' ? "-- " : "", name);
    strings_add(commands, line.data);
    buffer_free(&line);
    if (creates_public_schema(archive))
        add_sql(commands, database, "DROP SCHEMA public");
}

/* Of the database, and of roles in it: pg_restore makes them only with --create. */
static void add_archive_settings(const struct strings *statements, struct strings *commands)
{
    for (size_t i = 0; i < statements->count; i++) {
        const char *value;
        cleanup(free_pointer) char *name = name_of_setting(statements->items[i], &value);
        if (looks_secret(name, value))
            add_remark(commands,
                       "the setting %s looks like a secret, which is not told here: pg_restore "
                       "--create makes it",
                       name);
        else
            add_sql(commands, "postgres", statements->items[i]);
    }
}

/* Those of roles everywhere are in no dump; `in_database`: the others, too. */
static void add_manifest_settings(const struct manifest *manifest, const char *database,
                                  bool in_database, struct strings *commands)
{
    for (size_t i = 0; i < manifest->surroundings.setting_count; i++) {
        const struct setting *setting = &manifest->surroundings.settings[i];
        cleanup(free_pointer) char *sql = setting_statement(setting, database);
        if (setting->of_database && !in_database)
            continue;
        if (sql)
            add_sql(commands, "postgres", sql);
        else
            add_remark(commands,
                       "the setting %s%s%s looks like a secret, which no manifest holds: set it "
                       "yourself",
                       setting->name, *setting->role ? " of the role " : "", setting->role);
    }
}

static void add_settings(const struct archive *archive, const struct manifest *manifest,
                         const char *database, struct strings *commands)
{
    cleanup(strings_free) struct strings statements = {0};
    bool is_same = archive->database && strcmp(database, archive->database) == 0;
    if (is_same)
        archive_settings(archive, &statements);
    add_archive_settings(&statements, commands);
    if (manifest)
        add_manifest_settings(manifest, database, statements.count == 0, commands);
}

/* "gunzip --stdout FILE", or NULL where the file is read as it is. Caller frees. */
static char *unpacking(enum archive_container container, const char *path)
{
    return container == ARCHIVE_IN_GZIP   ? xasprintf("gunzip --stdout %s", path)
           : container == ARCHIVE_IN_ZSTD ? xasprintf("zstd --decompress --stdout %s", path)
                                          : NULL;
}

/* What lies in a bucket is fetched first, into the current directory; gives where it is then. */
static const char *add_fetch(const char *path, struct strings *commands)
{
    if (!starts_with(path, "s3://"))
        return path;
    const char *name = strrchr(path, '/') + 1;
    cleanup(free_pointer) char *from = shell_quote(path);
    cleanup(free_pointer) char *to = shell_quote(name);
    strings_addf(commands, "aws --endpoint-url \"$S3_ENDPOINT_URL\" s3 cp %s %s%s", from,
                 *name == '-' ? "./" : "", to);
    return name;
}

/* Of a file, or a directory. `replica`: its data go into a schema that has triggers and foreign
 * keys already, which are not asked, as they were not when it was verified. */
static void add_restore(const struct archive *archive, const char *backup, bool replica,
                        const char *database, struct strings *commands)
{
    const char *path = add_fetch(backup, commands);
    cleanup(free_pointer) char *file = shell_quote(path);
    cleanup(free_pointer) char *name = dbname_quote(database);
    cleanup(free_pointer) char *source = unpacking(archive->container, file);
    const char *settings = replica ? "PGOPTIONS='-c session_replication_role=replica' " : "";
    cleanup(free_pointer) char *program =
        archive->format == ARCHIVE_PLAIN
            ? xasprintf("%spsql --no-psqlrc --quiet%s --dbname=%s", settings,
                        archive->databases.count > 0 ? "" : " --set=ON_ERROR_STOP=1", name)
            : xasprintf("%spg_restore --exit-on-error --dbname=%s", settings, name);
    if (archive->format == ARCHIVE_DIRECTORY_TAR) {
        strings_add(commands, "mkdir unpacked");
        if (source)
            strings_addf(commands, "%s | tar --extract --directory=unpacked", source);
        else
            strings_addf(commands, "tar --extract --directory=unpacked --file=%s", file);
        strings_addf(commands, "%s \"$(dirname \"$(find unpacked -name toc.dat)\")\"", program);
    } else if (source) {
        strings_addf(commands, "%s | %s", source, program);
    } else {
        strings_addf(commands, "%s%s %s", program,
                     archive->format == ARCHIVE_PLAIN ? " --file" : "", file);
    }
}

void restore_commands(const struct archive *archive, const struct manifest *manifest,
                      const char *path, struct strings *commands)
{
    bool is_cluster = archive->databases.count > 0; /* it makes its databases itself */
    const char *database = is_cluster          ? "postgres"
                           : archive->database ? archive->database
                                               : "restored";
    /* "postgres" is there already, and a restore for real begins in an empty one. */
    if (!is_cluster && strcmp(database, "postgres") == 0)
        database = "restored";
    add_roles(archive, manifest, commands);
    if (!is_cluster)
        add_database(archive, database, commands);
    for (size_t i = 0; i < archive->part_count; i++) {
        cleanup(free_pointer) char *part = xasprintf("%s/%s", path, archive->parts[i].name);
        bool replica = archive->parts[i].part == PART_DATA && fills_schema(archive);
        add_restore(&archive->parts[i], part, replica, database, commands);
    }
    if (archive->part_count == 0)
        add_restore(archive, path, false, database, commands);
    if (!is_cluster)
        add_settings(archive, manifest, database, commands);
}
