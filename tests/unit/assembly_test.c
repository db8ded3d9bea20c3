/* assembly_test.c - orders are permutations, the same each time, fair, and name their candidate. */
#include "tests/test.h"
#include "svc/assembly/assembly_api.h"

#include <stdio.h>

static const uint8_t key[32] = "0123456789abcdef0123456789abcde";
static struct item_shape paper[50];

/* Three sections, 4 options; every fifth item keeps its last one, every seventh is typed. */
static struct assembly_form a_form(void)
{
    for (unsigned i = 0; i < COUNT(paper); i++)
        paper[i] = (struct item_shape){ .section = (uint8_t)(i < 20   ? 0
                                                             : i < 35 ? 1
                                                                      : 2),
                                        .options = i % 7 == 6 ? 0 : 4,
                                        .last_stays = i % 5 == 4 };
    return (struct assembly_form){ key, STR("paper-1"), STR("digest"), paper, COUNT(paper) };
}

static str roll_of(unsigned i)
{
    static char text[32];
    return (str){ text, (size_t)snprintf(text, sizeof(text), "NEE-%06u", i) };
}

TEST(assembly, an_order_is_a_permutation_within_sections)
{
    struct assembly_form form = a_form();
    struct assembly_order order;
    for (unsigned r = 0; r < 200; r++) {
        uint64_t seen = 0;
        assembly_order(&form, roll_of(r), &order);
        CHECK_EQ(order.count, 50);
        for (unsigned i = 0; i < 50; i++) {
            CHECK_EQ(paper[order.items[i]].section, paper[i].section);
            seen |= (uint64_t)1 << order.items[i];
            unsigned options = 0;
            for (unsigned k = 0; k < paper[i].options; k++)
                options |= 1u << order.options[i][k];
            CHECK_EQ(options, (1u << paper[i].options) - 1);
            CHECK(!paper[i].last_stays || !paper[i].options || order.options[i][3] == 3);
        }
        CHECK_EQ(seen, ((uint64_t)1 << 50) - 1);
    }
}

TEST(assembly, sections_that_are_mixed_in_the_paper_are_kept_together)
{
    struct assembly_form form = a_form();
    struct assembly_order order;
    for (unsigned i = 0; i < 50; i++)
        paper[i].section = (uint8_t)(i % 3);
    assembly_order(&form, roll_of(1), &order);
    for (unsigned i = 1; i < 50; i++)
        CHECK(paper[order.items[i]].section >= paper[order.items[i - 1]].section);
}

TEST(assembly, the_same_candidate_sees_the_same_and_others_do_not)
{
    struct assembly_form form = a_form();
    struct assembly_order a, b;
    assembly_order(&form, STR("NEE-1"), &a);
    assembly_order(&form, STR("NEE-1"), &b);
    CHECK(memcmp(a.items, b.items, 50 * sizeof(a.items[0])) == 0);
    CHECK(memcmp(a.options, b.options, 50 * sizeof(a.options[0])) == 0);
    uint8_t other_key[32] = "another";
    struct assembly_form others[] = { form, form, form, form };
    others[0].key = other_key;
    others[1].exam = STR("paper-2");
    others[2].paper = STR("digest2");
    str rolls[] = { STR("NEE-1"), STR("NEE-1"), STR("NEE-1"), STR("NEE-2") };
    for (size_t i = 0; i < COUNT(others); i++) {
        assembly_order(&others[i], rolls[i], &b);
        CHECK(memcmp(a.items, b.items, 50 * sizeof(a.items[0])) != 0);
        CHECK(memcmp(a.options, b.options, 50 * sizeof(a.options[0])) != 0);
    }
}

/* If this fails, a running exam would be reordered under its candidates. */
TEST(assembly, a_known_answer)
{
    struct assembly_form form = a_form();
    struct assembly_order order;
    static const uint16_t first[] = { 2, 9, 10, 11, 6, 0, 1, 5, 17, 15 };
    static const uint8_t options[] = { 0, 1, 2, 3, 1, 2, 3, 0, 3, 2, 1, 0 };
    assembly_order(&form, STR("NEE-000001"), &order);
    for (size_t i = 0; i < COUNT(first); i++)
        CHECK_EQ(order.items[i], first[i]);
    for (size_t i = 0; i < COUNT(options); i++)
        CHECK_EQ(order.options[i / 4][i % 4], options[i]);
}

/* 20,000 candidates; with 19 and 23 degrees of freedom chi-square passes 53 less than once in 2,500
 * keys, and this key is fixed. */
TEST(assembly, every_order_is_equally_likely)
{
    struct assembly_form form = a_form();
    struct assembly_order order;
    unsigned places[20] = { 0 }, orders[256] = { 0 }, seen = 0, n = 20000;
    double chi = 0;
    for (unsigned r = 0; r < n; r++) {
        assembly_order(&form, roll_of(r), &order);
        for (unsigned i = 0; i < 20; i++)
            places[i] += order.items[i] == 7;
        const uint8_t *o = order.options[0];
        orders[o[0] | o[1] << 2 | o[2] << 4 | o[3] << 6]++;
    }
    for (unsigned i = 0; i < 20; i++)
        chi += (places[i] - n / 20.0) * (places[i] - n / 20.0) / (n / 20.0);
    CHECK(chi < 53);
    chi = 0;
    for (unsigned i = 0; i < 256; i++) {
        seen += orders[i] > 0;
        if (orders[i])
            chi += (orders[i] - n / 24.0) * (orders[i] - n / 24.0) / (n / 24.0);
    }
    CHECK_EQ(seen, 24);
    CHECK(chi < 53);
}

struct search {
    unsigned next, last;
    char found[32];
};

static bool next_roll(void *ctx, str *roll)
{
    struct search *search = ctx;
    *roll = roll_of(search->next);
    return search->next++ < search->last;
}

static void found_roll(void *ctx, str roll)
{
    struct search *search = ctx;
    memcpy(search->found, roll.p, roll.n);
    search->found[roll.n] = 0;
}

TEST(assembly, a_photo_names_its_candidate)
{
    struct assembly_form form = a_form();
    struct assembly_order order;
    struct search search = { 0, 5000, "" };
    struct assembly_sight sights[3] = { 0 };
    assembly_order(&form, roll_of(1234), &order);
    for (unsigned i = 0; i < 3; i++) { /* three items in a row, with their options */
        sights[i].item = order.items[10 + i];
        sights[i].place = (uint16_t)(11 + i);
        sights[i].option_count = paper[sights[i].item].options;
        memcpy(sights[i].options, order.options[sights[i].item], sights[i].option_count);
    }
    CHECK_EQ(assembly_trace(&form, sights, 3, next_roll, found_roll, &search), 1);
    CHECK_STR(str_z(search.found), STR("NEE-001234"));
    sights[0].options[0] ^= 1;
    sights[0].option_count = MAX(sights[0].option_count, 2);
    sights[1].item = 999;
    search.next = 0;
    CHECK_EQ(assembly_trace(&form, sights, 3, next_roll, found_roll, &search), 0);
}
