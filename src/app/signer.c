/* signer.c - see signer.h. A ring: given by the loop, signed by the thread, taken by the loop. */
#include "app/signer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WAITING_MAX    1024 /* 29 ms of signing; what does not fit the loop signs, and slows down */
#define LINE_BYTES_MAX 512
#define WAKE_EVERY     16 /* the loop need not hear of each */

struct slot {
    struct signed_line line;
    char bytes[LINE_BYTES_MAX];
    size_t n;
};

struct signer {
    const struct keys *keys;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct slot slots[WAITING_MAX];
    uint64_t given, taken; /* the loop's; given also under lock */
    _Atomic uint64_t done; /* the thread's */
    bool stop;
    int fd;
};

static void wake_loop(struct signer *signer)
{
    must(eventfd_write(signer->fd, 1) == 0);
}

static void *run(void *ctx)
{
    struct signer *signer = ctx;
    pthread_mutex_lock(&signer->lock);
    while (!signer->stop) {
        uint64_t at = atomic_load(&signer->done), given = signer->given;
        if (at == given) {
            pthread_cond_wait(&signer->more, &signer->lock);
            continue;
        }
        pthread_mutex_unlock(&signer->lock);
        for (; at < given; at++) {
            struct slot *slot = &signer->slots[at % WAITING_MAX];
            keys_sign(signer->keys, str_of(slot->bytes, slot->n), slot->line.hex);
            atomic_store(&signer->done, at + 1);
            if (at % WAKE_EVERY == 0 || at + 1 == given)
                wake_loop(signer);
        }
        pthread_mutex_lock(&signer->lock);
    }
    pthread_mutex_unlock(&signer->lock);
    return NULL;
}

struct signer *signer_new(const struct keys *keys)
{
    struct signer *signer = calloc(1, sizeof(*signer));
    must(signer);
    signer->keys = keys;
    pthread_mutex_init(&signer->lock, NULL);
    pthread_cond_init(&signer->more, NULL);
    signer->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    must(signer->fd >= 0);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    must(pthread_create(&signer->thread, NULL, run, signer) == 0);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return signer;
}

int signer_fd(const struct signer *signer)
{
    return signer->fd;
}

bool signer_give(struct signer *signer, str line, void *owner, uint64_t at)
{
    if (signer->given - signer->taken == WAITING_MAX || line.n > LINE_BYTES_MAX)
        return false;
    struct slot *slot = &signer->slots[signer->given % WAITING_MAX];
    slot->line.owner = owner;
    slot->line.at = at;
    slot->n = line.n;
    memcpy(slot->bytes, line.p, line.n);
    pthread_mutex_lock(&signer->lock);
    signer->given++;
    pthread_cond_signal(&signer->more);
    pthread_mutex_unlock(&signer->lock);
    return true;
}

bool signer_take(struct signer *signer, struct signed_line *line)
{
    eventfd_t count;
    if (signer->taken == atomic_load(&signer->done)) {
        fail_ignore(eventfd_read(signer->fd, &count) != 0, "nothing to read is fine");
        /* It may have signed between the look and the read. */
        if (signer->taken == atomic_load(&signer->done))
            return false;
    }
    *line = signer->slots[signer->taken++ % WAITING_MAX].line;
    return true;
}

void signer_free(struct signer *signer)
{
    pthread_mutex_lock(&signer->lock);
    signer->stop = true;
    pthread_cond_signal(&signer->more);
    pthread_mutex_unlock(&signer->lock);
    pthread_join(signer->thread, NULL);
    close(signer->fd);
    pthread_mutex_destroy(&signer->lock);
    pthread_cond_destroy(&signer->more);
    free(signer);
}
