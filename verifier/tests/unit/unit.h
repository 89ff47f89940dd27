/* The unit tests: one file a module, each offering a suite. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>

/* Every suite, once: main.c runs them all. */
#define UNIT_SUITES(X)                                                                             \
    X(backup_age_suite)                                                                            \
    X(backup_compressor_suite)                                                                     \
    X(backup_create_suite)                                                                         \
    X(backup_dump_suite)                                                                           \
    X(backup_find_suite)                                                                           \
    X(backup_manifest_suite)                                                                       \
    X(backup_name_pattern_suite)                                                                   \
    X(backup_retention_suite)                                                                      \
    X(backup_shelf_suite)                                                                          \
    X(dump_replacing_suite)                                                                        \
    X(shelf_sets_suite)                                                                            \
    X(archive_set_suite)                                                                           \
    X(archive_damage_suite)                                                                        \
    X(archive_hostile_suite)                                                                       \
    X(archive_read_suite)                                                                          \
    X(archive_stranger_suite)                                                                      \
    X(buffer_suite)                                                                                \
    X(surroundings_suite)                                                                          \
    X(grants_suite)                                                                                \
    X(gaps_suite)                                                                                  \
    X(schema_suite)                                                                                \
    X(history_suite)                                                                               \
    X(trend_suite)                                                                                 \
    X(inflating_suite)                                                                             \
    X(judging_suite)                                                                               \
    X(migrations_suite)                                                                            \
    X(rehearsal_suite)                                                                             \
    X(migration_warnings_suite)                                                                    \
    X(migration_wanted_suite)                                                                      \
    X(migration_names_suite)                                                                       \
    X(utf8_suite)                                                                                  \
    X(clock_suite)                                                                                 \
    X(ticker_suite)                                                                                \
    X(process_suite)                                                                               \
    X(confine_suite)                                                                               \
    X(plan_suite)                                                                                  \
    X(exclusion_suite)                                                                             \
    X(restore_errors_suite)                                                                        \
    X(restore_times_suite)                                                                         \
    X(ready_cluster_suite)                                                                         \
    X(tools_suite)                                                                                 \
    X(address_suite)                                                                               \
    X(workers_suite)                                                                               \
    X(harness_suite)                                                                               \
    X(signals_suite)                                                                               \
    X(hash_suite)                                                                                  \
    X(memory_suite)                                                                                \
    X(file_suite)                                                                                  \
    X(workdir_suite)                                                                               \
    X(evidence_suite)                                                                              \
    X(error_suite)                                                                                 \
    X(expectation_suite)                                                                           \
    X(scenario_load_suite)                                                                         \
    X(scenario_include_suite)                                                                      \
    X(shard_suite)                                                                                 \
    X(scenario_variables_suite)                                                                    \
    X(plain_suite)                                                                                 \
    X(draft_suite)                                                                                 \
    X(hosts_suite)                                                                                 \
    X(notify_suite)                                                                                \
    X(noticing_suite)                                                                              \
    X(objects_signature_suite)                                                                     \
    X(objects_encoding_suite)                                                                      \
    X(objects_answer_suite)                                                                        \
    X(objects_file_name_suite)                                                                     \
    X(objects_ranges_suite)                                                                        \
    X(objects_settings_suite)                                                                      \
    X(objects_inventory_suite)                                                                     \
    X(restore_target_suite)                                                                        \
    X(replaced_suite)                                                                              \
    X(rows_suite)                                                                                  \
    X(sabotage_suite)                                                                              \
    X(report_console_suite)                                                                        \
    X(report_headline_suite)                                                                       \
    X(report_json_suite)                                                                           \
    X(report_junit_suite)                                                                          \
    X(report_markdown_suite)                                                                       \
    X(report_progress_suite)                                                                       \
    X(report_text_suite)                                                                           \
    X(report_rehearsal_suite)                                                                      \
    X(report_totals_suite)

#define UNIT_DECLARE(suite) Suite *suite(void);
UNIT_SUITES(UNIT_DECLARE)
#undef UNIT_DECLARE

/* Adds one test as a case of its own, named like its function. */
#define add_test(suite, function)                                                                  \
    do {                                                                                           \
        TCase *case_ = tcase_create(#function);                                                    \
        tcase_add_test(case_, function);                                                           \
        suite_add_tcase(suite, case_);                                                             \
    } while (0)

/* The same for a loop test over a table: runs with _i from 0 to count - 1. */
#define add_table_test(suite, function, count)                                                     \
    do {                                                                                           \
        TCase *case_ = tcase_create(#function);                                                    \
        tcase_add_loop_test(case_, function, 0, (int)(count));                                     \
        suite_add_tcase(suite, case_);                                                             \
    } while (0)

#endif
