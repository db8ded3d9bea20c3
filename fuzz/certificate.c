/* certificate.c - any bytes as a certificate, as a signature and keys of minisign, and as a roster.
 * Nothing is true that was not signed; what was signed here is; a digest forgets the order. */
#include "crypto/minisign.h"
#include "rehearsal/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_certificate(str text)
{
    static const struct certified now = { "a", "b", "c", 1 };
    struct arena arena = arena_make(4 * MIB);
    struct certificate certificate;
    struct doubt doubts[DOUBTS_MAX];
    struct why why;
    if (!certificate_parse(&certificate, text, &arena, &why)) {
        unsigned count = certificate_doubts(doubts, &certificate, &now, certificate.made_at);
        must(count >= 3 && count <= DOUBTS_MAX); /* no text has our digests */
        for (unsigned i = 0; i < count; i++)
            must(doubts[i].slug && doubts[i].text[0]);
    }
    arena_fini(&arena);
}

static void check_signature(str text, const struct minisign_key *key)
{
    struct minisign_public public_key = minisign_public_of(key);
    struct out out = out_make(8 * KIB);
    struct why why;
    str comment;
    must(minisign_verify(text, STR("a file nobody signed"), &public_key, NULL, &why) != FAIL_NONE);
    minisign_sign(&out, key, text, STR("a comment"));
    must(minisign_verify(out_view(&out), text, &public_key, &comment, &why) == FAIL_NONE);
    must(str_eq(comment, STR("a comment")));
    out_fini(&out);
}

static void check_keys(str text)
{
    struct minisign_key key, again;
    struct minisign_public public_key, public_again;
    struct out out = out_make(8 * KIB);
    struct why why;
    if (!minisign_key_read(&key, text, &why)) {
        minisign_key_write(&out, &key);
        must(!minisign_key_read(&again, out_view(&out), &why));
        must(memcmp(&key, &again, sizeof(key)) == 0);
    }
    out_clear(&out);
    if (!minisign_public_read(&public_key, text, &why)) {
        minisign_public_write(&out, &public_key);
        must(!minisign_public_read(&public_again, out_view(&out), &why));
        must(memcmp(&public_key, &public_again, sizeof(public_key)) == 0);
    }
    out_fini(&out);
}

/* The first line below the header, moved to the end, changes nothing. */
static void check_roster(str lines)
{
    struct out csv = out_make(4 * MIB);
    struct certified one, other;
    struct why why;
    str rest = lines, first = str_cut(&rest, '\n');
    out_z(&csv, ROSTER_CSV_HEADER "\n");
    out_str(&csv, lines);
    if (!certified_roster(&one, out_view(&csv), &why) && rest.n) {
        out_clear(&csv);
        out_z(&csv, ROSTER_CSV_HEADER "\n");
        out_str(&csv, rest);
        out_str(&csv, first);
        out_char(&csv, '\n');
        must(!certified_roster(&other, out_view(&csv), &why));
        must(one.candidates == other.candidates && strcmp(one.roster, other.roster) == 0);
    }
    out_fini(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct minisign_key key;
    static bool made;
    struct chance chance;
    chance_sim_init(&chance, 1);
    if (!made)
        minisign_make(&key, &chance);
    made = true;
    str text = str_of(data, size);
    check_certificate(text);
    check_signature(text, &key);
    check_keys(text);
    check_roster(text);
    return 0;
}
