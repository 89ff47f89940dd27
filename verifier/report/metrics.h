/* How every scenario's backup stands, as metrics: a file for the textfile collector of Prometheus's
 * node_exporter.
 *
 * Source of the format: OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/),
 * as far as the text format of Prometheus (0.0.4) is the same, which that collector reads: gauges
 * only, no timestamps of samples.
 */
#ifndef REPORT_METRICS_H
#define REPORT_METRICS_H

#include "report/page.h"

/* Replaces the file in one step. What is not known has no sample. */
int metrics_write(const struct page_scenario *scenarios, size_t count,
                  const struct gate_limits *limits, time_t now, const char *path,
                  struct error *error);

#endif
