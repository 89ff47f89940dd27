#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "postgres/dump.h"
#include "tests/unit/unit.h"

static const struct {
    const char *messages;
    const char *words[3]; /* in the explanation */
    const char *never;
} cases[] = {
    {"", {"pg_dump exited with code 1"}, ":"},
    {"pg_dump: error: aborting because of server version mismatch\n"
     "pg_dump: detail: server version: 16.1; pg_dump version: 15.18\n",
     {"server version mismatch", "server version: 16.1", "install the postgresql-client"},
     "detail:"},
    {"pg_dump: warning: there are circular foreign-key constraints\n"
     "pg_dump: error: query failed: ERROR:  permission denied for table secrets\n"
     "pg_dump: detail: Query was: LOCK TABLE public.secrets IN ACCESS SHARE MODE\n",
     {"permission denied for table secrets", "pg_read_all_data"},
     "LOCK TABLE"},
    {"pg_dump: error: Dumping the contents of table \"t\" failed: PQgetResult() failed.\n"
     "pg_dump: detail: Error message from server: ERROR:  invalid page in block 7\n"
     "pg_dump: detail: Command was: COPY public.t (a) TO stdout;\n",
     {"contents of table \"t\"", "invalid page in block 7"},
     "COPY"},
    {"pg_dump: error: connection to server at \"db\" (10.0.0.1), port 5432 failed: Connection "
     "refused\n\tIs the server running on that host and accepting TCP/IP connections?\n",
     {"Connection refused", "check that the server runs"},
     NULL},
    {"pg_dump: error: connection to server at \"db\", port 5432 failed: FATAL:  password "
     "authentication failed for user \"u\"\n",
     {"password authentication failed", "source.database"},
     NULL},
    {"pg_dump: warning: something\n/usr/lib/libpq.so.5: version RHPG_9.6 not found\n",
     {"libpq.so.5: version"},
     "something"},
    {"pg_dump: error: query failed: ERROR:  canceling statement due to statement timeout\n"
     "pg_dump: detail: Query was: LOCK TABLE public.t IN ACCESS SHARE MODE\n",
     {"holds a lock on a table", "at another time"},
     "LOCK TABLE"},
    {"pg_dump: error: Dumping the contents of table \"t\" failed: PQgetResult() failed.\n"
     "pg_dump: detail: Error message from server: ERROR:  canceling statement due to conflict with "
     "recovery\n",
     {"conflict with recovery", "hot_standby_feedback"},
     NULL},
    {"pg_dump: error: query failed: ERROR:  relation \"public.t\" does not exist\n"
     "pg_dump: detail: Query was: LOCK TABLE public.t IN ACCESS SHARE MODE\n",
     {"\"public.t\" does not exist", "dump again"},
     NULL},
    {"pg_dump: error: query failed: ERROR:  out of shared memory\n"
     "HINT:  You might need to increase max_locks_per_transaction.\n"
     "pg_dump: detail: Query was: LOCK TABLE public.t IN ACCESS SHARE MODE\n",
     {"out of shared memory", "raise its max_locks_per_transaction"},
     "LOCK TABLE"},
    {"pg_dump: error: could not write to output file: No space left on device\n",
     {"make room"},
     NULL},
};

START_TEST(what_failed_is_told_with_advice)
{
    char *text = dump_explain(cases[_i].messages, "exited with code 1");
    for (size_t i = 0; i < ARRAY_LENGTH(cases[_i].words) && cases[_i].words[i]; i++)
        ck_assert_msg(strstr(text, cases[_i].words[i]) != NULL, "%s", text);
    if (cases[_i].never)
        ck_assert_msg(strstr(text, cases[_i].never) == NULL, "%s", text);
    free(text);
}
END_TEST

START_TEST(a_long_message_leaves_room_for_the_advice)
{
    char messages[20000];
    memset(messages, 'x', sizeof(messages));
    memcpy(messages, "pg_dump: error: permission denied for ", 38);
    messages[sizeof(messages) - 1] = '\0';
    char *text = dump_explain(messages, "exited with code 1");
    ck_assert_ptr_nonnull(strstr(text, "pg_read_all_data"));
    ck_assert_uint_lt(strlen(text), 1600);
    free(text);
}
END_TEST

Suite *backup_dump_suite(void)
{
    Suite *suite = suite_create("postgres/dump");
    add_table_test(suite, what_failed_is_told_with_advice, ARRAY_LENGTH(cases));
    add_test(suite, a_long_message_leaves_room_for_the_advice);
    return suite;
}
