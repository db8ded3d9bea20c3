/* mac.h - 16 bytes that only who has the key can make for a message.
 *
 * BLAKE2b over key and message, in a domain of its own (the personalisation). BLAKE2b's keyed mode
 * fills a whole block with the key; this puts both into one, so a short message (96 bytes and less:
 * tokens, receipts of a save) takes one compression and not two. The key's length is fixed, so no
 * key and message can be taken for another pair. */
#pragma once

#include "base/base.h"

#define MAC_BYTES     16
#define MAC_KEY_BYTES 32

void mac_write(uint8_t out[MAC_BYTES], const void *message, size_t n,
               const uint8_t key[MAC_KEY_BYTES]);
