#include "archive/encryption.h"

#include <string.h>

#include "base/memory.h"

enum kind {
    OPENPGP,
    AGE,
    OPENSSL,
    OPENSSL_BASE64,
    CMS,
    ZIP,
    AES_CRYPT,
    ANSIBLE_VAULT,
    LUKS,
    MCRYPT,
    RCLONE,
    SCRYPT,
    FERNET,
};

static const struct encryption encryptions[] = {
    [OPENPGP] = {"OpenPGP (gpg)", "gpg --decrypt"},
    [AGE] = {"age", "age --decrypt"},
    [OPENSSL] = {"openssl enc", "openssl enc -d"},
    [OPENSSL_BASE64] = {"openssl enc, in base64", "openssl enc -d -a"},
    [CMS] = {"S/MIME (openssl smime or cms)", "openssl cms -decrypt"},
    [ZIP] = {"a zip password", "unzip"},
    [AES_CRYPT] = {"AES Crypt", "aescrypt -d"},
    [ANSIBLE_VAULT] = {"Ansible Vault", "ansible-vault decrypt"},
    [LUKS] = {"LUKS", "cryptsetup open"},
    [MCRYPT] = {"mcrypt", "mcrypt -d"},
    [RCLONE] = {"rclone crypt", "rclone copy from its crypt remote"},
    [SCRYPT] = {"scrypt", "scrypt dec"},
    [FERNET] = {"Fernet", ""},
};

#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
    const char *bytes;
    size_t length;
    enum kind kind;
} beginnings[] = {
    {BYTES("-----BEGIN PGP MESSAGE-----"), OPENPGP},
    {BYTES("age-encryption.org/"), AGE},
    {BYTES("-----BEGIN AGE ENCRYPTED FILE-----"), AGE},
    {BYTES("Salted__"), OPENSSL},
    {BYTES("U2FsdGVkX1"), OPENSSL_BASE64}, /* "Salted__" in base64 */
    {BYTES("-----BEGIN PKCS7-----"), CMS},
    {BYTES("-----BEGIN CMS-----"), CMS},
    {BYTES("AES\2"), AES_CRYPT},
    {BYTES("$ANSIBLE_VAULT;"), ANSIBLE_VAULT},
    {BYTES("LUKS\xba\xbe"), LUKS},
    {BYTES("\0m\3"), MCRYPT},
    {BYTES("RCLONE\0\0"), RCLONE},
    {BYTES("scrypt\0"), SCRYPT},
    {BYTES("gAAAAAB"), FERNET},
};

/* Bytes of the header of an OpenPGP packet, and its tag; 0: it is none. */
static size_t packet_header(const uint8_t *head, int *ret_tag)
{
    if (!(head[0] & 0x80U))
        return 0;
    if (head[0] & 0x40U) {
        *ret_tag = (int)(head[0] & 0x3fU);
        return head[1] == 255 ? 6 : head[1] >= 192 && head[1] < 224 ? 3 : 2;
    }
    static const uint8_t sizes[] = {2, 3, 5, 1};
    *ret_tag = (int)(head[0] >> 2 & 0xfU);
    return sizes[head[0] & 3U];
}

/* The first packet of an encrypted message: a session key for a key or a password, or the encrypted
 * data itself. */
static bool is_openpgp(const uint8_t *head, size_t length)
{
    enum { KEY_FOR_KEY = 1, KEY_FOR_PASSWORD = 3, PROTECTED_DATA = 18, AEAD_DATA = 20 };
    int tag = 0;
    size_t header = length >= 16 ? packet_header(head, &tag) : 0;
    if (header == 0)
        return false;
    const uint8_t *body = head + header;
    switch (tag) {
    case KEY_FOR_KEY: /* the algorithm of the key stands behind its id */
        return body[0] == 6 || (body[0] == 3 && body[9] > 0 && body[9] <= 36);
    case KEY_FOR_PASSWORD: /* cipher, and how a key is made of the password */
        return body[0] >= 4 && body[0] <= 6 && body[1] > 0 && body[1] <= 32 && body[2] <= 32;
    case PROTECTED_DATA:
        return body[0] == 1 || body[0] == 2;
    case AEAD_DATA:
        return body[0] == 1 && body[1] > 0 && body[1] <= 13;
    default:
        return false;
    }
}

/* DER: a sequence that begins with the object identifier of enveloped data. */
static bool is_cms(const uint8_t *head, size_t length)
{
    static const char enveloped[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
    static const char with_authentication[] =
        "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17";
    if (length < 32 || head[0] != 0x30)
        return false;
    return memmem(head, 24, enveloped, sizeof(enveloped) - 1) ||
           memmem(head, 24, with_authentication, sizeof(with_authentication) - 1);
}

static bool is_mime(const uint8_t *head, size_t length)
{
    static const char begin[] = "MIME-Version: 1.0";
    return length > sizeof(begin) && memcmp(head, begin, sizeof(begin) - 1) == 0 &&
           memmem(head, length, "enveloped-data", 14) != NULL;
}

const struct encryption *encryption_of_head(const uint8_t *head, size_t length)
{
    for (size_t i = 0; i < ARRAY_LENGTH(beginnings); i++)
        if (length >= beginnings[i].length &&
            memcmp(head, beginnings[i].bytes, beginnings[i].length) == 0)
            return &encryptions[beginnings[i].kind];
    if (length > 6 && memcmp(head, "PK\3\4", 4) == 0 && (head[6] & 1U))
        return &encryptions[ZIP];
    if (is_openpgp(head, length))
        return &encryptions[OPENPGP];
    if (is_cms(head, length) || is_mime(head, length))
        return &encryptions[CMS];
    return NULL;
}

/* ---- names ---- */

static bool is_one_of(const char *part, size_t length, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == length && strncasecmp(part, *words, length) == 0)
            return true;
    return false;
}

enum name_promise name_promise(const char *path)
{
    static const char *const encrypted[] = {
        "gpg",   "pgp",  "asc",    "age",       "enc",     "aes",    "aes256", "aescrypt",
        "crypt", "cpt",  "crypto", "encrypted", "openssl", "p7m",    "cms",    "smime",
        "vault", "luks", "nc",     "scrypt",    "secret",  "sealed", "gpgz",   NULL};
    static const char *const dumps[] = {
        "dump",   "dmp", "sql", "psql", "pgsql", "pgdump", "pg_dump", "pg",   "custom", "dir",
        "backup", "bak", "tar", "tgz",  "gz",    "gzip",   "zst",     "zstd", NULL};
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    enum name_promise promise = NAME_PROMISES_NOTHING;
    if (strcasestr(name, "encrypted"))
        return NAME_PROMISES_ENCRYPTION;
    for (const char *part = strchr(name, '.'); part; part = strchr(part, '.')) {
        size_t length = strcspn(++part, ".");
        if (is_one_of(part, length, encrypted))
            return NAME_PROMISES_ENCRYPTION;
        if (is_one_of(part, length, dumps))
            promise = NAME_PROMISES_DUMP;
    }
    return promise;
}
