#include "stages/definitions.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "postgres/schema_dump.h"

/* `memory`: an open file in which nothing is yet. */
static int dump(const struct definitions_source *source, const struct tools *tools, int memory,
                struct error *error)
{
    struct account account;
    struct schema_dump_options options = {.tools = tools,
                                          .account = &account,
                                          .database = source->database,
                                          .encoding = source->encoding,
                                          .throwaway = source->throwaway,
                                          .output = memory,
                                          .deadline_ms = source->deadline_ms};
    if (server_account(&account, error) < 0)
        return -1;
    return schema_dump_run(&options, error);
}

/* The pg_dump beside the server is of its version; where there is none, another that can read it.
 */
static int find_tools(const struct definitions_source *source, struct tools **ret_tools,
                      struct error *error)
{
    if (source->programs && *source->programs &&
        tools_in(TASK_DUMP, source->programs, ret_tools) == 0)
        return 0;
    return tools_find(TASK_DUMP, version_major(source->server_version), ret_tools, error);
}

int definitions_read(const struct definitions_source *source, struct archive *archive,
                     struct error *error)
{
    static const struct archive_options options = {.threads = 1};
    cleanup(tools_freep) struct tools *tools = NULL;
    cleanup(close_descriptor) int memory = memfd_create("schema", MFD_CLOEXEC);
    if (memory < 0)
        return cannot_verify(error, "no memory for it: %s", strerror(errno));
    if (find_tools(source, &tools, error) < 0 || dump(source, tools, memory, error) < 0)
        return -1;
    cleanup(free_pointer) char *path = xasprintf("/proc/self/fd/%d", memory);
    struct error unread;
    if (archive_read(archive, path, &options, &unread) == 0)
        return 0;
    /* Whatever is wrong with it, the backup did not write it. */
    return cannot_verify(error, "what pg_dump writes of it cannot be read: %s", unread.text);
}
