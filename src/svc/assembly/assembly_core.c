/* assembly_core.c - the keyed shuffles; see assembly_api.h.
 *
 * BLAKE2b of exam, roll and paper under the form key seeds a ChaCha20 stream; Fisher-Yates takes
 * its 64-bit words, each brought into range by a multiplication (bias below 2^-54). */
#include "svc/assembly/assembly_api.h"

#include <sodium.h>

#define STREAM_WORDS    64 /* a refill: 8 ChaCha20 blocks */
#define BLOCKS_A_REFILL (STREAM_WORDS * 8 / 64)

struct stream {
    uint8_t key[crypto_stream_chacha20_KEYBYTES];
    uint64_t words[STREAM_WORDS];
    uint64_t block;
    unsigned used;
};

static void hash_str(crypto_generichash_state *state, str s)
{
    uint64_t n = s.n;
    crypto_generichash_update(state, (const uint8_t *)&n, sizeof(n));
    crypto_generichash_update(state, (const uint8_t *)s.p, s.n);
}

static void stream_init(struct stream *stream, const struct assembly_form *form, str roll)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, form->key, 32, sizeof(stream->key));
    hash_str(&state, STR("examhall form 1"));
    hash_str(&state, form->exam);
    hash_str(&state, roll);
    hash_str(&state, form->paper);
    crypto_generichash_final(&state, stream->key, sizeof(stream->key));
    stream->block = 0;
    stream->used = STREAM_WORDS;
}

static uint64_t stream_below(struct stream *stream, uint64_t bound)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES], zeros[STREAM_WORDS * 8];
    if (stream->used == STREAM_WORDS) {
        crypto_stream_chacha20_xor_ic((uint8_t *)stream->words, zeros, sizeof(zeros), nonce,
                                      stream->block, stream->key);
        stream->block += BLOCKS_A_REFILL;
        stream->used = 0;
    }
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)stream->words[stream->used++] * bound >> 64);
}

/* Items by section, each section's in the paper's order. */
static void group(const struct assembly_form *form, struct assembly_order *order,
                  unsigned starts[SECTIONS_MAX + 1])
{
    unsigned next[SECTIONS_MAX] = { 0 };
    for (unsigned i = 0; i < form->count; i++)
        next[form->items[i].section]++;
    for (unsigned section = 0, at = 0; section < SECTIONS_MAX; section++) {
        unsigned n = next[section];
        starts[section] = next[section] = at;
        at += n;
    }
    starts[SECTIONS_MAX] = form->count;
    for (unsigned i = 0; i < form->count; i++)
        order->items[next[form->items[i].section]++] = (uint16_t)i;
}

static void shuffle_items(struct stream *stream, uint16_t *items, unsigned n)
{
    for (unsigned i = n; i > 1; i--) {
        unsigned k = (unsigned)stream_below(stream, i);
        uint16_t moved = items[i - 1];
        items[i - 1] = items[k];
        items[k] = moved;
    }
}

static void shuffle_options(struct stream *stream, const struct item_shape *shape, uint8_t *options)
{
    for (unsigned i = 0; i < ASSEMBLY_OPTIONS_MAX; i++)
        options[i] = (uint8_t)i;
    for (unsigned i = shape->options - (shape->last_stays && shape->options); i > 1; i--) {
        unsigned k = (unsigned)stream_below(stream, i);
        uint8_t moved = options[i - 1];
        options[i - 1] = options[k];
        options[k] = moved;
    }
}

void assembly_order(const struct assembly_form *form, str roll, struct assembly_order *order)
{
    struct stream stream;
    unsigned starts[SECTIONS_MAX + 1];
    must(form->count <= ITEMS_MAX);
    for (unsigned i = 0; i < form->count; i++)
        must(form->items[i].section < SECTIONS_MAX &&
             form->items[i].options <= ASSEMBLY_OPTIONS_MAX);
    order->count = form->count;
    stream_init(&stream, form, roll);
    group(form, order, starts);
    for (unsigned section = 0; section < SECTIONS_MAX; section++)
        shuffle_items(&stream, order->items + starts[section],
                      starts[section + 1] - starts[section]);
    for (unsigned i = 0; i < form->count; i++)
        shuffle_options(&stream, &form->items[i], order->options[i]);
    sodium_memzero(&stream, sizeof(stream));
}

static bool sees(const struct assembly_order *order, const struct assembly_sight *sight)
{
    if (sight->item >= order->count || sight->place > order->count ||
        sight->option_count > ASSEMBLY_OPTIONS_MAX)
        return false;
    if (sight->place && order->items[sight->place - 1] != sight->item)
        return false;
    return memcmp(order->options[sight->item], sight->options, sight->option_count) == 0;
}

unsigned assembly_trace(const struct assembly_form *form, const struct assembly_sight *sights,
                        unsigned sight_count, bool (*next)(void *ctx, str *roll),
                        void (*found)(void *ctx, str roll), void *ctx)
{
    struct assembly_order order;
    unsigned matches = 0;
    str roll;
    while (next(ctx, &roll)) {
        bool all = true;
        assembly_order(form, roll, &order);
        for (unsigned i = 0; i < sight_count && all; i++)
            all = sees(&order, &sights[i]);
        if (all) {
            found(ctx, roll);
            matches++;
        }
    }
    return matches;
}
