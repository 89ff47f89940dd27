#include "archive/plain/roles.h"

#include <ctype.h>
#include <string.h>

void statements_quote(const struct statements *statements, char text[80])
{
    const struct buffer *head = &statements->lexer->head;
    size_t length = 0;
    while (length < head->length && length < 60 && !strchr("('$", head->data[length])) {
        char byte = head->data[length];
        text[length++] = byte;
        if (iscntrl((unsigned char)byte))
            text[length - 1] = ' ';
    }
    while (length > 0 && length < head->length &&
           ((unsigned char)head->data[length] & 0xC0U) == 0x80U)
        length--; /* not in the middle of a character */
    while (length > 0 && text[length - 1] == ' ')
        length--;
    text[length] = '\0';
}

void statements_blame(const struct statements *statements, enum fault fault, const char *what,
                      struct error *error)
{
    char quoted[80];
    statements_quote(statements, quoted);
    long long line = statements->lexer->statement_line;
    if (fault == FAULT_BACKUP)
        bad_backup(error,
                   "line %lld: %s (%s): the file is damaged or was changed by hand; make a new "
                   "backup",
                   line, what, quoted);
    else
        cannot_verify(error,
                      "line %lld: %s (%s): this is not what pg_dump writes; make the backup with "
                      "pg_dump, or in its custom format",
                      line, what, quoted);
}

int roles_read(struct statements *statements, const struct words *words, bool created,
               struct error *error)
{
    static const char *const nobody[] = {"public",       "current_user", "session_user",
                                         "current_role", "default",      "none"};
    if (!word_is_name(words) && !(words->kind == WORD_STRING && words->text[0] && !words->cut))
        return statements_damaged(statements, "the name of a role is missing", error);
    if (word_is_one_of(words, nobody, ARRAY_LENGTH(nobody)))
        return 0;
    return catalog_role(&statements->catalog, words->text, created, error);
}

/* Reads `role [, ...]` and one word more; the word before them was the last one read. */
static int read_roles(struct statements *statements, struct words *words, struct error *error)
{
    do {
        words_next(words);
        if (word_is(words, "group")) /* TO GROUP readers, before 8.1 */
            words_next(words);
        if (roles_read(statements, words, false, error) < 0)
            return -1;
        words_next(words);
    } while (word_is_symbol(words, ','));
    return 0;
}

/* If the words read last are `word`, reads the role that follows. */
int roles_read_after(struct statements *statements, struct words *words, const char *word,
                     struct error *error)
{
    if (!word_is(words, word))
        return 0;
    words_next(words);
    if (word_is_symbol(words, '='))
        words_next(words);
    return roles_read(statements, words, false, error);
}

int roles_of_grant(struct statements *statements, struct words *words, struct error *error)
{
    bool grant = word_is(words, "grant");
    struct words roles = *words;
    bool on_something = false, listed = false;
    words_next_outside(words);
    while (words->kind != WORD_END) {
        if (word_is(words, "on"))
            on_something = true;
        if (!listed && word_is(words, grant ? "to" : "from")) {
            listed = true;
            if (read_roles(statements, words, error) < 0)
                return -1;
            continue;
        }
        if (listed && roles_read_after(statements, words, "by", error) < 0) /* GRANTED BY */
            return -1;
        words_next_outside(words);
    }
    if (!listed)
        return statements_damaged(statements, "a GRANT or REVOKE to nobody", error);
    return grant && !on_something ? read_roles(statements, &roles, error) : 0;
}

static int read_default_privileges(struct statements *statements, struct words *words,
                                   struct error *error)
{
    words_next(words);
    while (words->kind != WORD_END) {
        if (word_is(words, "grant") || word_is(words, "revoke"))
            return roles_of_grant(statements, words, error);
        if (word_is(words, "for")) {
            words_next(words); /* ROLE or USER */
            if (read_roles(statements, words, error) < 0)
                return -1;
        } else {
            words_next(words);
        }
    }
    return statements_damaged(statements, "default privileges for nobody", error);
}

int roles_of_create_role(struct statements *statements, struct words *words, struct error *error)
{
    bool mapping = word_is(words, "user");
    words_next(words);
    mapping = mapping && word_is(words, "mapping");
    if (mapping) {
        words_next(words); /* FOR */
        words_next(words);
    }
    return roles_read(statements, words, !mapping, error);
}

/* A schema or a tablespace: its owner, if any. */
int roles_of_owned(struct statements *statements, struct words *words, struct error *error)
{
    words_next(words);
    words_skip_if_not_exists(words);
    if (!word_is(words, "authorization"))
        words_next(words);
    if (roles_read_after(statements, words, "authorization", error) < 0)
        return -1;
    return roles_read_after(statements, words, "owner", error);
}

int roles_of_policy(struct statements *statements, struct words *words, struct error *error)
{
    words_next(words); /* its name */
    while (words_next_outside(words))
        if (word_is(words, "to"))
            return read_roles(statements, words, error);
    return 0;
}

int roles_of_alter(struct statements *statements, struct words *words, struct error *error)
{
    words_next(words);
    if (word_is(words, "default"))
        return read_default_privileges(statements, words, error);
    if (word_is(words, "role") || word_is(words, "user") || word_is(words, "group")) {
        words_next(words);
        return word_is(words, "all") ? 0 : roles_read(statements, words, false, error);
    }
    if (word_is(words, "publication")) {
        words_next(words);
        if (word_is_name(words) &&
            catalog_publication(&statements->catalog, words->text, false, error) < 0)
            return -1;
    }
    /* The object itself may be called owner. */
    for (bool owner = false; words_next_outside(words); owner = word_is(words, "owner")) {
        if (owner && word_is(words, "to"))
            return roles_read_after(statements, words, "to", error);
        if (word_is(words, "identity")) /* ADD GENERATED ALWAYS AS IDENTITY */
            statements->catalog.sequences++;
    }
    return 0;
}
