#include "checks/numbering.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "checks/session.h"

enum {
    BATCH = 100,
    LISTED = 100,
    FIRST_VERSION = 110000, /* whose catalogs tell what is asked here */
};

/* Sequence, column, table for messages and for SQL, step. Each pair of sequence and column once. */
static const char pairs_sql[] =
    "with used as ("
    "select objid as sequence, refobjid as relation, refobjsubid as attribute from pg_depend "
    "where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass "
    "and refobjsubid > 0 and deptype in ('a', 'i') "
    "union select d.refobjid, a.adrelid, a.adnum from pg_depend d join pg_attrdef a "
    "on a.oid = d.objid where d.classid = 'pg_attrdef'::regclass "
    "and d.refclassid = 'pg_class'::regclass) "
    "select format('%s.%s', sn.nspname, s.relname), format('%I.%I', sn.nspname, s.relname), "
    "format('%s.%s.%s', tn.nspname, t.relname, attname), "
    "format('%s%I.%I', case relkind_of when 'r' then 'only ' else '' end, tn.nspname, t.relname), "
    "quote_ident(attname), seqincrement from used "
    "join pg_sequence q on q.seqrelid = sequence and not seqcycle "
    "join pg_class s on s.oid = sequence join pg_namespace sn on sn.oid = s.relnamespace "
    "join (select *, relkind::text as relkind_of from pg_class) t on t.oid = relation "
    "join pg_namespace tn on tn.oid = t.relnamespace "
    "join pg_attribute on attrelid = relation and attnum = attribute "
    "and atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) "
    "where t.relkind in ('r', 'p') and tn.nspname !~ '^pg_' and exists ("
    "select from pg_index where indrelid = relation and indisunique and indisvalid "
    "and indnkeyatts = 1 and indkey[0] = attribute and indpred is null) order by 1, 3";

/* A default depends on the sequence that it names, and so does an identity on its own, the other
 * way round ('i'). A column that another one shares its sequence with has a sequence of another
 * name. */
const char numbering_untied_sql[] =
    "with owned as (select objid as sequence, refobjid as relation, refobjsubid as attribute "
    "from pg_depend where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass "
    "and refobjsubid > 0 and deptype = 'a'), "
    "used as (select refobjid as sequence, adrelid as relation, adnum as attribute "
    "from pg_depend d join pg_attrdef a on a.oid = d.objid "
    "where classid = 'pg_attrdef'::regclass and refclassid = 'pg_class'::regclass), "
    "untied as (select *, false as takes from owned o where not exists (select from used u "
    "where u.sequence = o.sequence) "
    "union all select *, true from used u where not exists (select from owned o "
    "where o.sequence = u.sequence)) "
    "select format(case when takes then 'the column %s.%s.%s takes its values from the sequence "
    "%s.%s, which does not belong to it any more (OWNED BY)' "
    "else 'the column %s.%s.%s takes no values any more from its sequence %s.%s' end, "
    "tn.nspname, t.relname, attname, sn.nspname, s.relname) from untied "
    "join pg_class s on s.oid = sequence and s.relkind = 'S' "
    "join pg_namespace sn on sn.oid = s.relnamespace "
    "join pg_class t on t.oid = relation join pg_namespace tn on tn.oid = t.relnamespace "
    "join pg_attribute on attrelid = relation and attnum = attribute and not attisdropped "
    "where tn.nspname !~ '^pg_' and (takes and s.relnamespace = t.relnamespace "
    "and s.relname = left(concat(t.relname, '_', attname, '_seq'), 63) "
    "or not takes and attnotnull and not atthasdef and attidentity = '') order by 1";

enum { SEQUENCE, SEQUENCE_SQL, COLUMN, TABLE_SQL, COLUMN_SQL, STEP };

bool stands_behind(int64_t last, bool used, int64_t step, int64_t reached)
{
    int64_t next = last;
    if (used && __builtin_add_overflow(last, step, &next))
        return false; /* at its end: it gives out nothing more */
    return step > 0 ? next <= reached : next >= reached;
}

/* One statement for many sequences: place among the pairs, last value, whether it was given out,
 * and the furthest key. An index answers for the key. */
static char *batch_sql(const PGresult *pairs, int from, int to)
{
    struct buffer sql;
    buffer_init(&sql, SIZE_MAX / 2);
    for (int i = from; i < to; i++)
        buffer_printf(
            &sql, "%sselect %d, last_value, is_called, (select %s(%s)::int8 from %s) from %s",
            i > from ? " union all " : "", i, *PQgetvalue(pairs, i, STEP) == '-' ? "min" : "max",
            PQgetvalue(pairs, i, COLUMN_SQL), PQgetvalue(pairs, i, TABLE_SQL),
            PQgetvalue(pairs, i, SEQUENCE_SQL));
    return buffer_steal(&sql);
}

/* What was found behind. */
struct behind {
    size_t count;
    char *first;
};

static void judge(const PGresult *pairs, const PGresult *states, int row, struct behind *behind,
                  struct outcome *outcome)
{
    if (PQgetisnull(states, row, 3)) /* no rows */
        return;
    int pair = (int)strtol(PQgetvalue(states, row, 0), NULL, 10);
    int64_t last = strtoll(PQgetvalue(states, row, 1), NULL, 10);
    int64_t reached = strtoll(PQgetvalue(states, row, 3), NULL, 10);
    int64_t step = strtoll(PQgetvalue(pairs, pair, STEP), NULL, 10);
    if (!stands_behind(last, *PQgetvalue(states, row, 2) == 't', step, reached))
        return;
    cleanup(free_pointer) char *words = xasprintf(
        "%s stands at %" PRId64 ", and %s reaches %" PRId64, PQgetvalue(pairs, pair, SEQUENCE),
        last, PQgetvalue(pairs, pair, COLUMN), reached);
    if (behind->count++ < LISTED)
        outcome_detail(outcome, "the sequence %s", words);
    if (!behind->first)
        behind->first = take(&words);
}

static int check_batch(struct connection *connection, const PGresult *pairs, int from, int to,
                       struct behind *behind, struct outcome *outcome)
{
    cleanup(free_pointer) char *sql = batch_sql(pairs, from, to);
    cleanup(result_clear) PGresult *states = NULL;
    struct error error;
    if (connection_query(connection, sql, NULL, &states, NULL, &error) < 0 ||
        session_next(connection, &error) < 0) {
        outcome_from_error(outcome, &error);
        return -1;
    }
    for (int i = 0; i < PQntuples(states); i++)
        judge(pairs, states, i, behind, outcome);
    return 0;
}

static char *behind_words(const struct behind *behind)
{
    static const char advice[] = "an insert would be given a key that a row has; set it right in "
                                 "the source with setval()";
    if (behind->count == 1)
        return xasprintf("the sequence %s: %s", behind->first, advice);
    return xasprintf("%zu sequences stand behind their rows (the first: %s): %s", behind->count,
                     behind->first, advice);
}

/* -1: the outcome says why it could not be told. */
static int find_behind(struct connection *connection, struct behind *behind,
                       struct outcome *outcome)
{
    cleanup(result_clear) PGresult *pairs = NULL;
    struct error error;
    if (connection_query(connection, pairs_sql, NULL, &pairs, NULL, &error) < 0) {
        outcome_error(outcome, "the sequences of the restored database cannot be listed: %s",
                      error.text);
        return -1;
    }
    int checked = 0;
    for (int from = 0; from < PQntuples(pairs) && checked == 0; from += BATCH) {
        int rest = PQntuples(pairs) - from;
        checked = check_batch(connection, pairs, from, from + (rest < BATCH ? rest : BATCH), behind,
                              outcome);
    }
    return checked;
}

int numbering_check(struct connection *connection, struct outcome *outcome, char **ret_words)
{
    struct behind behind = {0};
    *ret_words = NULL;
    if (connection_server_version(connection) < FIRST_VERSION)
        return 0;
    int checked = find_behind(connection, &behind, outcome);
    if (checked == 0 && behind.count > 0)
        *ret_words = behind_words(&behind);
    free(behind.first);
    return checked;
}

void sequences_behind(const struct subject *subject, const struct expectation *expectation,
                      struct outcome *outcome)
{
    struct behind behind = {0};
    cleanup(connection_closep) struct connection *connection =
        session_open_encoded(subject, outcome);
    if (!connection)
        return;
    if (connection_server_version(connection) < FIRST_VERSION) {
        outcome_error(outcome, "this needs PostgreSQL 11 or newer to restore into");
        return;
    }
    if (find_behind(connection, &behind, outcome) == 0) {
        cleanup(free_pointer) char *text = behind.count == 0
                                               ? xstrdup("0")
                                               : xasprintf("%zu (%s%s)", behind.count, behind.first,
                                                           behind.count > 1 ? ", ..." : "");
        session_judge(expectation, "sequences behind", (long double)behind.count, text, outcome);
    }
    free(behind.first);
}
