#include "report/terminal.h"

#include <stdbool.h>
#include <sys/ioctl.h>

enum { LEAST_COLUMNS = 10, LEAST_ROWS = 3 }; /* below, it is not believed */

struct terminal_size terminal_size(FILE *stream, struct terminal_size otherwise)
{
    struct winsize window = {0};
    int descriptor = fileno(stream);
    bool known = descriptor >= 0 && ioctl(descriptor, TIOCGWINSZ, &window) == 0 &&
                 window.ws_col > LEAST_COLUMNS;
    if (!known)
        return otherwise;
    return (struct terminal_size){.columns = window.ws_col,
                                  .rows =
                                      window.ws_row > LEAST_ROWS ? window.ws_row : otherwise.rows};
}
