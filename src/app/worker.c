/* worker.c - see worker.h. Two lists under one lock; an eventfd wakes the loop. */
#include "app/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WAITING_MAX 1024 /* one for each connection of the gateway, and the operator's */

struct queue {
    struct exchange *rows[WAITING_MAX];
    unsigned first, count;
};

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct queue waiting, finished;
    bool stop;
    int fd;
};

static void push(struct queue *queue, struct exchange *exchange)
{
    must(queue->count < WAITING_MAX);
    queue->rows[(queue->first + queue->count++) % WAITING_MAX] = exchange;
}

static struct exchange *pop(struct queue *queue)
{
    if (!queue->count)
        return NULL;
    struct exchange *exchange = queue->rows[queue->first];
    queue->first = (queue->first + 1) % WAITING_MAX;
    queue->count--;
    return exchange;
}

static void *run(void *ctx)
{
    struct worker *worker = ctx;
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        struct exchange *exchange = pop(&worker->waiting);
        if (!exchange && worker->stop)
            break;
        if (!exchange) {
            pthread_cond_wait(&worker->given, &worker->lock);
            continue;
        }
        pthread_mutex_unlock(&worker->lock);
        hall_job_run(exchange);
        pthread_mutex_lock(&worker->lock);
        push(&worker->finished, exchange);
        uint64_t one = 1;
        must(write(worker->fd, &one, sizeof(one)) == sizeof(one));
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

struct worker *worker_new(void)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    must(worker);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->given, NULL);
    worker->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    must(worker->fd >= 0);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    must(pthread_create(&worker->thread, NULL, run, worker) == 0);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return worker;
}

int worker_fd(const struct worker *worker)
{
    return worker->fd;
}

void worker_give(struct worker *worker, struct exchange *exchange)
{
    pthread_mutex_lock(&worker->lock);
    push(&worker->waiting, exchange);
    pthread_cond_signal(&worker->given);
    pthread_mutex_unlock(&worker->lock);
}

struct exchange *worker_take(struct worker *worker)
{
    uint64_t count;
    fail_ignore(read(worker->fd, &count, sizeof(count)) < 0, "nothing to read is fine");
    pthread_mutex_lock(&worker->lock);
    struct exchange *exchange = pop(&worker->finished);
    if (worker->finished.count) { /* more to take: stay readable */
        count = 1;
        must(write(worker->fd, &count, sizeof(count)) == sizeof(count));
    }
    pthread_mutex_unlock(&worker->lock);
    return exchange;
}

void worker_free(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->stop = true;
    pthread_cond_signal(&worker->given);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    close(worker->fd);
    free(worker);
}
