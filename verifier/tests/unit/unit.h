/* The unit tests: one file a module, each offering its suite to main.c. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>

Suite *backup_age_suite(void);
Suite *backup_compressor_suite(void);
Suite *backup_create_suite(void);
Suite *backup_dump_suite(void);
Suite *backup_find_suite(void);
Suite *backup_manifest_suite(void);
Suite *backup_name_pattern_suite(void);
Suite *backup_retention_suite(void);
Suite *backup_shelf_suite(void);
Suite *dump_replacing_suite(void);
Suite *shelf_sets_suite(void);
Suite *archive_set_suite(void);
Suite *archive_damage_suite(void);
Suite *inflating_suite(void);
Suite *archive_hostile_suite(void);
Suite *archive_read_suite(void);
Suite *archive_stranger_suite(void);
Suite *buffer_suite(void);
Suite *gaps_suite(void);
Suite *judging_suite(void);
Suite *migrations_suite(void);
Suite *migration_names_suite(void);
Suite *utf8_suite(void);
Suite *clock_suite(void);
Suite *process_suite(void);
Suite *confine_suite(void);
Suite *plan_suite(void);
Suite *exclusion_suite(void);
Suite *restore_errors_suite(void);
Suite *tools_suite(void);
Suite *address_suite(void);
Suite *workers_suite(void);
Suite *harness_suite(void);
Suite *signals_suite(void);
Suite *hash_suite(void);
Suite *memory_suite(void);
Suite *file_suite(void);
Suite *workdir_suite(void);
Suite *error_suite(void);
Suite *expectation_suite(void);
Suite *scenario_load_suite(void);
Suite *scenario_variables_suite(void);
Suite *plain_suite(void);
Suite *hosts_suite(void);
Suite *objects_signature_suite(void);
Suite *objects_encoding_suite(void);
Suite *objects_answer_suite(void);
Suite *objects_file_name_suite(void);
Suite *objects_ranges_suite(void);
Suite *objects_settings_suite(void);
Suite *objects_inventory_suite(void);
Suite *replaced_suite(void);
Suite *rows_suite(void);
Suite *report_console_suite(void);
Suite *report_headline_suite(void);
Suite *report_json_suite(void);
Suite *report_junit_suite(void);
Suite *report_progress_suite(void);
Suite *report_text_suite(void);
Suite *report_totals_suite(void);

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
