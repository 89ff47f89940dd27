#include "postgres/restore_times.h"

#include <string.h>

#include "base/memory.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define SAID(ms, statement)                                                                        \
    "2026-01-02 03:04:05.678 UTC [42] LOG:  duration: " ms " ms  statement: " statement "\n"

static const struct {
    const char *name;
    const char *log;
    const char *described;
} logs[] = {
    {"nothing", "", ""},
    {"other lines", "2026-01-02 LOG:  database system is ready\n\tand so on\n", ""},
    {"nothing took long", SAID("12.3", "COPY t (x) FROM stdin;"), ""},
    {"one of each",
     SAID("5000.1", "COPY public.t (x, y) FROM stdin;") SAID("61000", "CREATE INDEX i ON t (x);")
         SAID("1200", "CREATE UNIQUE INDEX j ON t (x);") SAID("300", "CREATE VIEW v AS SELECT 1;"),
     "data 5.0 s, indexes 1 min 2 s, other 0.3 s; slowest: 1 min 1 s CREATE INDEX i ON t, "
     "5.0 s COPY public.t, 1.2 s CREATE UNIQUE INDEX j ON t, 0.3 s CREATE VIEW v AS SELECT 1"},
    {"a statement of several lines",
     SAID("700", "ALTER TABLE ONLY public.t\n\t    ADD CONSTRAINT t_pkey PRIMARY KEY (x);"),
     "constraints 0.7 s; slowest: 0.7 s ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY "
     "KEY"},
    {"more than are told",
     SAID("100", "a") SAID("600", "f") SAID("200", "b") SAID("500", "e") SAID("300", "c")
         SAID("400", "d"),
     "other 2.1 s; slowest: 0.6 s f, 0.5 s e, 0.4 s d, 0.3 s c, 0.2 s b"},
};

START_TEST(time_is_told_by_statement)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "log");
    scratch_write(path, logs[_i].log, 0600);
    struct restore_times times;
    struct error error;
    ck_assert_int_eq(restore_times_read(path, &times, &error), 0);
    cleanup(free_pointer) char *described = restore_times_describe(&times);
    ck_assert_msg(strcmp(described, logs[_i].described) == 0, "%s: %s", logs[_i].name, described);
}
END_TEST

Suite *restore_times_suite(void)
{
    Suite *suite = suite_create("postgres/restore_times");
    add_table_test(suite, time_is_told_by_statement, ARRAY_LENGTH(logs));
    return suite;
}
