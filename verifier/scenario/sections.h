/* The readers of a scenario's larger values: each fills its part of reader->scenario (or, for the
 * expectations, the section's own struct) and tells what is wrong. Used by scenario.c alone. */
#ifndef SCENARIO_SECTIONS_H
#define SCENARIO_SECTIONS_H

#include "scenario/reader.h"
#include "scenario/scenario.h"

/* scenario.c: tells the watcher of the whole file as a section without keys. What it is given to
 * read into lives as long as this call. */
void scenario_watch(section_watcher *watcher, void *watching);

/* expectations.c */
/* Regular expressions (ECMA-262) for the texts of expectations, to be freed: they take everything
 * that the parser takes, and some of what it refuses. */
char *table_expectation_regex(void);
char *query_expectation_regex(void);
char *schema_expectation_regex(void);
char *object_check_regex(void);
char *run_check_regex(void);
void read_tables(struct reader *reader, const struct key *key, const struct node *value,
                 void *field);
void read_object_checks(struct reader *reader, const struct key *key, const struct node *value,
                        void *field); /* struct objects */
void read_migration_checks(struct reader *reader, const struct key *key, const struct node *value,
                           void *field); /* struct migration_wanted */
void read_run_checks(struct reader *reader, const struct key *key, const struct node *value,
                     void *field); /* scenario->checks */
void read_query_expectation(struct reader *reader, const struct key *key, const struct node *value,
                            void *field); /* struct expectation */
void read_schema_expectation(struct reader *reader, const struct key *key, const struct node *value,
                             void *field); /* struct expectation */

/* values.c */
void read_scenario_name(struct reader *reader, const struct key *key, const struct node *value,
                        void *field); /* char * */
void read_host(struct reader *reader, const struct key *key, const struct node *value,
               void *field); /* enum host_kind */
void read_target(struct reader *reader, const struct key *key, const struct node *value,
                 void *field); /* const struct restore_target * */
void read_counts(struct reader *reader, const struct key *key, const struct node *value,
                 void *field); /* bool: true for `none` */
void read_database(struct reader *reader, const struct key *key, const struct node *value,
                   void *field); /* char * */
void read_server(struct reader *reader, const struct key *key, const struct node *value,
                 void *field); /* char *, NULL for a throwaway one */
void read_location(struct reader *reader, const struct key *key, const struct node *value,
                   void *field); /* char *: a directory or s3:// */
void read_directory(struct reader *reader, const struct key *key, const struct node *value,
                    void *field); /* char * */
void read_file(struct reader *reader, const struct key *key, const struct node *value,
               void *field); /* char * */
void read_endpoint(struct reader *reader, const struct key *key, const struct node *value,
                   void *field); /* char * */
void read_backup_name(struct reader *reader, const struct key *key, const struct node *value,
                      void *field); /* struct backup_names: patterns for strftime */
void read_dating(struct reader *reader, const struct key *key, const struct node *value,
                 void *field); /* enum backup_dating */
void read_time_zone(struct reader *reader, const struct key *key, const struct node *value,
                    void *field); /* char * */
void check_dating(struct problems *problems, const struct scenario *scenario);
void read_databases(struct reader *reader, const struct key *key, const struct node *value,
                    void *field); /* bool: true for `all` */
void read_keep(struct reader *reader, const struct key *key, const struct node *value,
               void *field); /* struct keep */
void read_version_number(struct reader *reader, const struct key *key, const struct node *value,
                         void *field); /* int: a major version of PostgreSQL */
void read_jobs(struct reader *reader, const struct key *key, const struct node *value,
               void *field); /* int */
/* A text for one line that is not empty, borrowed, or NULL when a problem has been told. */
const char *line_text(struct reader *reader, const struct key *key, const struct node *value,
                      const char *wanted);

/* migrations.c */
void read_alembic(struct reader *reader, const struct key *key, const struct node *value,
                  void *field); /* scenario->alembic */
void read_migrations(struct reader *reader, const struct key *key, const struct node *value,
                     void *field); /* scenario->migrations */
void check_migrations(struct problems *problems, const struct scenario *scenario);

/* migration.c */
void read_migration(struct reader *reader, const struct key *key, const struct node *value,
                    void *field); /* scenario->migration */
void check_migration(struct problems *problems, const struct scenario *scenario);
void migration_wanted_free(struct migration_wanted *migration);
void read_command(struct reader *reader, const struct key *key, const struct node *value,
                  void *field); /* struct strings: an argv */
void read_environment(struct reader *reader, const struct key *key, const struct node *value,
                      void *field); /* struct strings: "NAME=value" */
void read_commands(struct reader *reader, const struct key *key, const struct node *value,
                   void *field); /* scenario->commands */
void check_commands(struct problems *problems, const struct scenario *scenario);
void own_commands_free(struct scenario *scenario);

/* notify.c */
void read_notify(struct reader *reader, const struct key *key, const struct node *value,
                 void *field); /* struct notify_wanted */
void read_notify_url(struct reader *reader, const struct key *key, const struct node *value,
                     void *field); /* char *, never shown */
void read_notify_format(struct reader *reader, const struct key *key, const struct node *value,
                        void *field); /* struct notify_wanted */
void check_notify(struct problems *problems, const struct scenario *scenario);
void notify_wanted_free(struct notify_wanted *notify);

/* schema.c */
void read_schema(struct reader *reader, const struct key *key, const struct node *value,
                 void *field); /* scenario->schema */
void check_schema(struct problems *problems, const struct scenario *scenario);
void schema_expectations_free(struct schema_expectations *schema);

#endif
