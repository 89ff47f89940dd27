#include "postgres/hosts.h"

#include <stdlib.h>
#include <string.h>

static const char transaction_port[] = "6543";
static const char session_port[] = "5432";
static const char neon_pooler[] = "-pooler";

static const char *value(const struct address *address, const char *keyword)
{
    const char *text = address_get(address, keyword);
    return text ? text : "";
}

static const char *words_of(enum host_kind kind)
{
    static const char *const words[] = {[HOST_GUESS] = "the host",
                                        [HOST_RENDER] = "Render",
                                        [HOST_SUPABASE] = "Supabase",
                                        [HOST_NEON] = "Neon",
                                        [HOST_SELF_HOSTED] = "the host"};
    return words[kind];
}

const char *host_name(enum host_kind kind)
{
    static const char *const names[] = {[HOST_GUESS] = "self-hosted",
                                        [HOST_RENDER] = "render",
                                        [HOST_SUPABASE] = "supabase",
                                        [HOST_NEON] = "neon",
                                        [HOST_SELF_HOSTED] = "self-hosted"};
    return names[kind];
}

/* Names are compared without regard to case, and to the dot that may end them. */
static bool host_ends_with(const char *host, const char *domain)
{
    size_t length = strlen(host);
    size_t domain_length = strlen(domain);
    while (length > 0 && host[length - 1] == '.')
        length--;
    return length > domain_length &&
           strncasecmp(host + length - domain_length, domain, domain_length) == 0;
}

static bool is_render_internal(const char *host)
{
    return strncasecmp(host, "dpg-", 4) == 0 && host[4] != '\0' && !strpbrk(host, "./,");
}

static bool is_supabase_pooler(const char *host)
{
    return host_ends_with(host, ".pooler.supabase.com");
}

static enum host_kind recognise(const char *host)
{
    if (is_render_internal(host) || host_ends_with(host, ".render.com"))
        return HOST_RENDER;
    if (host_ends_with(host, ".supabase.co") || host_ends_with(host, ".supabase.com"))
        return HOST_SUPABASE;
    if (host_ends_with(host, ".neon.tech"))
        return HOST_NEON;
    return HOST_SELF_HOSTED;
}

enum host_kind host_recognise(const struct address *address)
{
    /* libpq takes several hosts, with commas between them. */
    const char *next = value(address, "host");
    while (*next) {
        size_t length = strcspn(next, ",");
        cleanup(free_pointer) char *host = xstrndup(next, length);
        enum host_kind kind = recognise(host);
        if (kind != HOST_SELF_HOSTED)
            return kind;
        next += length + (next[length] == ',');
    }
    return HOST_SELF_HOSTED;
}

static bool is_mode(const char *mode, const char *const *modes)
{
    for (; *modes; modes++)
        if (strcmp(mode, *modes) == 0)
            return true;
    return false;
}

/* The scenario names a certificate in order to have it used: what a URL was copied with, such as
 * sslmode=require, does not take that away. */
static int certificate_use(const char *root_certificate, struct address *address,
                           struct error *error)
{
    const char *mode = value(address, "sslmode");
    const char *other = address_get(address, "sslrootcert");
    if (strcmp(mode, "disable") == 0)
        return cannot_verify(error, "source.root_certificate asks for TLS, and sslmode=disable in "
                                    "source.database forbids it: remove one of them");
    if (other && strcmp(other, root_certificate) != 0)
        return cannot_verify(error, "source.root_certificate and sslrootcert in source.database "
                                    "name two certificates: remove one of them");
    address_set(address, "sslrootcert", root_certificate);
    if (strcmp(mode, "verify-ca") != 0)
        address_set(address, "sslmode", "verify-full");
    return 0;
}

/* Without TLS what is dumped could be read, and changed, on the way. */
static int tls_require(enum host_kind kind, struct address *address, struct error *error)
{
    static const char *const secure[] = {"require", "verify-ca", "verify-full", NULL};
    static const char *const weak[] = {"", "allow", "prefer", NULL};
    const char *mode = value(address, "sslmode");
    if (is_mode(mode, secure))
        return 0;
    if (!is_mode(mode, weak))
        return cannot_verify(error,
                             "sslmode=%s in source.database: a dump from %s comes over the "
                             "internet and needs TLS; remove it, or write sslmode=require",
                             mode, words_of(kind));
    address_set(address, "sslmode", "require");
    return 0;
}

static bool needs_tls(enum host_kind kind, const struct address *address)
{
    const char *host = value(address, "host");
    if (kind == HOST_SELF_HOSTED || (kind == HOST_RENDER && is_render_internal(host)))
        return false;
    return *host != '\0' && *host != '/' && *host != '@'; /* unix sockets have none */
}

static int supabase_adjust(const struct address *address, struct error *error)
{
    const char *host = value(address, "host");
    const char *user = value(address, "user");
    bool pooler = is_supabase_pooler(host);
    if (strcmp(value(address, "port"), transaction_port) == 0)
        return cannot_verify(error,
                             "%s:%s is Supabase's transaction pooler, through which pg_dump cannot "
                             "work: use %s:%s instead, %s",
                             host, transaction_port, host, session_port,
                             pooler ? "its session pooler, with the same user and password"
                                    : "the database itself, or the session pooler");
    /* The project may also be named in the options (reference=...). */
    if (pooler && !strchr(user, '.') && !strstr(value(address, "options"), "reference="))
        return cannot_verify(error,
                             "%s tells projects apart by the user: write the user in "
                             "source.database as %s.PROJECT-REF (the dashboard shows it: Connect, "
                             "Session pooler)",
                             host, *user ? user : "postgres");
    return 0;
}

/* ep-cool-name-123-pooler.eu-central-1.aws.neon.tech without "-pooler". */
static void neon_adjust(struct address *address, struct strings *notices)
{
    const char *host = value(address, "host");
    size_t label = strcspn(host, ".");
    size_t suffix = strlen(neon_pooler);
    if (label <= suffix || strncasecmp(host + label - suffix, neon_pooler, suffix) != 0)
        return;
    cleanup(free_pointer) char *direct =
        xasprintf("%.*s%s", (int)(label - suffix), host, host + label);
    strings_addf(notices,
                 "%s is Neon's pooler, through which pg_dump cannot work: dumping from %s instead",
                 host, direct);
    address_set(address, "host", direct);
}

int host_adjust(enum host_kind kind, const char *root_certificate, struct address *address,
                struct strings *notices, struct error *error)
{
    if (kind != HOST_SELF_HOSTED && strchr(value(address, "host"), ','))
        return cannot_verify(error,
                             "source.database names several hosts, and one of them is %s's: "
                             "name the one to dump from",
                             words_of(kind));
    if (kind == HOST_SUPABASE && supabase_adjust(address, error) < 0)
        return -1;
    if (kind == HOST_NEON)
        neon_adjust(address, notices);
    if (root_certificate)
        return certificate_use(root_certificate, address, error);
    return needs_tls(kind, address) ? tls_require(kind, address, error) : 0;
}

static bool says(const struct error *error, const char *const *phrases)
{
    for (; *phrases; phrases++)
        if (strstr(error->text, *phrases))
            return true;
    return false;
}

static void explain(struct error *error, const char *words)
{
    cleanup(free_pointer) char *text = xasprintf("%s. %s", error->text, words);
    text_copy(error->text, sizeof(error->text), text);
}

void host_explain(enum host_kind kind, const struct address *address, struct error *error)
{
    static const char *const no_way[] = {"Network is unreachable",
                                         "Cannot assign requested address",
                                         "Address family not supported",
                                         "No route to host",
                                         "could not translate host name",
                                         "timeout expired",
                                         NULL};
    static const char *const no_name[] = {"could not translate host name", NULL};
    static const char *const no_endpoint[] = {"Endpoint ID is not specified", NULL};
    const char *host = value(address, "host");
    if (kind == HOST_SUPABASE && !is_supabase_pooler(host) && says(error, no_way))
        explain(error,
                "Without the IPv4 add-on this host of Supabase has only an IPv6 address, and many "
                "networks (GitHub Actions and Render among them) have only IPv4: use the session "
                "pooler, REGION.pooler.supabase.com:5432 with the user postgres.PROJECT-REF; the "
                "dashboard shows its address (Connect, Session pooler)");
    if (kind == HOST_RENDER && is_render_internal(host) && says(error, no_name))
        explain(error, "This is a name that only Render's own network knows: use the external URL, "
                       "whose host ends in .render.com");
    if (kind == HOST_NEON && says(error, no_endpoint))
        explain(error, "Neon tells databases apart by the host's name, which goes with TLS: name "
                       "the host, not its number, and use libpq 14 or newer");
}
