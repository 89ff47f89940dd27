/* Scenario files as a JSON Schema (draft 7), for editors and for who writes scenarios by a program.
 *
 * Which keys there are, where, and which are needed is learned from the parser: it is run without a
 * file, and tells of each section that it would read. What a value may be is said here by the
 * function that reads it; a value whose reader is not listed may be anything. So the schema takes
 * every file that the parser takes, and not only those: what concerns several keys, or this
 * machine, no schema can say. A text with a variable in it may be anything too.
 */
#ifndef SCENARIO_JSON_SCHEMA_H
#define SCENARIO_JSON_SCHEMA_H

/* JSON text, to be freed by the caller. */
char *scenario_json_schema(void);

#endif
