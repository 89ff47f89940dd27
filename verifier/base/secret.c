#include "base/secret.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"

/* Words of settings stay below that, or have no digits, or have blanks, commas, dots. */
enum { TOKEN_BYTES = 20 };

static bool tells_secret(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasestr(text, words[i]))
            return true;
    return false;
}

/* A long run of letters and digits, both, as keys are in hexadecimal or base64. */
static bool has_token(const char *text)
{
    size_t length = 0, digits = 0;
    for (;; text++) {
        const bool inside = isalnum((unsigned char)*text) || (*text && strchr("+/_-", *text));
        if (!inside) {
            if (length >= TOKEN_BYTES && digits > 0 && digits < length)
                return true;
            length = digits = 0;
        } else {
            length++;
            digits += isdigit((unsigned char)*text) != 0;
        }
        if (!*text)
            return false;
    }
}

bool looks_secret(const char *name, const char *value)
{
    static const char *const names[] = {"passw", "secret", "token",       "credential", "private",
                                        "_key",  ".key",   "apikey",      "jwt",        "auth",
                                        "dsn",   "conn",   "database_url"};
    static const char *const values[] = {"password=", "eyj", "-----begin", "bearer ", "secret"};
    if (tells_secret(name, names, ARRAY_LENGTH(names)))
        return true;
    if (!value)
        return false;
    const char *url = strstr(value, "://");
    return (url && strchr(url, '@')) || tells_secret(value, values, ARRAY_LENGTH(values)) ||
           has_token(value);
}
