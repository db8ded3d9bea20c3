/* frame.c - see frame.h. */
#include "rehearsal/frame.h"

#include "codec/wire.h"

enum frame_took frame_take(str bytes, struct frame *frame, size_t *used)
{
    struct wire_in in = wire_in_make(bytes);
    uint32_t length = wire_get_u32(&in);
    if (in.failed)
        return FRAME_MORE;
    if (!length || length > FRAME_BYTES_MAX)
        return FRAME_BAD;
    if (in.left < length)
        return FRAME_MORE;
    frame->kind = wire_get_u8(&in);
    frame->body = str_of(in.p, length - 1);
    *used = sizeof(length) + length;
    return FRAME_DONE;
}

void frame_head(char head[FRAME_HEAD_BYTES], uint8_t kind, size_t body_bytes)
{
    struct wire_out out = wire_out_make(head, FRAME_HEAD_BYTES);
    must(body_bytes < FRAME_BYTES_MAX);
    wire_put_u32(&out, (uint32_t)body_bytes + 1);
    wire_put_u8(&out, kind);
}
