/* tar.c - any bytes as an archive: reading ends, and every file lies within the bytes. */
#include "platform/tar_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str bytes = str_of(data, size), rest = bytes;
    struct tar_file file;
    struct why why;
    while (!tar_next(&file, &rest, &why)) {
        must(memchr(file.path, 0, sizeof(file.path)));
        must(file.bytes.p >= bytes.p && file.bytes.p + file.bytes.n <= bytes.p + bytes.n);
        must(rest.n < bytes.n);
    }
    return 0;
}
