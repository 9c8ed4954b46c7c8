/*
 * Fuzzes the loader of logs and the reader of manifests. The first byte is 'm' for a manifest; else
 * the rest is a log. Scripts are left out: they may run for ever, and are fuzzed elsewhere.
 *
 * What must hold: it ends; what a log is cut off to is a log that is whole and comes to the same;
 * what is read of a manifest is read again from what is printed of it.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "catalog/settings.h"
#include "codec/crc64.h"
#include "codec/manifest.h"
#include "execute/commands/table.h"
#include "execute/core/loading_log.h"
#include "execute/core/run.h"
#include "execute/core/stats.h"
#include "execute/types/grave.h"
#include "execute/types/heap.h"
#include "msg/conn.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void open_once(void)
{
    static bool is_open;
    char error[OPTION_ERROR_MAX];
    struct bytes limit = bytes_of("1mb");
    if (is_open) return;
    is_open = true;
    clock_open();
    hash_open_with(7);
    log_set_level(LOG_NOTHING);
    heap_use(arena_open("fuzz"));
    command_open();
    check(conn_cards_open(16) == 0);
    struct settings *s = settings_default();
    check(option_set_text(s, option_find(bytes_of("proto-max-bulk-len")), &limit, 1,
                          OPTION_FROM_CLIENT, error) == 0);
    settings_publish(s);
    stats_open();
    keyspace_open(4);
    sessions_open();
    run_open(command_handler_of);
}

struct outcome {
    enum loading_result result;
    bool is_cut_off;
    uint64_t good_offset, keys;
};

static struct outcome load(const char *log, size_t len)
{
    const struct loading_slice all = {.until_ticks = UINT64_MAX, .until_offset = UINT64_MAX};
    struct loading_input in;
    struct loading_log l;
    loading_input_open_bytes(&in, bytes_make(log, len));
    run_begin_turn(settings_now(), INT64_C(1700000000000), clock_ticks());
    run_replay(true);
    loading_log_begin(&l, &in, "fuzz.aof", NULL);
    struct outcome o = {.result = loading_log_step(&l, &all)};
    check(o.result != LOADING_MORE && (o.result == LOADING_FAILED) == (l.wrong[0] != '\0'));
    o.is_cut_off = l.is_cut_off;
    o.good_offset = l.good_offset;
    loading_log_end(&l);
    run_replay(false);
    loading_input_close(&in);
    for (int i = 0; i < keyspace_db_count(); i++) {
        keyspace_check(keyspace_db(i));
        o.keys += db_size(keyspace_db(i));
    }
    keyspace_flush(NULL, false);
    while (grave_dig()) continue;
    return o;
}

static bool has_script(const char *log, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i++)
        if (strncasecmp(log + i, "eval", 4) == 0 || strncasecmp(log + i, "fcal", 4) == 0 ||
            strncasecmp(log + i, "func", 4) == 0 || strncasecmp(log + i, "scri", 4) == 0)
            return true;
    return false;
}

static void fuzz_log(const char *log, size_t len)
{
    if (has_script(log, len)) return;
    struct outcome first = load(log, len);
    check(first.good_offset <= len);
    if (!first.is_cut_off) return;
    struct outcome second = load(log, (size_t)first.good_offset);
    check(second.result == LOADING_DONE && second.good_offset == first.good_offset);
    check(second.keys == first.keys);
}

static void fuzz_manifest(const char *text, size_t len)
{
    struct manifest m = {0}, again = {0};
    if (manifest_parse(bytes_make(text, len), &m, NULL) != NULL) {
        check(m.count == 0);
        return;
    }
    size_t printed_len;
    char *printed = manifest_print(&m, &printed_len);
    /* Escaped, a name may grow beyond what a line may be; Redis has that limit, too. */
    if (m.count > 0 && printed_len < 1024) {
        check(manifest_parse(bytes_make(printed, printed_len), &again, NULL) == NULL);
        check(again.count == m.count);
        for (int i = 0; i < m.count; i++) {
            check(strcmp(again.files[i].name, m.files[i].name) == 0);
            check(again.files[i].seq == m.files[i].seq && again.files[i].type == m.files[i].type);
        }
    }
    free(printed);
    manifest_free(&m);
    manifest_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_once();
    if (size < 1 || size > 1 << 14) return 0;
    if (data[0] == 'm')
        fuzz_manifest((const char *)data + 1, size - 1);
    else
        fuzz_log((const char *)data + 1, size - 1);
    return 0;
}
