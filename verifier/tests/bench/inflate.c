/* Inflates a zlib stream and does nothing else: what reading an archive is measured against. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

int main(int argc, char **argv)
{
    static unsigned char input[262144];
    static unsigned char output[262144];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file) {
        fputs("usage: inflate FILE\n", stderr);
        return 2;
    }
    z_stream stream;
    memset(&stream, 0, sizeof(stream));
    if (inflateInit(&stream) != Z_OK)
        return 2;
    unsigned long long bytes = 0;
    int status = Z_OK;
    while (status == Z_OK) {
        if (stream.avail_in == 0) {
            stream.next_in = input;
            stream.avail_in = (unsigned)fread(input, 1, sizeof(input), file);
        }
        stream.next_out = output;
        stream.avail_out = sizeof(output);
        status = inflate(&stream, Z_NO_FLUSH);
        bytes += sizeof(output) - stream.avail_out;
    }
    inflateEnd(&stream);
    fclose(file);
    printf("%llu bytes\n", bytes);
    return status == Z_STREAM_END ? 0 : 1;
}
