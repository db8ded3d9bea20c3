/* certificate_test.c - a certificate is one line of JSON, and holds for exactly one program, spec
 * and roster, until it expires. */
#include "crypto/minisign.h"
#include "rehearsal/certificate.h"
#include "rehearsal/rehearsal.h"
#include "tests/test.h"

#include <stdio.h>

#define A64        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64        "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define MADE_AT    1800000000000
#define EXPIRES_AT 1800604800000

static struct why why;
static struct outcome outcome;
static struct judgement judgement;
static const struct certified certified = { A64, B64, C64, 3 };

static void write_certificate(struct out *out, uint32_t candidates)
{
    static const struct this_machine machine = { "A \"good\" one", "Linux 6.1", 2, 1024 };
    struct rehearsal_opts opts = { .candidates = candidates,
                                   .minutes = 30,
                                   .save_every_s = 45,
                                   .kill_hall = 1,
                                   .seed = 7,
                                   .drops_given = true,
                                   .profile = profile_find("day", &why) };
    struct certificate_facts facts = { STR("nee-2027"), "v1",      &certified, &machine,
                                       &opts,           &outcome,  &judgement, &objectives_default,
                                       MADE_AT,         EXPIRES_AT };
    memset(&outcome, 0, sizeof(outcome));
    outcome.candidates = candidates;
    *out = out_make(64 * KIB);
    certificate_write(out, &facts);
}

static void read_certificate(struct certificate *c, str text, struct arena *arena)
{
    *arena = arena_make(MIB);
    CHECK_OK(certificate_parse(c, text, arena, &why));
}

TEST(certificate, the_same_facts_give_the_same_bytes)
{
    struct out out;
    judgement = (struct judgement){ .verdict = VERDICT_VOID, .count = 1 };
    snprintf(judgement.reasons[0], sizeof(judgement.reasons[0]), "late");
    write_certificate(&out, 3);
    const char *begin =
        "{\"kind\":\"examhall-readiness-1\",\"hall\":\"nee-2027\",\"made_at\":1800000000000,"
        "\"expires_at\":1800604800000,\"binary\":{\"version\":\"v1\",\"sha256\":\"" A64
        "\"},\"spec\":{\"sha256\":\"" B64 "\"},\"roster\":{\"candidates\":3,\"sha256\":\"" C64
        "\"},\"machine\":{\"cpu\":\"A \\\"good\\\" one\",\"cores\":2,\"memory_bytes\":1024,"
        "\"kernel\":\"Linux 6.1\"},\"run\":{\"profile\":\"day\",\"candidates\":3,\"minutes\":30,"
        "\"ramp_s\":null,\"save_every_s\":45,\"drops_per_minute\":0,\"kill_hall\":1,"
        "\"kill_gateway\":0,\"upgrade\":0,\"tls\":true,\"seed\":7},\"objectives\":{\"saves_lost\":"
        "0,"
        "\"requests_failed\":0,\"latency_ms\":{\"sign_in\":{\"p99\":2000},\"save\":{\"p99\":250}}},"
        "\"result\":{\"candidates\":3,\"connected_peak\":0,\"started\":0,\"submitted\":0,"
        "\"saves_acknowledged\":0,\"saves_lost\":0,\"requests_failed\":0,\"requests_delayed\":0,"
        "\"duration_s\":0.0,";
    const char *end = "\"verdict\":\"void\",\"reasons\":[\"late\"],\"faults\":[]}}\n";
    CHECK(str_starts(out_view(&out), str_z(begin)));
    CHECK(str_ends(out_view(&out), str_z(end)));
    out_fini(&out);
}

TEST(certificate, it_holds_for_what_was_rehearsed_and_is_read_back)
{
    struct out out;
    struct arena arena;
    struct certificate c;
    struct doubt doubts[DOUBTS_MAX];
    judgement = (struct judgement){ .verdict = VERDICT_PASS };
    write_certificate(&out, 3);
    read_certificate(&c, out_view(&out), &arena);
    CHECK_STR(c.hall, STR("nee-2027"));
    CHECK_STR(c.version, STR("v1"));
    CHECK_STR(c.profile, STR("day"));
    CHECK_EQ(c.candidates, 3);
    CHECK_EQ(certificate_doubts(doubts, &c, &certified, MADE_AT + 1), 0);
    out_fini(&out);
    arena_fini(&arena);
}

/* The doubts about one that differs from `certified` in what `now` and `at` say. */
static unsigned doubts_of(struct doubt doubts[DOUBTS_MAX], uint32_t candidates,
                          const struct certified *now, instant at)
{
    struct out out;
    struct arena arena;
    struct certificate c;
    write_certificate(&out, candidates);
    read_certificate(&c, out_view(&out), &arena);
    unsigned count = certificate_doubts(doubts, &c, now, at);
    out_fini(&out);
    arena_fini(&arena);
    return count;
}

TEST(certificate, each_single_change_makes_it_void_and_is_named)
{
    static const struct {
        const char *slug, *says;
        enum verdict verdict;
        uint32_t candidates;
        struct certified now;
        instant at;
    } rows[] = {
        { "binary-changed", "the program changed", VERDICT_PASS, 3, { B64, B64, C64, 3 }, MADE_AT },
        { "spec-changed", "the spec changed", VERDICT_PASS, 3, { A64, A64, C64, 3 }, MADE_AT },
        { "roster-changed", "the roster changed", VERDICT_PASS, 3, { A64, B64, A64, 3 }, MADE_AT },
        { "roster-changed",
          "it had 3 candidates, now it has 4",
          VERDICT_PASS,
          3,
          { A64, B64, A64, 4 },
          MADE_AT },
        { "verdict", "was fail", VERDICT_FAIL, 3, { A64, B64, C64, 3 }, MADE_AT },
        { "verdict", "was void", VERDICT_VOID, 3, { A64, B64, C64, 3 }, MADE_AT },
        { "too-few", "only 2 candidates", VERDICT_PASS, 2, { A64, B64, C64, 3 }, MADE_AT },
        { "expired",
          "2027-01-22T08:00:00.000Z",
          VERDICT_PASS,
          3,
          { A64, B64, C64, 3 },
          EXPIRES_AT },
        { "not-yet",
          "2027-01-15T08:00:00.000Z",
          VERDICT_PASS,
          3,
          { A64, B64, C64, 3 },
          MADE_AT - 1 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct doubt doubts[DOUBTS_MAX];
        judgement = (struct judgement){ .verdict = rows[i].verdict };
        CHECK_EQ(doubts_of(doubts, rows[i].candidates, &rows[i].now, rows[i].at), 1);
        CHECK_STR(str_z(doubts[0].slug), str_z(rows[i].slug));
        CHECK_HAS(str_z(doubts[0].text), str_z(rows[i].says));
    }
}

TEST(certificate, everything_at_once_is_said_at_once)
{
    struct doubt doubts[DOUBTS_MAX];
    struct certified other = { B64, A64, A64, 4 };
    judgement = (struct judgement){ .verdict = VERDICT_FAIL };
    CHECK_EQ(doubts_of(doubts, 2, &other, EXPIRES_AT), 6);
}

TEST(certificate, it_expires_in_the_millisecond_it_says)
{
    struct doubt doubts[DOUBTS_MAX];
    judgement = (struct judgement){ .verdict = VERDICT_PASS };
    CHECK_EQ(doubts_of(doubts, 3, &certified, MADE_AT), 0);
    CHECK_EQ(doubts_of(doubts, 3, &certified, EXPIRES_AT - 1), 0);
    CHECK_EQ(doubts_of(doubts, 3, &certified, EXPIRES_AT), 1);
}

TEST(certificate, a_changed_byte_anywhere_breaks_the_signature)
{
    struct out out, signature = out_make(4 * KIB);
    struct minisign_key key;
    struct chance chance;
    judgement = (struct judgement){ .verdict = VERDICT_PASS };
    write_certificate(&out, 3);
    chance_sim_init(&chance, test_seed());
    minisign_make(&key, &chance);
    minisign_sign(&signature, &key, out_view(&out), STR("x"));
    struct minisign_public public_key = minisign_public_of(&key);
    CHECK_OK(minisign_verify(out_view(&signature), out_view(&out), &public_key, NULL, &why));
    for (size_t i = 0; i < out.n; i++) {
        out.p[i] ^= 1;
        CHECK_EQ(minisign_verify(out_view(&signature), out_view(&out), &public_key, NULL, &why),
                 FAIL_CONFLICT);
        out.p[i] ^= 1;
    }
    out_fini(&out);
    out_fini(&signature);
}

/* `text` with the first `from` in it replaced. */
static void replace(struct out *to, str text, str from, str by)
{
    ptrdiff_t at = str_find_str(text, from);
    CHECK(at >= 0);
    out_clear(to);
    out_str(to, str_first(text, (size_t)at));
    out_str(to, by);
    out_str(to, str_from(text, (size_t)at + from.n));
}

TEST(certificate, what_is_not_one_is_refused_even_when_it_is_signed)
{
    static const struct {
        str from, by;
    } rows[] = {
        { STR("examhall-readiness-1"), STR("examhall-readiness-2") },
        { STR("\"hall\":\"nee-2027\""), STR("\"hall\":7") },
        { STR("nee-2027"), STR("\\u001b[2J") },
        { STR("nee-2027"), STR("") },
        { STR("\"made_at\":1"), STR("\"made_at\":-1") },
        { STR("\"expires_at\":1"), STR("\"expires_at\":1000") },
        { STR("\"expires_at\":1800604800000,"), STR("") },
        { STR("\"result\":{"), STR("\"result\":[],\"x\":{") },
        { STR("\"run\":{"), STR("\"runs\":{") },
        { STR("\"verdict\":\"pass\""), STR("\"verdict\":\"PASS\"") },
        { STR(A64), STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") },
        { STR(B64), STR("bb") },
        { STR("{\"kind\""), STR("[\"kind\"") },
        { STR("}}\n"), STR("}}{}\n") },
    };
    struct out out, changed = out_make(64 * KIB);
    judgement = (struct judgement){ .verdict = VERDICT_PASS };
    write_certificate(&out, 3);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = arena_make(MIB);
        struct certificate c;
        replace(&changed, out_view(&out), rows[i].from, rows[i].by);
        if (certificate_parse(&c, out_view(&changed), &arena, &why) != FAIL_INPUT)
            test_failed(__FILE__, __LINE__, "taken: %.*s", STR_ARG(out_view(&changed)));
        arena_fini(&arena);
    }
    out_fini(&out);
    out_fini(&changed);
}

TEST(certificate, a_roster_has_one_digest_in_whatever_order_it_was_imported)
{
    /* printf '...' | LC_ALL=C sort | sha256sum */
    const char *digest = "efe79e8ca51afa5137d3ae2dbc941b9a5992d0badb474279fe9de9fcb8e07203";
    struct certified c;
    CHECK_OK(certified_roster(&c,
                              STR(ROSTER_CSV_HEADER "\nA-2,Zo\xc3\xab,2009-02-03,C1,e,,0\n"
                                                    "A-1,\"B, C\",2009-01-01,C2,e,day,10\n"),
                              &why));
    CHECK_EQ(c.candidates, 2);
    CHECK_STR(str_z(c.roster), str_z(digest));
    CHECK_OK(certified_roster(&c,
                              STR(ROSTER_CSV_HEADER "\nA-1,\"B, C\",2009-01-01,C2,e,day,10\n"
                                                    "A-2,Zo\xc3\xab,2009-02-03,C1,e,,0\n"),
                              &why));
    CHECK_STR(str_z(c.roster), str_z(digest));
    CHECK_OK(certified_roster(&c,
                              STR(ROSTER_CSV_HEADER "\nA-1,\"B, C\",2009-01-01,C2,e,day,11\n"
                                                    "A-2,Zo\xc3\xab,2009-02-03,C1,e,,0\n"),
                              &why));
    CHECK(strcmp(c.roster, digest) != 0);
    CHECK_OK(certified_roster(&c, STR(ROSTER_CSV_HEADER "\n"), &why));
    CHECK_EQ(c.candidates, 0);
}

TEST(certificate, a_file_that_is_no_exported_roster_is_refused)
{
    struct certified c;
    CHECK_EQ(certified_roster(&c, STR(""), &why), FAIL_INPUT);
    CHECK_EQ(certified_roster(&c, STR("roll,code\nA-1,X\n"), &why), FAIL_INPUT);
    CHECK_EQ(certified_roster(&c, STR(ROSTER_CSV_HEADER "\nA-1,half a line"), &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("roster export"));
}
