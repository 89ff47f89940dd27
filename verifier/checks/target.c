/* Would it come back there? What the backup needs against the rules of the place where a person
 * would restore it. It is compared with what is known of that place; nobody is asked. */
#include <stdlib.h>
#include <string.h>

#include "archive/facts.h"
#include "base/memory.h"
#include "base/restore_target.h"
#include "checks/kinds.h"
#include "stages/requirements.h"

enum { NAMED = 10, WORDS_BYTES = 700, LISTED = 100 };

/* What stands in its way, and what is not known; each a few words. */
struct findings {
    const struct restore_target *target;
    const struct archive *archive;
    struct exclusion exclusion;
    struct strings hindrances;
    struct strings unknown;
    struct outcome *outcome;
};

static void find_version(struct findings *findings)
{
    const struct restore_target *target = findings->target;
    int needed = required_versions(findings->archive).server;
    if (needed == 0 || target->newest == 0 || needed <= target->newest)
        return;
    strings_addf(&findings->hindrances, "PostgreSQL %d is needed, and %d is the newest there",
                 needed, target->newest);
}

/* --- extensions ------------------------------------------------------------------------------- */

static void find_extension(struct findings *findings, const char *name)
{
    const struct restore_target *target = findings->target;
    enum offer offer = restore_target_offers(target, name);
    if (offer == OFFER_NOT_KNOWN)
        strings_addf(&findings->unknown, "extension %s", name);
    if (offer != NOT_OFFERED)
        return;
    if (target->superuser) {
        strings_addf(&findings->hindrances, "extension %s does not come with it", name);
        outcome_detail(findings->outcome, "extension %s: install its package there first", name);
    } else {
        strings_addf(&findings->hindrances, "extension %s is not offered", name);
        outcome_detail(findings->outcome,
                       "extension %s: leave it out of the restore, with all that depends on it, as "
                       "`EXTENSION %s` under restore.exclude does here",
                       name, name);
    }
}

static void find_extensions(struct findings *findings)
{
    const struct archive *archive = findings->archive;
    cleanup(strings_free) struct strings seen = {0};
    for (size_t i = 0; i < archive->extension_count; i++) {
        const char *name = archive->extensions[i].name;
        if (strings_contain(&seen, name) ||
            extension_is_left_out(archive, &findings->exclusion, name))
            continue;
        strings_add(&seen, name);
        find_extension(findings, name);
    }
}

/* --- roles ------------------------------------------------------------------------------------ */

static bool is_there(const struct findings *findings, const char *role)
{
    return strcmp(role, "postgres") == 0 || starts_with(role, "pg_") ||
           strings_contain(&findings->archive->created_roles, role) ||
           restore_target_lists(findings->target->roles, role);
}

/* Those without which a restore fails, whatever its options: plain SQL names all itself. */
static void roles_that_must_be(const struct findings *findings, struct strings *roles)
{
    const struct archive *archive = findings->archive;
    for (size_t i = 0; i < archive->entry_count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        if (!findings->exclusion.left_out[i] && (strcmp(entry->description, "POLICY") == 0 ||
                                                 strcmp(entry->description, "USER MAPPING") == 0))
            roles_in_definition(entry->definition, roles);
    }
    if (archive->entry_count == 0)
        for (size_t i = 0; i < archive->roles.count; i++)
            strings_add(roles, archive->roles.items[i]);
}

static void find_roles(struct findings *findings)
{
    cleanup(strings_free) struct strings needed = {0};
    cleanup(strings_free) struct strings seen = {0};
    roles_that_must_be(findings, &needed);
    for (size_t i = 0; i < needed.count; i++) {
        const char *role = needed.items[i];
        if (is_there(findings, role) || strings_contain(&seen, role))
            continue;
        strings_add(&seen, role);
        strings_addf(&findings->hindrances, "role %s is missing", role);
    }
    if (seen.count > 0)
        outcome_detail(findings->outcome, "make what is missing first: CREATE ROLE ... NOLOGIN");
}

/* Owners, and who was granted something. */
static void tell_other_roles(const struct findings *findings)
{
    const struct strings *roles = &findings->archive->roles;
    cleanup(strings_free) struct strings others = {0};
    for (size_t i = 0; i < roles->count && others.count < LISTED; i++)
        if (findings->archive->entry_count > 0 && !is_there(findings, roles->items[i]))
            strings_add(&others, roles->items[i]);
    cleanup(free_pointer) char *names = strings_listed(&others);
    if (others.count > 0)
        outcome_detail(
            findings->outcome,
            "owners, grants and policies name what is not there: %s; make them first, or "
            "restore owners and grants not at all (--no-owner --no-privileges)",
            names);
}

/* --- what only a superuser may make, and what is the host's own ------------------------------- */

/* pg_dump before version 11 writes it for every database. plpgsql is there already, and is the
 * host's superuser's. */
static bool is_about_plpgsql(const struct archive_entry *entry)
{
    return strcmp(entry->description, "COMMENT") == 0 &&
           strcmp(entry->tag, "EXTENSION plpgsql") == 0;
}

static void find_objects(struct findings *findings)
{
    const struct archive *archive = findings->archive;
    for (size_t i = 0; i < archive->entry_count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        if (findings->exclusion.left_out[i])
            continue;
        if (entry_needs_superuser(entry) &&
            !restore_target_lets_make(findings->target, entry->description)) {
            cleanup(free_pointer) char *name = entry_name(entry);
            strings_addf(&findings->hindrances, "%s needs a superuser", name);
        }
        if (is_about_plpgsql(entry) && !findings->target->superuser)
            strings_add(&findings->hindrances,
                        "the comment on the extension plpgsql needs a superuser (pg_restore "
                        "without --exit-on-error passes over it)");
        if (strcmp(entry->description, "SCHEMA") == 0 &&
            restore_target_lists(findings->target->schemas, entry->tag))
            strings_addf(&findings->hindrances, "schema %s is the host's own", entry->tag);
    }
    if (archive->entry_count == 0 && !findings->target->superuser)
        strings_add(&findings->unknown,
                    "whether its statements need a superuser, as plain SQL does not tell");
}

/* --- the verdict ------------------------------------------------------------------------------ */

/* "a; b and 3 more", to be freed by the caller. */
static char *joined(const struct strings *words, size_t *ret_told)
{
    struct buffer text;
    buffer_init(&text, WORDS_BYTES);
    size_t told = 0;
    while (told < words->count && told < NAMED &&
           buffer_printf(&text, "%s%s", told > 0 ? "; " : "", words->items[told]) == 0)
        told++;
    cleanup(free_pointer) char *list = buffer_steal(&text);
    *ret_told = told;
    return told < words->count ? xasprintf("%s and %zu more", list, words->count - told)
                               : take(&list);
}

static void judge(const struct findings *findings)
{
    const struct restore_target *target = findings->target;
    struct outcome *outcome = findings->outcome;
    size_t told = 0, told_unknown = 0;
    cleanup(free_pointer) char *hindrances = joined(&findings->hindrances, &told);
    cleanup(free_pointer) char *unknown = joined(&findings->unknown, &told_unknown);
    if (findings->hindrances.count > 0)
        outcome_warn(outcome, "%s%s%s", hindrances, *unknown ? "; not known: " : "", unknown);
    else if (*unknown)
        outcome_warn(outcome, "nothing that is known stands in its way; not known: %s", unknown);
    else
        outcome_pass(outcome, "nothing that is known stands in its way");
    for (size_t i = told; i < findings->hindrances.count && i < LISTED; i++)
        outcome_detail(outcome, "%s", findings->hindrances.items[i]);
    for (size_t i = told_unknown; i < findings->unknown.count && i < LISTED; i++)
        outcome_detail(outcome, "not known: %s", findings->unknown.items[i]);
    outcome_detail(outcome,
                   "compared with what was known of %s in %s; there, `select name from "
                   "pg_available_extensions` tells what is offered today",
                   target->words, target->as_of);
}

void would_come_back(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    (void)parameter;
    struct findings findings = {.target = subject->scenario->restore.target,
                                .archive = subject->archive,
                                .outcome = outcome};
    exclusion_find(subject->archive, &subject->scenario->restore.exclude, &findings.exclusion);
    find_version(&findings);
    find_extensions(&findings);
    find_roles(&findings);
    find_objects(&findings);
    tell_other_roles(&findings);
    judge(&findings);
    exclusion_free(&findings.exclusion);
    strings_free(&findings.hindrances);
    strings_free(&findings.unknown);
}
