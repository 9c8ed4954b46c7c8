/*
 * Commands are read a window at a time, their memory is asked for together, then they run.
 *
 * Invariants: in->at stands behind the last command that ran. A window holds no MULTI but as its
 * first command, which then has been looked through up to its EXEC.
 */
#include "execute/core/loading_log.h"

#include "base/log.h"
#include "base/must.h"
#include "codec/log_record.h"
#include "execute/core/acl.h"
#include "execute/core/run.h"
#include "execute/types/heap.h"

#include <inttypes.h>
#include <unistd.h>

enum {
    LOG_ARGS_AT_FIRST = 1024,
    LOG_FAILED_LOGGED = 10,
    LOG_REPLY_KEPT = 1 << 16,
    LOG_SWALLOW_LOOK = 1 << 20, /* bytes behind a record that seems to be cut off */
};

/* What came of reading on. */
enum look { LOOK_TAKEN, LOOK_SHORT, LOOK_WRONG };

/* ---- What is wrong ---- */

static void log_say_cut_off(struct loading_log *l)
{
    l->is_cut_off = true;
    loading_wrong(l->wrong,
                  "Unexpected end of file reading the append only file %s. You can: 1) Make a "
                  "backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. "
                  "2) Alternatively you can set the 'aof-load-truncated' configuration option to "
                  "yes and restart the server.",
                  l->name);
}

static enum look log_say_bad(struct loading_log *l, const char *expected)
{
    log_warn("The append only file %s is damaged at offset %" PRIu64 ": %s", l->name,
             loading_input_offset(l->in), expected);
    loading_wrong(l->wrong,
                  "Bad file format reading the append only file %s: make a backup of your AOF "
                  "file, then use ./redis-check-aof --fix <filename.manifest>",
                  l->name);
    return LOOK_WRONG;
}

static enum look log_say_unreadable(struct loading_log *l)
{
    loading_wrong(l->wrong, "Unrecoverable error reading the append only file %s: %s", l->name,
                  strerrordesc_np(l->in->error));
    return LOOK_WRONG;
}

/* Nothing but zeros from `from` on: what a file system leaves where data had not been written when
 * the power went. */
static bool log_ends_in_zeros(struct loading_log *l, const uint8_t *from)
{
    size_t at = (size_t)(from - l->in->at);
    for (;;) {
        for (; at < loading_input_left(l->in); at++)
            if (l->in->at[at] != 0) return false;
        if (!loading_input_more(l->in)) return true;
    }
}

static enum look log_bad(struct loading_log *l, const struct log_reader *r)
{
    char expected[64];
    snprintf(expected, sizeof(expected), "%s", r->expected);
    bool ends_in_zeros = log_ends_in_zeros(l, r->bad);
    if (l->in->error != 0) return log_say_unreadable(l);
    if (!ends_in_zeros) return log_say_bad(l, expected);
    log_warn("The append only file %s ends in zeros", l->name);
    log_say_cut_off(l);
    return LOOK_WRONG;
}

/* `missing` bytes are not there yet. */
static enum look log_more(struct loading_log *l, uint64_t missing)
{
    struct loading_input *in = l->in;
    while (missing <= loading_input_unread(in)) {
        size_t before = loading_input_left(in);
        if (!loading_input_more(in)) break;
        uint64_t came = loading_input_left(in) - before;
        if (came >= missing) return LOOK_TAKEN;
        missing -= came;
    }
    return LOOK_WRONG;
}

/* Is a whole record at `at`, and behind it the end or the head of another? */
static bool log_is_record(struct loading_log *l, const uint8_t *at)
{
    struct log_reader r = {.at = at, .end = l->in->end};
    r.args = l->args + l->arg_count;
    r.args_max = l->args_max - l->arg_count;
    return log_record_read(&r) == LOG_COMMAND && (r.at == r.end || *r.at == '*' || *r.at == '#');
}

/*
 * The record that begins `from` bytes after in->at would go on behind the end of the file. Where it
 * is cut off, no other record follows its head; where one does, a length in it is damaged, and all
 * that would be cut off with it is sound.
 */
static bool log_swallows(struct loading_log *l, size_t from)
{
    struct loading_input *in = l->in;
    while (loading_input_left(in) - from < LOG_SWALLOW_LOOK && loading_input_more(in)) continue;
    const uint8_t *at = in->at + from;
    const uint8_t *end = in->end - at > LOG_SWALLOW_LOOK ? at + LOG_SWALLOW_LOOK : in->end;
    while ((at = memmem(at, (size_t)(end - at), "\r\n*", 3)) != NULL) {
        at += 2;
        if (log_is_record(l, at)) return true;
    }
    return false;
}

static enum look log_end_early(struct loading_log *l, size_t from)
{
    bool swallows = log_swallows(l, from); /* reads on */
    if (l->in->error != 0) return log_say_unreadable(l);
    if (swallows) return log_say_bad(l, "a length does not suit what follows");
    log_say_cut_off(l);
    return LOOK_WRONG;
}

/* ---- Reading ---- */

static void log_make_args(struct loading_log *l, uint32_t more)
{
    if (l->args_max - l->arg_count >= more) return;
    l->args_max = l->arg_count + more;
    l->args = heap_realloc(l->args, l->args_max * sizeof(*l->args));
}

/*
 * Reads a command that begins `from` bytes after in->at, into the arguments from arg_count on;
 * annotations before it are passed over. LOOK_TAKEN with no arguments: the file ends there. More of
 * the file is read only where `may_read`; else LOOK_SHORT.
 */
static enum look log_look(struct loading_log *l, size_t from, bool may_read, struct log_reader *r)
{
    for (;;) {
        *r = (struct log_reader){.at = l->in->at + from, .end = l->in->end};
        r->args = l->args + l->arg_count;
        r->args_max = l->args_max - l->arg_count;
        bool is_empty = r->at == r->end;
        enum log_record got = is_empty ? LOG_SHORT : log_record_read(r);
        if (likely(got == LOG_COMMAND)) return LOOK_TAKEN;
        if (got == LOG_ANNOTATION) {
            from = (size_t)(r->at - l->in->at);
        } else if (!may_read) {
            return LOOK_SHORT;
        } else if (got == LOG_ARGS) {
            log_make_args(l, r->nargs);
        } else if (got == LOG_BAD) {
            return log_bad(l, r);
        } else if (is_empty) {
            if (loading_input_more(l->in)) continue;
            if (l->in->error != 0) return log_say_unreadable(l);
            r->nargs = 0;
            return LOOK_TAKEN;
        } else if (log_more(l, r->missing) == LOOK_WRONG) {
            return log_end_early(l, from);
        }
    }
}

static bool log_is_word(const struct log_reader *r, const char *word)
{
    return r->nargs == 1 && bytes_is_word(r->args[0], word);
}

/* A MULTI ends `from` bytes after in->at: is its EXEC there? */
static enum look log_find_exec(struct loading_log *l, size_t from)
{
    struct log_reader r;
    uint64_t begin = loading_input_offset(l->in);
    for (;;) {
        enum look look = log_look(l, from, true, &r);
        if (look == LOOK_WRONG && !l->is_cut_off) return look;
        if (look == LOOK_WRONG || r.nargs == 0) break;
        from = (size_t)(r.at - l->in->at);
        if (log_is_word(&r, "multi")) return log_say_bad(l, "MULTI within a transaction");
        if (!log_is_word(&r, "exec")) continue;
        l->group_end = begin + from;
        return LOOK_TAKEN;
    }
    log_warn("Revert incomplete MULTI/EXEC transaction in AOF file %s", l->name);
    log_say_cut_off(l);
    return LOOK_WRONG;
}

/* Fills the window with what lies there; more of the file is read for its first command only.
 * LOOK_TAKEN with an empty window: the file has ended. */
static enum look log_fill_window(struct loading_log *l, uint32_t *count)
{
    struct log_reader r;
    size_t from = 0;
    l->arg_count = 0;
    for (*count = 0; *count < AHEAD_MAX; ++*count) {
        bool is_first = *count == 0;
        enum look look = log_look(l, from, is_first, &r);
        if (look == LOOK_WRONG) return look;
        if (look == LOOK_SHORT || r.nargs == 0) return LOOK_TAKEN;
        size_t end = (size_t)(r.at - l->in->at);
        bool in_group = loading_input_offset(l->in) + end <= l->group_end;
        if (unlikely(log_is_word(&r, "multi")) && !in_group) {
            if (!is_first) return LOOK_TAKEN;
            if (log_find_exec(l, end) == LOOK_WRONG) return LOOK_WRONG;
            l->in->at += end;
            from = 0;
            --*count;
            continue;
        }
        l->ends[*count] = from = end;
        struct command *cmd = &l->window[*count];
        *cmd = (struct command){.args = NULL, .nargs = r.nargs};
        l->arg_count += r.nargs;
        if (unlikely(l->arg_count == l->args_max)) {
            ++*count;
            return LOOK_TAKEN;
        }
    }
    return LOOK_TAKEN;
}

/* ---- Running ---- */

/* What is to be done with a command. */
enum log_use { LOG_RUN, LOG_PASS_OVER, LOG_REFUSE };

/* What only reads changes nothing; commands about connections, servers and waiting have no place in
 * a log. */
static enum log_use log_use_of(const struct command_spec *spec)
{
    bool is_script = (spec->categories & CAT_SCRIPTING) != 0;
    if (((spec->flags & CF_NOSCRIPT) && !is_script) || strcmp(spec->full, "migrate") == 0)
        return LOG_REFUSE;
    bool changes = (spec->flags & (CF_WRITE | CF_MAY_REPLICATE)) != 0;
    return changes || is_script || spec->id == CMD_SELECT ? LOG_RUN : LOG_PASS_OVER;
}

static bool log_refuse(struct loading_log *l, const struct command *cmd)
{
    struct bytes name = cmd->args[0];
    if (cmd->flaw == FLAW_ARITY)
        loading_wrong(l->wrong,
                      "Wrong number of arguments of '%.*s' reading the append only file %s",
                      LOADING_WORD(name), l->name);
    else if (cmd->flaw != FLAW_NONE)
        loading_wrong(l->wrong, "Unknown command '%.*s' reading the append only file %s",
                      LOADING_WORD(name), l->name);
    else
        loading_wrong(l->wrong, "The command '%.*s' has no place in the append only file %s",
                      LOADING_WORD(name), l->name);
    return false;
}

static void log_note_failure(struct loading_log *l, const struct command *cmd)
{
    struct bytes text = {l->reply.buf, l->reply.len};
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    if (l->failed++ < LOG_FAILED_LOGGED)
        log_warn("The command '%s' of the append only file %s answers an error: %.*s",
                 cmd->spec->full, l->name, LOADING_WORD(text));
}

/* EXEC ends a transaction, and without one it means nothing. */
static bool log_run(struct loading_log *l, const struct command *cmd)
{
    if (unlikely(cmd->flaw != FLAW_NONE)) return log_refuse(l, cmd);
    if (unlikely(cmd->spec->id == CMD_EXEC || cmd->spec->id == CMD_MULTI)) return true;
    enum log_use use = log_use_of(cmd->spec);
    if (unlikely(use != LOG_RUN)) return use == LOG_PASS_OVER || log_refuse(l, cmd);
    if (unlikely(!run_loaded(&l->session, &l->outer, cmd, &l->reply))) {
        log_note_failure(l, cmd);
        if (cmd->spec->id == CMD_SELECT) { /* what follows would go elsewhere */
            loading_wrong(l->wrong, "There is no database %.*s for the append only file %s",
                          LOADING_WORD(cmd->args[1]), l->name);
            return false;
        }
    }
    if (unlikely(l->reply.cap > LOG_REPLY_KEPT))
        reply_release(&l->reply);
    else
        reply_rewind(&l->reply, 0);
    return true;
}

/* Runs the window. in->at goes with it. */
static bool log_run_window(struct loading_log *l, uint32_t count, int64_t delay_us)
{
    const uint8_t *at = l->in->at;
    uint64_t offset = loading_input_offset(l->in);
    struct bytes *args = l->args;
    for (uint32_t i = 0; i < count; i++) {
        struct command *cmd = &l->window[i];
        uint32_t nargs = cmd->nargs;
        run_prepare(cmd, args, nargs);
        args += nargs;
        l->dbs[i] = cmd->first_key != 0 ? l->session.db : NULL;
    }
    ahead_fetch(l->window, l->dbs, count);
    for (uint32_t i = 0; i < count; i++) {
        l->in->at = at + (i == 0 ? 0 : l->ends[i - 1]);
        if (!log_run(l, &l->window[i])) return false;
        if (unlikely(delay_us > 0)) usleep((useconds_t)delay_us);
        uint64_t end = offset + l->ends[i];
        if (end == l->group_end) l->group_end = 0;
        if (l->group_end == 0) l->good_offset = end;
    }
    l->in->at = at + l->ends[count - 1];
    return true;
}

void loading_log_begin(struct loading_log *l, struct loading_input *in, const char *name,
                       const struct call *by)
{
    *l = (struct loading_log){.in = in, .name = name, .good_offset = loading_input_offset(in)};
    l->session.db = keyspace_db(0);
    l->session.resp = 2;
    l->session.user = acl_default_user();
    l->session.conn.fd = -1;
    l->session.has_no_client = true;
    l->outer = (struct call){
        .session = &l->session, .spec = command_by_id(CMD_EXEC), .reply = &l->reply, .outer = by};
    l->args_max = LOG_ARGS_AT_FIRST;
    l->args = heap_alloc(l->args_max * sizeof(*l->args));
}

enum loading_result loading_log_step(struct loading_log *l, const struct loading_slice *slice)
{
    l->outer.settings = settings_now();
    do {
        uint32_t count;
        if (log_fill_window(l, &count) == LOOK_WRONG) return LOADING_FAILED;
        if (count == 0) return LOADING_DONE;
        if (!log_run_window(l, count, slice->key_delay_us)) return LOADING_FAILED;
    } while (loading_input_offset(l->in) < slice->until_offset &&
             clock_ticks() < slice->until_ticks);
    return LOADING_MORE;
}

void loading_log_end(struct loading_log *l)
{
    heap_free(l->args);
    reply_release(&l->reply);
    l->args = NULL;
}
