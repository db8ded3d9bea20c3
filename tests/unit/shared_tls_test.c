/* shared_tls_test.c - TLS between two of our own: with the same key, with another one, with none.
 */
#include "crypto/cert.h"
#include "net/tls.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct end {
    struct tls *tls;
    struct tls_session *session;
    enum tls_state state;
    char plain[64 * KIB]; /* what the other one said */
    size_t n;
};

static unsigned char key[TLS_SHARED_KEY_BYTES] = { 1, 2, 3 };
static unsigned char other_key[TLS_SHARED_KEY_BYTES] = { 1, 2, 4 };
static struct end dials, accepts;

static void ends_make(const unsigned char *dial_key, const unsigned char *accept_key)
{
    struct why why;
    dials.n = accepts.n = 0;
    dials.state = accepts.state = TLS_FINE;
    CHECK_OK(tls_new_shared(&dials.tls, dial_key, true, &why));
    CHECK_OK(tls_new_shared(&accepts.tls, accept_key, false, &why));
    dials.session = tls_dial(dials.tls);
    accepts.session = tls_accept(accepts.tls);
}

static void ends_free(void)
{
    struct end *ends[] = { &dials, &accepts };
    for (size_t i = 0; i < COUNT(ends); i++) {
        tls_drop(ends[i]->session);
        tls_free(ends[i]->tls);
    }
}

/* What `from` has to send goes to `to`, `step` bytes at a time. */
static bool move(struct end *from, struct end *to, size_t step)
{
    struct out *out = tls_out(from->tls);
    str all = out_view(out);
    bool moved = all.n > 0;
    while (all.n && to->state == TLS_FINE) {
        static char plain[64 * KIB];
        size_t n = 0;
        str part = str_first(all, step);
        to->state = tls_decrypt(to->tls, to->session, part, plain, &n);
        CHECK(to->n + n <= sizeof(to->plain));
        memcpy(to->plain + to->n, plain, n);
        to->n += n;
        all = str_from(all, part.n);
    }
    out_clear(out);
    return moved;
}

static void talk(size_t step)
{
    size_t n;
    if (!tls_is_open(dials.session))
        dials.state = tls_decrypt(dials.tls, dials.session, STR(""), dials.plain, &n);
    while (move(&dials, &accepts, step) | move(&accepts, &dials, step)) {
    }
}

TEST(shared_tls, with_the_same_key_both_hear_each_other)
{
    for (size_t step = 1; step <= 16 * KIB; step = step * 7 + 1) {
        ends_make(key, key);
        talk(step);
        CHECK(tls_is_open(dials.session) && tls_is_open(accepts.session));
        CHECK(tls_encrypt(dials.tls, dials.session, STR("a save")));
        CHECK(tls_encrypt(accepts.tls, accepts.session, STR("a reply")));
        talk(step);
        CHECK_STR(str_of(accepts.plain, accepts.n), STR("a save"));
        CHECK_STR(str_of(dials.plain, dials.n), STR("a reply"));
        ends_free();
    }
}

TEST(shared_tls, with_another_key_there_is_no_handshake)
{
    ends_make(other_key, key);
    talk(16 * KIB);
    CHECK(!tls_is_open(accepts.session));
    CHECK_EQ(accepts.state, TLS_BROKEN);
    CHECK_EQ(dials.state, TLS_BROKEN); /* the other one said why it hangs up */
    ends_free();
}

/* A server with a certificate and without the key, such as a gateway's own. */
TEST(shared_tls, a_certificate_is_no_key)
{
    static const unsigned char tickets[80];
    char cert[300], cert_key[300], keys[200];
    struct why why;
    const char *dir = test_dir();
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    mkdir(keys, 0700);
    CHECK_OK(cert_create(dir, "hall", &why));
    snprintf(cert, sizeof(cert), "%s/tls.crt", keys);
    snprintf(cert_key, sizeof(cert_key), "%s/tls.key", keys);
    ends_make(key, key);
    tls_drop(accepts.session);
    tls_free(accepts.tls);
    CHECK_OK(tls_new(&accepts.tls, cert, cert_key, tickets, &why));
    accepts.session = tls_accept(accepts.tls);
    talk(16 * KIB);
    CHECK(!tls_is_open(dials.session));
    CHECK_EQ(dials.state, TLS_BROKEN);
    CHECK_EQ(accepts.n, 0);
    ends_free();
}
