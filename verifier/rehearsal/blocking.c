#include "rehearsal/blocking.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

struct finding {
    const struct lock_samples *samples;
    const struct server_log *log;
    relation_table *table_of;
    const void *context;
    int64_t end_us;
    struct blocking blocking;
    size_t room;
};

/* Modes that conflict with ROW EXCLUSIVE, which writing takes. Reading takes ACCESS SHARE. */
static bool blocks_writing(const char *mode)
{
    static const char *const modes[] = {"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock",
                                        "AccessExclusiveLock"};
    for (size_t i = 0; i < ARRAY_LENGTH(modes); i++)
        if (strcmp(mode, modes[i]) == 0)
            return true;
    return false;
}

/* --- times ------------------------------------------------------------------------------------ */

/* How many samples were taken before that time. */
static size_t samples_before(const struct lock_samples *samples, int64_t at_us)
{
    size_t low = 0, high = samples->time_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (samples->times_us[middle] < at_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last sample before, in which it was not. */
static int64_t not_before(const struct lock_samples *samples, int64_t first_us)
{
    size_t before = samples_before(samples, first_us);
    return before > 0 ? samples->times_us[before - 1] : INT64_MIN;
}

static int64_t not_after(const struct finding *finding, const struct held_lock *lock)
{
    const struct lock_samples *samples = finding->samples;
    size_t next = samples_before(samples, lock->last_us + 1);
    int64_t end_us = next < samples->time_count ? samples->times_us[next] : finding->end_us;
    const struct logged_transaction *transaction =
        server_log_transaction(finding->log, lock->transaction);
    /* The log's times are cut to milliseconds. */
    if (transaction && transaction->to_us != TIME_OPEN && transaction->to_us + 1000 < end_us &&
        transaction->to_us + 1000 > lock->last_us)
        end_us = transaction->to_us + 1000;
    return end_us > lock->last_us ? end_us : lock->last_us;
}

/* --- statements ------------------------------------------------------------------------------- */

/* The statement of the transaction that took a lock after one time and until another. Where several
 * may have, that which names the table, or else the first one. */
static const struct logged_statement *taker_of(const struct finding *finding,
                                               struct transaction_id transaction, int64_t after_us,
                                               int64_t until_us, const char *name)
{
    const struct logged_statement *first = NULL;
    const struct logged_statement *earlier = NULL;
    for (size_t i = 0; i < finding->log->statement_count; i++) {
        const struct logged_statement *statement = &finding->log->statements[i];
        if (!transaction_id_same(statement->transaction, transaction))
            continue;
        if (statement->from_us > until_us)
            break;
        earlier = statement;
        if (statement->to_us != TIME_OPEN && statement->to_us + 1000 < after_us)
            continue;
        if (strstr(statement->text, name))
            return statement;
        first = first ? first : statement;
    }
    return first ? first : earlier;
}

static bool is_seen_by(const struct logged_lock *seen, const struct held_lock *lock)
{
    return transaction_id_same(seen->transaction, lock->transaction) &&
           seen->relation == lock->relation && strcmp(seen->mode, lock->mode) == 0;
}

/* The command at whose end an event trigger saw the lock first after a sample had not, unless that
 * began only after the lock was seen. NULL: none. */
static const struct logged_statement *shown_taker(const struct finding *finding,
                                                  const struct held_lock *lock, int64_t after_us)
{
    const struct server_log *log = finding->log;
    size_t first = 0;
    while (first < log->lock_count &&
           (log->locks[first].at_us + 1000 < after_us || !is_seen_by(&log->locks[first], lock)))
        first++;
    if (first == log->lock_count)
        return NULL;
    /* By the order of lines: within a millisecond, times do not tell. */
    size_t place = log->locks[first].statement_place;
    const struct logged_statement *running = place > 0 ? &log->statements[place - 1] : NULL;
    return running && running->from_us <= lock->first_us ? running : NULL;
}

/* What ran while the lock was held, without what took it: the longest. */
static void during_find(const struct finding *finding, struct transaction_id transaction,
                        struct blocked *blocked)
{
    size_t found = 0;
    for (size_t i = 0; i < finding->log->statement_count; i++) {
        const struct logged_statement *next = &finding->log->statements[i];
        if (next == blocked->taker || !transaction_id_same(next->transaction, transaction) ||
            next->from_us < blocked->from_us || next->from_us >= blocked->to_us ||
            strncasecmp(next->text, "COMMIT", strlen("COMMIT")) == 0)
            continue;
        found++;
        for (size_t j = 0; j < BLOCKING_DURING; j++) {
            const struct logged_statement *held = blocked->during[j];
            if (held && next->to_us - next->from_us <= held->to_us - held->from_us)
                continue;
            blocked->during[j] = next;
            next = held;
            if (!next)
                break;
        }
    }
    blocked->during_more = found > BLOCKING_DURING ? found - BLOCKING_DURING : 0;
}

/* --- intervals -------------------------------------------------------------------------------- */

static void add(struct finding *finding, const struct held_lock *lock)
{
    const char *name = "";
    uint32_t table = finding->table_of(finding->context, lock->relation, &name);
    if (table == 0 || !blocks_writing(lock->mode))
        return;
    int64_t after_us = not_before(finding->samples, lock->first_us);
    struct blocked blocked = {.table = table,
                              .reading = strcmp(lock->mode, "AccessExclusiveLock") == 0,
                              .to_us = not_after(finding, lock)};
    blocked.taker = shown_taker(finding, lock, after_us);
    if (!blocked.taker)
        blocked.taker = taker_of(finding, lock->transaction, after_us, lock->first_us, name);
    blocked.from_us = after_us;
    if (blocked.taker && blocked.taker->from_us > after_us)
        blocked.from_us = blocked.taker->from_us;
    if (blocked.from_us > lock->first_us)
        blocked.from_us = lock->first_us;
    memcpy(blocked.mode, lock->mode, strlen(lock->mode) - strlen("Lock"));
    during_find(finding, lock->transaction, &blocked);
    struct blocking *blocking = &finding->blocking;
    if (blocking->count == finding->room) {
        finding->room = finding->room ? finding->room * 2 : 64;
        blocking->items = xreallocarray(blocking->items, finding->room, sizeof(*blocking->items));
    }
    blocking->items[blocking->count++] = blocked;
}

static int by_table_and_time(const void *one, const void *other)
{
    const struct blocked *left = one;
    const struct blocked *right = other;
    if (left->table != right->table)
        return left->table < right->table ? -1 : 1;
    if (left->reading != right->reading)
        return left->reading ? -1 : 1;
    return (left->from_us > right->from_us) - (left->from_us < right->from_us);
}

static int by_length(const void *one, const void *other)
{
    const struct blocked *left = one;
    const struct blocked *right = other;
    int64_t difference = (right->to_us - right->from_us) - (left->to_us - left->from_us);
    return difference != 0 ? (difference > 0) - (difference < 0) : by_table_and_time(one, other);
}

static int by_lock(const void *one, const void *other)
{
    const struct held_lock *left = one;
    const struct held_lock *right = other;
    if (left->transaction.slot != right->transaction.slot)
        return left->transaction.slot < right->transaction.slot ? -1 : 1;
    if (left->transaction.local != right->transaction.local)
        return left->transaction.local < right->transaction.local ? -1 : 1;
    if (left->relation != right->relation)
        return left->relation < right->relation ? -1 : 1;
    int modes = strcmp(left->mode, right->mode);
    return modes != 0 ? modes
                      : (left->first_us > right->first_us) - (left->first_us < right->first_us);
}

bool held_lock_same(const struct held_lock *one, const struct held_lock *other)
{
    return transaction_id_same(one->transaction, other->transaction) &&
           one->relation == other->relation && strcmp(one->mode, other->mode) == 0;
}

/* Did no sample between the two miss it? A rolled back savepoint gives locks back. */
static bool was_held_between(const struct lock_samples *samples, const struct held_lock *one,
                             const struct held_lock *next)
{
    if (samples_before(samples, one->last_us) == samples_before(samples, next->first_us))
        return true;
    for (size_t i = 0; i < samples->lock_count; i++)
        if (held_lock_same(&samples->locks[i], one) &&
            samples->locks[i].first_us <= next->first_us &&
            samples->locks[i].last_us >= one->last_us)
            return true;
    return false;
}

/* Every command that follows in a transaction shows its locks again. */
static void add_logged(struct finding *finding)
{
    const struct server_log *log = finding->log;
    cleanup(free_pointer) struct held_lock *locks = xcalloc(log->lock_count + 1, sizeof(*locks));
    for (size_t i = 0; i < log->lock_count; i++) {
        const struct logged_lock *seen = &log->locks[i];
        locks[i] = (struct held_lock){.transaction = seen->transaction,
                                      .relation = seen->relation,
                                      .first_us = seen->at_us,
                                      .last_us = seen->at_us};
        memcpy(locks[i].mode, seen->mode, sizeof(locks[i].mode));
    }
    qsort(locks, log->lock_count, sizeof(*locks), by_lock);
    for (size_t i = 0, next; i < log->lock_count; i = next) {
        for (next = i + 1; next < log->lock_count && held_lock_same(&locks[i], &locks[next]) &&
                           was_held_between(finding->samples, &locks[i], &locks[next]);
             next++)
            locks[i].last_us = locks[next].last_us;
        add(finding, &locks[i]);
    }
}

/* What lies within an interval in which the same table could not even be read says nothing more.
 * Those come first of each table. Gives how many are left. */
static size_t leave_out_covered(struct blocked *items, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool covered = false;
        for (size_t j = kept; j-- > 0 && items[j].table == items[i].table && !covered;)
            covered = items[j].reading && items[j].from_us <= items[i].from_us &&
                      items[j].to_us >= items[i].to_us;
        if (!covered)
            items[kept++] = items[i];
    }
    return kept;
}

/* Those of one table that meet become one, told of by the first of them. What blocks reading blocks
 * writing too, so the two kinds are joined for writing by blocking_longest. */
static void join(struct blocking *blocking)
{
    size_t kept = 0;
    if (blocking->count == 0)
        return;
    qsort(blocking->items, blocking->count, sizeof(*blocking->items), by_table_and_time);
    for (size_t i = 0; i < blocking->count; i++) {
        struct blocked *last = kept > 0 ? &blocking->items[kept - 1] : NULL;
        const struct blocked *next = &blocking->items[i];
        bool meet = last && last->table == next->table && last->reading == next->reading &&
                    next->from_us <= last->to_us;
        if (!meet)
            blocking->items[kept++] = *next;
        else if (next->to_us > last->to_us)
            last->to_us = next->to_us;
    }
    blocking->count = leave_out_covered(blocking->items, kept);
    qsort(blocking->items, blocking->count, sizeof(*blocking->items), by_length);
}

void blocking_find(const struct lock_samples *samples, const struct server_log *log,
                   relation_table *table_of, const void *context, int64_t end_us,
                   struct blocking *ret_blocking)
{
    struct finding finding = {
        .samples = samples, .log = log, .table_of = table_of, .context = context, .end_us = end_us};
    for (size_t i = 0; i < samples->lock_count; i++)
        add(&finding, &samples->locks[i]);
    add_logged(&finding);
    join(&finding.blocking);
    *ret_blocking = finding.blocking;
}

void blocking_free(struct blocking *blocking)
{
    free(blocking->items);
    *blocking = (struct blocking){0};
}

/* The longest time of one table, from intervals that are sorted by table and time. */
static int64_t longest_run(const struct blocked *items, size_t count)
{
    int64_t longest_us = 0, from_us = 0, to_us = 0;
    for (size_t i = 0; i < count; i++) {
        bool goes_on = i > 0 && items[i].table == items[i - 1].table && items[i].from_us <= to_us;
        from_us = goes_on ? from_us : items[i].from_us;
        to_us = goes_on && to_us > items[i].to_us ? to_us : items[i].to_us;
        longest_us = to_us - from_us > longest_us ? to_us - from_us : longest_us;
    }
    return longest_us;
}

static int by_table_then_time(const void *one, const void *other)
{
    const struct blocked *left = one;
    const struct blocked *right = other;
    if (left->table != right->table)
        return left->table < right->table ? -1 : 1;
    return (left->from_us > right->from_us) - (left->from_us < right->from_us);
}

int64_t blocking_longest(const struct blocking *blocking, uint32_t table, bool reading)
{
    cleanup(free_pointer) struct blocked *items = xcalloc(blocking->count + 1, sizeof(*items));
    size_t count = 0;
    for (size_t i = 0; i < blocking->count; i++)
        if ((table == 0 || blocking->items[i].table == table) &&
            (!reading || blocking->items[i].reading))
            items[count++] = blocking->items[i];
    qsort(items, count, sizeof(*items), by_table_then_time);
    return longest_run(items, count);
}
