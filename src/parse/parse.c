/*
 * The parser's turn: batches that came home, new connections, events, then those connections that
 * rested.
 *
 * One batch is being filled at a time; it is handed on when it is full and at the end of the turn.
 * An event is only taken up with a batch in hand, so what was read always has a place to go.
 * Without one the turn ends and the event waits.
 */
#include "parse/parse.h"

#include "base/clock.h"
#include "base/counter.h"
#include "base/hash.h"
#include "base/log.h"
#include "catalog/settings.h"
#include "flow/credit.h"
#include "flow/thread.h"
#include "parse/input.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    PARSE_HELD_COMMANDS_MAX =
        1 << 20, /* bytes that execute may hold back for a connection before it is not read */
    PARSE_REST_NS = 10000000, /* how often connections at rest are looked at */
    PARSE_SPANS_START = 1024,
    PARSE_INLINE_MAX = 65536,
    PARSE_UNAUTHENTICATED_ARGS = 10,
    PARSE_UNAUTHENTICATED_BULK = 16384,
    PARSE_BIG_READ = 1 << 20,  /* at most so much is read from a connection at once */
    PARSE_TURN_READ = 1 << 20, /* after so many bytes a turn gives way to those that it fed */
    PARSE_TAIL = 1024,         /* read with a big argument, of what comes behind it */
    PARSE_SPILL = 4096,        /* a wrong guess is parsed in pieces of so much */
    PARSE_DIRECT_IDLE = 16,    /* reads without a big argument after which none is expected */
};

struct parse_stage {
    struct stage stage;
    struct parse_wiring wiring;
    struct stage *execute;
    struct arena *arena;
    struct arena *home;                           /* execute's, for blocks */
    struct poller *poller;                        /* of this turn's thread */
    uint64_t read_now;                            /* bytes read in this turn */
    struct command_batch *batches[PARSE_BATCHES]; /* all of them, for closing */
    struct command_batch *idle[PARSE_BATCHES];    /* at home */
    unsigned idle_count;
    struct command_batch *filling; /* in hand, or NULL */
    struct conn_in **conns;        /* by slot */
    uint32_t conn_max;
    struct conn_in *paused; /* connections at rest */
    uint64_t rest_ns;       /* when to look at them next; 0: there are none */
    struct resp_span *spans;
    uint32_t span_max;
    const struct settings *settings; /* of this turn */
    struct command_memo memo;
    struct credit credit;
    struct counter bytes, reads, cuts, starved, stop;
};

/* ---- Batches ---- */

static void parse_take_home(struct parse_stage *p)
{
    struct command_batch *b;
    while ((b = handoff_pop_ptr(p->wiring.home)) != NULL) {
        batch_reset(p->arena, b);
        p->idle[p->idle_count++] = b;
    }
}

/* A batch in hand; false when all are on their way. */
static bool parse_have_batch(struct parse_stage *p)
{
    if (p->filling != NULL) return true;
    if (p->idle_count == 0) parse_take_home(p);
    if (p->idle_count == 0) {
        counter_add(&p->starved, 1);
        if (credit_sleep(&p->credit)) return false;
        parse_take_home(p);
        if (p->idle_count == 0)
            return false; /* an old post; the next look is due in a moment (flow/thread.c) */
    }
    p->filling = p->idle[--p->idle_count];
    p->filling->read_ticks = clock_ticks();
    return true;
}

static void parse_publish(struct parse_stage *p, struct turn *t)
{
    struct command_batch *b = p->filling;
    if (b == NULL) return;
    p->filling = NULL;
    if (batch_is_empty(b)) { /* but empty lines may have taken room in it */
        batch_reset(p->arena, b);
        p->idle[p->idle_count++] = b;
        return;
    }
    batch_seal(b);
    t->items += b->command_count;
    handoff_push(p->wiring.commands, (uint64_t)(uintptr_t)b);
    stage_give(t, p->execute);
}

/* Room in the batch in hand for one read. */
static bool parse_batch_has_room(const struct parse_stage *p)
{
    const struct chunk *c = batch_chunk(p->filling);
    return c->cap - c->len >= INPUT_READ_LEN && p->filling->command_count < BATCH_COMMANDS;
}

void parse_send_home(struct parse_stage *p, struct turn *t, struct command_batch *b)
{
    handoff_push(p->wiring.home, (uint64_t)(uintptr_t)b);
    if (credit_post(&p->credit)) stage_give(t, &p->stage);
}

/* ---- Connections ---- */

static uint64_t parse_tag(const struct parse_stage *p, const struct conn_in *c)
{
    return thread_tag(&p->stage, c->ref.slot, c->ref.gen);
}

static struct conn_in *parse_conn_at(struct parse_stage *p, uint64_t tag)
{
    uint32_t slot = thread_tag_slot(tag);
    if (slot >= p->conn_max || p->conns[slot] == NULL) return NULL;
    return p->conns[slot]->ref.gen == thread_tag_gen(tag) ? p->conns[slot] : NULL;
}

static void parse_conn_keep(struct parse_stage *p, struct conn_in *c)
{
    uint32_t slot = c->ref.slot;
    if (slot >= p->conn_max) {
        uint32_t max = p->conn_max == 0 ? 256 : p->conn_max;
        while (max <= slot) max *= 2;
        p->conns = arena_realloc(p->arena, p->conns, max * sizeof(struct conn_in *));
        memset(p->conns + p->conn_max, 0, (max - p->conn_max) * sizeof(struct conn_in *));
        p->conn_max = max;
    }
    must(p->conns[slot] == NULL);
    p->conns[slot] = c;
}

static void parse_drop_held(struct parse_stage *p, struct conn_in *c)
{
    arena_free(p->arena, c->held);
    arena_free(p->arena, c->spans);
    big_drop(p->home, &c->big);
    c->held = NULL;
    c->spans = NULL;
    c->span_max = 0;
}

/* The end of the stream: BYE goes down the pipe, and parse's part of the connection is gone. */
static void parse_bye(struct parse_stage *p, struct conn_in *c)
{
    batch_item_for(p->arena, p->filling, c->ref)->events |= BATCH_BYE;
    p->conns[c->ref.slot] = NULL;
    parse_drop_held(p, c);
    arena_free(p->arena, c);
}

static void parse_end(struct parse_stage *p, struct thread *th, struct conn_in *c)
{
    poller_remove_reader(th->poller, c->ref.fd, parse_tag(p, c));
    if (c->paused) {
        c->ended = true; /* the list of those at rest still holds it */
        return;
    }
    parse_bye(p, c);
}

static bool parse_take_seed(struct parse_stage *p, struct turn *t)
{
    uint64_t slot;
    if (!parse_have_batch(p) || !handoff_pop(p->wiring.seeds, &slot)) return false;
    struct conn_in *c = arena_zalloc(p->arena, sizeof(*c));
    c->card = conn_card((uint32_t)slot);
    c->ref = c->card->ref;
    resp_next(&c->parser);
    parse_conn_keep(p, c);
    batch_item_for(p->arena, p->filling, c->ref)->events |= BATCH_OPEN;
    if (poller_add_reader(t->thread->poller, c->ref.fd, parse_tag(p, c)) != 0) parse_bye(p, c);
    return true;
}

/* ---- Commands ---- */

/* Big arguments lie in blocks, which go with the batch. Gives how many bytes they took on the wire.
 */
static __attribute__((noinline)) size_t parse_emit_blocks(struct parse_stage *p, struct conn_in *c,
                                                          struct bytes *args)
{
    size_t wire_len = 0;
    while (c->big.whole.first != NULL) {
        struct block *b = c->big.whole.first;
        c->big.whole.first = b->next;
        args[b->arg] = bytes_make(b->bytes, b->len);
        wire_len += b->len + 2;
        block_list_add(&p->filling->blocks, b);
    }
    c->big.whole.last = NULL;
    c->big.whole_bytes = 0;
    return wire_len;
}

/* The command that the connection's parser has found in `in`. */
static void parse_emit(struct parse_stage *p, struct conn_in *c, const struct resp_input *in)
{
    uint32_t nargs = c->parser.nargs;
    size_t wire_len = c->parser.pos;
    struct batch_item *item = batch_item_for(p->arena, p->filling, c->ref);
    struct command *cmd = batch_add_command(p->arena, p->filling, nargs);
    struct bytes *args = batch_args(p->filling, cmd);
    item->count++;
    for (uint32_t i = 0; i < nargs; i++)
        args[i] = bytes_make(in->buf + in->spans[i].at, in->spans[i].len);
    if (unlikely(c->big.whole.first != NULL)) wire_len += parse_emit_blocks(p, c, args);

    bool no_such_sub = false;
    const struct command_spec *spec = command_find_again(&p->memo, args, nargs, &no_such_sub);
    cmd->spec = spec;
    cmd->wire_len = wire_len > UINT32_MAX ? UINT32_MAX : (uint32_t)wire_len;
    cmd->hash = 0;
    cmd->first_key = 0;
    cmd->held = 0;
    cmd->flaw = FLAW_NONE;
    if (unlikely(spec == NULL)) {
        cmd->flaw = FLAW_UNKNOWN;
    } else if (unlikely(no_such_sub)) {
        cmd->flaw = FLAW_SUBCOMMAND;
    } else if (unlikely(!command_arity_fits(spec, nargs))) {
        cmd->flaw = FLAW_ARITY;
    } else if (spec->first_key > 0 && (uint32_t)spec->first_key < nargs) {
        cmd->first_key = (uint16_t)spec->first_key;
        cmd->hash = hash_bytes(args[cmd->first_key].ptr, args[cmd->first_key].len);
    }
}

/* The connection cannot go on: execute says why, in its turn, and has it cut. */
static void parse_emit_error(struct parse_stage *p, struct conn_in *c, const char *text)
{
    size_t len = strlen(text);
    struct chunk *copy = chunk_new(p->arena, len);
    memcpy(copy->data, text, len);
    batch_take_chunk(p->filling, copy);
    struct batch_item *item = batch_item_for(p->arena, p->filling, c->ref);
    struct command *cmd = batch_add_command(p->arena, p->filling, 1);
    batch_args(p->filling, cmd)[0] = bytes_make(copy->data, len);
    item->count++;
    cmd->spec = NULL;
    cmd->flaw = FLAW_PROTOCOL;
    cmd->hash = cmd->wire_len = cmd->first_key = cmd->held = 0;
    c->deaf = true;
}

static struct resp_limits parse_limits(const struct parse_stage *p, const struct conn_in *c)
{
    bool known = conn_meter(&c->card->authenticated);
    return (struct resp_limits){
        .max_args = known ? INT32_MAX : PARSE_UNAUTHENTICATED_ARGS,
        .max_bulk = known ? p->settings->proto_max_bulk_len : PARSE_UNAUTHENTICATED_BULK,
        .max_inline = PARSE_INLINE_MAX,
        .authenticated = known,
    };
}

/* Keeps spans of a command that is not whole with its connection. */
static void parse_keep_spans(struct parse_stage *p, struct conn_in *c)
{
    if (c->spans != NULL || c->parser.nargs == 0) return;
    c->span_max = c->parser.nargs < 16 ? 16 : c->parser.nargs * 2;
    c->spans = arena_alloc(p->arena, c->span_max * sizeof(*c->spans));
    memcpy(c->spans, p->spans, c->parser.nargs * sizeof(*c->spans));
}

static void parse_grow_spans(struct parse_stage *p, struct conn_in *c)
{
    struct resp_span **spans = c->spans != NULL ? &c->spans : &p->spans;
    uint32_t *max = c->spans != NULL ? &c->span_max : &p->span_max;
    *max *= 2;
    *spans = arena_realloc(p->arena, *spans, *max * sizeof(**spans));
}

/*
 * Parses commands from data[0..len), of which the connection's parser may have seen a part, until
 * bytes are missing. Gives how many bytes whole commands took; those after it belong to a command
 * that is not whole.
 */
static size_t parse_commands(struct parse_stage *p, struct conn_in *c, char *data, size_t len)
{
    struct resp_limits limits = parse_limits(p, c);
    size_t done = 0;
    while (done < len && !c->deaf) {
        struct resp_error error;
        struct resp_input in = {
            .buf = data + done,
            .len = len - done,
            .spans = c->spans != NULL ? c->spans : p->spans,
            .span_max = c->spans != NULL ? c->span_max : p->span_max,
        };
        enum resp_result r = resp_parse(&c->parser, &limits, &in, &error);
        if (r == RESP_MORE) break;
        if (r == RESP_ROOM) {
            parse_grow_spans(p, c);
            continue;
        }
        if (r == RESP_ERROR) {
            parse_emit_error(p, c, error.text);
            break;
        }
        if (c->parser.nargs > 0) parse_emit(p, c, &in);
        if (c->spans != NULL) {
            arena_free(p->arena, c->spans);
            c->spans = NULL;
        }
        done += c->parser.pos;
        resp_next(&c->parser);
    }
    return c->deaf ? len : done;
}

/* ---- Input ---- */

static uint32_t parse_meter(size_t n) { return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n; }

/* What comes before an argument that is read into a block is parsed already. */
static void parse_note_held(struct conn_in *c)
{
    size_t held = c->held == NULL ? 0 : c->held->len;
    size_t room = c->held == NULL ? 0 : c->held->cap - c->held->len;
    size_t args = (c->spans == NULL ? 0 : c->span_max * sizeof(*c->spans)) + c->big.whole_bytes;
    if (big_is_open(&c->big)) {
        args += held;
        held = c->big.have;
    }
    conn_meter_set(&c->card->in_held, parse_meter(held));
    conn_meter_set(&c->card->in_room, parse_meter(room + big_reserved(&c->big)));
    conn_meter_set(&c->card->in_args, parse_meter(args));
}

static void parse_check_limit(struct parse_stage *p, struct conn_in *c)
{
    int64_t limit = p->settings->client_query_buffer_limit;
    if (c->held == NULL || limit <= 0) return;
    size_t len = c->held->len + big_held(&c->big);
    if (len <= (uint64_t)limit) return;
    log_warn("Closing client id=%llu that reached max query buffer length: %zu bytes",
             (unsigned long long)c->card->id, len);
    counter_add(&p->cuts, 1);
    c->deaf = true;
    parse_drop_held(p, c);
    shutdown(c->ref.fd, SHUT_RDWR);
}

/* Room for what the command that is being held still needs, as far as it is known, but never far
 * more than what has come. */
static void parse_reserve_held(struct parse_stage *p, struct conn_in *c, size_t least)
{
    size_t wants = resp_wants(&c->parser);
    size_t more = wants > c->held->len ? wants - c->held->len : 0;
    size_t most = c->held->len > BATCH_CHUNK_LEN ? c->held->len : BATCH_CHUNK_LEN;
    if (more > most) more = most;
    c->held = chunk_reserve(p->arena, c->held, more > least ? more : least);
}

/* Is the argument that bytes are missing of a big one, not begun yet? */
static bool parse_meets_big(const struct conn_in *c)
{
    return resp_open_bulk(&c->parser) >= BLOCK_ARG_MIN && !big_is_open(&c->big) && !c->deaf;
}

/* A big argument begins, with these bytes. From now on the connection receives by itself. */
static void parse_begin_big(struct parse_stage *p, struct conn_in *c, const char *data, size_t len)
{
    big_begin(p->home, &c->big, (size_t)resp_open_bulk(&c->parser), data, len);
    c->direct_idle = 0;
    if (c->direct) return;
    c->direct = true;
    poller_read_direct(p->poller, c->ref.fd, parse_tag(p, c), true);
}

/* The bytes that whole commands left over go to a chunk of the connection's own. */
static void parse_hold(struct parse_stage *p, struct conn_in *c, const char *rest, size_t len)
{
    if (len == 0 || c->deaf) return;
    bool is_big = parse_meets_big(c);
    size_t keep = is_big ? c->parser.pos : len;
    c->held = chunk_new(p->arena, keep < 64 ? 64 : keep);
    memcpy(c->held->data, rest, keep);
    c->held->len = keep;
    parse_keep_spans(p, c);
    if (!is_big) return;
    big_note_head(&c->big, keep);
    parse_begin_big(p, c, rest + keep, len - keep);
}

/* More bytes have come to the held chunk. */
static void parse_held(struct parse_stage *p, struct conn_in *c)
{
    struct chunk *held = c->held;
    size_t done = parse_commands(p, c, held->data, held->len);
    if (done == 0) {
        parse_keep_spans(p, c);
        if (parse_meets_big(c)) {
            size_t len = held->len - c->parser.pos;
            held->len = c->parser.pos;
            parse_begin_big(p, c, held->data + held->len, len);
        }
    } else {
        c->held = NULL;
        batch_take_chunk(p->filling, held);
        parse_hold(p, c, held->data + done, held->len - done);
    }
    if (c->deaf) parse_drop_held(p, c);
    parse_check_limit(p, c);
    parse_note_held(c);
}

/* `len` bytes have come to the end of the batch's chunk. */
static void parse_fresh(struct parse_stage *p, struct conn_in *c, struct chunk *chunk, size_t len)
{
    char *data = chunk->data + chunk->len;
    size_t done = parse_commands(p, c, data, len);
    chunk->len += done; /* what is left over is copied out */
    if (done < len) {
        parse_hold(p, c, data + done, len - done);
        parse_note_held(c);
    }
}

/* More bytes have come to the big argument that is being read. */
static void parse_big(struct parse_stage *p, struct conn_in *c)
{
    if (!big_is_whole(&c->big)) {
        parse_check_limit(p, c);
        parse_note_held(c);
        return;
    }
    if (c->spans == NULL) { /* it is the first argument */
        c->span_max = 16;
        c->spans = arena_alloc(p->arena, c->span_max * sizeof(*c->spans));
    }
    if (!big_end(&c->big, c->parser.nargs)) {
        parse_emit_error(p, c, RESP_NO_CRLF);
        parse_drop_held(p, c);
        parse_note_held(c);
        return;
    }
    resp_skip_bulk(&c->parser, c->spans);
    if (resp_is_whole(&c->parser))
        parse_held(p, c);
    else
        parse_note_held(c);
}

static void parse_count(struct parse_stage *p, struct conn_in *c, size_t len)
{
    counter_add(&p->bytes, len);
    counter_add(&p->reads, 1);
    p->read_now += len;
    uint64_t before = conn_meter(&c->card->in_bytes);
    conn_meter_set(&c->card->in_bytes, before + len);
}

/* Bytes that lie elsewhere go to where the connection's bytes are held. */
static void parse_spill(struct parse_stage *p, struct conn_in *c, const char *data, size_t len)
{
    while (len > 0 && !c->deaf) {
        size_t n = len < PARSE_SPILL ? len : PARSE_SPILL;
        if (big_is_open(&c->big)) {
            n = big_put(p->home, &c->big, data, len);
            parse_big(p, c);
        } else {
            if (c->held == NULL) c->held = chunk_new(p->arena, n);
            parse_reserve_held(p, c, n);
            memcpy(c->held->data + c->held->len, data, n);
            c->held->len += n;
            parse_held(p, c);
        }
        data += n;
        len -= n;
    }
}

static void parse_data(struct parse_stage *p, struct conn_in *c, const char *data, size_t len)
{
    parse_count(p, c, len);
    if (c->deaf) return;
    if (c->held != NULL) {
        parse_spill(p, c, data, len);
        return;
    }
    struct chunk *chunk = batch_chunk(p->filling);
    memcpy(chunk->data + chunk->len, data, len);
    parse_fresh(p, c, chunk, len);
}

/* Receives into one or two places; 0 when there is nothing now, or nothing any more: then the
 * connection has ended. */
static size_t parse_receive(struct parse_stage *p, struct thread *th, struct conn_in *c,
                            struct iovec *to, size_t count)
{
    struct msghdr m = {.msg_iov = to, .msg_iovlen = count};
    ssize_t n = count == 1 ? recv(c->ref.fd, to->iov_base, to->iov_len, MSG_DONTWAIT)
                           : recvmsg(c->ref.fd, &m, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (n <= 0) {
        parse_end(p, th, c);
        return 0;
    }
    parse_count(p, c, (size_t)n);
    return (size_t)n;
}

/*
 * Reads what there is of a big argument. A little of what comes behind it is read too: when there
 * is much, more is read at once, and when there is nothing, no receive is spent on finding that
 * out. This one and the next two read once, and say whether there is probably more.
 */
static bool parse_read_big(struct parse_stage *p, struct thread *th, struct conn_in *c)
{
    size_t room;
    char tail[PARSE_TAIL];
    char *at = big_room(p->home, &c->big, &room);
    struct iovec to[] = {{at, room}, {tail, sizeof(tail)}};
    size_t places = room == big_missing(&c->big) ? 2 : 1;
    size_t n = parse_receive(p, th, c, to, places);
    if (n == 0) return false;
    big_got(&c->big, n < room ? n : room);
    parse_big(p, c);
    if (n > room) parse_spill(p, c, tail, n - room);
    return n >= room && (places == 1 || n == room + sizeof(tail));
}

/* Reads a command whose big argument is guessed to begin behind a head of known length. */
static bool parse_read_guess(struct parse_stage *p, struct thread *th, struct conn_in *c,
                             struct block *guess)
{
    struct chunk *chunk = batch_chunk(p->filling);
    char tail[PARSE_TAIL];
    size_t head = c->big.head, room = c->big.proven;
    struct iovec to[] = {
        {chunk->data + chunk->len, head}, {guess->bytes, room}, {tail, sizeof(tail)}};
    size_t n = parse_receive(p, th, c, to, 3);
    bool more = n == head + room + sizeof(tail);
    if (n > 0) parse_fresh(p, c, chunk, n < head ? n : head);
    n -= n < head ? n : head;
    if (n > 0) {
        size_t part = n < room ? n : room;
        bool is_right = big_take_guess(&c->big, guess, part);
        if (is_right)
            parse_big(p, c);
        else
            parse_spill(p, c, guess->bytes, part);
        if (n > part) parse_spill(p, c, tail, n - part);
        if (is_right) guess = NULL;
    }
    arena_free_abroad(p->home, guess);
    return more;
}

/* A direct reader met no big argument in this read: after some of them none is expected. */
static void parse_note_idle(struct parse_stage *p, struct conn_in *c)
{
    if (!c->direct || big_is_open(&c->big) || ++c->direct_idle < PARSE_DIRECT_IDLE) return;
    c->direct = false;
    poller_read_direct(p->poller, c->ref.fd, parse_tag(p, c), false);
}

static bool parse_read_plain(struct parse_stage *p, struct thread *th, struct conn_in *c)
{
    struct chunk *chunk = batch_chunk(p->filling);
    struct iovec to = {chunk->data + chunk->len, INPUT_READ_LEN};
    if (c->held != NULL) {
        parse_reserve_held(p, c, INPUT_READ_LEN);
        to.iov_base = c->held->data + c->held->len;
    }
    size_t n = parse_receive(p, th, c, &to, 1);
    if (n == 0 || c->deaf) return false;
    if (c->held != NULL) {
        c->held->len += n;
        parse_held(p, c);
    } else {
        parse_fresh(p, c, chunk, n);
    }
    parse_note_idle(p, c);
    return c->direct && n == to.iov_len;
}

static bool parse_read_once(struct parse_stage *p, struct thread *th, struct conn_in *c)
{
    if (big_is_open(&c->big)) return parse_read_big(p, th, c);
    if (c->direct && c->direct_idle == 0 && c->held == NULL) {
        struct block *guess = big_guess(p->home, &c->big);
        if (guess != NULL) {
            c->direct_idle = 1;
            return parse_read_guess(p, th, c, guess);
        }
    }
    return parse_read_plain(p, th, c);
}

/* One read, or more where big arguments are met and there is more: an event each would cost as much
 * as they do. */
static void parse_readable(struct parse_stage *p, struct thread *th, struct conn_in *c)
{
    uint64_t until = p->read_now + PARSE_BIG_READ;
    while (parse_read_once(p, th, c) && p->read_now < until && parse_batch_has_room(p)) {}
}

/* ---- Rest ---- */

static bool parse_must_rest(const struct parse_stage *p, const struct conn_in *c)
{
    int64_t high = p->settings->output_high_water;
    uint64_t pending = conn_meter(&c->card->out_pending);
    if (high > 0 && pending > (uint64_t)high) return true;
    return conn_meter(&c->card->held) > PARSE_HELD_COMMANDS_MAX;
}

static void parse_rest(struct parse_stage *p, struct thread *th, struct conn_in *c)
{
    poller_pause_reader(th->poller, c->ref.fd, parse_tag(p, c));
    c->paused = true;
    c->next_paused = p->paused;
    p->paused = c;
    if (p->rest_ns == 0) p->rest_ns = clock_mono_ns() + PARSE_REST_NS;
}

/* A connection at rest is not watched, so its death is looked for here. */
static bool parse_is_hung_up(const struct conn_in *c)
{
    struct pollfd pfd = {.fd = c->ref.fd};
    return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLHUP | POLLERR)) != 0;
}

/* Looks at those at rest. Needs a batch for those that died. */
static void parse_wake_rested(struct parse_stage *p, struct turn *t)
{
    if (p->rest_ns == 0 || clock_mono_ns() < p->rest_ns || !parse_have_batch(p)) return;
    struct conn_in **at = &p->paused;
    while (*at != NULL) {
        struct conn_in *c = *at;
        if (!c->ended && parse_must_rest(p, c) && !parse_is_hung_up(c)) {
            at = &c->next_paused;
            continue;
        }
        *at = c->next_paused;
        c->paused = false;
        if (c->ended)
            parse_bye(p, c);
        else
            poller_resume_reader(t->thread->poller, c->ref.fd, parse_tag(p, c));
    }
    p->rest_ns = p->paused == NULL ? 0 : clock_mono_ns() + PARSE_REST_NS;
}

/* ---- The stage ---- */

static void parse_event(struct parse_stage *p, struct thread *th, const struct poll_event *e)
{
    struct conn_in *c = parse_conn_at(p, e->tag);
    if (c == NULL) return; /* of an earlier connection */
    if (e->what == POLL_END) {
        parse_end(p, th, c);
        return;
    }
    if (e->what == POLL_DATA)
        parse_data(p, c, e->data, e->len);
    else if (!c->paused)
        parse_readable(p, th, c);
    c = parse_conn_at(p, e->tag);
    if (c != NULL && !c->paused && parse_must_rest(p, c)) parse_rest(p, th, c);
}

static bool parse_run(void *self, struct turn *t)
{
    struct parse_stage *p = self;
    if (counter_read(&p->stop) != 0) return false;
    p->settings = settings_enter(p->wiring.settings_id);
    p->poller = t->thread->poller;
    p->read_now = 0;
    parse_take_home(p);
    while (parse_take_seed(p, t)) {}
    struct poll_event *e;
    while ((e = thread_event(t->thread, &p->stage)) != NULL && parse_have_batch(p)) {
        if (p->read_now >= PARSE_TURN_READ || !parse_batch_has_room(p)) {
            stage_give(t, &p->stage); /* the rest after those that have work now */
            break;
        }
        parse_event(p, t->thread, e);
        thread_event_done(t->thread, &p->stage);
    }
    parse_wake_rested(p, t);
    parse_publish(p, t);
    settings_leave(p->wiring.settings_id);
    return false;
}

static uint64_t parse_due(void *self)
{
    struct parse_stage *p = self;
    return p->rest_ns == 0 ? UINT64_MAX : p->rest_ns;
}

static uint64_t parse_depth(void *self)
{
    const struct parse_stage *p = self;
    return handoff_depth(p->wiring.seeds) + handoff_depth(p->wiring.home);
}

static const struct stage_ops parse_ops = {
    .run = parse_run, .due = parse_due, .depth = parse_depth};

struct parse_stage *parse_open(const char *name, const struct parse_wiring *w)
{
    struct arena *arena = arena_open(name);
    struct parse_stage *p = arena_zalloc(arena, sizeof(*p));
    p->arena = arena;
    p->wiring = *w;
    p->span_max = PARSE_SPANS_START;
    p->spans = arena_alloc(arena, p->span_max * sizeof(*p->spans));
    for (unsigned i = 0; i < PARSE_BATCHES; i++)
        p->idle[p->idle_count++] = p->batches[i] = batch_new(arena, w->index);
    stage_open(&p->stage, name, p, &parse_ops, false);
    return p;
}

void parse_close(struct parse_stage *p)
{
    struct arena *arena = p->arena;
    for (uint32_t i = 0; i < p->conn_max; i++) {
        if (p->conns[i] == NULL) continue;
        parse_drop_held(p, p->conns[i]);
        arena_free(arena, p->conns[i]);
    }
    for (unsigned i = 0; i < PARSE_BATCHES; i++) {
        big_free_list(p->home, &p->batches[i]->blocks); /* of one that nobody took */
        batch_free(arena, p->batches[i]);
    }
    arena_free(arena, p->conns);
    arena_free(arena, p->spans);
    arena_free(arena, p);
    arena_close(arena);
}

void parse_stop_reading(struct parse_stage *p) { counter_set(&p->stop, 1); }

void parse_set_execute(struct parse_stage *p, struct stage *execute, struct arena *arena)
{
    p->execute = execute;
    p->home = arena;
}
struct stage *parse_stage(struct parse_stage *p) { return &p->stage; }
uint64_t parse_bytes_read(const struct parse_stage *p) { return counter_read(&p->bytes); }
uint64_t parse_query_limit_cuts(const struct parse_stage *p) { return counter_read(&p->cuts); }
uint64_t parse_reads(const struct parse_stage *p) { return counter_read(&p->reads); }
uint64_t parse_starved(const struct parse_stage *p) { return counter_read(&p->starved); }
size_t parse_memory(const struct parse_stage *p) { return arena_used(p->arena); }
