/* Bytes that grow. */
#include "sim/sim.h"

#include "base/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *t, const char *data, size_t len)
{
    if (t->len + len > t->cap) {
        t->cap = (t->len + len) * 2 + 64;
        t->data = realloc(t->data, t->cap);
        must(t->data != NULL);
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
}

void text_drop(struct text *t, size_t len)
{
    memmove(t->data, t->data + len, t->len - len);
    t->len -= len;
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

void text_print(struct text *t, const char *fmt, ...)
{
    char line[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    text_add(t, line, (size_t)n);
}

void text_bulk(struct text *t, const char *data, size_t len)
{
    text_print(t, "$%zu\r\n", len);
    text_add(t, data, len);
    text_add(t, "\r\n", 2);
}
