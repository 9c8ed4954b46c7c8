/*
 * The table of cards: pointers to blocks of 1024 cards, filled from the front.
 *
 * Invariants: accept is the only writer of the pointers; a block, once published, stays until
 * conn_cards_close(). Release on the pointer and acquire at its readers make the zeroed block
 * visible; what accept writes on a card is ordered by the hand-over. Blocks are mapped, not
 * allocated: a page of cards costs memory when its first slot is used.
 */
#include "msg/conn.h"

#include "base/must.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CONN_BLOCK_CARDS 1024u

static _Atomic(struct conn_card *) *conn_blocks;
static uint32_t conn_slot_max;

static uint32_t conn_block_count(void)
{
    return (uint32_t)(((uint64_t)conn_slot_max + CONN_BLOCK_CARDS - 1) / CONN_BLOCK_CARDS);
}

int conn_cards_open(uint32_t max)
{
    must(conn_blocks == NULL && max > 0);
    conn_slot_max = max;
    conn_blocks = calloc(conn_block_count(), sizeof(conn_blocks[0]));
    return conn_blocks == NULL ? -ENOMEM : 0;
}

void conn_cards_close(void)
{
    if (conn_blocks == NULL) return;
    for (uint32_t i = 0; i < conn_block_count(); i++) {
        struct conn_card *block = atomic_load_explicit(&conn_blocks[i], memory_order_relaxed);
        if (block != NULL) munmap(block, CONN_BLOCK_CARDS * sizeof(*block));
    }
    free(conn_blocks);
    conn_blocks = NULL;
    conn_slot_max = 0;
}

static struct conn_card *conn_block(uint32_t slot)
{
    must(slot < conn_slot_max);
    return atomic_load_explicit(&conn_blocks[slot / CONN_BLOCK_CARDS], memory_order_acquire);
}

struct conn_card *conn_card(uint32_t slot)
{
    struct conn_card *block = conn_block(slot);
    must(block != NULL);
    return &block[slot % CONN_BLOCK_CARDS];
}

struct conn_card *conn_card_make(uint32_t slot)
{
    if (slot >= conn_slot_max) return NULL;
    if (conn_block(slot) != NULL) return conn_card(slot);
    void *block = mmap(NULL, CONN_BLOCK_CARDS * sizeof(struct conn_card), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return NULL;
    atomic_store_explicit(&conn_blocks[slot / CONN_BLOCK_CARDS], block, memory_order_release);
    return conn_card(slot);
}

static _Atomic bool conn_open = true;

void conn_set_open(bool open) { atomic_store_explicit(&conn_open, open, memory_order_relaxed); }
bool conn_is_open(void) { return atomic_load_explicit(&conn_open, memory_order_relaxed); }

bool conn_is_loopback(const struct sockaddr_in6 *peer)
{
    if (peer->sin6_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    if (IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr)) return peer->sin6_addr.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&peer->sin6_addr);
}

/* The family tells which of the two address structs is in the room. */
static void conn_print(const struct sockaddr_in6 *room, char *out, size_t len)
{
    char host[INET6_ADDRSTRLEN];
    if (room->sin6_family == AF_INET6) {
        inet_ntop(AF_INET6, &room->sin6_addr, host, sizeof(host));
        snprintf(out, len, "[%s]:%u", host, (unsigned)ntohs(room->sin6_port));
        return;
    }
    struct sockaddr_in v4;
    memcpy(&v4, room, sizeof(v4));
    if (v4.sin_family != AF_INET) {
        snprintf(out, len, "?:0");
        return;
    }
    inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
    snprintf(out, len, "%s:%u", host, (unsigned)ntohs(v4.sin_port));
}

void conn_print_peer(const struct conn_card *card, const char *unix_path, char *out, size_t len)
{
    if (card->is_unix) {
        snprintf(out, len, "%s:0", unix_path);
        return;
    }
    conn_print(&card->peer, out, len);
}

void conn_print_local(const struct conn_card *card, const char *unix_path, char *out, size_t len)
{
    if (card->is_unix) {
        snprintf(out, len, "%s:0", unix_path);
        return;
    }
    conn_print(&card->local, out, len);
}
