/* What a rehearsal makes of the server's log and of the locks that were seen. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/children.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "rehearsal/blocking.h"
#include "rehearsal/findings.h"
#include "rehearsal/server_log.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

/* 2026-11-26 10:00:00 UTC */
static const int64_t epoch_us = 1795687200000000;

static int64_t at(int milliseconds)
{
    return epoch_us + (int64_t)milliseconds * 1000;
}

/* A log in which `@` stands for the beginning of a line up to the seconds, and `#` for what follows
 * the time in lines of the session that most are of. */
static void log_of(const char *text, struct server_log *ret_log)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "server.log");
    struct buffer whole;
    struct error error;
    buffer_init(&whole, 65536);
    for (; *text; text++)
        if (*text == '@')
            buffer_append_text(&whole, "2026-11-26 10:00:0");
        else if (*text == '#')
            buffer_append_text(&whole, " UTC [7] 3/17 copy LOG:  ");
        else
            buffer_append(&whole, text, 1);
    scratch_write(path, whole.data, 0600);
    buffer_free(&whole);
    ck_assert_msg(server_log_read(path, 0, server_log_end(path), "copy", ret_log, &error) == 0,
                  "%s", error.text);
}

static const char one_transaction[] =
    "@0.000 UTC [7] 3/0 copy LOG:  disconnection: of another\n"
    "@1.000#statement: BEGIN\n"
    "@1.001#duration: 0.1 ms\n"
    "@1.100#statement: alter table projects\n"
    "\tadd column owner int\n"
    "\treferences users\n"
    "@1.150#restore_verifier locks 100:AccessExclusiveLock 200:ShareRowExclusiveLock\n"
    "@1.160#duration: 60.1 ms\n"
    "@1.200#execute <unnamed>: create index on reports (title)\n"
    "@1.900#duration: 700.0 ms\n"
    "@1.950#statement: COMMIT\n"
    "@1.960 UTC [7] 3/0 copy LOG:  duration: 1.1 ms\n";

START_TEST(statements_and_transactions_are_read)
{
    struct server_log log = {0};
    log_of(one_transaction, &log);
    ck_assert_uint_eq(log.statement_count, 4);
    ck_assert_str_eq(log.statements[1].text,
                     "alter table projects add column owner int references users");
    ck_assert_int_eq(log.statements[1].from_us, at(1100));
    ck_assert_int_eq(log.statements[1].to_us, at(1160));
    ck_assert_str_eq(log.statements[2].text, "create index on reports (title)");
    ck_assert_uint_eq(log.transaction_count, 1);
    ck_assert_int_eq(log.transactions[0].from_us, at(1000));
    ck_assert_int_eq(log.transactions[0].to_us, at(1960));
    ck_assert(!log.transactions[0].failed && log.entered);
    ck_assert_uint_eq(log.lock_count, 2);
    ck_assert_uint_eq(log.locks[1].relation, 200);
    ck_assert_str_eq(log.locks[1].mode, "ShareRowExclusiveLock");
    ck_assert_ptr_null(log.first_error);
    server_log_free(&log);
}
END_TEST

/* What is not of the database, or only looks like a line of the log. */
START_TEST(a_statement_is_no_line_of_its_own)
{
    struct server_log log = {0};
    log_of("@1.000#statement: select '\n"
           "\t@1.500 UTC [8] 3/18 copy LOG:  statement: drop table x\n"
           "\t'\n"
           "@1.600 UTC [9] 4/2 restored LOG:  statement: select 1\n"
           "@1.700 UTC [9] 4/2 copy2 LOG:  statement: select 1\n"
           "garbage\n"
           "@1.800 UTC [7] 3/17 copy ERROR:  relation x does not exist\n"
           "@1.900#temporary file: path \"base/1\", size 4096\n"
           "@1.950#restore_verifier rewrite 4711\n"
           "@1.970#statement: ROLLBACK TO SAVEPOINT a\n"
           "@1.980 UTC [7] 3/17 copy FATAL:  terminating connection\n",
           &log);
    ck_assert_uint_eq(log.statement_count, 2);
    ck_assert_ptr_nonnull(strstr(log.statements[0].text, "drop table x '"));
    ck_assert(log.statements[0].failed);
    ck_assert_str_eq(log.first_error, "relation x does not exist");
    ck_assert_int_eq(log.temporary_bytes, 4096);
    ck_assert_uint_eq(log.rewritten_count, 1);
    ck_assert_uint_eq(log.rewritten[0], 4711);
    ck_assert_int_eq(log.transactions[0].to_us, TIME_OPEN);
    ck_assert(log.transactions[0].failed);
    server_log_free(&log);
}
END_TEST

/* --- blocking --------------------------------------------------------------------------------- */

/* 100 is a table and 101 its index, 200 another one; the rest was not there before. */
static uint32_t table_of(const void *context, uint32_t relation, const char **ret_name)
{
    (void)context;
    *ret_name = relation == 200 ? "users" : "projects";
    return relation == 100 || relation == 101 ? 100 : relation == 200 ? 200 : 0;
}

/* Samples every 10 ms from 1.000 to 2.100. */
enum { SAMPLES = 111 };
static int64_t times_us[SAMPLES];

static struct lock_samples samples_with(struct held_lock *locks, size_t count)
{
    for (int i = 0; i < SAMPLES; i++)
        times_us[i] = at(1000 + 10 * i);
    return (struct lock_samples){
        .times_us = times_us, .time_count = SAMPLES, .locks = locks, .lock_count = count};
}

static void find(struct held_lock *locks, size_t count, const struct server_log *log,
                 struct blocking *ret_blocking)
{
    struct lock_samples samples = samples_with(locks, count);
    blocking_find(&samples, log, table_of, NULL, at(2200), ret_blocking);
}

START_TEST(a_lock_is_held_until_the_commit)
{
    struct server_log log = {0};
    struct blocking blocking;
    struct held_lock locks[] = {{{3, 17}, 100, "AccessExclusiveLock", at(1110), at(1950)},
                                {{3, 17}, 200, "ShareRowExclusiveLock", at(1110), at(1950)}};
    log_of(one_transaction, &log);
    find(locks, ARRAY_LENGTH(locks), &log, &blocking);
    ck_assert_uint_eq(blocking.count, 2);
    for (size_t i = 0; i < blocking.count; i++) {
        const struct blocked *blocked = &blocking.items[i];
        ck_assert_int_eq(blocked->reading, blocked->table == 100);
        ck_assert_int_eq(blocked->from_us, at(1100));
        ck_assert_int_eq(blocked->to_us, at(1960)); /* the sample; the log says at(1960) + 1 ms */
        ck_assert_ptr_nonnull(strstr(blocked->taker->text, "alter table projects"));
        ck_assert_str_eq(blocked->during[0]->text, "create index on reports (title)");
        ck_assert_ptr_null(blocked->during[1]);
    }
    ck_assert_int_eq(blocking_longest(&blocking, 0, false), at(1960) - at(1100));
    ck_assert_int_eq(blocking_longest(&blocking, 200, true), 0);
    ck_assert_int_eq(blocking_longest(&blocking, 100, true), at(1960) - at(1100));
    blocking_free(&blocking);
    server_log_free(&log);
}
END_TEST

/* Too short for a sample: only the event trigger saw it. It was not there at 1.140. */
START_TEST(a_lock_that_no_sample_has_is_told_of)
{
    struct server_log log = {0};
    struct blocking blocking;
    log_of(one_transaction, &log);
    log.transactions[0].to_us = at(1152);
    find(NULL, 0, &log, &blocking);
    ck_assert_uint_eq(blocking.count, 2);
    ck_assert_int_eq(blocking.items[0].from_us, at(1140));
    ck_assert_int_eq(blocking.items[0].to_us, at(1153));
    blocking_free(&blocking);
    server_log_free(&log);
}
END_TEST

static const struct {
    struct held_lock lock;
    int64_t writing_ms, reading_ms; /* the longest */
} held[] = {
    {{{9, 1}, 100, "AccessExclusiveLock", 1500, 1600}, 120, 120}, /* between two samples more */
    {{{9, 1}, 101, "AccessExclusiveLock", 1500, 1600}, 120, 120}, /* its index */
    {{{9, 1}, 100, "ShareLock", 1500, 1600}, 120, 0},
    {{{9, 1}, 100, "ExclusiveLock", 1500, 1600}, 120, 0},
    {{{9, 1}, 100, "ShareUpdateExclusiveLock", 1500, 1600}, 0, 0},
    {{{9, 1}, 100, "RowExclusiveLock", 1500, 1600}, 0, 0},
    {{{9, 1}, 300, "AccessExclusiveLock", 1500, 1600}, 0, 0},     /* was not there before */
    {{{9, 1}, 100, "AccessExclusiveLock", 1500, 2100}, 710, 710}, /* until the end */
    {{{3, 17}, 100, "ShareLock", 1000, 1100}, 110, 0},            /* since the statement began */
};

START_TEST(modes_block_what_they_conflict_with)
{
    struct server_log log = {0};
    struct blocking blocking;
    struct held_lock lock = held[_i].lock;
    lock.first_us = at((int)lock.first_us);
    lock.last_us = at((int)lock.last_us);
    log_of("@1.000#statement: lock table projects\n", &log);
    find(&lock, 1, &log, &blocking);
    ck_assert_int_eq(blocking_longest(&blocking, 100, false) / 1000, held[_i].writing_ms);
    ck_assert_int_eq(blocking_longest(&blocking, 100, true) / 1000, held[_i].reading_ms);
    blocking_free(&blocking);
    server_log_free(&log);
}
END_TEST

START_TEST(what_meets_is_one_time)
{
    struct server_log log = {0};
    struct blocking blocking;
    struct held_lock locks[] = {{{9, 1}, 100, "ShareLock", at(1200), at(1300)},
                                {{9, 2}, 100, "AccessExclusiveLock", at(1310), at(1400)},
                                {{9, 3}, 100, "ShareLock", at(1320), at(1330)},
                                {{9, 4}, 100, "ShareLock", at(1700), at(1710)}};
    find(locks, ARRAY_LENGTH(locks), &log, &blocking);
    ck_assert_uint_eq(blocking.count, 3); /* one lies within the time of another */
    ck_assert_int_eq(blocking_longest(&blocking, 100, false), at(1410) - at(1190));
    ck_assert_int_eq(blocking_longest(&blocking, 100, true), at(1410) - at(1300));
    blocking_free(&blocking);
}
END_TEST

/* Of several that may have taken it, the one at whose end it was seen first. */
START_TEST(the_command_that_took_it_is_named)
{
    struct server_log log = {0};
    struct blocking blocking;
    struct held_lock locks[] = {{{3, 17}, 100, "AccessExclusiveLock", at(1310), at(1400)}};
    log_of("@1.301#statement: update projects set x = 1\n"
           "@1.303#duration: 2 ms\n"
           "@1.304#statement: alter table projects add y int\n"
           "@1.305#restore_verifier locks 100:AccessExclusiveLock\n"
           "@1.305#duration: 2 ms\n"
           "@1.305#statement: select pg_sleep(1)\n"
           "@1.390#duration: 2 ms\n"
           "@1.400#statement: alter table projects add z int\n"
           "@1.401#restore_verifier locks 100:AccessExclusiveLock\n",
           &log);
    find(locks, ARRAY_LENGTH(locks), &log, &blocking);
    ck_assert_uint_eq(blocking.count, 1);
    ck_assert_str_eq(blocking.items[0].taker->text, "alter table projects add y int");
    ck_assert_int_eq(blocking.items[0].from_us, at(1304));
    blocking_free(&blocking);
    server_log_free(&log);
}
END_TEST

/* Seen by two commands, and by no sample between them: a savepoint was rolled back. */
START_TEST(a_lock_that_was_given_back_is_two)
{
    struct server_log log = {0};
    struct blocking blocking;
    log_of("@1.301#statement: alter table projects add y int\n"
           "@1.302#restore_verifier locks 100:AccessExclusiveLock\n"
           "@1.303#duration: 2 ms\n"
           "@1.601#statement: alter table projects add z int\n"
           "@1.602#restore_verifier locks 100:AccessExclusiveLock\n",
           &log);
    find(NULL, 0, &log, &blocking);
    ck_assert_uint_eq(blocking.count, 2);
    ck_assert_int_eq(blocking_longest(&blocking, 100, true), at(1310) - at(1301));
    blocking_free(&blocking);
    server_log_free(&log);
}
END_TEST

/* --- words ------------------------------------------------------------------------------------ */

START_TEST(statements_are_told_without_their_values)
{
    static const char *const texts[][2] = {
        {"select 1", "select 1"},
        {"update users set name = 'it''s me', x = ''", "update users set name = '...', x = ''"},
        {"create role a password 'hush", "create role a password '...'"},
        {"", ""},
        {"set name = E'it\\'s hush', api_key = 'hush'", "set name = E'...', api_key = '...'"},
        {"select $$hush$$, $x$it's $$ hush$x$, $1, a$b", "select $$...$$, $x$...$x$, $1, a$b"},
        {"do $x$ begin execute 'hush'; end $x$", "do $x$ begin execute '...'; end $x$"},
        {"/* it's */ update t set a = 'hush'", "update t set a = '...'"},
        {"-- it's\nupdate t -- isn't\nset a = 'hush'", "update t set a = '...'"},
        {"update \"o'b--rien\" set a = 'hush'", "update \"o'b--rien\" set a = '...'"},
        {"select 'a--b', 'hush'", "select '...', '...'"},
        {"set a = $$hush", "set a = $$...$$"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        char words[100];
        statement_words(texts[i][0], words, sizeof(words));
        ck_assert_str_eq(words, texts[i][1]);
    }
}
END_TEST

/* --- children --------------------------------------------------------------------------------- */

START_TEST(what_a_command_leaves_is_ended)
{
    static const char *const argv[] = {
        "sh", "-c", "setsid sh -c 'sleep 1000 & sleep 1000' & setsid sleep 1000 & sleep 0.2", NULL};
    struct process_options options = {.argv = argv};
    struct error error;
    struct pids before;
    pid_t spared, pid;
    static const char *const other[] = {"sleep", "1000", NULL};
    struct process_options spared_options = {.argv = other};
    children_adopt();
    ck_assert_int_eq(process_start(&spared_options, &spared, &error), 0);
    children_list(&before);
    ck_assert_uint_eq(before.count, 1);
    ck_assert_int_eq(process_start(&options, &pid, &error), 0);
    ck_assert_int_eq(process_wait(pid, deadline_after(10000), NULL), 1);
    ck_assert_uint_ge(children_end(&before, deadline_after(10000)), 2);
    struct pids left;
    children_list(&left);
    ck_assert_uint_eq(left.count, 1);
    ck_assert_int_eq(left.items[0], spared);
    pids_free(&left);
    pids_free(&before);
    struct pids none = {0};
    ck_assert_uint_eq(children_end(&none, deadline_after(10000)), 1);
}
END_TEST

Suite *rehearsal_suite(void)
{
    Suite *suite = suite_create("rehearsal");
    add_test(suite, statements_and_transactions_are_read);
    add_test(suite, a_statement_is_no_line_of_its_own);
    add_test(suite, a_lock_is_held_until_the_commit);
    add_test(suite, a_lock_that_no_sample_has_is_told_of);
    add_table_test(suite, modes_block_what_they_conflict_with, ARRAY_LENGTH(held));
    add_test(suite, what_meets_is_one_time);
    add_test(suite, the_command_that_took_it_is_named);
    add_test(suite, a_lock_that_was_given_back_is_two);
    add_test(suite, statements_are_told_without_their_values);
    add_test(suite, what_a_command_leaves_is_ended);
    return suite;
}
