/* http.c - fuzzes both HTTP parsers: no crash, no read beyond, and no two answers for one input. */
#include "codec/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int (*parse)(struct http_head *, str, size_t, struct why *), str bytes)
{
    struct http_head whole, part;
    struct why why;
    int answer = parse(&whole, bytes, 4096, &why);
    size_t cut = bytes.n ? (unsigned char)bytes.p[0] * bytes.n / 256 : 0;
    int early = parse(&part, str_first(bytes, cut), 4096, &why);
    must(early == HTTP_MORE || early == answer);
    if (answer != HTTP_DONE)
        return;
    must(whole.head_bytes <= bytes.n && whole.field_count <= HTTP_HEADERS_MAX);
    must(parse(&part, str_first(bytes, whole.head_bytes), 4096, &why) == HTTP_DONE);
    must(parse(&part, str_first(bytes, whole.head_bytes - 1), 4096, &why) == HTTP_MORE);
    http_cookie(&whole, "__Host-examhall");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(http_parse_request, str_of(data, size));
    check(http_parse_reply, str_of(data, size));
    return 0;
}
