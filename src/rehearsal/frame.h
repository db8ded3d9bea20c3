/* frame.h - one message on the link between coordinator and agent host: length, kind, body.
 *
 *     4 bytes   length of kind and body, little-endian, 1 to FRAME_BYTES_MAX
 *     1 byte    kind (enum message, message.h)
 *     n bytes   body */
#pragma once

#include "base/str.h"

enum { FRAME_HEAD_BYTES = 5, FRAME_BYTES_MAX = 1 << 20 };

struct frame {
    uint8_t kind;
    str body; /* borrows from the bytes */
};

enum frame_took { FRAME_DONE, FRAME_MORE, FRAME_BAD };

/* The frame at the beginning of `bytes`, and how many bytes it takes. FRAME_BAD: there can be none,
 * whatever follows. */
enum frame_took frame_take(str bytes, struct frame *frame, size_t *used);
void frame_head(char head[FRAME_HEAD_BYTES], uint8_t kind, size_t body_bytes);
