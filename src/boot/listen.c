/*
 * The sockets now open are remembered by address, so that a change of `bind` or `port` opens only
 * what is new. Used by the starting thread and then by execute's turn (CONFIG SET) only.
 */
#include "boot/listen.h"

#include "base/log.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct listen_known {
    char where[128]; /* "tcp 127.0.0.1 6379", "unix /path" */
    int fd;
    bool wanted, fresh;
};

static struct listen_known listen_list[ACCEPT_LISTENERS_MAX * 2];
static int listen_count;
static char listen_unix_path[sizeof(((struct sockaddr_un *)0)->sun_path)];

static struct listen_known *listen_find(const char *where)
{
    for (int i = 0; i < listen_count; i++)
        if (strcmp(listen_list[i].where, where) == 0) return &listen_list[i];
    return NULL;
}

static int listen_keep(const char *where, int fd, char *error, size_t error_len)
{
    if (listen_count == ACCEPT_LISTENERS_MAX) {
        snprintf(error, error_len, "too many listening sockets");
        close(fd);
        return -ENOSPC;
    }
    struct listen_known *k = &listen_list[listen_count++];
    *k = (struct listen_known){.fd = fd, .wanted = true, .fresh = true};
    snprintf(k->where, sizeof(k->where), "%s", where);
    return 0;
}

/* The address of a word of `bind`: "*" and "::*" stand for all of a family. */
static const char *listen_host(const char *addr)
{
    return strcmp(addr, "*") == 0 ? "0.0.0.0" : strcmp(addr, "::*") == 0 ? "::" : addr;
}

static int listen_tcp_socket(const struct addrinfo *ai, int backlog)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (ai->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, backlog) != 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

int listen_tcp_at(const char *addr, int port_number, int backlog, char *error, size_t error_len)
{
    char port[16];
    snprintf(port, sizeof(port), "%d", port_number);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list;
    int rc = getaddrinfo(listen_host(addr), port, &hints, &list);
    if (rc != 0) {
        snprintf(error, error_len, "%s", gai_strerror(rc));
        return -EADDRNOTAVAIL;
    }
    int fd = listen_tcp_socket(list, backlog);
    freeaddrinfo(list);
    if (fd < 0) snprintf(error, error_len, "%s", strerrordesc_np(-fd));
    return fd;
}

/* One address of `bind`. */
static int listen_tcp(const char *addr, const struct settings *s, char *error, size_t error_len)
{
    char where[128];
    snprintf(where, sizeof(where), "tcp %.100s %d", listen_host(addr), (int)s->port);
    struct listen_known *k = listen_find(where);
    if (k != NULL) {
        k->wanted = true;
        return 0;
    }
    int fd = listen_tcp_at(addr, (int)s->port, (int)s->tcp_backlog, error, error_len);
    return fd < 0 ? fd : listen_keep(where, fd, error, error_len);
}

/* A missing optional address ("-::1") is left out. */
bool listen_is_absent(int rc)
{
    return rc == -EADDRNOTAVAIL || rc == -ENOPROTOOPT || rc == -EPROTONOSUPPORT ||
           rc == -ESOCKTNOSUPPORT || rc == -EPFNOSUPPORT || rc == -EAFNOSUPPORT;
}

static int listen_all_tcp(const struct settings *s, char *error, size_t error_len)
{
    if (s->port == 0) return 0;
    for (int i = 0; i < s->bind.count; i++) {
        const char *addr = s->bind.addr[i];
        bool optional = addr[0] == '-';
        if (optional) addr++;
        int rc = listen_tcp(addr, s, error, error_len);
        if (rc == 0 || (optional && listen_is_absent(rc))) continue;
        log_warn("Cannot listen on %s:%d: %s", addr, (int)s->port, error);
        return rc;
    }
    return 0;
}

static int listen_unix(const struct settings *s, char *error, size_t error_len)
{
    if (s->unixsocket[0] == '\0') return 0;
    char where[128];
    snprintf(where, sizeof(where), "unix %.108s", s->unixsocket);
    struct listen_known *k = listen_find(where);
    if (k != NULL) {
        k->wanted = true;
        return 0;
    }
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(s->unixsocket) >= sizeof(sa.sun_path)) {
        snprintf(error, error_len, "the path of the unix socket is too long");
        return -ENAMETOOLONG;
    }
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", s->unixsocket);
    unlink(s->unixsocket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* Never connectable with wider permissions than asked for, not even between bind and chmod. */
    mode_t mask = umask(0177);
    int rc = fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ? -errno : 0;
    umask(mask);
    mode_t mode = s->unixsocketperm != 0 ? (mode_t)s->unixsocketperm : 0777 & ~mask;
    if (rc == 0 && chmod(s->unixsocket, mode) != 0) rc = -errno;
    if (rc == 0 && listen(fd, (int)s->tcp_backlog) != 0) rc = -errno;
    if (rc != 0) {
        snprintf(error, error_len, "%s", strerrordesc_np(-rc));
        log_warn("Cannot listen on the unix socket %s: %s", s->unixsocket, error);
        if (fd >= 0) close(fd);
        return rc;
    }
    snprintf(listen_unix_path, sizeof(listen_unix_path), "%s", s->unixsocket);
    return listen_keep(where, fd, error, error_len);
}

/* Forgets those that are not wanted; with `undo` those that are fresh, which it closes. */
static void listen_sift(bool undo)
{
    int kept = 0;
    for (int i = 0; i < listen_count; i++) {
        struct listen_known *k = &listen_list[i];
        if (undo && k->fresh) {
            close(k->fd);
            continue;
        }
        if (!undo && !k->wanted) {
            shutdown(k->fd, SHUT_RDWR); /* refuses at once; accept closes it when its turn comes */
            continue;
        }
        k->fresh = false;
        listen_list[kept++] = *k;
    }
    listen_count = kept;
}

int listen_open(const struct settings *settings, struct accept_listeners *out, char *error,
                size_t error_len)
{
    for (int i = 0; i < listen_count; i++) listen_list[i].wanted = false;
    int rc = listen_all_tcp(settings, error, error_len);
    if (rc == 0) rc = listen_unix(settings, error, error_len);
    listen_sift(rc != 0);
    if (rc != 0) return rc;
    out->count = 0;
    for (int i = 0; i < listen_count; i++) {
        out->list[out->count].fd = listen_list[i].fd;
        out->list[out->count++].is_unix = strncmp(listen_list[i].where, "unix", 4) == 0;
    }
    return 0;
}

void listen_remove_files(void)
{
    if (listen_unix_path[0] != '\0') unlink(listen_unix_path);
}
