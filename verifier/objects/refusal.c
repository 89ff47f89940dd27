#include "objects/refusal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

/* No store minds less. */
enum { CLOCKS_AGREE_S = 60 };

bool refusal_may_pass(long status, const struct error_answer *answer)
{
    static const char *const passing[] = {
        "SlowDown",       "InternalError",   "ServiceUnavailable",
        "RequestTimeout", "TooManyRequests", "OperationAborted",
        "IncompleteBody", "BadDigest",       "XAmzContentSHA256Mismatch"};
    for (size_t i = 0; i < ARRAY_LENGTH(passing); i++)
        if (strcmp(answer->code, passing[i]) == 0)
            return true;
    return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
}

bool refusal_is_missing_key(const struct error_answer *answer)
{
    return strcmp(answer->code, "NoSuchKey") == 0;
}

static int explain_clock(const struct transfer *transfer, struct error *error)
{
    const struct settings *settings = transfer->settings;
    int64_t ahead_s = (int64_t)time(NULL) - transfer->response.date_s;
    char by[DURATION_TEXT_SIZE];
    duration_format(llabs(ahead_s) * 1000, by);
    if (transfer->response.date_s < 0)
        return cannot_verify(error,
                             "%s: the clock of this machine is wrong, says the store: set it",
                             settings->name);
    if (llabs(ahead_s) < CLOCKS_AGREE_S)
        return cannot_verify(error,
                             "%s: the store says that the request is of another time, though its "
                             "clock is this machine's: what is in between came late with it",
                             settings->name);
    return cannot_verify(error,
                         "%s: the clock of this machine is %s %s the store's: set it "
                         "(timedatectl set-ntp true)",
                         settings->name, by, ahead_s > 0 ? "ahead of" : "behind");
}

static int explain_region(const struct transfer *transfer, const struct error_answer *answer,
                          struct error *error)
{
    const struct settings *settings = transfer->settings;
    const char *region =
        transfer->response.region[0] != '\0' ? transfer->response.region : answer->region;
    if (*region != '\0' && strcmp(region, transfer->region) != 0)
        return cannot_verify(error,
                             "%s: the region is %s, not %s: write `region: %s` in the scenario, or "
                             "`region: auto`",
                             settings->name, region, transfer->region, region);
    return cannot_verify(error,
                         "%s: the store refuses the region %s: write the bucket's region in the "
                         "scenario (%s)",
                         settings->name, transfer->region, answer->code);
}

#define FULL                                                                                       \
    "bucket `%s` takes no more: its quota, or the store, is full: make room, or ask for more"

/* What a code means and what to do about it. `%s` of each is the bucket's name. */
static const struct {
    const char *code;
    const char *words;
} meanings[] = {
    {"NoSuchBucket", "there is no bucket `%s`: is its name right, and is it in this store?"},
    {"NoSuchKey", "bucket `%s` does not hold the object: was it deleted meanwhile?"},
    {"InvalidBucketName", "`%s` is no name that a bucket can have: correct it in the scenario"},
    {"InvalidAccessKeyId",
     "the store does not know the access key: is it the one for the store with bucket `%s`?"},
    {"SignatureDoesNotMatch",
     "the secret key is wrong: it is not the one that belongs to the access key (bucket `%s`)"},
    {"AccessDenied", "access to bucket `%s` is denied: the access key needs the rights "
                     "s3:ListBucket and s3:GetObject there (s3:PutObject and s3:DeleteObject to "
                     "write)"},
    {"ExpiredToken", "the session token for bucket `%s` has expired: get a new one"},
    {"TokenRefreshRequired", "the session token for bucket `%s` has expired: get a new one"},
    {"InvalidToken", "the session token for bucket `%s` is not valid: get a new one"},
    {"AccountProblem", "there is a problem with the account of bucket `%s`: ask the provider"},
    {"AllAccessDisabled", "all access to bucket `%s` is disabled: ask the provider"},
    {"QuotaExceeded", FULL},
    {"XMinioAdminBucketQuotaExceeded", FULL},
    {"XMinioStorageFull", FULL},
    {"EntityTooLarge", "bucket `%s` takes no object of that size: is its quota used up?"},
    {"InvalidObjectState", "the object is in an archive of bucket `%s` (such as Glacier) and must "
                           "be restored from it first"},
};

/* A store may repeat what it was sent. */
static void keep_secrets_out(const struct settings *settings, struct error_answer *answer)
{
    if (strstr(answer->message, settings->secret_key) ||
        (settings->session_token && strstr(answer->message, settings->session_token)))
        answer->message[0] = '\0';
    for (char *c = answer->message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    for (char *c = answer->code; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            *c = '?';
}

static int explain_other(const struct transfer *transfer, const struct error_answer *answer,
                         struct error *error)
{
    const struct settings *settings = transfer->settings;
    struct error_answer shown = *answer;
    keep_secrets_out(settings, &shown);
    cleanup(free_pointer) char *host = settings_host(settings, transfer->region);
    long status = transfer->response.status;
    const char *hint = "";
    const char *elsewhere = transfer->response.elsewhere;
    if (status >= 300 && status < 400 && *elsewhere)
        return cannot_verify(error,
                             "%s: %s sends us to %s: write the endpoint that answers by itself in "
                             "the scenario",
                             settings->name, host, elsewhere);
    if (status == 400 && *shown.code == '\0' && strcmp(settings->scheme, "http") == 0)
        hint = ": if it speaks TLS there, the endpoint begins with https://";
    else if (status == 403)
        hint = ": the keys may be wrong, or lack the rights s3:ListBucket and s3:GetObject";
    else if (status == 404)
        hint = ": is the bucket's name right, and is it in this store?";
    else if (status >= 300 && status < 400)
        hint = ": it sends us elsewhere: is the endpoint right?";
    return cannot_verify(error, "%s: %s answers %s with status %ld%s%s%s%s%s", settings->name, host,
                         transfer->method, status, *shown.code ? " " : "", shown.code,
                         *shown.message ? ", " : "", shown.message, hint);
}

/* Why a store may not know what another one knows. */
static const char *unknown_hint(const struct settings *settings, const char *code)
{
    bool key = strcmp(code, "InvalidAccessKeyId") == 0;
    if (!key && strcmp(code, "NoSuchBucket") != 0)
        return "";
    if (key && starts_with(settings->access_key, "ASIA") && !settings->session_token)
        return "; it is a temporary one, which needs S3_SESSION_TOKEN or AWS_SESSION_TOKEN as well";
    return settings->aws ? "; no endpoint is given, so Amazon's was asked" : "";
}

int refusal_explain(const struct transfer *transfer, const struct error_answer *answer,
                    struct error *error)
{
    const struct settings *settings = transfer->settings;
    if (strcmp(answer->code, "RequestTimeTooSkewed") == 0)
        return explain_clock(transfer, error);
    if (strcmp(answer->code, "AuthorizationHeaderMalformed") == 0 ||
        strcmp(answer->code, "PermanentRedirect") == 0 ||
        strcmp(answer->code, "IllegalLocationConstraintException") == 0 ||
        (transfer->response.status == 301 && transfer->response.region[0] != '\0'))
        return explain_region(transfer, answer, error);
    for (size_t i = 0; i < ARRAY_LENGTH(meanings); i++) {
        if (strcmp(answer->code, meanings[i].code) != 0)
            continue;
        const char *rest = strstr(meanings[i].words, "%s");
        return cannot_verify(error, "%s: %.*s%s%s (%s)%s", settings->name,
                             (int)(rest - meanings[i].words), meanings[i].words, settings->bucket,
                             rest + 2, answer->code, unknown_hint(settings, answer->code));
    }
    return explain_other(transfer, answer, error);
}
