#include "report/terminal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum { LEAST_COLUMNS = 10, LEAST_ROWS = 3, MOST_COLUMNS = 10000 }; /* else it is not believed */

/* 0: it is not set, or no number. */
static size_t columns_asked_for(void)
{
    const char *text = getenv("COLUMNS");
    char *end;
    if (!text || *text < '1' || *text > '9')
        return 0;
    unsigned long columns = strtoul(text, &end, 10);
    return *end == '\0' && columns > LEAST_COLUMNS && columns < MOST_COLUMNS ? columns : 0;
}

struct terminal_size terminal_size(FILE *stream, struct terminal_size otherwise)
{
    struct winsize window = {0};
    int descriptor = fileno(stream);
    bool known = descriptor >= 0 && ioctl(descriptor, TIOCGWINSZ, &window) == 0 &&
                 window.ws_col > LEAST_COLUMNS;
    size_t asked = columns_asked_for();
    struct terminal_size size = otherwise;
    if (known)
        size = (struct terminal_size){.columns = window.ws_col,
                                      .rows = window.ws_row > LEAST_ROWS ? window.ws_row
                                                                         : otherwise.rows};
    if (asked > 0 && (!known || asked < size.columns))
        size.columns = asked;
    return size;
}
