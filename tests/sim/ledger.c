/*
 * Clients that keep accounts of what they wrote, over several lives of one server on one disk.
 *
 * Each has keys of its own and sends numbered writes of several kinds, whole transactions and
 * scripts among them, which tell their number by what they leave. So what is found after a life
 * must be what some first part of its writes leaves: at least all that were acknowledged where each
 * is promised to be safe, at most all that were sent. Besides, transactions raise a counter that
 * all share together with one of the client's own: their sum must agree, and whoever was told a
 * number of the shared one that is there must find its own as it was then. So groups are whole, and
 * nothing is out of order between clients.
 *
 * A write that was refused (-MISCONF) has not happened. One whose answer never came, since the
 * connection was cut, may have: then the client looks before it goes on.
 */
#include "sim/sim.h"

#include "base/must.h"
#include "catalog/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ACCOUNTS = 4, WRITES = 400, WINDOW = 4, SLOTS = 3, LIST = WRITES, BIG = 9000 };

/* Other than PING, it is answered even if writes are refused. */
#define GREETING "exists nothing\r\n"

enum write_kind {
    WRITE_SET,
    WRITE_DEL,
    WRITE_PAIR,   /* two keys in a transaction */
    WRITE_SCRIPT, /* the same two by a script */
    WRITE_PUSH,
    WRITE_POP,
    WRITE_BIG,
    WRITE_ALL,   /* all of SET's keys */
    WRITE_COUNT, /* the shared counter and the client's own, in a transaction */
    WRITE_KINDS,
};

/* What a client's keys hold; 0: the key is not there. */
struct holding {
    int slot[SLOTS], pair[2], big, count;
    int list[LIST], list_len;
};

struct account {
    struct holding held; /* after the writes up to `settled` */
    int settled;         /* acknowledged or refused, or looked at; all before them too */
    int acked;           /* the last of them that was acknowledged */
    int sent;
    bool refused[WRITES + 1];
    enum write_kind kinds[WRITES + 1];
    uint64_t settled_ns[WRITES + 1];
    int shared_told, own_told; /* the last answer of WRITE_COUNT */
    int safe;                  /* it was loaded, or WAITAOF or SAVE has told that it is on disk */
};

struct ledger {
    struct account accounts[ACCOUNTS];
    bool subset;     /* something failed: those in doubt need not be the first ones */
    bool was_killed; /* the life before: the power was not cut */
    bool always;     /* what is acknowledged must be there */
    bool syncs_always, syncs_never; /* in this life */
    bool toggles, toggled;          /* the log is closed and opened; and was so in this life */
    bool saves;                     /* SAVE and its like is all that makes anything safe */
    uint64_t end_ns, window_ns; /* what was settled so long before the end must; 0: no promise */
};

enum teller_state {
    TELLER_NEW,
    TELLER_GREETS,
    TELLER_LOOKS,
    TELLER_WAITS,
    TELLER_WORKS,
    TELLER_DONE
};

/* A client in this life. */
struct teller {
    enum teller_state state;
    struct sim_socket *socket;
    bool finished;
    struct text rx;
    int left, window;
    struct {
        int number, answers; /* 0: not a write but SAVE and its like */
        bool is_save, is_wait;
        int safe[ACCOUNTS];
    } awaited[64];
    unsigned first, last;
    int replies; /* of what it looked for, so far */
    struct holding seen;
    int64_t shared_seen;
    int base; /* what was acknowledged when the connection was new */
};

static struct ledger *ledger;
static struct teller tellers[ACCOUNTS];
static bool everybody_works;

/* ---- What writes do ---- */

static void holding_write(struct holding *h, enum write_kind kind, int n)
{
    switch (kind) {
    case WRITE_SET: h->slot[n % SLOTS] = n; break;
    case WRITE_DEL: h->slot[n % SLOTS] = 0; break;
    case WRITE_PAIR:
    case WRITE_SCRIPT: h->pair[0] = h->pair[1] = n; break;
    case WRITE_PUSH: h->list[h->list_len++] = n; break;
    case WRITE_POP:
        if (h->list_len == 0) break;
        memmove(h->list, h->list + 1, (size_t)--h->list_len * sizeof(h->list[0]));
        break;
    case WRITE_BIG: h->big = n; break;
    case WRITE_ALL:
        for (int i = 0; i < SLOTS; i++) h->slot[i] = n;
        break;
    case WRITE_COUNT: h->count++; break;
    case WRITE_KINDS: must(false);
    }
}

static bool holding_equal(const struct holding *a, const struct holding *b)
{
    return memcmp(a->slot, b->slot, sizeof(a->slot)) == 0 &&
           memcmp(a->pair, b->pair, sizeof(a->pair)) == 0 && a->big == b->big &&
           a->count == b->count && a->list_len == b->list_len &&
           memcmp(a->list, b->list, (size_t)a->list_len * sizeof(a->list[0])) == 0;
}

static size_t big_len(int n) { return (size_t)(16 + n * 977 % (BIG - 16)); }
static char big_char(int n) { return (char)('a' + n % 26); }

/* The answers that it gets; the last one tells. */
static int teller_write(struct text *t, int i, enum write_kind kind, int n)
{
    static char big[BIG];
    switch (kind) {
    case WRITE_SET: text_print(t, "set a%d:s%d %d\r\n", i, n % SLOTS, n); return 1;
    case WRITE_DEL: text_print(t, "del a%d:s%d\r\n", i, n % SLOTS); return 1;
    case WRITE_PAIR:
        text_print(t, "multi\r\nset a%d:p0 %d\r\nset a%d:p1 %d\r\nexec\r\n", i, n, i, n);
        return 4;
    case WRITE_SCRIPT:
        text_print(t,
                   "eval \"for _, k in ipairs(KEYS) do redis.call('set', k, ARGV[1]) end return 1\""
                   " 2 a%d:p0 a%d:p1 %d\r\n",
                   i, i, n);
        return 1;
    case WRITE_PUSH: text_print(t, "rpush a%d:l %d\r\n", i, n); return 1;
    case WRITE_POP: text_print(t, "lpop a%d:l\r\n", i); return 1;
    case WRITE_BIG:
        text_print(t, "*3\r\n$3\r\nset\r\n$4\r\na%d:b\r\n", i % 10);
        memset(big, big_char(n), sizeof(big));
        snprintf(big, 16, "%d.", n);
        text_bulk(t, big, big_len(n));
        return 1;
    case WRITE_ALL:
        text_print(t, "mset a%d:s0 %d a%d:s1 %d a%d:s2 %d\r\n", i, n, i, n, i, n);
        return 1;
    case WRITE_COUNT: text_print(t, "multi\r\nincr shared\r\nincr a%d:c\r\nexec\r\n", i); return 4;
    case WRITE_KINDS: break;
    }
    must(false);
    return 0;
}

/* ---- Answers ---- */

/* How long the whole answer at `at` is; 0: it is not all there. */
static size_t answer_len(const char *at, size_t len)
{
    const char *end = memchr(at, '\n', len);
    if (end == NULL) return 0;
    size_t n = (size_t)(end + 1 - at);
    long count = strtol(at + 1, NULL, 10);
    if (*at == '$') return count < 0 ? n : n + (size_t)count + 2 <= len ? n + (size_t)count + 2 : 0;
    for (; *at == '*' && count > 0; count--) {
        size_t part = n < len ? answer_len(at + n, len - n) : 0;
        if (part == 0) return 0;
        n += part;
    }
    return n;
}

/* The number that the bulk at *at begins with, 0 for null; *at moves behind it. */
static int answer_int(const char **at)
{
    long len = strtol(*at + 1, NULL, 10);
    const char *text = strchr(*at, '\n') + 1;
    *at = len < 0 ? text : text + len + 2;
    return len < 0 ? 0 : (int)strtol(text, NULL, 10);
}

static int answer_big(const char **at)
{
    size_t len = strtoul(*at + 1, NULL, 10);
    int n = answer_int(at);
    const char *end = *at - 2; /* of the bulk */
    bool is_good = n == 0 || (len == big_len(n) && end[-1] == big_char(n) &&
                              (len < 17 || end[16 - (ptrdiff_t)len] == big_char(n)));
    if (!is_good) sim_fail("the big value %d is damaged", n);
    return n;
}

static void teller_look(struct teller *c, int i)
{
    struct text t = {0};
    text_print(&t, "mget a%d:s0 a%d:s1 a%d:s2 a%d:p0 a%d:p1 a%d:b a%d:c shared\r\n", i, i, i, i, i,
               i % 10, i);
    text_print(&t, "lrange a%d:l 0 -1\r\n", i);
    kernel_put(c->socket, t.data, t.len);
    text_free(&t);
    c->state = TELLER_LOOKS;
    c->replies = 0;
    memset(&c->seen, 0, sizeof(c->seen));
}

static void teller_see(struct teller *c, const char *at, size_t len)
{
    struct holding *h = &c->seen;
    if (*at != '*') sim_fail("a look was answered %.*s", (int)(len < 80 ? len : 80), at);
    long count = strtol(at + 1, NULL, 10);
    at = strchr(at, '\n') + 1;
    if (c->replies++ > 0) {
        for (h->list_len = 0; h->list_len < count;) h->list[h->list_len++] = answer_int(&at);
        return;
    }
    for (int k = 0; k < SLOTS; k++) h->slot[k] = answer_int(&at);
    for (int k = 0; k < 2; k++) h->pair[k] = answer_int(&at);
    h->big = answer_big(&at);
    h->count = answer_int(&at);
    c->shared_seen = answer_int(&at);
}

/* ---- What must be there ---- */

static void holding_print(const char *what, const struct holding *h)
{
    printf("%s: slots %d %d %d, pair %d %d, big %d, count %d, list of %d from %d\n", what,
           h->slot[0], h->slot[1], h->slot[2], h->pair[0], h->pair[1], h->big, h->count,
           h->list_len, h->list_len > 0 ? h->list[0] : 0);
}

/* The first write that may be missing is the one behind this. */
static int account_floor(const struct account *a)
{
    if (ledger->always) return a->acked > a->safe ? a->acked : a->safe;
    int floor = a->safe;
    for (int n = floor + 1; n <= a->settled && ledger->window_ns > 0; n++)
        if (a->settled_ns[n] + ledger->window_ns < ledger->end_ns) floor = n;
    return floor;
}

/* What the account held after `upto` writes, of those that were not refused. */
static void account_replay(const struct account *a, int upto, struct holding *h)
{
    memset(h, 0, sizeof(*h));
    for (int n = 1; n <= upto; n++)
        if (!a->refused[n]) holding_write(h, a->kinds[n], n);
}

/* Is it what the writes up to `from` leave and some of the `count` after them, by the bits of
 * `which`? */
static bool account_fits(const struct account *a, int from, int count, unsigned which,
                         const struct holding *seen)
{
    struct holding h;
    account_replay(a, from, &h);
    for (int k = 0; k < count; k++)
        if (which & 1u << k) holding_write(&h, a->kinds[from + 1 + k], from + 1 + k);
    return holding_equal(&h, seen);
}

/* Takes what is seen for what there is: finds which writes have happened. False: none make sense.
 */
static bool account_take(struct account *a, int floor, const struct holding *seen)
{
    struct holding h;
    for (int upto = a->sent; upto >= floor; upto--) {
        account_replay(a, upto, &h);
        if (!holding_equal(&h, seen)) continue;
        for (int n = upto + 1; n <= a->sent; n++) a->refused[n] = true;
        return true;
    }
    int count = a->sent - a->settled;
    if (!(ledger->subset || disk_has_failed()) || floor > a->settled || count > WINDOW)
        return false;
    for (unsigned which = 0; which < 1u << count; which++) {
        if (!account_fits(a, a->settled, count, which, seen)) continue;
        for (int k = 0; k < count; k++) a->refused[a->settled + 1 + k] = !(which & 1u << k);
        return true;
    }
    return false;
}

static void account_settle(struct account *a)
{
    account_replay(a, a->sent, &a->held);
    for (int n = a->settled + 1; n <= a->sent; n++) a->settled_ns[n] = kernel_now_ns;
    a->settled = a->sent;
}

/* A look at one account is complete. */
static void teller_check(struct teller *c, int i)
{
    struct account *a = &ledger->accounts[i];
    int floor = everybody_works ? a->settled : account_floor(a);
    sim_note("check", (uint64_t)a->settled, (uint64_t)a->sent);
    if (!account_take(a, floor, &c->seen)) {
        struct holding h;
        printf("client %d: %d writes sent, %d settled, %d must be there\n", i, a->sent, a->settled,
               floor);
        holding_print("found", &c->seen);
        account_replay(a, a->settled, &h);
        holding_print("after all that were settled", &h);
        account_replay(a, floor, &h);
        holding_print("after those that must be there", &h);
        sim_fail("what was written is not what is there");
    }
    if (!everybody_works) {
        bool is_there = a->shared_told <= c->shared_seen;
        if (a->own_told > 0 && is_there != (a->own_told <= c->seen.count))
            sim_fail("client %d was told %d and %d, and finds %" PRId64 " and %d", i,
                     a->shared_told, a->own_told, c->shared_seen, c->seen.count);
        a->shared_told = a->own_told = 0;
    }
    account_settle(a);
    /* What is read while the disk fails need not be on it, nor what a server read that comes after
     * one that was killed. */
    bool is_safe = everybody_works ? !disk_has_failed() : !ledger->was_killed;
    if (!everybody_works && is_safe) a->safe = a->settled;
    if (is_safe) a->acked = a->settled;
    c->base = a->acked;
    c->state = everybody_works ? TELLER_WORKS : TELLER_WAITS;
}

/* All have looked: the work begins. */
static void tellers_begin(void)
{
    int64_t sum = 0, shared = tellers[0].shared_seen;
    for (int i = 0; i < ACCOUNTS; i++) {
        if (tellers[i].state != TELLER_WAITS) return;
        sum += tellers[i].seen.count;
    }
    if (sum != shared)
        sim_fail("the shared counter is %" PRId64 ", and all together counted %" PRId64, shared,
                 sum);
    everybody_works = true;
    ledger->subset = false;
    for (int i = 0; i < ACCOUNTS; i++) tellers[i].state = TELLER_WORKS;
}

/* ---- One teller ---- */

static void teller_settle(struct teller *c, int i, const char *at, size_t len)
{
    struct account *a = &ledger->accounts[i];
    int n = c->awaited[c->first % 64].number;
    if (c->awaited[c->first % 64].is_wait) {
        /* So is all before what this connection has written. */
        if (strncmp(at, "*2\r\n:1", 7) == 0 && a->acked > c->base) a->safe = a->acked;
        if (*at != '*' && !ledger->toggled) sim_fail("WAITAOF was answered %.*s", (int)len, at);
        return;
    }
    if (n == 0) {
        if (c->awaited[c->first % 64].is_save && *at == '+' && ledger->saves)
            for (int k = 0; k < ACCOUNTS; k++)
                if (c->awaited[c->first % 64].safe[k] > ledger->accounts[k].safe)
                    ledger->accounts[k].safe = c->awaited[c->first % 64].safe[k];
        return;
    }
    must(n == a->settled + 1);
    a->refused[n] = *at == '-';
    if (*at == '-' && strncmp(at, "-MISCONF", 8) != 0 && strncmp(at, "-EXECABORT", 10) != 0)
        sim_fail("write %d of client %d was answered %.*s", n, i, (int)(len < 80 ? len : 80), at);
    if (a->kinds[n] == WRITE_COUNT && *at == '*') {
        a->shared_told = (int)strtol(strchr(at, ':') + 1, NULL, 10);
        a->own_told = (int)strtol(strchr(strchr(at, ':') + 1, ':') + 1, NULL, 10);
    }
    a->settled = n;
    if (!a->refused[n]) a->acked = n;
    a->settled_ns[n] = kernel_now_ns;
    sim_note("settled", (uint64_t)i, (uint64_t)n);
}

static void teller_hear(struct teller *c, int i, const char *at, size_t len)
{
    if (c->state == TELLER_GREETS) {
        bool is_loading = strncmp(at, "-LOADING", 8) == 0;
        if (!is_loading && *at != ':') sim_fail("the greeting was answered %.*s", (int)len, at);
        if (is_loading)
            kernel_put(c->socket, GREETING, strlen(GREETING));
        else
            teller_look(c, i);
    } else if (c->state == TELLER_LOOKS) {
        teller_see(c, at, len);
        if (c->replies == 2) teller_check(c, i);
        if (c->state == TELLER_WAITS) tellers_begin();
    } else {
        must(c->first != c->last);
        if (--c->awaited[c->first % 64].answers > 0) return;
        teller_settle(c, i, at, len);
        c->first++;
    }
}

static void teller_read(struct teller *c, int i)
{
    char buf[16384];
    size_t n = kernel_take(c->socket, buf, sizeof(buf) - 1), at = 0, part;
    text_add(&c->rx, buf, n);
    text_add(&c->rx, "", 1); /* for strtol() */
    c->rx.len--;
    while (at < c->rx.len && (part = answer_len(c->rx.data + at, c->rx.len - at)) > 0) {
        teller_hear(c, i, c->rx.data + at, part);
        at += part;
    }
    text_drop(&c->rx, at);
}

/* What was acknowledged before is safe, if it was then. */
static void teller_toggle(struct text *t)
{
    bool is_safe = ledger->syncs_always && !ledger->toggled && !disk_has_failed();
    for (int k = 0; k < ACCOUNTS && is_safe; k++)
        if (ledger->accounts[k].acked > ledger->accounts[k].safe)
            ledger->accounts[k].safe = ledger->accounts[k].acked;
    ledger->toggled = true;
    text_print(t, "config set appendonly %s\r\n", sim_chance(3) ? "no" : "yes");
}

static void teller_send(struct teller *c, int i)
{
    static const char *const others[] = {"bgrewriteaof", "bgsave", "save", "bgsave schedule"};
    struct account *a = &ledger->accounts[i];
    struct text t = {0};
    unsigned at = c->last++ % 64;
    memset(&c->awaited[at], 0, sizeof(c->awaited[at]));
    c->awaited[at].answers = 1;
    if (sim_chance(25) || (ledger->saves && sim_chance(6))) {
        unsigned other = ledger->saves ? 1 + (unsigned)sim_below(2) : (unsigned)sim_below(4);
        text_print(&t, "%s\r\n", others[other]);
        c->awaited[at].is_save = other == 2;
        for (int k = 0; k < ACCOUNTS; k++) c->awaited[at].safe[k] = ledger->accounts[k].settled;
    } else if (ledger->toggles && sim_chance(15)) {
        teller_toggle(&t);
    } else if (!ledger->saves && sim_chance(15)) {
        /* 0: for ever; only where a sync comes */
        text_print(&t, "waitaof 1 0 %d\r\n", (int)sim_below(3000) + ledger->syncs_never);
        c->awaited[at].is_wait = true;
    } else {
        int n = ++a->sent;
        a->kinds[n] = (enum write_kind)sim_below(WRITE_KINDS);
        a->refused[n] = false;
        c->awaited[at].number = n;
        c->awaited[at].answers = teller_write(&t, i, a->kinds[n], n);
    }
    c->left--;
    kernel_put(c->socket, t.data, t.len);
    text_free(&t);
}

/* Its connection is gone. */
static void teller_lost(struct teller *c, int i)
{
    if (!c->finished) kernel_finish(c->socket);
    c->finished = true;
    if (!kernel_is_closed(c->socket)) return;
    sim_note("lost", (uint64_t)i, (uint64_t)c->state);
    c->rx.len = 0;
    c->first = c->last;
    c->finished = false;
    c->state = TELLER_NEW;
    if (everybody_works && ledger->accounts[i].settled == ledger->accounts[i].sent && c->left == 0)
        c->state = TELLER_DONE;
}

static bool teller_may_send(const struct teller *c, int i)
{
    const struct account *a = &ledger->accounts[i];
    return c->state == TELLER_WORKS && c->left > 0 && a->sent < WRITES && !c->finished &&
           c->last - c->first < (unsigned)c->window;
}

static bool teller_step(struct teller *c, int i)
{
    if (c->state == TELLER_NEW) {
        c->socket = kernel_connect(100000);
        kernel_put(c->socket, GREETING, strlen(GREETING));
        c->state = TELLER_GREETS;
    } else if (c->state == TELLER_DONE) {
        return false;
    } else if (kernel_can_take(c->socket) > 0) {
        teller_read(c, i);
    } else if (kernel_can_deliver(c->socket)) {
        kernel_deliver(c->socket);
    } else if (kernel_has_ended(c->socket)) {
        teller_lost(c, i);
        return kernel_is_closed(c->socket);
    } else if (teller_may_send(c, i)) {
        teller_send(c, i);
    } else if (c->state == TELLER_WORKS && !c->finished && c->first == c->last) {
        c->left = 0;
        c->finished = true;
        kernel_finish(c->socket);
    } else {
        return false;
    }
    sim_progress();
    return true;
}

bool ledger_step(void)
{
    int from = (int)sim_below(ACCOUNTS);
    for (int i = 0; i < ACCOUNTS; i++) {
        int k = (from + i) % ACCOUNTS;
        if (teller_step(&tellers[k], k)) return true;
    }
    return false;
}

bool ledger_is_done(void)
{
    for (int i = 0; i < ACCOUNTS; i++)
        if (tellers[i].state != TELLER_DONE) return false;
    return true;
}

void ledger_print(void)
{
    for (int i = 0; i < ACCOUNTS && ledger != NULL; i++) {
        const struct account *a = &ledger->accounts[i];
        printf("client %d: state %d, %d writes sent, %d settled, %d left to send\n", i,
               (int)tellers[i].state, a->sent, a->settled, tellers[i].left);
    }
}

/* ---- Lives ---- */

struct ledger *ledger_make(void)
{
    void *at = mmap(NULL, sizeof(struct ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                    -1, 0);
    must(at != MAP_FAILED);
    return at;
}

void ledger_free(struct ledger *l) { munmap(l, sizeof(*l)); }

void ledger_open(struct ledger *l, const struct ledger_terms *terms)
{
    static const int windows[] = {1, 2, WINDOW};
    ledger = l;
    ledger->saves = terms->saves;
    ledger->toggles = terms->toggles;
    ledger->syncs_always = terms->syncs_always;
    ledger->syncs_never = terms->syncs_never;
    ledger->toggled = false;
    memset(tellers, 0, sizeof(tellers));
    everybody_works = false;
    for (int i = 0; i < ACCOUNTS; i++) {
        tellers[i].left = terms->is_last ? 0 : (int)sim_some(60);
        tellers[i].window = windows[sim_below(3)];
    }
}

void ledger_close(void)
{
    for (int i = 0; i < ACCOUNTS; i++) text_free(&tellers[i].rx);
}

void ledger_promise(const struct ledger_promise *p)
{
    if (!everybody_works) { /* what was promised before holds */
        ledger->subset |= p->failed;
        ledger->was_killed = p->killed;
        return;
    }
    ledger->was_killed = p->killed;
    ledger->always = p->always && !ledger->toggled;
    ledger->window_ns = ledger->toggled ? 0 : p->window_ns;
    ledger->subset = p->failed;
    ledger->end_ns = kernel_now_ns;
}
