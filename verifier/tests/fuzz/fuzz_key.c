/* Makes a file name of arbitrary bytes as a key, and a key of them as a file name. Whatever they
 * are, the key must come back from its name, and the name must stay below its directory. `make
 * fuzz` builds and runs it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "objects/file_name.h"
#include "objects/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_harmless(const char *file_name)
{
    must(*file_name != '\0' && *file_name != '/');
    for (const char *part = file_name; part; part = strchr(part, '/')) {
        part += *part == '/';
        size_t length = strcspn(part, "/");
        must(length > 0 && length <= FILE_NAME_LIMIT);
        must(!(length == 1 && part[0] == '.') && !(length == 2 && memcmp(part, "..", 2) == 0));
    }
}

static void there_and_back(const char *key, size_t length, bool folds_case)
{
    struct buffer back;
    bool yields = true;
    cleanup(free_pointer) char *file_name = file_name_of_key(key, length, folds_case);
    check_harmless(file_name);
    must(strncmp(file_name, OWN_NAMES, strlen(OWN_NAMES)) != 0);
    buffer_init(&back, SIZE_MAX / 2);
    key_of_file_name(file_name, folds_case, &back, &yields);
    must(!yields && back.length == length && memcmp(back.data, key, length) == 0);
    buffer_free(&back);
}

/* Names that other programs wrote stand for some key, whose name is harmless too. */
static void check_name(const char *file_name, bool folds_case)
{
    struct buffer key;
    buffer_init(&key, SIZE_MAX / 2);
    key_of_file_name(file_name, folds_case, &key, NULL);
    if (key.length > 0)
        there_and_back(key.data, key.length, folds_case);
    buffer_free(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > KEY_LIMIT)
        return 0;
    cleanup(free_pointer) char *text = xmalloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    for (int folds_case = 0; folds_case <= 1; folds_case++) {
        there_and_back(text, size, folds_case);
        if (*text != '\0')
            check_name(text, folds_case);
    }
    return 0;
}
