/*
 * One element after the other: an opcode with what it announces, or a key with its value. An
 * element that the input does not hold whole is read again from its start when there is more of it,
 * so nothing may come of an element before all of it was read.
 *
 * Invariant: the first `ahead_count` keys of `ahead` are loose entries for `db`, in the order of
 * the file.
 */
#include "execute/core/loading_rdb.h"

#include "base/log.h"
#include "base/must.h"
#include "codec/rdb.h"
#include "execute/types/entry.h"
#include "execute/types/heap.h"
#include "execute/types/load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    RDB_HEAD = 9,
    RDB_VERSION_WITH_SUM = 5,
    RDB_KEY_LEAST = 3,  /* bytes of a key: type, name, value */
    RDB_LOOK_KEYS = 64, /* between two looks at the clock */
    RDB_EMPTY_LOGGED = 10,
    RDB_TYPE_MODULE = 6, /* a module's value, in two forms */
    RDB_TYPE_MODULE_2 = 7,
};

/* How a module's own data is made up. */
enum { MODULE_END, MODULE_SIGNED, MODULE_UNSIGNED, MODULE_FLOAT, MODULE_DOUBLE, MODULE_STRING };

/* What became of an element. */
enum element { ELEMENT_TAKEN, ELEMENT_SHORT, ELEMENT_WRONG, ELEMENT_LAST };

static void __attribute__((format(printf, 2, 3)))
rdb_tell(const struct loading_rdb *r, const char *fmt, ...)
{
    char text[512];
    if (r->terms.tell == NULL) return;
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof(text), fmt, list);
    va_end(list);
    r->terms.tell(r, text);
}

static enum element rdb_wrong(struct loading_rdb *r, const char *what)
{
    loading_wrong(r->wrong, "%s", what);
    return ELEMENT_WRONG;
}

/* ---- Keys ---- */

static const char *rdb_name_shown(const struct loading_rdb *r, int *len)
{
    *len = (int)(r->key.len < 128 ? r->key.len : 128);
    return r->key.ptr;
}

/* Stores what is ahead. False: a key is there twice. */
static bool rdb_store_ahead(struct loading_rdb *r)
{
    for (uint32_t i = 0; i < r->ahead_count; i++) keyspace_prefetch_slot(r->db, r->ahead[i].hash);
    uint32_t i = 0;
    for (; i < r->ahead_count; i++) {
        struct entry *e = r->ahead[i].e;
        struct key key = {entry_name(e), r->ahead[i].hash};
        if (likely(keyspace_load(r->db, key, e))) continue;
        if (!r->terms.merges) break;
        keyspace_put_entry(r->db, key, e);
    }
    bool good = i == r->ahead_count;
    if (!good) {
        struct bytes name = entry_name(r->ahead[i].e);
        log_warn("RDB has duplicated key '%.*s' in DB %" PRIu64, LOADING_WORD(name), r->db_number);
        loading_wrong(r->wrong, "Duplicated key found in RDB file");
        for (; i < r->ahead_count; i++) entry_free(r->ahead[i].e);
    }
    r->ahead_count = 0;
    return good;
}

static void rdb_set_clock(const struct loading_rdb *r, struct entry *e)
{
    if (r->terms.is_lfu && r->frequency >= 0) entry_set_lfu(e, (uint8_t)r->frequency);
    if (!r->terms.is_lfu && r->idle_s >= 0)
        entry_set_idle_ms(e, r->idle_s < INT64_MAX / 1000 ? r->idle_s * 1000 : INT64_MAX);
}

/* Takes the value. */
static bool rdb_keep(struct loading_rdb *r, struct entry *e)
{
    bool is_due = r->deadline_ms != DEADLINE_NONE && r->deadline_ms < r->terms.now_ms;
    r->with_deadline += r->deadline_ms != DEADLINE_NONE;
    if (is_due && !r->terms.is_log_base) {
        r->expired++;
        if (!r->terms.only_checks) {
            entry_free(e);
            return true;
        }
    }
    r->keys++;
    if (r->terms.only_checks) {
        entry_free(e);
        return true;
    }
    /* Before 1970 is as good as its first moment; 0 and less are no deadlines. */
    if (r->deadline_ms != DEADLINE_NONE)
        e = entry_with_deadline(e, r->deadline_ms > 0 ? r->deadline_ms : 1);
    if (r->idle_s >= 0 || r->frequency >= 0) rdb_set_clock(r, e);
    r->ahead[r->ahead_count++] = (struct loading_rdb_key){e, hash_bytes(r->key.ptr, r->key.len)};
    return r->ahead_count < LOADING_RDB_AHEAD || rdb_store_ahead(r);
}

/* A key without elements, which old servers may have written: nothing is lost with it. */
static void rdb_skip_empty(struct loading_rdb *r)
{
    int len;
    const char *name = rdb_name_shown(r, &len);
    if (r->empty++ < RDB_EMPTY_LOGGED)
        log_note("rdbLoadObject skipping empty key: %.*s", len, name);
}

static bool rdb_take_name(struct loading_rdb *r, struct rdb_in *in)
{
    struct rdb_string form;
    r->place = LOADING_RDB_KEY;
    if (!rdb_take_string(in, &form)) return false;
    if (form.form == RDB_PLAIN) {
        r->key = form.data;
        return true;
    }
    if (r->name_cap < form.len) {
        heap_free(r->name);
        r->name = heap_alloc(form.len);
        r->name_cap = form.len;
    }
    r->key = bytes_make(r->name, form.len);
    return rdb_string_write(&form, r->name);
}

static enum element rdb_take_key(struct loading_rdb *r, struct rdb_in *in, uint8_t type)
{
    struct entry *e;
    r->type = type;
    if (type == RDB_TYPE_MODULE || type == RDB_TYPE_MODULE_2)
        return rdb_wrong(r, "The RDB file contains a module's values, which Baton can't load");
    if (!rdb_take_name(r, in)) return ELEMENT_SHORT;
    r->place = LOADING_RDB_VALUE;
    const char *wrong = load_value(in, type, r->key, &e);
    if (wrong == NULL) {
        if (!rdb_keep(r, e)) return ELEMENT_WRONG;
    } else if (wrong == load_empty) {
        rdb_skip_empty(r);
    } else {
        return in->missing > 0 ? ELEMENT_SHORT : rdb_wrong(r, wrong);
    }
    r->deadline_ms = r->idle_s = r->frequency = -1;
    r->type = -1;
    return ELEMENT_TAKEN;
}

/* ---- What is said about the file ---- */

/* A text of the file as a C string in `to`; long ones are cut. False: the input ends or is damaged.
 */
static bool rdb_take_word(struct rdb_in *in, char *to, size_t room)
{
    struct rdb_string form;
    if (!rdb_take_string(in, &form)) return false;
    char *text = heap_alloc(form.len + 1);
    bool good = rdb_string_write(&form, text);
    size_t len = form.len < room - 1 ? form.len : room - 1;
    if (good) memcpy(to, text, len);
    to[good ? len : 0] = '\0';
    heap_free(text);
    return good;
}

static enum element rdb_take_aux(struct loading_rdb *r, struct rdb_in *in)
{
    char name[64], value[128];
    r->place = LOADING_RDB_AUX;
    if (!rdb_take_word(in, name, sizeof(name)) || !rdb_take_word(in, value, sizeof(value)))
        return ELEMENT_SHORT;
    if (r->terms.only_checks) {
        rdb_tell(r, "AUX FIELD %s = '%s'", name, value);
    } else if (name[0] == '%') {
        log_note("RDB '%s': %s", name, value);
    } else if (strcasecmp(name, "redis-ver") == 0) {
        log_note("Loading RDB produced by version %s", value);
    } else if (strcasecmp(name, "ctime") == 0) {
        long long age = (long long)(r->terms.now_ms / 1000) - strtoll(value, NULL, 10);
        log_note("RDB age %lld seconds", age < 0 ? 0 : age);
    } else if (strcasecmp(name, "used-mem") == 0) {
        r->used_memory = strtoull(value, NULL, 10);
        log_note("RDB memory usage when created %.2f Mb", (double)r->used_memory / (1024 * 1024));
    } else if (strcasecmp(name, "aof-preamble") == 0 && value[0] == '1') {
        log_note("RDB has an AOF tail");
    } else if (strcasecmp(name, "aof-base") == 0 && value[0] == '1') {
        log_note("RDB is base AOF");
    }
    return ELEMENT_TAKEN;
}

/* Goes past the parts of a module's data, up to their end. */
static enum element rdb_skip_module_parts(struct loading_rdb *r, struct rdb_in *in)
{
    uint64_t kind, n;
    struct rdb_string text;
    for (;;) {
        bool good = rdb_take_len(in, &kind);
        if (good && kind == MODULE_END) return ELEMENT_TAKEN;
        if (good && (kind == MODULE_SIGNED || kind == MODULE_UNSIGNED))
            good = rdb_take_len(in, &n);
        else if (good && kind == MODULE_FLOAT)
            good = rdb_skip(in, 4);
        else if (good && kind == MODULE_DOUBLE)
            good = rdb_skip(in, 8);
        else if (good && kind == MODULE_STRING)
            good = rdb_take_string(in, &text);
        else if (good)
            return rdb_wrong(r, "A module's data has a part of an unknown kind");
        if (!good) return ELEMENT_SHORT;
    }
}

/* A module's data that belongs to no key. Without modules nobody misses it. The id is a name of
 * nine characters of 6 bits, and 10 bits of a version. */
static enum element rdb_take_module_aux(struct loading_rdb *r, struct rdb_in *in)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t id, when_kind, when;
    r->place = LOADING_RDB_MODULE_AUX;
    if (!rdb_take_len(in, &id) || !rdb_take_len(in, &when_kind) || !rdb_take_len(in, &when))
        return ELEMENT_SHORT;
    if (when_kind != MODULE_UNSIGNED) return rdb_wrong(r, "bad when_opcode");
    enum element got = rdb_skip_module_parts(r, in);
    if (got != ELEMENT_TAKEN) return got;
    char name[10] = {0};
    for (unsigned i = 0; i < 9; i++) name[i] = letters[id >> (58 - 6 * i) & 63];
    log_note("The RDB file contains data of the module '%s', which is passed over", name);
    return ELEMENT_TAKEN;
}

static enum element rdb_take_function(struct loading_rdb *r, struct rdb_in *in)
{
    struct rdb_string form;
    r->place = LOADING_RDB_FUNCTION;
    if (!rdb_take_string(in, &form)) return ELEMENT_SHORT;
    if (r->terms.add_functions == NULL) return ELEMENT_TAKEN;
    char *code = heap_alloc(form.len + 1);
    const char *wrong = "the code is damaged";
    if (rdb_string_write(&form, code))
        wrong = r->terms.add_functions(bytes_make(code, form.len), r->terms.merges);
    heap_free(code);
    if (wrong == NULL) return ELEMENT_TAKEN;
    log_warn("Failed loading library, %s", wrong);
    loading_wrong(r->wrong, "Failed loading library, %s", wrong);
    return ELEMENT_WRONG;
}

/* ---- Databases ---- */

static enum element rdb_select(struct loading_rdb *r, struct rdb_in *in)
{
    uint64_t number;
    r->place = LOADING_RDB_LENGTH;
    if (!rdb_take_len(in, &number)) return ELEMENT_SHORT;
    rdb_tell(r, "Selecting DB ID %" PRIu64, number);
    if (number >= (uint64_t)r->terms.databases) {
        log_warn("FATAL: Data file was created with a Redis server configured to handle more than "
                 "%d databases. Exiting",
                 r->terms.databases);
        return rdb_wrong(r, "a database has a number that is too high");
    }
    if (!rdb_store_ahead(r)) return ELEMENT_WRONG;
    r->db_number = number;
    if (!r->terms.only_checks) r->db = keyspace_db((int64_t)number);
    return ELEMENT_TAKEN;
}

/* The table is made large enough at once, for as many keys as the file has room for. */
static enum element rdb_resize(struct loading_rdb *r, struct rdb_in *in)
{
    uint64_t keys, with_deadline;
    if (!rdb_take_len(in, &keys) || !rdb_take_len(in, &with_deadline)) return ELEMENT_SHORT;
    uint64_t offset = loading_input_offset(r->in);
    uint64_t most = r->in->size > offset ? (r->in->size - offset) / RDB_KEY_LEAST : 0;
    if (!r->terms.only_checks) keyspace_expect(r->db, keys < most ? keys : most);
    return ELEMENT_TAKEN;
}

/* ---- Elements ---- */

static enum element rdb_take_deadline(struct loading_rdb *r, struct rdb_in *in, bool in_seconds)
{
    r->place = LOADING_RDB_EXPIRE;
    int64_t ms = 0;
    if (in_seconds) {
        const uint8_t *p = in->at;
        if (!rdb_skip(in, 4)) return ELEMENT_SHORT;
        ms = (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                       (uint32_t)p[3] << 24) *
             INT64_C(1000);
    } else if (!rdb_take_ms(in, &ms)) {
        return ELEMENT_SHORT;
    }
    r->deadline_ms = ms;
    return ELEMENT_TAKEN;
}

static enum element rdb_take_uses(struct loading_rdb *r, struct rdb_in *in, uint8_t op)
{
    uint64_t idle_s;
    uint8_t frequency;
    if (op == RDB_OP_IDLE) {
        if (!rdb_take_len(in, &idle_s)) return ELEMENT_SHORT;
        r->idle_s = idle_s > INT64_MAX ? INT64_MAX : (int64_t)idle_s;
    } else {
        if (!rdb_take_byte(in, &frequency)) return ELEMENT_SHORT;
        r->frequency = frequency;
    }
    return ELEMENT_TAKEN;
}

static enum element rdb_take_slot_info(struct rdb_in *in)
{
    uint64_t n;
    for (int i = 0; i < 3; i++)
        if (!rdb_take_len(in, &n)) return ELEMENT_SHORT;
    return ELEMENT_TAKEN;
}

static enum element rdb_take_element(struct loading_rdb *r, struct rdb_in *in)
{
    uint8_t type;
    r->place = LOADING_RDB_TYPE;
    if (!rdb_take_byte(in, &type)) return ELEMENT_SHORT;
    if (likely(type < RDB_OP_SLOT_INFO)) return rdb_take_key(r, in, type);
    switch ((enum rdb_op)type) {
    case RDB_OP_EXPIRE_MS: return rdb_take_deadline(r, in, false);
    case RDB_OP_EXPIRE_SECONDS: return rdb_take_deadline(r, in, true);
    case RDB_OP_IDLE:
    case RDB_OP_FREQUENCY: return rdb_take_uses(r, in, type);
    case RDB_OP_SELECT: return rdb_select(r, in);
    case RDB_OP_RESIZE: return rdb_resize(r, in);
    case RDB_OP_AUX: return rdb_take_aux(r, in);
    case RDB_OP_SLOT_INFO: return rdb_take_slot_info(in);
    case RDB_OP_MODULE_AUX: return rdb_take_module_aux(r, in);
    case RDB_OP_FUNCTION: return rdb_take_function(r, in);
    case RDB_OP_FUNCTION_OLD: return rdb_wrong(r, "Pre-release function format not supported.");
    case RDB_OP_EOF: return ELEMENT_LAST;
    }
    return rdb_wrong(r, "Unknown RDB opcode");
}

/* ---- The file ---- */

/* So many bytes more are wanted than lie there. False: there are not so many. */
static bool rdb_more(struct loading_rdb *r, uint64_t missing)
{
    while (missing > 0) {
        uint64_t before = loading_input_left(r->in);
        if (missing > loading_input_unread(r->in) || !loading_input_more(r->in)) return false;
        uint64_t came = loading_input_left(r->in) - before;
        missing -= came < missing ? came : missing;
    }
    return true;
}

static bool rdb_have(struct loading_rdb *r, size_t len)
{
    size_t left = loading_input_left(r->in);
    return left >= len || rdb_more(r, len - left);
}

static enum loading_result rdb_cut_off(struct loading_rdb *r)
{
    if (r->in->error != 0)
        return loading_wrong(r->wrong, "Error reading the RDB file: %s",
                             strerrordesc_np(r->in->error));
    return loading_wrong(r->wrong, "Unexpected EOF reading RDB file");
}

static enum loading_result rdb_take_head(struct loading_rdb *r)
{
    r->wrong_format = true;
    if (!rdb_have(r, RDB_HEAD)) return rdb_cut_off(r);
    const uint8_t *p = r->in->at;
    if (memcmp(p, "REDIS", 5) != 0)
        return loading_wrong(r->wrong, "Wrong signature trying to load DB from file");
    for (int i = 5; i < RDB_HEAD; i++) {
        if (p[i] < '0' || p[i] > '9')
            return loading_wrong(r->wrong, "Can't handle RDB format version %.4s", p + 5);
        r->version = r->version * 10 + (p[i] - '0');
    }
    if (r->version < 1 || r->version > RDB_VERSION_MAX)
        return loading_wrong(r->wrong, "Can't handle RDB format version %d", r->version);
    r->wrong_format = false;
    loading_input_sum_begin(r->in);
    r->in->at += RDB_HEAD;
    return LOADING_MORE;
}

static enum loading_result rdb_finish(struct loading_rdb *r)
{
    if (!rdb_store_ahead(r)) return LOADING_FAILED;
    if (r->version < RDB_VERSION_WITH_SUM) return LOADING_DONE;
    r->place = LOADING_RDB_SUM;
    uint64_t sum = loading_input_sum(r->in), said;
    if (!rdb_have(r, sizeof(said))) return rdb_cut_off(r);
    memcpy(&said, r->in->at, sizeof(said));
    said = le64toh(said);
    r->in->at += sizeof(said);
    r->in->sums = false;
    if (!r->terms.checks_sum) return LOADING_DONE;
    if (said == 0) {
        log_note("RDB file was saved with checksum disabled: no check performed.");
        return LOADING_DONE;
    }
    if (said == sum) {
        rdb_tell(r, "Checksum OK");
        return LOADING_DONE;
    }
    log_warn("Wrong RDB checksum expected: (%" PRIx64 ") but got (%" PRIx64 "). Aborting now.", sum,
             said);
    return loading_wrong(r->wrong, "RDB CRC error");
}

/* A key with a value that does not lie there whole: reads on until it does, so that it is decoded
 * once and not for every piece. False: it ends too early. */
static bool rdb_read_value(struct loading_rdb *r, uint64_t missing)
{
    struct rdb_in in;
    struct rdb_string name;
    do {
        if (!rdb_more(r, missing)) return false;
        in = (struct rdb_in){.at = r->in->at + 1, .end = r->in->end, .max_string = SIZE_MAX};
        if (rdb_take_string(&in, &name) && rdb_skip_value(&in, *r->in->at)) return true;
        missing = in.missing;
    } while (missing > 0);
    return true; /* it is damaged, as will be seen */
}

/* Takes the next element. LOADING_MORE: it was taken, and was not the last. */
static enum loading_result rdb_next(struct loading_rdb *r)
{
    for (;;) {
        struct rdb_in in = {.at = r->in->at, .end = r->in->end, .max_string = SIZE_MAX};
        enum element got = rdb_take_element(r, &in);
        if (likely(got == ELEMENT_TAKEN)) {
            r->in->at = in.at;
            return LOADING_MORE;
        }
        if (got == ELEMENT_LAST) {
            r->in->at = in.at;
            return rdb_finish(r);
        }
        if (got == ELEMENT_WRONG) return LOADING_FAILED;
        if (in.missing == 0) return loading_wrong(r->wrong, "a string or a length is damaged");
        bool is_value = r->place == LOADING_RDB_VALUE;
        if (!(is_value ? rdb_read_value(r, in.missing) : rdb_more(r, in.missing)))
            return rdb_cut_off(r);
    }
}

void loading_rdb_begin(struct loading_rdb *r, const struct loading_rdb_terms *terms,
                       struct loading_input *in)
{
    *r = (struct loading_rdb){.terms = *terms, .in = in, .type = -1};
    r->deadline_ms = r->idle_s = r->frequency = -1;
    if (!terms->only_checks) r->db = keyspace_db(0);
}

static void rdb_delay(int64_t delay_us, uint64_t keys)
{
    if (delay_us > 0) usleep((useconds_t)delay_us);
    if (delay_us < 0 && keys % (uint64_t)-delay_us == 0) usleep(1);
}

enum loading_result loading_rdb_step(struct loading_rdb *r, const struct loading_slice *slice)
{
    if (r->version == 0) {
        enum loading_result head = rdb_take_head(r);
        if (head != LOADING_MORE) return head;
    }
    for (;;) {
        uint64_t keys = r->keys;
        for (int i = 0; i < RDB_LOOK_KEYS; i++) {
            enum loading_result next = rdb_next(r);
            if (next != LOADING_MORE) return next;
            if (loading_input_offset(r->in) >= slice->until_offset) return LOADING_MORE;
            if (unlikely(slice->key_delay_us != 0) && r->keys != keys) {
                keys = r->keys;
                rdb_delay(slice->key_delay_us, keys);
                if (clock_ticks() >= slice->until_ticks) return LOADING_MORE;
            }
        }
        if (clock_ticks() >= slice->until_ticks) return LOADING_MORE;
    }
}

void loading_rdb_end(struct loading_rdb *r)
{
    for (uint32_t i = 0; i < r->ahead_count; i++) entry_free(r->ahead[i].e);
    r->ahead_count = 0;
    heap_free(r->name);
    r->name = NULL;
}
