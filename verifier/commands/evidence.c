#include "commands/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/signature.h"
#include "commands/commands.h"
#include "report/evidence.h"
#include "report/json_fields.h"

/* The files of one document. */
struct files {
    char *json, *page, *signature;
    const char *json_name; /* without the directory; borrowed from `json` */
};

static void files_name(const char *reports, const struct period *period, struct files *ret_files)
{
    ret_files->json = xasprintf("%s/evidence-%s.json", reports, period->name);
    ret_files->page = xasprintf("%s/evidence-%s.html", reports, period->name);
    ret_files->signature = xasprintf("%s.sig", ret_files->json);
    ret_files->json_name = strrchr(ret_files->json, '/') + 1;
}

static void files_free(struct files *files)
{
    free(files->json);
    free(files->page);
    free(files->signature);
}

/* A signature of an earlier document must not stand beside this one. */
static int write_signature(const char *path, const char *json, const struct signature_key *key,
                           struct error *error)
{
    unsigned char signature[SIGNATURE_SIZE];
    if (!key && unlink(path) < 0 && errno != ENOENT)
        return cannot_verify(error, "cannot remove %s: %s", path, strerror(errno));
    if (!key)
        return 0;
    if (signature_make(key, json, strlen(json), signature, error) < 0)
        return -1;
    return file_replace(path, signature, sizeof(signature), error);
}

static void digest(const char *text, char ret_sha256[SHA256_HEX_SIZE])
{
    struct sha256 *hash = sha256_new();
    sha256_update(hash, text, strlen(text));
    sha256_final(hash, ret_sha256);
    sha256_free(hash);
}

static int write_files(const struct evidence *evidence, const struct files *files,
                       const struct signature_key *key, struct error *error)
{
    char sha256[SHA256_HEX_SIZE];
    cleanup(free_pointer) char *json = evidence_json(evidence);
    digest(json, sha256);
    if (file_replace(files->json, json, strlen(json), error) < 0 ||
        write_signature(files->signature, json, key, error) < 0)
        return -1;
    return evidence_page_write(evidence, files->json_name, sha256, files->page, error);
}

static void note(const struct files *files, bool is_signed, json_t *written)
{
    json_set_text(written, "page", files->page, SIZE_MAX);
    json_set_text(written, "evidence", files->json, SIZE_MAX);
    if (is_signed)
        json_set_text(written, "signature", files->signature, SIZE_MAX);
}

static void tell(const struct files *files, bool is_signed)
{
    fprintf(stderr, "wrote %s, %s%s%s\n", files->page, files->json, is_signed ? ", " : "",
            is_signed ? files->signature : "");
}

static int write_evidence(const struct common_options *common, const struct sources *sources,
                          const struct period *period, const struct signature_key *key,
                          json_t *written, struct error *error)
{
    char key_name[SHA256_HEX_SIZE];
    struct evidence evidence;
    struct files files;
    time_t now = time(NULL);
    if (period->from > now)
        return cannot_verify(error, "the period %s has not begun", period->name);
    if (key && signature_key_name(key, key_name, error) < 0)
        return -1;
    cleanup(free_pointer) struct page_scenario *told = sources_told(sources);
    evidence_gather(told, sources->count, period, now, key ? key_name : NULL, &evidence);
    files_name(common->reports, period, &files);
    int outcome = write_files(&evidence, &files, key, error);
    if (outcome == 0)
        note(&files, key != NULL, written);
    if (outcome == 0 && !common->quiet)
        tell(&files, key != NULL);
    evidence_free(&evidence);
    files_free(&files);
    return outcome;
}

/* What nobody could read is not in the document as it should be. */
static int tell_problems(const struct sources *sources)
{
    int exit_code = EXIT_VERIFIED;
    for (size_t i = 0; i < sources->count; i++) {
        if (!sources->items[i].problem)
            continue;
        fprintf(stderr, "restore-verifier: %s: the history cannot be read: %s\n",
                sources->items[i].name, sources->items[i].problem);
        exit_code = EXIT_CANNOT_VERIFY;
    }
    return exit_code;
}

int evidence_write_command(const struct common_options *common, const struct sources *sources,
                           const char *period_text, const char *key_path, json_t *written)
{
    struct error error;
    struct period period;
    cleanup(signature_key_freep) struct signature_key *key = NULL;
    if (period_parse(period_text, &period, &error) == 0 &&
        (!key_path || signature_key_read_private(key_path, &key, &error) == 0) &&
        write_evidence(common, sources, &period, key, written, &error) == 0)
        return tell_problems(sources);
    fprintf(stderr, "restore-verifier: %s\n", error.text);
    return EXIT_CANNOT_VERIFY;
}
