/* See words.h. */
#include "codec/words.h"

#include "base/must.h"

#include <errno.h>
#include <stdlib.h>

struct bytes words_trim(struct bytes line)
{
    static const char blanks[] = " \t\r\n";
    while (line.len > 0 && memchr(blanks, line.ptr[0], 4) != NULL) {
        line.ptr++;
        line.len--;
    }
    while (line.len > 0 && memchr(blanks, line.ptr[line.len - 1], 4) != NULL) line.len--;
    return line;
}

static bool words_is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static int words_hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* One escape of "...", at the backslash: its byte to *out, its length as the result. */
static size_t words_escape(const char *p, const char *end, char *out)
{
    static const char letters[] = "nrtba", meanings[] = "\n\r\t\b\a";
    if (end - p >= 4 && p[1] == 'x' && words_hex(p[2]) >= 0 && words_hex(p[3]) >= 0) {
        *out = (char)(words_hex(p[2]) * 16 + words_hex(p[3]));
        return 4;
    }
    const char *at = memchr(letters, p[1], sizeof letters - 1);
    *out = at == NULL ? p[1] : meanings[at - letters];
    return 2;
}

/* Reads a quoted word from *at, behind its quote, to behind the closing one. */
static int words_take_quoted(const char **at, const char *end, char quote, char **out)
{
    const char *p = *at;
    while (p < end && *p != quote) {
        if (*p == '\\' && p + 1 < end && quote == '"') {
            p += words_escape(p, end, (*out)++);
        } else if (*p == '\\' && p + 1 < end && p[1] == '\'') {
            *(*out)++ = '\'';
            p += 2;
        } else {
            *(*out)++ = *p++;
        }
    }
    if (p == end) return -EINVAL;
    *at = p + 1;
    return *at == end || words_is_blank(**at) ? 0 : -EINVAL;
}

/* Reads one word from *at, which is no blank. A quote within a word opens a quoted part that ends
 * it. */
static int words_take_word(const char **at, const char *end, char **out)
{
    while (*at < end && !words_is_blank(**at)) {
        char c = *(*at)++;
        if (c == '"' || c == '\'') return words_take_quoted(at, end, c, out);
        *(*out)++ = c;
    }
    return 0;
}

int words_split(struct bytes line, struct words *out)
{
    uint32_t cap = 0;
    *out = (struct words){0};
    out->memory = malloc(line.len + 1);
    must(out->memory != NULL);
    char *to = out->memory;
    const char *p = line.ptr, *end = line.ptr + line.len;
    for (;;) {
        while (p < end && words_is_blank(*p)) p++;
        if (p == end) return 0;
        if (out->count == cap) {
            cap = cap == 0 ? 8 : cap * 2;
            out->word = realloc(out->word, cap * sizeof *out->word);
            must(out->word != NULL);
        }
        char *start = to;
        if (words_take_word(&p, end, &to) != 0) {
            words_free(out);
            return -EINVAL;
        }
        out->word[out->count++] = bytes_make(start, (size_t)(to - start));
    }
}

void words_free(struct words *w)
{
    free(w->word);
    free(w->memory);
    *w = (struct words){0};
}

void words_quote_always(struct bytes word, FILE *out)
{
    static const char plain[] = "\n\r\t\b\a\\\"", letters[] = "nrtba\\\"";
    fputc('"', out);
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        const char *at = memchr(plain, c, sizeof plain - 1);
        if (at != NULL) {
            fputc('\\', out);
            fputc(letters[at - plain], out);
        } else if (c >= ' ' && c <= '~') {
            fputc(c, out);
        } else {
            fprintf(out, "\\x%02x", (unsigned char)c);
        }
    }
    fputc('"', out);
}

void words_quote(struct bytes word, FILE *out)
{
    bool plain = word.len > 0 && word.ptr[0] != '#';
    for (size_t i = 0; plain && i < word.len; i++) {
        char c = word.ptr[i];
        plain = c > ' ' && c <= '~' && c != '"' && c != '\'' && c != '\\';
    }
    if (plain) {
        fwrite(word.ptr, 1, word.len, out);
    } else {
        words_quote_always(word, out);
    }
}
