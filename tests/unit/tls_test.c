/* tls_test.c - the gateway's TLS, spoken by OpenSSL's client over the simulated network. */
#include "crypto/cert.h"
#include "tests/unit/gateway_world.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define HOST "Host: exam.example.org\r\n"

static struct gate_world w;
static struct tls *tls;
static char cert_path[300], key_path[300];
static const unsigned char ticket_key[GATEWAY_TICKET_KEY_BYTES] = { 1, 2, 3 };

static void cert_make(void)
{
    struct why why;
    char keys[200];
    const char *dir = test_dir();
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    mkdir(keys, 0700);
    CHECK_OK(cert_create(dir, "exam.example.org", &why));
    snprintf(cert_path, sizeof(cert_path), "%s/tls.crt", keys);
    snprintf(key_path, sizeof(key_path), "%s/tls.key", keys);
}

static void tls_world_open(void)
{
    struct why why;
    gate_world_open(&w, test_seed(), true);
    CHECK_OK(tls_new(&tls, cert_path, key_path, ticket_key, &why));
    w.reactor.tls = tls;
    w.opts.tls_fd = net_sim_listen(&w.sim, NULL);
    w.listener = w.opts.tls_fd; /* where clients dial */
}

static void tls_world_close(void)
{
    gate_world_close(&w);
    tls_free(tls);
}

/* -- a client ------------------------------------------------------------------------------ */

struct secure {
    struct world_client c;
    SSL_CTX *ctx;
    SSL *ssl;
    struct out plain; /* what the gateway said */
};

static void secure_dial(struct secure *s)
{
    *s = (struct secure){ .ctx = SSL_CTX_new(TLS_client_method()), .plain = out_make(MIB) };
    client_dial(&w, &s->c);
    s->ssl = SSL_new(s->ctx);
    SSL_set_bio(s->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(s->ssl);
}

static void secure_hang_up(struct secure *s)
{
    client_hang_up(&w, &s->c);
    SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* or its ticket is void */
    SSL_free(s->ssl);
    SSL_CTX_free(s->ctx);
    out_fini(&s->plain);
    ERR_clear_error();
}

static void secure_read(struct secure *s)
{
    char bytes[4096];
    int n;
    while ((n = SSL_read(s->ssl, bytes, sizeof(bytes))) > 0)
        out_bytes(&s->plain, bytes, (size_t)n);
    ERR_clear_error();
}

/* What came from the gateway goes into OpenSSL. */
static void secure_hear(struct secure *s)
{
    client_step(&w, &s->c);
    BIO_write(SSL_get_rbio(s->ssl), s->c.in.p, (int)s->c.in.n);
    s->c.in.n = 0;
}

/* Moves bytes as far as they go; `step` ciphertext bytes at once. */
static void secure_step(struct secure *s, size_t step)
{
    char bytes[4096];
    int n;
    secure_read(s);
    while ((n = BIO_read(SSL_get_wbio(s->ssl), bytes, (int)MIN(step, sizeof(bytes)))) > 0) {
        client_say(&w, &s->c, str_of(bytes, (size_t)n));
        gate_world_run(&w, 1, 0);
    }
    gate_world_run(&w, 1, 1);
    secure_hear(s);
}

static void secure_run(struct secure *s, int rounds, size_t step)
{
    for (int i = 0; i < rounds; i++)
        secure_step(s, step);
}

static void secure_say(struct secure *s, const char *text)
{
    CHECK_EQ(SSL_write(s->ssl, text, (int)strlen(text)), strlen(text));
}

/* -- tests --------------------------------------------------------------------------------- */

/* The same without running the gateway: for many clients in one of its rounds. */
static void secure_exchange(struct secure *s)
{
    char bytes[4096];
    int n;
    secure_hear(s);
    secure_read(s);
    while ((n = BIO_read(SSL_get_wbio(s->ssl), bytes, sizeof(bytes))) > 0)
        client_say(&w, &s->c, str_of(bytes, (size_t)n));
}

/* Eight steps of handshakes in a round of a tenth of a second: all together take longer than one
 * may. Whoever is not accepted yet has all of its time before it. */
TEST(tls, a_crowd_that_knocks_at_once_gets_in_one_after_the_other_and_nobody_is_cut)
{
    static struct secure crowd[400];
    unsigned in = 0;
    cert_make();
    tls_world_open();
    for (size_t i = 0; i < COUNT(crowd); i++)
        secure_dial(&crowd[i]);
    for (int round = 0; round < 300 && in < COUNT(crowd); round++) {
        in = 0;
        for (size_t i = 0; i < COUNT(crowd); i++) {
            secure_exchange(&crowd[i]);
            in += SSL_is_init_finished(crowd[i].ssl) && !crowd[i].c.ended;
        }
        gate_world_run(&w, 1, 100);
    }
    CHECK_EQ(in, COUNT(crowd));
    CHECK_EQ(w.stats->rows[0].cut, 0);
    for (size_t i = 0; i < COUNT(crowd); i++)
        secure_hang_up(&crowd[i]);
    tls_world_close();
}

TEST(tls, a_request_in_pieces_of_one_byte_is_answered)
{
    cert_make();
    tls_world_open();
    struct secure s;
    secure_dial(&s);
    secure_run(&s, 8, 1);
    CHECK(SSL_is_init_finished(s.ssl));
    CHECK_STR(str_z(SSL_get_version(s.ssl)), STR("TLSv1.3"));
    CHECK_EQ(w.stats->rows[0].handshakes, 1);
    secure_say(&s, "PUT /v1/attempts/7/answers/12 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}");
    secure_run(&s, 6, 1);
    CHECK_STR(out_view(&s.plain), STR("HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n"
                                      "/v1/attempts/7/answers/12"));
    secure_hang_up(&s);
    tls_world_close();
}

TEST(tls, a_ticket_is_good_at_another_reactor)
{
    cert_make();
    SSL_SESSION *session = NULL;
    for (int visit = 0; visit < 2; visit++) {
        tls_world_open();
        struct secure s;
        secure_dial(&s);
        if (session)
            SSL_set_session(s.ssl, session);
        secure_run(&s, 8, 4096);
        CHECK_EQ(SSL_session_reused(s.ssl), visit);
        if (!session)
            session = SSL_get1_session(s.ssl);
        CHECK_EQ(SSL_SESSION_get_max_early_data(session), 0);
        secure_hang_up(&s);
        tls_world_close();
    }
    SSL_SESSION_free(session);
}

TEST(tls, a_large_file_reaches_a_slow_reader_whole)
{
    static char big[300000];
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 7 + i / 251);
    const struct gateway_file one = { "/big", "a/b", str_of(big, sizeof(big)), STR_NONE, "\"b\"" };
    cert_make();
    tls_world_open();
    w.opts.files = &one;
    w.opts.file_count = 1;
    struct secure s;
    secure_dial(&s);
    secure_run(&s, 8, 4096);
    w.sim.calm = false;
    secure_say(&s, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    secure_run(&s, 2000, 4096);
    struct http_head head;
    CHECK_EQ(http_parse_reply(&head, out_view(&s.plain), 16 * KIB, NULL), HTTP_DONE);
    CHECK(http_field(&head, "Strict-Transport-Security").p);
    CHECK(str_eq(str_from(out_view(&s.plain), head.head_bytes), str_of(big, sizeof(big))));
    CHECK_EQ(w.reactor.open, 1);
    secure_hang_up(&s);
    tls_world_close();
}

TEST(tls, what_is_no_tls_is_closed)
{
    static const char *const texts[] = { "GET / HTTP/1.1\r\n" HOST "\r\n",
                                         "\x16\x03\x01\xff\xff\x01\x02\x03 garbage garbage",
                                         "\x80\x2e\x01\x00\x02\x00\x15\x00\x00" };
    cert_make();
    for (size_t i = 0; i < COUNT(texts); i++) {
        tls_world_open();
        struct world_client c;
        client_dial(&w, &c);
        client_say(&w, &c, str_z(texts[i]));
        for (int k = 0; k < 10; k++) {
            gate_world_run(&w, 1, 1000);
            client_step(&w, &c);
        }
        CHECK(c.ended);
        CHECK_EQ(w.served, 0);
        CHECK_EQ(w.reactor.open, 0);
        client_hang_up(&w, &c);
        tls_world_close();
    }
}

TEST(tls, a_handshake_that_does_not_come_is_cut_after_five_seconds)
{
    cert_make();
    tls_world_open();
    struct world_client c;
    client_dial(&w, &c);
    gate_world_run(&w, 2, 1);
    gate_world_run(&w, 1, 4990);
    CHECK_EQ(w.reactor.open, 1);
    gate_world_run(&w, 2, 10);
    CHECK_EQ(w.reactor.open, 0);
    CHECK_EQ(w.stats->rows[0].cut, 1);
    client_hang_up(&w, &c);
    tls_world_close();
}

TEST(tls, a_crowd_that_shakes_hands_does_not_keep_who_is_in)
{
    enum { CROWD = 200 };
    static struct secure crowd[CROWD];
    struct secure in;
    cert_make();
    tls_world_open();
    secure_dial(&in);
    secure_run(&in, 8, 4096);
    for (int i = 0; i < CROWD; i++) {
        char hello[4096];
        secure_dial(&crowd[i]);
        SSL_do_handshake(crowd[i].ssl);
        int n = BIO_read(SSL_get_wbio(crowd[i].ssl), hello, sizeof(hello));
        client_say(&w, &crowd[i].c, str_of(hello, (size_t)n));
    }
    gate_world_run(&w, 8, 0); /* as many are accepted as may wait, and their first bytes are here */
    CHECK(w.reactor.handshakes.count >= HANDSHAKES_WAIT);
    secure_say(&in, "GET /v1/time HTTP/1.1\r\n" HOST "\r\n");
    secure_run(&in, 6, 4096);
    CHECK_HAS(out_view(&in.plain), STR("/v1/time"));
    struct world_client plain; /* nor who comes by another door, such as a probe */
    w.listener = w.opts.plain_fd;
    client_dial(&w, &plain);
    CHECK_EQ(client_ask(&w, &plain, STR("GET /v1/time HTTP/1.1\r\n" HOST "\r\n"), NULL), 200);
    CHECK(w.stats->rows[0].handshakes < CROWD / 4); /* they still wait */
    client_hang_up(&w, &plain);
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < CROWD; i++)
            secure_step(&crowd[i], 4096);
    CHECK_EQ(w.stats->rows[0].handshakes, CROWD + 1);
    for (int i = 0; i < CROWD; i++)
        secure_hang_up(&crowd[i]);
    secure_hang_up(&in);
    tls_world_close();
}

TEST(tls, old_versions_are_refused)
{
    cert_make();
    tls_world_open();
    struct secure s;
    secure_dial(&s);
    SSL_set_min_proto_version(s.ssl, TLS1_VERSION);
    SSL_set_max_proto_version(s.ssl, TLS1_1_VERSION);
    SSL_set_cipher_list(s.ssl, "ALL:@SECLEVEL=0");
    secure_run(&s, 8, 4096);
    CHECK(!SSL_is_init_finished(s.ssl) && s.c.ended);
    secure_hang_up(&s);
    tls_world_close();
}

TEST(tls, bytes_changed_on_their_way_end_the_connection)
{
    cert_make();
    tls_world_open();
    struct secure s;
    secure_dial(&s);
    secure_run(&s, 8, 4096);
    secure_say(&s, "GET /v1/time HTTP/1.1\r\n" HOST "\r\n");
    char bytes[4096];
    int n = BIO_read(SSL_get_wbio(s.ssl), bytes, sizeof(bytes));
    bytes[n / 2] ^= 1;
    client_say(&w, &s.c, str_of(bytes, (size_t)n));
    for (int k = 0; k < 10; k++) {
        gate_world_run(&w, 1, 1);
        client_step(&w, &s.c);
    }
    CHECK(s.c.ended);
    CHECK_EQ(w.served, 0);
    secure_hang_up(&s);
    tls_world_close();
}

TEST(tls, a_certificate_that_cannot_serve_is_said_at_the_start)
{
    struct why why = { .text = "" };
    struct tls *none;
    cert_make();
    CHECK_EQ(tls_new(&none, "/nowhere.crt", key_path, ticket_key, &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("/nowhere.crt"));
    CHECK_EQ(tls_new(&none, cert_path, cert_path, ticket_key, &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("private key"));
}
