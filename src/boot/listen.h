/*
 * Listening sockets, as bind, port and unixsocket say.
 */
#ifndef BOOT_LISTEN_H
#define BOOT_LISTEN_H

#include "accept/accept.h"
#include "catalog/settings.h"

/*
 * Makes the set of listeners that the settings ask for; sockets that are open already for the same
 * address are used again. 0, or -errno with a text in `error`; then nothing has changed. The caller
 * hands `out` to accept, which closes what is not in it any more.
 */
int listen_open(const struct settings *settings, struct accept_listeners *out, char *error,
                size_t error_len);
/* One address of `bind` and a port, for listeners that are not accept's. Gives the descriptor, or
 * -errno with a text in `error`. */
int listen_tcp_at(const char *addr, int port, int backlog, char *error, size_t error_len);
/* True when -errno `rc` means that this machine has no such address. */
bool listen_is_absent(int rc);
/* Removes the unix socket's file. */
void listen_remove_files(void);

#endif
