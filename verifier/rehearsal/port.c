#include "rehearsal/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"

enum { PAIRS_MOST = 256, BLOCK_BYTES = 65536 };

/* What was read at one end and is not yet written at the other. */
struct flow {
    char *bytes;
    size_t begin, end;
    bool ended; /* nothing more comes */
};

/* Descriptors of one connection: [0] to the client, [1] to the server. flows[i] comes from [i]. */
struct pair {
    int descriptors[2];
    struct flow flows[2];
};

struct port {
    pthread_t thread;
    int listening;
    int told_to_end;
    int number;
    struct sockaddr_un server;
    struct pair pairs[PAIRS_MOST];
    size_t pair_count;
};

static void pair_free(struct pair *pair)
{
    for (size_t i = 0; i < 2; i++) {
        close_descriptor(&pair->descriptors[i]);
        free(pair->flows[i].bytes);
    }
}

static void port_free(struct port *port)
{
    for (size_t i = 0; i < port->pair_count; i++)
        pair_free(&port->pairs[i]);
    close_descriptor(&port->listening);
    close_descriptor(&port->told_to_end);
    free(port);
}

/* --- passing on ------------------------------------------------------------------------------- */

static void accept_one(struct port *port)
{
    int client = accept4(port->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int server = client < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    if (client >= 0)
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (server < 0 || port->pair_count == PAIRS_MOST ||
        connect(server, (const struct sockaddr *)&port->server, sizeof(port->server)) < 0) {
        close_descriptor(&client);
        close_descriptor(&server);
        return;
    }
    struct pair *pair = &port->pairs[port->pair_count++];
    *pair = (struct pair){.descriptors = {client, server}};
    for (size_t i = 0; i < 2; i++)
        pair->flows[i].bytes = xmalloc(BLOCK_BYTES);
}

/* What can be done at one end of a pair; false: the connection is over. */
static bool serve(struct pair *pair, size_t from)
{
    struct flow *flow = &pair->flows[from];
    if (flow->begin == flow->end && !flow->ended) {
        ssize_t length = recv(pair->descriptors[from], flow->bytes, BLOCK_BYTES, MSG_DONTWAIT);
        if (length < 0)
            return errno == EAGAIN || errno == EINTR;
        flow->begin = 0;
        flow->end = (size_t)length;
        flow->ended = length == 0;
        if (flow->ended)
            shutdown(pair->descriptors[1 - from], SHUT_WR);
    }
    if (flow->begin < flow->end) {
        ssize_t length = send(pair->descriptors[1 - from], flow->bytes + flow->begin,
                              flow->end - flow->begin, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (length < 0)
            return errno == EAGAIN || errno == EINTR;
        flow->begin += (size_t)length;
    }
    return true;
}

/* An end is read from when nothing of it waits, and written to when something does. */
static short events_of(const struct pair *pair, size_t end)
{
    const struct flow *from = &pair->flows[end];
    const struct flow *to = &pair->flows[1 - end];
    return (short)((from->begin == from->end && !from->ended ? POLLIN : 0) |
                   (to->begin < to->end ? POLLOUT : 0));
}

static void serve_all(struct port *port)
{
    size_t kept = 0;
    for (size_t i = 0; i < port->pair_count; i++) {
        struct pair *pair = &port->pairs[i];
        bool alive = serve(pair, 0) && serve(pair, 1);
        if (alive && !(pair->flows[0].ended && pair->flows[1].ended))
            port->pairs[kept++] = *pair;
        else
            pair_free(pair);
    }
    port->pair_count = kept;
}

static void *pass_on(void *context)
{
    struct port *port = context;
    for (;;) {
        struct pollfd polled[2 + 2 * PAIRS_MOST] = {{.fd = port->told_to_end, .events = POLLIN},
                                                    {.fd = port->listening, .events = POLLIN}};
        nfds_t count = 2;
        for (size_t i = 0; i < port->pair_count; i++)
            for (size_t end = 0; end < 2; end++) {
                short events = events_of(&port->pairs[i], end);
                polled[count++] = (struct pollfd){
                    .fd = events ? port->pairs[i].descriptors[end] : -1, .events = events};
            }
        if (poll(polled, count, -1) < 0 && errno != EINTR)
            return NULL;
        if (polled[0].revents)
            return NULL;
        serve_all(port);
        if (polled[1].revents)
            accept_one(port);
    }
}

/* --- opening ---------------------------------------------------------------------------------- */

static int listen_at_loopback(struct port *port, struct error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    port->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (port->listening < 0 ||
        bind(port->listening, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(port->listening, SOMAXCONN) < 0 ||
        getsockname(port->listening, (struct sockaddr *)&address, &length) < 0)
        return cannot_verify(error, "cannot open a port of the loopback device: %s",
                             strerror(errno));
    port->number = ntohs(address.sin_port);
    return 0;
}

int port_open(const char *socket_path, struct port **ret_port, struct error *error)
{
    struct port *port = xcalloc(1, sizeof(*port));
    port->listening = -1;
    port->told_to_end = eventfd(0, EFD_CLOEXEC);
    port->server.sun_family = AF_UNIX;
    strncpy(port->server.sun_path, socket_path, sizeof(port->server.sun_path) - 1);
    if (listen_at_loopback(port, error) < 0) {
        port_free(port);
        return -1;
    }
    if (port->told_to_end < 0 || pthread_create(&port->thread, NULL, pass_on, port) != 0) {
        port_free(port);
        return cannot_verify(error, "cannot start a thread that passes bytes on");
    }
    *ret_port = port;
    return 0;
}

int port_number(const struct port *port)
{
    return port->number;
}

void port_close(struct port *port)
{
    static const uint64_t one = 1;
    if (!port)
        return;
    ssize_t written = write(port->told_to_end, &one, sizeof(one));
    (void)written;
    pthread_join(port->thread, NULL);
    port_free(port);
}
