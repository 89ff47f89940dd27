#include "postgres/confinement.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

/* A table's files have 1 GiB each. What is larger is no file of PostgreSQL, such as a log that a
 * backup's SQL fills. */
static const int64_t file_size_limit_bytes = (int64_t)8 << 30;

static const char *const machine_files[] = {
    /* libraries, extensions, locales, time zones, dictionaries */
    "/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32",
    "/usr/share", "/usr/local/lib", "/usr/local/lib64", "/usr/local/share", "/nix/store",
    "/gnu/store", "/var/cache/postgresql",
    /* their settings */
    "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies", "/etc/perl",
    /* devices that hold nothing */
    "/dev/zero", "/dev/random", "/dev/urandom"};

/* Of a client that goes through the machine's network: names, certificates, tickets. */
static const char *const network_files[] = {"/etc",
                                            "/run/systemd/resolve",
                                            "/run/resolvconf",
                                            "/run/NetworkManager",
                                            "/var/lib/sss",
                                            "/usr/local/share/ca-certificates",
                                            "/var/lib/ca-certificates"};

/* --- programs --------------------------------------------------------------------------------- */

/* The program that the kernel runs first to load this one: to be freed; NULL: there is none. */
static char *loader_of(int program)
{
    ElfW(Ehdr) header;
    char path[PATH_MAX] = "";
    if (pread(program, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        header.e_phentsize != sizeof(ElfW(Phdr)))
        return NULL;
    for (size_t i = 0; i < header.e_phnum; i++) {
        ElfW(Phdr) segment;
        off_t place = (off_t)(header.e_phoff + i * sizeof(segment));
        if (pread(program, &segment, sizeof(segment), place) != (ssize_t)sizeof(segment))
            return NULL;
        if (segment.p_type != PT_INTERP || segment.p_filesz >= sizeof(path))
            continue;
        ssize_t length = pread(program, path, segment.p_filesz, (off_t)segment.p_offset);
        return length > 0 ? xstrdup(path) : NULL;
    }
    return NULL;
}

static bool is_script(int program)
{
    char mark[2];
    return pread(program, mark, sizeof(mark), 0) == (ssize_t)sizeof(mark) && mark[0] == '#' &&
           mark[1] == '!';
}

/* Lets `real` be run, and read what is installed with it: PREFIX/bin has PREFIX/lib beside it. */
static void add_program(struct confinement *confinement, int program, const char *real)
{
    static const char *const beside[] = {"lib", "lib64", "share"};
    cleanup(free_pointer) char *loader = loader_of(program);
    strings_add(&confinement->executable, real);
    if (loader)
        strings_add(&confinement->executable, loader);
    for (size_t i = 0; i < ARRAY_LENGTH(beside); i++)
        strings_addf(&confinement->readable, "%.*s/../%s", (int)(strrchr(real, '/') - real), real,
                     beside[i]);
}

/* --- files ------------------------------------------------------------------------------------ */

static void add_all(struct strings *paths, const char *const *more, size_t count)
{
    for (size_t i = 0; i < count; i++)
        strings_add(paths, more[i]);
}

/* Directories separated by colons; one that is not named from the root is another one for each
 * process. */
static void add_directories(struct strings *paths, const char *list)
{
    while (list && *list) {
        size_t length = strcspn(list, ":");
        if (*list == '/')
            strings_addf(paths, "%.*s", (int)length, list);
        list += length;
        list += *list == ':';
    }
}

static void confine_program(const char *program, struct confinement *confinement)
{
    static const char *const variables[] = {"LD_LIBRARY_PATH", "TZDIR", "LOCPATH", "ICU_DATA",
                                            "RESTORE_VERIFIER_PGFILES"};
    confinement->calls = true;
    confinement->file_size_limit_bytes = file_size_limit_bytes;
    confinement->limit_processes = true;
    cleanup(free_pointer) char *real = realpath(program, NULL);
    cleanup(close_descriptor) int file = real ? open(real, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0 || is_script(file)) {
        const char *name = strrchr(program, '/');
        confinement->files_obstacle =
            xasprintf("%s is %s", name ? name + 1 : program,
                      file < 0 ? "a program that cannot be read" : "a script");
        return;
    }
    confinement->files = true;
    add_all(&confinement->readable, machine_files, ARRAY_LENGTH(machine_files));
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++)
        add_directories(&confinement->readable, getenv(variables[i]));
    strings_add(&confinement->writable, "/dev/null");
    add_program(confinement, file, real);
}

void confinement_of_initdb(struct confinement *ret_confinement)
{
    *ret_confinement = (struct confinement){.network = CONFINE_NETWORK_LOCAL,
                                            .file_size_limit_bytes = file_size_limit_bytes,
                                            .limit_processes = true};
}

void confinement_of_server(const char *program, const char *data, const char *sockets,
                           struct confinement *ret_confinement)
{
    struct confinement confinement = {.network = CONFINE_NETWORK_LISTEN};
    confine_program(program, &confinement);
    strings_add(&confinement.writable, data);
    strings_add(&confinement.writable, sockets);
    *ret_confinement = confinement;
}

void confinement_of_client(const char *program, const char *path, const char *list_path,
                           const struct address *somebodys, struct confinement *ret_confinement)
{
    struct confinement confinement = {.network =
                                          somebodys ? CONFINE_NETWORK_ANY : CONFINE_NETWORK_LOCAL};
    confine_program(program, &confinement);
    if (path)
        strings_add(&confinement.readable, path);
    if (list_path)
        strings_add(&confinement.readable, list_path);
    if (somebodys) {
        add_all(&confinement.readable, network_files, ARRAY_LENGTH(network_files));
        address_files(somebodys, &confinement.readable);
    }
    *ret_confinement = confinement;
}
