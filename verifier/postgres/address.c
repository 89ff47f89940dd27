#include "postgres/address.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"

enum { ADDRESS_LIMIT_BYTES = 16384 };

/* Options that SQLAlchemy hands to its driver and that mean nothing to libpq. */
static const char *const driver_options[] = {
    "prepared_statement_cache_size",
    "prepared_statement_name_func",
    "async_fallback",
    "statement_cache_size",
    "server_settings",
    "command_timeout",
    "timeout",
    "pgbouncer",
};

static bool is_driver_option(const char *option, size_t length)
{
    for (size_t i = 0; i < ARRAY_LENGTH(driver_options); i++)
        if (strlen(driver_options[i]) == length && strncmp(driver_options[i], option, length) == 0)
            return true;
    return false;
}

/* Rewrites one `name=value` of a URL's query for libpq. */
static void query_option_append(struct buffer *url, size_t authority_length, const char *option,
                                size_t length)
{
    size_t name_length = strcspn(option, "=");
    if (name_length > length)
        name_length = length;
    if (is_driver_option(option, name_length))
        return;
    buffer_append_text(url, url->length > authority_length ? "&" : "?");
    if (name_length == strlen("ssl") && strncmp(option, "ssl", name_length) == 0) {
        buffer_append_text(url, "sslmode");
        option += name_length;
        length -= name_length;
        /* asyncpg takes ssl=true as well, which asks for TLS without checking the certificate. */
        if (length == strlen("=true") && strncmp(option, "=true", length) == 0) {
            option = "=require";
            length = strlen(option);
        } else if (length == strlen("=false") && strncmp(option, "=false", length) == 0) {
            option = "=disable";
            length = strlen(option);
        }
    }
    buffer_append(url, option, length);
}

/* "postgresql+asyncpg://host/db?ssl=require" -> "postgresql://host/db?sslmode=require". */
static char *libpq_url(const char *text)
{
    struct buffer url;
    buffer_init(&url, ADDRESS_LIMIT_BYTES * 2);
    const char *rest = strstr(text, "://");
    size_t user = strcspn(rest + strlen("://"), "@/");
    size_t query = strlen("://") + user;
    query = rest[query] == '@' ? query : 0; /* a password may hold a question mark */
    query += strcspn(rest + query, "?");
    buffer_append_text(&url, "postgresql");
    buffer_append(&url, rest, query);
    size_t authority_length = url.length; /* and path */
    rest += query;
    while (*rest) {
        rest++; /* the ? or & */
        size_t length = strcspn(rest, "&");
        query_option_append(&url, authority_length, rest, length);
        rest += length;
    }
    return buffer_steal(&url);
}

/* Does the text begin with a scheme? A key=value string may hold :// in its password. */
static bool has_scheme(const char *text)
{
    size_t length =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    return length > 0 && starts_with(text + length, "://");
}

/* With or without SQLAlchemy's +DRIVER. */
static bool is_postgres_scheme(const char *text)
{
    size_t length = strcspn(text, "+:");
    return (length == strlen("postgresql") && starts_with(text, "postgresql")) ||
           (length == strlen("postgres") && starts_with(text, "postgres"));
}

/* libpq ends the password at the first @ and, without one before it, the host at the first /: what
 * is left of a password that holds these characters would become a host or a database's name, and
 * be shown as such. */
static bool shows_password(const char *url)
{
    const char *authority = strstr(url, "://") + strlen("://");
    const char *at = strpbrk(authority, "@/");
    if (!at)
        return false;
    if (*at == '/')
        return strchr(at, '@') != NULL;
    size_t rest = strcspn(at + 1, "?");
    return memchr(at + 1, '@', rest) != NULL;
}

/* libpq's complaints quote the connection string, which may hold a password: they are never shown.
 */
int address_parse(const char *text, struct address *ret_address, struct error *error)
{
    if (strlen(text) > ADDRESS_LIMIT_BYTES)
        return cannot_verify(error, "the connection string is longer than %d bytes",
                             ADDRESS_LIMIT_BYTES);
    bool is_url = has_scheme(text);
    if (is_url && !is_postgres_scheme(text))
        return cannot_verify(error, "the database URL must begin with postgresql://");
    if (is_url && shows_password(text))
        return cannot_verify(error, "the database URL has an @ or a / in its user or password: "
                                    "percent-encode them (@ is %%40, / is %%2F)");
    cleanup(free_pointer) char *plain = is_url ? libpq_url(text) : xstrdup(text);
    char *complaint = NULL;
    PQconninfoOption *options = PQconninfoParse(plain, &complaint);
    PQfreemem(complaint);
    if (!options)
        return cannot_verify(
            error, "the connection string is not one that libpq understands: write it as "
                   "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with special characters of the "
                   "password percent-encoded (@ is %%40, / is %%2F)");
    struct address address = {0};
    for (PQconninfoOption *option = options; option->keyword; option++) {
        if (!option->val)
            continue;
        strings_add(&address.keywords, option->keyword);
        strings_add(&address.values, option->val);
    }
    PQconninfoFree(options);
    *ret_address = address;
    return 0;
}

void address_free(struct address *address)
{
    strings_free(&address->keywords);
    strings_free(&address->values);
}

void address_copy(const struct address *address, struct address *ret_copy)
{
    struct address copy = {0};
    for (size_t i = 0; i < address->keywords.count; i++) {
        strings_add(&copy.keywords, address->keywords.items[i]);
        strings_add(&copy.values, address->values.items[i]);
    }
    *ret_copy = copy;
}

const char *address_get(const struct address *address, const char *keyword)
{
    for (size_t i = 0; i < address->keywords.count; i++)
        if (strcmp(address->keywords.items[i], keyword) == 0)
            return address->values.items[i];
    return NULL;
}

void address_set(struct address *address, const char *keyword, const char *value)
{
    for (size_t i = 0; i < address->keywords.count; i++) {
        if (strcmp(address->keywords.items[i], keyword) != 0)
            continue;
        free(address->values.items[i]);
        address->values.items[i] = xstrdup(value);
        return;
    }
    strings_add(&address->keywords, keyword);
    strings_add(&address->values, value);
}

void address_take_environment(struct address *address)
{
    static const char *const variables[][2] = {
        {"host", "PGHOST"},         {"hostaddr", "PGHOSTADDR"},       {"port", "PGPORT"},
        {"user", "PGUSER"},         {"options", "PGOPTIONS"},         {"sslmode", "PGSSLMODE"},
        {"passfile", "PGPASSFILE"}, {"sslrootcert", "PGSSLROOTCERT"}, {"sslcert", "PGSSLCERT"},
        {"sslkey", "PGSSLKEY"},     {"sslcrl", "PGSSLCRL"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++) {
        const char *value = getenv(variables[i][1]);
        if (value && *value && !address_get(address, variables[i][0]))
            address_set(address, variables[i][0], value);
    }
}

/* Keywords whose values are files, or directories of them. */
static const char *const file_keywords[] = {"passfile",    "sslcert", "sslkey",
                                            "sslrootcert", "sslcrl",  "sslcrldir"};

void address_resolve_files(struct address *address)
{
    cleanup(free_pointer) char *here = getcwd(NULL, 0);
    for (size_t i = 0; here && i < ARRAY_LENGTH(file_keywords); i++) {
        const char *file = address_get(address, file_keywords[i]);
        /* "system" is libpq's word for the certificates of the machine. */
        if (!file || *file == '\0' || *file == '/' || strcmp(file, "system") == 0)
            continue;
        cleanup(free_pointer) char *path = xasprintf("%s/%s", here, file);
        address_set(address, file_keywords[i], path);
    }
}

void address_files(const struct address *address, struct strings *paths)
{
    static const char *const variables[] = {"PGPASSFILE",    "PGSSLCERT",     "PGSSLKEY",
                                            "PGSSLCRL",      "PGSSLROOTCERT", "PGSSLCRLDIR",
                                            "PGSYSCONFDIR",  "PGSERVICEFILE", "KRB5_CONFIG",
                                            "SSL_CERT_FILE", "SSL_CERT_DIR",  "OPENSSL_CONF"};
    static const char *const at_home[] = {".pgpass", ".pg_service.conf", ".postgresql"};
    const char *home = getenv("HOME");
    for (size_t i = 0; i < ARRAY_LENGTH(file_keywords); i++)
        if (address_get(address, file_keywords[i]))
            strings_add(paths, address_get(address, file_keywords[i]));
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++)
        if (getenv(variables[i]))
            strings_add(paths, getenv(variables[i]));
    for (size_t i = 0; home && i < ARRAY_LENGTH(at_home); i++)
        strings_addf(paths, "%s/%s", home, at_home[i]);
}

/* What libpq would take for a keyword that is not set. */
static const char *effective(const struct address *address, const char *keyword)
{
    const char *value = address_get(address, keyword);
    if (!value && strcmp(keyword, "host") == 0)
        value = address_get(address, "hostaddr");
    if (!value && strcmp(keyword, "dbname") == 0)
        value = address_get(address, "user");
    if (!value && strcmp(keyword, "port") == 0)
        value = "5432";
    return value ? value : "";
}

char *address_describe(const struct address *address)
{
    const char *host = effective(address, "host");
    if (*host == '/' || *host == '\0')
        return xasprintf("%s/%s", *host ? host : "the local socket", effective(address, "dbname"));
    if (strchr(host, ':') && !strchr(host, ','))
        return xasprintf("[%s]:%s/%s", host, effective(address, "port"),
                         effective(address, "dbname"));
    return xasprintf("%s:%s/%s", host, effective(address, "port"), effective(address, "dbname"));
}

static bool is_secret(const char *keyword)
{
    static const char *const secrets[] = {"password", "sslpassword", "oauth_client_secret"};
    for (size_t i = 0; i < ARRAY_LENGTH(secrets); i++)
        if (strcmp(keyword, secrets[i]) == 0)
            return true;
    return false;
}

char *address_argument(const struct address *address)
{
    struct buffer text;
    buffer_init(&text, ADDRESS_LIMIT_BYTES * 4);
    for (size_t i = 0; i < address->keywords.count; i++) {
        if (is_secret(address->keywords.items[i]))
            continue;
        buffer_printf(&text, "%s%s='", text.length ? " " : "", address->keywords.items[i]);
        for (const char *next = address->values.items[i]; *next; next++) {
            if (*next == '\'' || *next == '\\')
                buffer_append(&text, "\\", 1);
            buffer_append(&text, next, 1);
        }
        buffer_append(&text, "'", 1);
    }
    return buffer_steal(&text);
}

static void add_variable(const char *name, struct strings *environment)
{
    const char *value = getenv(name);
    if (value)
        strings_addf(environment, "%s=%s", name, value);
}

void address_environment(const struct address *address, struct strings *environment)
{
    /* Where libpq, and what is below it, find files. */
    static const char *const places[] = {"HOME",         "PGSERVICEFILE", "PGSYSCONFDIR",
                                         "KRB5CCNAME",   "KRB5_CONFIG",   "SSL_CERT_FILE",
                                         "SSL_CERT_DIR", "OPENSSL_CONF"};
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++)
        add_variable(places[i], environment);
    /* libpq's own list. */
    PQconninfoOption *options = PQconninfoParse("", NULL);
    for (PQconninfoOption *option = options; option && option->keyword; option++)
        if (option->envvar && !address_get(address, option->keyword))
            add_variable(option->envvar, environment);
    PQconninfoFree(options);
    const char *password = address_get(address, "password");
    if (password)
        strings_addf(environment, "PGPASSWORD=%s", password);
}

bool address_same(const struct address *left, const struct address *right)
{
    static const char *const keywords[] = {"host", "port", "dbname"};
    for (size_t i = 0; i < ARRAY_LENGTH(keywords); i++)
        if (strcasecmp(effective(left, keywords[i]), effective(right, keywords[i])) != 0)
            return false;
    return true;
}
