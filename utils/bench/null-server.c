/*
 * The floor under a server's CPU per request: one thread that receives and sends, and nothing else.
 *
 * It parses nothing. A command is a '*' in what was read, so neither keys nor values may have one;
 * its reply is a constant of the length that redis-benchmark's GET (32 bytes) or SET gets. Which of
 * them is told by one byte at the beginning of a read, and stays for the reads of that connection
 * that begin in the middle of a command.
 *
 * It takes `--port N`, listens on 127.0.0.1 and overlooks all other options. SIGTERM ends it.
 * Sockets block, which is no matter: one is read only when epoll says that it has something, and
 * clients that wait for replies never fill its buffer.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 4096
#define READ_SIZE 65536
#define EVENTS 256
#define REPEATS 1024 /* replies that one send takes at most */
#define NAME_AT 8    /* where a command's name begins: "*2\r\n$3\r\nGET" */

enum kind { KIND_OK, KIND_VALUE, KIND_PONG, KINDS };

/* One reply of each kind, over and over. */
struct reply {
    size_t len;
    char text[REPEATS * 64];
};

static struct reply replies[KINDS];
static enum kind kind_of[CONNECTIONS]; /* by fd */

static void write_replies(void)
{
    static const char *const texts[KINDS] = {
        [KIND_OK] = "+OK\r\n",
        [KIND_VALUE] = "$32\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
        [KIND_PONG] = "+PONG\r\n",
    };
    for (int k = 0; k < KINDS; k++) {
        replies[k].len = strlen(texts[k]);
        for (size_t i = 0; i < REPEATS; i++)
            memcpy(replies[k].text + i * replies[k].len, texts[k], replies[k].len);
    }
}

static size_t count_commands(const char *at, const char *end)
{
    size_t count = 0;
    while ((at = memchr(at, '*', (size_t)(end - at))) != NULL) {
        count++;
        at++;
    }
    return count;
}

static bool send_replies(int fd, const struct reply *reply, size_t count)
{
    while (count > 0) {
        size_t now = count < REPEATS ? count : REPEATS;
        ssize_t len = (ssize_t)(now * reply->len);
        if (send(fd, reply->text, (size_t)len, MSG_NOSIGNAL) != len) return false;
        count -= now;
    }
    return true;
}

/* False when the connection is to be closed. */
static bool serve(int fd)
{
    static char in[READ_SIZE];
    ssize_t len = recv(fd, in, sizeof(in), 0);
    if (len <= 0) return false;
    if (in[0] == '*' && len > NAME_AT) {
        char name = in[NAME_AT];
        kind_of[fd] = name == 'G' ? KIND_VALUE : name == 'P' ? KIND_PONG : KIND_OK;
    }
    return send_replies(fd, &replies[kind_of[fd]], count_commands(in, in + len));
}

static bool watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void take_connection(int epoll, int listener)
{
    int fd = accept(listener, NULL, NULL), on = 1;
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (fd >= CONNECTIONS || !watch(epoll, fd)) {
        close(fd);
        return;
    }
    kind_of[fd] = KIND_OK;
}

static int listen_on(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 511) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int main(int argc, char **argv)
{
    unsigned long port = 6379;
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--port") == 0) port = strtoul(argv[i + 1], NULL, 10);

    write_replies();
    int listener = listen_on((uint16_t)port), epoll = epoll_create1(0);
    if (listener < 0 || epoll < 0 || !watch(epoll, listener)) {
        perror("null-server");
        return 1;
    }
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                take_connection(epoll, listener);
            else if (!serve(fd))
                close(fd);
        }
    }
}
