/* Runs every unit test; ends with Check's line of totals and exits 1 when one failed. */
#include <stdlib.h>

#include "tests/unit/unit.h"

int main(void)
{
    /* Check's own 4 s are too few on a busy machine and under the sanitizers. */
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    SRunner *runner = srunner_create(NULL);
    srunner_add_suite(runner, backup_age_suite());
    srunner_add_suite(runner, backup_compressor_suite());
    srunner_add_suite(runner, backup_create_suite());
    srunner_add_suite(runner, backup_dump_suite());
    srunner_add_suite(runner, backup_find_suite());
    srunner_add_suite(runner, backup_manifest_suite());
    srunner_add_suite(runner, backup_name_pattern_suite());
    srunner_add_suite(runner, backup_retention_suite());
    srunner_add_suite(runner, backup_shelf_suite());
    srunner_add_suite(runner, dump_replacing_suite());
    srunner_add_suite(runner, shelf_sets_suite());
    srunner_add_suite(runner, archive_set_suite());
    srunner_add_suite(runner, archive_damage_suite());
    srunner_add_suite(runner, inflating_suite());
    srunner_add_suite(runner, archive_hostile_suite());
    srunner_add_suite(runner, archive_read_suite());
    srunner_add_suite(runner, archive_stranger_suite());
    srunner_add_suite(runner, buffer_suite());
    srunner_add_suite(runner, gaps_suite());
    srunner_add_suite(runner, judging_suite());
    srunner_add_suite(runner, migrations_suite());
    srunner_add_suite(runner, migration_names_suite());
    srunner_add_suite(runner, utf8_suite());
    srunner_add_suite(runner, clock_suite());
    srunner_add_suite(runner, process_suite());
    srunner_add_suite(runner, confine_suite());
    srunner_add_suite(runner, plan_suite());
    srunner_add_suite(runner, exclusion_suite());
    srunner_add_suite(runner, restore_errors_suite());
    srunner_add_suite(runner, tools_suite());
    srunner_add_suite(runner, address_suite());
    srunner_add_suite(runner, workers_suite());
    srunner_add_suite(runner, harness_suite());
    srunner_add_suite(runner, signals_suite());
    srunner_add_suite(runner, hash_suite());
    srunner_add_suite(runner, memory_suite());
    srunner_add_suite(runner, file_suite());
    srunner_add_suite(runner, workdir_suite());
    srunner_add_suite(runner, error_suite());
    srunner_add_suite(runner, expectation_suite());
    srunner_add_suite(runner, scenario_load_suite());
    srunner_add_suite(runner, scenario_variables_suite());
    srunner_add_suite(runner, plain_suite());
    srunner_add_suite(runner, hosts_suite());
    srunner_add_suite(runner, objects_signature_suite());
    srunner_add_suite(runner, objects_encoding_suite());
    srunner_add_suite(runner, objects_answer_suite());
    srunner_add_suite(runner, objects_file_name_suite());
    srunner_add_suite(runner, objects_ranges_suite());
    srunner_add_suite(runner, objects_settings_suite());
    srunner_add_suite(runner, objects_inventory_suite());
    srunner_add_suite(runner, replaced_suite());
    srunner_add_suite(runner, rows_suite());
    srunner_add_suite(runner, report_console_suite());
    srunner_add_suite(runner, report_headline_suite());
    srunner_add_suite(runner, report_json_suite());
    srunner_add_suite(runner, report_junit_suite());
    srunner_add_suite(runner, report_progress_suite());
    srunner_add_suite(runner, report_text_suite());
    srunner_add_suite(runner, report_totals_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    int run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
