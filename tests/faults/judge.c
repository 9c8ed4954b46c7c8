/*
 * The checker's judge: is what the server has after a crash a state that its clients may see?
 *
 *     faults-judge PORT CUT_NS LOG...
 *
 * Each log is one of faults-load. Of every connection, the operations that are left must be a
 * prefix of those that were sent, without what was refused: no hole, no duplicate, no other order,
 * pairs equal, nothing deleted or expired that came back. Acknowledged operations after the prefix
 * are lost: their number is printed, and the us between the first of them and CUT_NS. How far the
 * prefix reached is written into the log, so that the next crash may not take more.
 *
 * What was acknowledged after CUT_NS (0: never) and is gone is counted apart: a power cut that is
 * played on a live kernel lets a sync that is under way at that instant end well.
 *
 * Prints `lost N window_us W kept N late N`. Exits 1 for a state that is not legal, with a line for
 * each reason.
 */
#include "faults/plan.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_S = 60 };

struct log {
    struct plan_head head;
    uint32_t *sent;
    uint64_t **notes;
};

static redisContext *server;
static uint64_t cut_ns, lost, late, kept, first_lost_ns = UINT64_MAX;
static int wrongs;

static void wrong(const char *format, ...)
{
    if (++wrongs > 10) return;
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static redisReply *ask(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(server, format, args);
    va_end(args);
    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        printf("the server said: %s\n", reply != NULL ? reply->str : server->errstr);
        exit(1);
    }
    return reply;
}

static struct log read_log(const char *path)
{
    struct log log = {0};
    FILE *f = fopen(path, "rb");
    bool good =
        f != NULL && fread(&log.head, sizeof(log.head), 1, f) == 1 && log.head.magic == PLAN_MAGIC;
    log.sent = calloc(log.head.conns + 1, sizeof(*log.sent));
    log.notes = calloc(log.head.conns + 1, sizeof(*log.notes));
    for (uint32_t i = 0; good && i < log.head.conns; i++) {
        good = fread(&log.sent[i], sizeof(log.sent[i]), 1, f) == 1;
        if (!good) break;
        log.notes[i] = calloc(log.sent[i] + 1, sizeof(*log.notes[i]));
        good = fread(log.notes[i], sizeof(*log.notes[i]), log.sent[i], f) == log.sent[i];
    }
    if (!good) {
        fprintf(stderr, "faults-judge: %s is no log\n", path);
        exit(2);
    }
    fclose(f);
    return log;
}

static void write_log(const char *path, const struct log *log)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL) exit(2);
    fwrite(&log->head, sizeof(log->head), 1, f);
    for (uint32_t i = 0; i < log->head.conns; i++) {
        fwrite(&log->sent[i], sizeof(log->sent[i]), 1, f);
        fwrite(log->notes[i], sizeof(*log->notes[i]), log->sent[i], f);
    }
    if (fclose(f) != 0) exit(2);
}

static enum plan_fate fate_of(const struct log *log, uint32_t i, uint32_t j)
{
    return j < log->sent[i] ? (enum plan_fate)(log->notes[i][j] & 3) : PLAN_REFUSED;
}

/* From now on it never happened: it must stay away. */
static void take_lost(struct log *log, uint32_t i, uint32_t j)
{
    uint64_t *n = &log->notes[i][j];
    if ((*n & 3) == PLAN_ACKED && cut_ns != 0 && *n >> 2 >= cut_ns) {
        late++;
    } else if ((*n & 3) == PLAN_ACKED) {
        lost++;
        if (*n >> 2 < first_lost_ns) first_lost_ns = *n >> 2;
    }
    *n = (*n & ~(uint64_t)3) | PLAN_REFUSED;
}

/* From now on it may not be lost. */
static void take_kept(struct log *log, uint32_t i, uint32_t j)
{
    log->notes[i][j] = (log->notes[i][j] & ~(uint64_t)3) | PLAN_ACKED;
    kept++;
}

/* The pushes. Gives the number of the first operation that the prefix does not have for certain:
 * one after the last element that is there. */
static uint32_t judge_list(struct log *log, uint32_t i)
{
    redisReply *list = ask("LRANGE l:%u:%u 0 -1", log->head.epoch, i);
    uint32_t j = 0;
    for (size_t k = 0; k < list->elements; k++) {
        uint32_t at = (uint32_t)strtoul(list->element[k]->str, NULL, 10);
        if (at < j) {
            wrong("l:%u:%u: element %zu is %u, after %u", log->head.epoch, i, k, at, j - 1);
            break;
        }
        for (; j < at && j < log->sent[i]; j++) {
            if (plan_kind_of(j) != PLAN_PUSH || fate_of(log, i, j) == PLAN_REFUSED) continue;
            if (fate_of(log, i, j) == PLAN_ACKED)
                wrong("l:%u:%u: a hole at %u before %u", log->head.epoch, i, j, at);
            take_lost(log, i, j);
        }
        if (at >= log->sent[i] || plan_kind_of(at) != PLAN_PUSH ||
            fate_of(log, i, at) == PLAN_REFUSED) {
            wrong("l:%u:%u: %u was never acknowledged or sent", log->head.epoch, i, at);
            break;
        }
        take_kept(log, i, at);
        j = at + 1;
    }
    freeReplyObject(list);
    for (uint32_t k = j; k < log->sent[i]; k++) {
        if (plan_kind_of(k) == PLAN_PUSH) take_lost(log, i, k);
    }
    return j;
}

static long long counter(const char *name, const struct log *log, uint32_t i)
{
    redisReply *r = ask("GET %s:%u:%u", name, log->head.epoch, i);
    long long n = r->str != NULL ? strtoll(r->str, NULL, 10) : 0;
    freeReplyObject(r);
    return n;
}

/* `there` pairs are left. Nobody can say which of the unknown ones are: the first ones are taken to
 * be, once all acknowledged ones have their place. */
static void settle_pairs(struct log *log, uint32_t i, long long there)
{
    long long acked = 0;
    for (uint32_t j = 7; j < log->sent[i]; j += 16) acked += fate_of(log, i, j) == PLAN_ACKED;
    long long unknown = there > acked ? there - acked : 0;
    for (uint32_t j = 7; j < log->sent[i]; j += 16) {
        bool is_acked = fate_of(log, i, j) == PLAN_ACKED;
        if (fate_of(log, i, j) == PLAN_REFUSED) continue;
        long long *left = is_acked ? &there : &unknown;
        if (*left > 0) {
            --*left;
            take_kept(log, i, j);
        } else {
            take_lost(log, i, j);
        }
    }
}

/* The pairs: equal, and as many as the prefix up to `end` must have. After `end` and before the
 * next push one more may be. */
static void judge_pairs(struct log *log, uint32_t i, uint32_t end)
{
    long long a = counter("a", log, i), b = counter("b", log, i), least = 0, most = 0;
    if (a != b) wrong("a:%u:%u is %lld and b is %lld", log->head.epoch, i, a, b);
    for (uint32_t j = 7; j < log->sent[i]; j += 16) {
        enum plan_fate fate = fate_of(log, i, j);
        if (fate == PLAN_REFUSED) continue;
        if (j <= end) most++;
        if (j < end && fate == PLAN_ACKED) least++;
    }
    if (a < least || a > most)
        wrong("a:%u:%u is %lld, not in %lld..%lld", log->head.epoch, i, a, least, most);
    settle_pairs(log, i, a);
}

/* Keys that were set and deleted: `present` says of each m whether it is there. */
static void judge_deleted(struct log *log, uint32_t i, uint32_t end, const bool *present)
{
    for (uint32_t m = 0; 16 * m + 11 < log->sent[i]; m++) {
        uint32_t set = 16 * m + 11, del = 16 * m + 13;
        enum plan_fate was_set = fate_of(log, i, set), was_deleted = fate_of(log, i, del);
        if (present[m] && (was_set == PLAN_REFUSED || (was_deleted == PLAN_ACKED && del < end)))
            wrong("d:%u:%u:%u came back", log->head.epoch, i, m);
        if (!present[m] && set < end && was_set == PLAN_ACKED && was_deleted == PLAN_REFUSED)
            wrong("d:%u:%u:%u is missing", log->head.epoch, i, m);
        /* From now on it stays as it is. */
        if (present[m] && was_deleted != PLAN_REFUSED) take_lost(log, i, del);
        if (present[m]) take_kept(log, i, set);
        if (!present[m] && was_set != PLAN_REFUSED && was_deleted == PLAN_REFUSED)
            take_lost(log, i, set);
        if (!present[m]) log->notes[i][set] = PLAN_REFUSED;
    }
}

/* Which of the keys `d:epoch:conn:m` there are. Gives an array for each connection. */
static bool **find_deleted(const struct log *log)
{
    bool **present = calloc(log->head.conns, sizeof(*present));
    for (uint32_t i = 0; i < log->head.conns; i++)
        present[i] = calloc(log->sent[i] / 16 + 1, sizeof(**present));
    redisReply *keys = ask("KEYS d:%u:*", log->head.epoch);
    for (size_t k = 0; k < keys->elements; k++) {
        unsigned e, i, m;
        if (sscanf(keys->element[k]->str, "d:%u:%u:%u", &e, &i, &m) != 3 || i >= log->head.conns ||
            m > log->sent[i] / 16)
            wrong("%s was never made", keys->element[k]->str);
        else
            present[i][m] = true;
    }
    freeReplyObject(keys);
    return present;
}

static void judge(const char *path)
{
    struct log log = read_log(path);
    bool **present = find_deleted(&log);
    for (uint32_t i = 0; i < log.head.conns; i++) {
        uint32_t end = judge_list(&log, i);
        judge_pairs(&log, i, end);
        judge_deleted(&log, i, end, present[i]);
    }
    redisReply *brief = ask("KEYS x:%u:*", log.head.epoch);
    if (brief->elements > 0) wrong("%zu keys did not expire", brief->elements);
    freeReplyObject(brief);
    write_log(path, &log);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: faults-judge PORT CUT_NS LOG...\n", stderr);
        return 2;
    }
    server = redisConnect("127.0.0.1", (int)strtol(argv[1], NULL, 10));
    if (server == NULL || server->err) {
        fprintf(stderr, "faults-judge: %s\n", server != NULL ? server->errstr : "no memory");
        return 2;
    }
    redisSetTimeout(server, (struct timeval){.tv_sec = PATIENCE_S});
    cut_ns = strtoull(argv[2], NULL, 10);
    for (int i = 3; i < argc; i++) judge(argv[i]);
    uint64_t window = first_lost_ns < cut_ns ? (cut_ns - first_lost_ns) / 1000 : 0;
    printf("lost %" PRIu64 " window_us %" PRIu64 " kept %" PRIu64 " late %" PRIu64 "\n", lost,
           window, kept, late);
    return wrongs > 0 ? 1 : 0;
}
