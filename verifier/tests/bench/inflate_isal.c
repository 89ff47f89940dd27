/* Inflates a zlib stream with ISA-L and does nothing else: the least that reading an archive takes.
 */
#include <isa-l/igzip_lib.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    static unsigned char input[262144];
    static unsigned char output[262144];
    static struct inflate_state state;
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file) {
        fputs("usage: inflate_isal FILE\n", stderr);
        return 2;
    }
    isal_inflate_init(&state);
    state.crc_flag = ISAL_ZLIB;
    unsigned long long bytes = 0;
    int status = ISAL_DECOMP_OK;
    while (status == ISAL_DECOMP_OK && state.block_state != ISAL_BLOCK_FINISH) {
        if (state.avail_in == 0) {
            state.next_in = input;
            state.avail_in = (uint32_t)fread(input, 1, sizeof(input), file);
            if (state.avail_in == 0)
                break;
        }
        state.next_out = output;
        state.avail_out = sizeof(output);
        status = isal_inflate(&state);
        bytes += sizeof(output) - state.avail_out;
    }
    fclose(file);
    printf("%llu bytes\n", bytes);
    return state.block_state == ISAL_BLOCK_FINISH ? 0 : 1;
}
