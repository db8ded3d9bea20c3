/* tunnel_test.c - the far end of the tunnel, in a process of its own, between a gateway's end that
 * speaks TLS here and a hall that reads as slowly as it likes. Unix sockets; no ports. */
#include "net/tls.h"
#include "net/tunnel.h"
#include "tests/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define FULL_MS     20 /* nothing was taken for so long */
#define PART_BYTES  (16 * KIB)

static const unsigned char key[TLS_SHARED_KEY_BYTES] = { 7, 7, 7 };

struct far {
    pid_t pid;
    int gate; /* the hall's listening socket */
    struct sockaddr_un address, gate_address;
};

static int listen_at(struct sockaddr_un *address, const char *dir, const char *name)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", dir, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)address, sizeof(*address)) == 0 &&
          listen(fd, 4) == 0);
    return fd;
}

static void far_start(struct far *far)
{
    const char *dir = test_dir();
    int ready[2], listener = listen_at(&far->address, dir, "far");
    char r;
    far->gate = listen_at(&far->gate_address, dir, "gate");
    CHECK_EQ(pipe(ready), 0);
    far->pid = fork();
    if (far->pid == 0) {
        struct why why;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a check fails */
        struct tunnel_opts opts = { .listener = listener,
                                    .gate_path = far->gate_address.sun_path,
                                    .key = key,
                                    .ready_fd = ready[1],
                                    .keep_rights = true };
        _exit(tunnel_run(&opts, &why) != FAIL_NONE);
    }
    CHECK(far->pid > 0);
    close(listener);
    close(ready[1]);
    CHECK_EQ(read(ready[0], &r, 1), 1);
    close(ready[0]);
}

static void far_stop(struct far *far)
{
    CHECK_EQ(kill(far->pid, SIGKILL), 0);
    CHECK_EQ(waitpid(far->pid, NULL, 0), far->pid);
    close(far->gate);
}

/* The gateway's side of a span: what it says goes through TLS and waits in tls_out. */
struct near {
    int fd;
    struct tls *tls;
    struct tls_session *session;
    size_t sent; /* of tls_out */
};

static bool near_send(struct near *near)
{
    struct out *out = tls_out(near->tls);
    while (near->sent < out->n) {
        ssize_t n =
            send(near->fd, out->p + near->sent, out->n - near->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return false;
        CHECK(n > 0);
        near->sent += (size_t)n;
    }
    out_clear(out);
    near->sent = 0;
    return true;
}

static void near_dial(struct near *near, const struct far *far)
{
    struct why why;
    char bytes[4096], plain[sizeof(bytes) + TLS_RECORD_BYTES_MAX];
    size_t n;
    *near = (struct near){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    CHECK(near->fd >= 0 &&
          connect(near->fd, (const struct sockaddr *)&far->address, sizeof(far->address)) == 0);
    CHECK_OK(tls_new_shared(&near->tls, key, true, &why));
    near->session = tls_dial(near->tls);
    CHECK_EQ(tls_decrypt(near->tls, near->session, STR(""), plain, &n), TLS_FINE);
    while (!tls_is_open(near->session)) {
        CHECK(near_send(near));
        ssize_t got = recv(near->fd, bytes, sizeof(bytes), 0);
        CHECK(got > 0);
        CHECK_EQ(tls_decrypt(near->tls, near->session, str_of(bytes, (size_t)got), plain, &n),
                 TLS_FINE);
    }
    CHECK(near_send(near));
}

static void near_close(struct near *near)
{
    close(near->fd);
    tls_drop(near->session);
    tls_free(near->tls);
}

/* Says more until nothing more is taken: then the tunnel has as much as it lets wait. */
static void near_fill(struct near *near, char *byte)
{
    static char part[PART_BYTES];
    struct pollfd more_fits = { .fd = near->fd, .events = POLLOUT };
    do {
        while (near_send(near)) {
            memset(part, (*byte)++, sizeof(part));
            CHECK(tls_encrypt(near->tls, near->session, str_of(part, sizeof(part))));
        }
    } while (poll(&more_fits, 1, FULL_MS) == 1);
}

static void hall_reads(int hall, char *byte)
{
    char part[PART_BYTES];
    for (size_t n = 0; n < sizeof(part);) {
        struct pollfd wait = { .fd = hall, .events = POLLIN };
        CHECK_EQ(poll(&wait, 1, PATIENCE_MS), 1);
        ssize_t more = recv(hall, part + n, sizeof(part) - n, 0);
        CHECK(more > 0); /* it was not cut */
        n += (size_t)more;
    }
    CHECK(part[0] == *byte && memcmp(part, part + 1, sizeof(part) - 1) == 0);
    (*byte)++;
}

/* Between a busy gateway and a hall that is behind, bytes always wait: in the end more have passed
 * than may ever wait at once. */
TEST(tunnel, a_hall_that_reads_but_never_all_gets_every_byte)
{
    struct far far;
    struct near near;
    char said = 0, heard = 0;
    far_start(&far);
    near_dial(&near, &far);
    int hall = accept(far.gate, NULL, NULL);
    CHECK(hall >= 0);
    for (int turn = 0; turn < 32; turn++) {
        near_fill(&near, &said);
        for (size_t got = 0; got < 512 * KIB; got += PART_BYTES)
            hall_reads(hall, &heard);
    }
    close(hall);
    near_close(&near);
    far_stop(&far);
}
