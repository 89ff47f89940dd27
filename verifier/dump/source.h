/* The address of the database that a scenario's backups come from. */
#ifndef DUMP_SOURCE_H
#define DUMP_SOURCE_H

#include "base/error.h"
#include "postgres/address.h"
#include "postgres/hosts.h"
#include "scenario/scenario.h"

/* As the scenario and the environment give it, made to fit its host (postgres/hosts.h).
 * FAULT_MACHINE. The address is to be freed; `notices` are for the user. */
int source_address(const struct scenario *scenario, struct address *ret_address,
                   enum host_kind *ret_kind, struct strings *notices, struct error *error);

#endif
