/* Whether a file is encrypted, told from how it begins, and what its name promises.
 *
 * What is encrypted without a mark of its own (openssl enc -nosalt, disk images) looks like noise:
 * only a name can tell that.
 *
 * Sources of the formats: RFC 4880 and 9580 (OpenPGP), age-encryption.org/v1, RFC 5652 (CMS),
 * openssl-enc(1), APPNOTE.TXT of zip, aescrypt.com, the headers of the other programs.
 */
#ifndef ARCHIVE_ENCRYPTION_H
#define ARCHIVE_ENCRYPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct encryption {
    const char *what;    /* "OpenPGP (gpg)" */
    const char *decrypt; /* the command that does it, as far as it is the same for everybody; "" */
};

/* NULL: no sign of encryption. Static. */
const struct encryption *encryption_of_head(const uint8_t *head, size_t length);

enum name_promise {
    NAME_PROMISES_NOTHING,
    NAME_PROMISES_DUMP,       /* x.dump.gz, x.sql, x.tar, x.backup ... */
    NAME_PROMISES_ENCRYPTION, /* x.dump.gz.gpg, x.enc, encrypted-x ... */
};

/* Of a path or URL, of which the last part counts. */
enum name_promise name_promise(const char *path);

#endif
