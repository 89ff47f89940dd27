/* What is looked at, each in a thread of its own or in the main one: for preflight/ only. */
#ifndef PREFLIGHT_AREAS_H
#define PREFLIGHT_AREAS_H

#include "postgres/connection.h"
#include "postgres/tools.h"
#include "preflight/preflight.h"
#include "shelf/find.h"
#include "shelf/manifest.h"

/* What one area learns and another needs: written before the areas that read it begin. */
struct learned {
    int server_major; /* of the source, or of the last backup; 0: not known */
    int64_t database_bytes;
    int64_t backup_bytes;
    bool knows_extensions;
    bool can_leave_out;        /* restore.exclude can name them */
    struct strings extensions; /* that a restore needs, without those that it leaves out */
    char *why_not;             /* the latest backup does not tell them; NULL: nobody was asked */
};
void learned_free(struct learned *learned);

struct area {
    const struct scenario *scenario;
    int64_t timeout_ms;
    struct learned learned;
    struct tools *tools; /* of look_at_restoring; NULL: there are none */
    struct findings findings;
};

void finding_add(struct area *area, const char *check, enum readiness readiness, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* Each adds what it finds. Those about places in a network may run side by side. */
void look_at_source(struct area *area);  /* learns */
void look_at_backups(struct area *area); /* learns */
void look_at_history(struct area *area);
void look_at_objects(struct area *area);
void look_at_restore_server(struct area *area);

/* For the two that learn. `manifest` may be NULL. */
void learn_extensions_of_source(struct area *area, struct connection *connection);
void learn_extensions_of_backup(struct area *area, const struct backup_file *backup,
                                const struct manifest *manifest);

/* Only while there is one thread. */
void look_at_work_directory(struct area *area);
void look_at_reports(struct area *area, const char *reports);
void look_at_files(struct area *area); /* migrations, and the programs of `commands` */

/* With what the others have learned. */
void look_at_restoring(struct area *area);  /* only while there is one thread; finds the tools */
void look_at_extensions(struct area *area); /* behind it */
void look_at_space(struct area *area);
void look_at_room(struct area *area); /* for backups */

/* Tells of a clock that is `ahead_s` behind or before ours. */
void judge_clock(struct area *area, const char *whose, int64_t ahead_s);

#endif
