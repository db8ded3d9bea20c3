/* ledger.c - see ledger.h. */
#include "rehearsal/ledger.h"

static bool key_is(const struct ledger *ledger, const struct paper *paper, unsigned i, uint32_t key,
                   bool none, str value)
{
    struct answer answer;
    if (!key)
        return none;
    answer_make(&answer, &paper->item[i], ledger->who, i, key);
    return answer_is(&answer, none, value);
}

static enum finding missing(const struct entry *entry, bool none)
{
    return entry->acked ? FOUND_LOST : none ? FOUND_RIGHT : FOUND_FOREIGN;
}

enum finding ledger_check(const struct ledger *ledger, const struct paper *paper, unsigned i,
                          bool none, str value)
{
    must(i >= 1 && i <= ledger->items);
    const struct entry *entry = &ledger->entries[i];
    if (entry->acked == LEDGER_TOLD || key_is(ledger, paper, i, entry->acked, none, value) ||
        (entry->sent && key_is(ledger, paper, i, entry->sent, none, value)))
        return FOUND_RIGHT;
    return missing(entry, none);
}

enum finding ledger_learn(struct ledger *ledger, const struct paper *paper, unsigned i,
                          uint32_t seq, bool none, str value)
{
    must(i >= 1 && i <= ledger->items);
    struct entry *entry = &ledger->entries[i];
    if (entry->acked == LEDGER_TOLD)
        return FOUND_RIGHT;
    if (!seq && !entry->acked)
        return FOUND_RIGHT;
    if (entry->acked && ledger_seq(entry->acked) == seq &&
        key_is(ledger, paper, i, entry->acked, none, value))
        return FOUND_RIGHT;
    if (entry->sent && ledger_seq(entry->sent) == seq &&
        key_is(ledger, paper, i, entry->sent, none, value)) {
        entry->acked = entry->sent;
        return FOUND_RIGHT;
    }
    enum finding finding = missing(entry, false);
    entry->acked = LEDGER_TOLD;
    return finding;
}

void ledger_forget_unacked(struct ledger *ledger)
{
    for (unsigned i = 1; i <= ledger->items; i++)
        ledger->entries[i].sent = ledger->entries[i].acked;
}

void ledger_answered(const struct ledger *ledger, const struct paper *paper, unsigned *least,
                     unsigned *most)
{
    *least = *most = 0;
    for (unsigned i = 1; i <= ledger->items; i++) {
        const struct entry *entry = &ledger->entries[i];
        bool told = entry->acked == LEDGER_TOLD;
        bool before =
            !told && entry->acked && !key_is(ledger, paper, i, entry->acked, true, STR_NONE);
        bool after = entry->sent && !key_is(ledger, paper, i, entry->sent, true, STR_NONE);
        *least += before && after;
        *most += before || after || told;
    }
}
