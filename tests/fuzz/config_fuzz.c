/*
 * Fuzzes the configuration file: whatever the bytes, reading them ends, what an option prints reads
 * back as the same value, and a rewritten file holds the same settings, keeps the lines that are no
 * options, and does not change when it is rewritten again.
 */
#ifndef BATON_ROOM_EXECUTE
#define BATON_ROOM_EXECUTE
#endif
#include "boot/config_file.h"
#include "catalog/config_text.h"
#include "execute/core/config_rewrite.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void check_equal(const struct settings *a, const struct settings *b)
{
    for (size_t i = 0; i < option_count(); i++) check(option_is_equal(a, b, option_at(i)));
}

/* What CONFIG GET answers must be what CONFIG SET takes. */
static void check_round(const struct settings *s)
{
    char error[OPTION_ERROR_MAX];
    struct settings *again = settings_default();
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        size_t len;
        char *text = option_get_text(s, o, &len);
        struct bytes word = bytes_make(text, len);
        /* Of words with blanks inside CONFIG GET does not tell where they end; none reads as
         * nothing. */
        bool blurred = strcmp(o->name, "bind") == 0 || strcmp(o->name, "replicaof") == 0;
        if (!blurred) {
            check(option_set_text(again, o, &word, 1, OPTION_FROM_CLIENT, error) == 0);
            check(option_is_equal(s, again, o));
        }
        free(text);
    }
    settings_free(again);
}

static char *rewrite(struct bytes old, const struct settings *s, bool all, size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    check(out != NULL);
    config_rewrite_text(old, s, bytes_make(NULL, 0), all, out);
    check(fclose(out) == 0);
    return text;
}

static void check_rewrite(struct bytes old, const struct settings *s, bool all)
{
    size_t len, again_len;
    char *text = rewrite(old, s, all, &len);
    struct config_reading r = {.settings = settings_default(), .dry = true};
    check(config_read(&r, bytes_make(text, len)) == 0);
    check_equal(s, r.settings);
    char *again = rewrite(bytes_make(text, len), r.settings, all, &again_len);
    check(len == again_len && memcmp(text, again, len) == 0);
    config_reading_free(&r);
    free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make((const char *)data, size);
    struct config_reading r = {.settings = settings_default(), .dry = true};
    if (config_read(&r, text) == 0) {
        check_round(r.settings);
        check_rewrite(text, r.settings, false);
        check_rewrite(text, r.settings, true);
        check_rewrite(bytes_make("", 0), r.settings, false);
    } else {
        check(r.reason[0] != 0 && r.line != NULL && strlen(r.line) <= size + sizeof " (redacted)");
    }
    config_reading_free(&r);
    return 0;
}
