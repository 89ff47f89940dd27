/* Runs every unit test; ends with Check's line of totals and exits 1 when one failed. */
#include <stdlib.h>

#include "tests/unit/unit.h"

int main(void)
{
    SRunner *runner = srunner_create(NULL);
    srunner_add_suite(runner, buffer_suite());
    srunner_add_suite(runner, clock_suite());
    srunner_add_suite(runner, error_suite());
    srunner_add_suite(runner, expectation_suite());
    srunner_add_suite(runner, scenario_load_suite());
    srunner_add_suite(runner, scenario_variables_suite());
    srunner_add_suite(runner, objects_signature_suite());
    srunner_add_suite(runner, objects_encoding_suite());
    srunner_add_suite(runner, objects_answer_suite());
    srunner_add_suite(runner, objects_file_name_suite());
    srunner_add_suite(runner, objects_ranges_suite());
    srunner_add_suite(runner, objects_settings_suite());
    srunner_add_suite(runner, objects_inventory_suite());
    srunner_add_suite(runner, rows_suite());
    srunner_add_suite(runner, report_console_suite());
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
