/* book_test.c - the answer book: its fold, its room for texts, and its checkpoint. */
#include "app/book.h"
#include "codec/wire.h"
#include "store/log.h"
#include "tests/test.h"
#include "tests/unit/world.h"

#include <stdio.h>

/* A hall's book with one started attempt; item 5 takes text. */
static void open_book(struct world *w)
{
    world_open(w, NULL);
    world_start(w, "R001");
}

static const struct book *book_of(const struct world *w)
{
    return hall_host(w->hall)->book;
}

static str typed(const struct world *w)
{
    const struct exam *exam = &hall_host(w->hall)->directory->exams[0];
    return book_value(book_of(w), book_cell(book_of(w), 0, 4), &exam->items[4], NULL);
}

TEST(book, a_text_keeps_its_room_and_moves_only_when_it_outgrows_it)
{
    static const unsigned lengths[] = { 3, 16, 1, 17, 32, 5, 200, 100 };
    struct world w;
    char text[ANSWER_BYTES_MAX + 1] = { 0 };
    uint32_t seq = 0;
    open_book(&w);
    uint32_t before = book_of(&w)->unit_count; /* room for 16 bytes is there from the start */
    for (unsigned i = 0; i < COUNT(lengths); i++) {
        memset(text, 'a' + (int)i, lengths[i]);
        text[lengths[i]] = 0;
        CHECK_EQ(world_put(&w, 5, text, ++seq), 200);
        CHECK_STR(typed(&w), str_z(text));
    }
    CHECK_EQ(book_of(&w)->unit_count, before + 2 + 13);
    CHECK_EQ(world_put(&w, 5, NULL, ++seq), 200);
    CHECK_EQ(typed(&w).n, 0);
    CHECK_EQ(book_of(&w)->unit_count, before + 2 + 13);
    world_close(&w);
}

TEST(book, a_candidate_who_never_started_has_blank_cells)
{
    struct world w;
    open_book(&w);
    CHECK_EQ(book_cell(book_of(&w), 2, 3)->seq, 0);
    CHECK_EQ(book_cell(book_of(&w), 0, 999)->seq, 0);
    world_close(&w);
}

TEST(book, what_is_expected_need_not_be_true)
{
    struct world w;
    open_book(&w);
    uint32_t saves = (uint32_t)book_of(&w)->saves;
    const struct record wrong[] = {
        { .topic = TOPIC_ANSWERS, .key = UINT32_MAX, .body = STR("\xff\xff") },
        { .topic = TOPIC_ANSWERS, .key = CANDIDATES_MAX - 1, .body = STR("\0\0") },
        { .topic = TOPIC_ANSWERS, .key = 0, .body = STR("") },
        { .topic = TOPIC_ATTEMPTS, .key = UINT32_MAX, .body = STR("") },
    };
    book_expect(book_of(&w), wrong, COUNT(wrong));
    directory_expect(hall_host(w.hall)->directory, wrong, COUNT(wrong));
    CHECK_EQ(book_of(&w)->saves, saves);
    world_close(&w);
}

/* --- its checkpoint ----------------------------------------------------------------------------
 */

static struct store *saved(struct world *w)
{
    struct why why;
    struct store *store;
    uint64_t offset;
    char path[300];
    snprintf(path, sizeof(path), "%s/book", w->dir);
    CHECK_OK(store_create(&store, "memory", path, &why));
    CHECK_OK(book_save(book_of(w), store, &why));
    CHECK_OK(store_commit(&store, 1, STR("1"), &why));
    CHECK_OK(store_open(&store, "memory", path, STR("1"), &offset, &why));
    return store;
}

TEST(book, its_tables_come_back_as_they_were)
{
    struct world w;
    struct why why;
    struct book book;
    open_book(&w);
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    CHECK_EQ(world_put(&w, 5, "some words of more than a unit", 2), 200);
    struct store *store = saved(&w);
    const struct book *was = book_of(&w);
    book_init(&book, was->directory);
    CHECK_OK(book_load(&book, store, &why));
    CHECK_EQ(book.saves, 2);
    CHECK_EQ(memcmp(book.sheets, was->sheets, WORLD_ROLLS * sizeof(struct sheet)), 0);
    CHECK_EQ(book.unit_count, was->unit_count);
    CHECK_EQ(memcmp(book.units, was->units, was->unit_count * sizeof(union unit)), 0);
    store_close(store);
    book_fini(&book);
    world_close(&w);
}

TEST(book, tables_of_another_roster_or_paper_are_refused)
{
    struct world w;
    struct why why;
    struct book book;
    open_book(&w);
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    struct store *store = saved(&w);
    struct directory directory = *book_of(&w)->directory;
    struct exam exam = directory.exams[0];
    directory.exams = &exam;
    directory.candidate_count--;
    book_init(&book, &directory);
    CHECK_EQ(book_load(&book, store, &why), FAIL_CORRUPT);
    directory.candidate_count++;
    exam.item_count--;
    CHECK_EQ(book_load(&book, store, &why), FAIL_CORRUPT);
    exam.item_count++;
    CHECK_OK(book_load(&book, store, &why));
    store_close(store);
    book_fini(&book);
    world_close(&w);
}
