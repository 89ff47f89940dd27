/* Reads the few statements of pg_dump that a draft needs: which columns a table has, and what a
 * foreign key refers to. Pure; what is written otherwise than pg_dump does is not understood, and
 * left out. */
#ifndef DRAFT_STATEMENT_H
#define DRAFT_STATEMENT_H

#include "draft/draft.h"

/* Adds the columns of a CREATE TABLE. */
void statement_columns(const char *create_table, struct draft_table *table);

/* "ALTER TABLE ONLY public.a ADD CONSTRAINT c FOREIGN KEY (x) REFERENCES public.b(y) ...". */
struct foreign_key {
    char *schema, *table;   /* that has the key, as stored */
    struct strings columns; /* as stored */
    char *parent_schema, *parent_table;
    char *orphans; /* SQL that counts the rows that refer to none */
};

/* -1: it is no such statement, or the key is NOT VALID, so that rows need not obey it. */
int foreign_key_parse(const char *statement, struct foreign_key *ret_key);
void foreign_key_free(struct foreign_key *key); /* takes a zeroed one */

#endif
