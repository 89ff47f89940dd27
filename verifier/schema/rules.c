#include "schema/rules.h"

#include <string.h>

#include "base/memory.h"

/* The first that fits counts. A NULL stands for anything; a name that ends in a space for all that
 * begin so. */
static const struct {
    const char *kind, *name;
    enum schema_rule rule;
} rules[] = {
    {"TABLE DATA", NULL, RULE_DATA},
    {"SEQUENCE SET", NULL, RULE_DATA},
    {"MATERIALIZED VIEW DATA", NULL, RULE_DATA},
    {"STATISTICS DATA", NULL, RULE_DATA},
    {"BLOB", NULL, RULE_LARGE_OBJECTS},
    {"BLOBS", NULL, RULE_LARGE_OBJECTS},
    {"BLOB COMMENTS", NULL, RULE_LARGE_OBJECTS},
    {"BLOB METADATA", NULL, RULE_LARGE_OBJECTS},
    {"LARGE OBJECT", NULL, RULE_LARGE_OBJECTS},
    {"COMMENT", "LARGE OBJECT ", RULE_LARGE_OBJECTS},
    {"COMMENT", "LARGE OBJECTS ", RULE_LARGE_OBJECTS},
    {"ENCODING", NULL, RULE_SETTINGS},
    {"STDSTRINGS", NULL, RULE_SETTINGS},
    {"SEARCHPATH", NULL, RULE_SETTINGS},
    {"WARNING", NULL, RULE_SETTINGS},
    {"DATABASE", NULL, RULE_DATABASE},
    {"DATABASE PROPERTIES", NULL, RULE_DATABASE},
    {"COMMENT", "DATABASE ", RULE_DATABASE},
    {"ACL", NULL, RULE_RIGHTS},
    {"ACL LANGUAGE", NULL, RULE_RIGHTS},
    {"DEFAULT ACL", NULL, RULE_RIGHTS},
    {"SECURITY LABEL", NULL, RULE_SECURITY_LABELS},
    {"SUBSCRIPTION", NULL, RULE_SUBSCRIPTIONS},
    {"SUBSCRIPTION TABLE", NULL, RULE_SUBSCRIPTIONS},
    {"COMMENT", "SUBSCRIPTION ", RULE_SUBSCRIPTIONS},
    {"SCHEMA", "public", RULE_OF_EVERY_DATABASE},
    {"COMMENT", "SCHEMA public", RULE_OF_EVERY_DATABASE},
    {"EXTENSION", "plpgsql", RULE_OF_EVERY_DATABASE},
    {"PROCEDURAL LANGUAGE", "plpgsql", RULE_OF_EVERY_DATABASE},
    {"COMMENT", "LANGUAGE plpgsql", RULE_OF_EVERY_DATABASE},
    {"COMMENT", "EXTENSION ", RULE_EXTENSION_COMMENTS},
};

/* In some names pg_dump can be told to quote every identifier. */
static bool name_fits(const char *name, const char *wanted)
{
    for (; wanted && *wanted; name++, wanted++) {
        name += strspn(name, "\"");
        if (*name != *wanted)
            return false;
        if (*wanted == ' ' && wanted[1] == '\0')
            return true;
    }
    return !wanted || name[strspn(name, "\"")] == '\0';
}

enum schema_rule schema_rule_of(const char *kind, const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(rules); i++)
        if (strcmp(rules[i].kind, kind) == 0 && name_fits(name, rules[i].name))
            return rules[i].rule;
    return RULE_NONE;
}

const char *schema_rule_words(enum schema_rule rule)
{
    static const char *const words[SCHEMA_RULE_COUNT] = {
        [RULE_NONE] = "nothing",
        [RULE_DATA] = "data, which other checks look at",
        [RULE_LARGE_OBJECTS] = "large objects, which are counted",
        [RULE_SETTINGS] = "settings of the session",
        [RULE_DATABASE] = "the database itself",
        [RULE_RIGHTS] = "rights of roles",
        [RULE_SECURITY_LABELS] = "security labels",
        [RULE_SUBSCRIPTIONS] = "subscriptions",
        [RULE_OF_EVERY_DATABASE] = "what every database has (public, plpgsql)",
        [RULE_EXTENSION_COMMENTS] = "comments on extensions",
        [RULE_EXCLUDED] = "what restore.exclude leaves out",
    };
    return words[rule];
}

bool schema_kind_is_named_only(const char *kind)
{
    return strcmp(kind, "USER MAPPING") == 0;
}
