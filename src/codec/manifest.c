/*
 * Invariants: at most one base, which is first; history follows it, the youngest first; then the
 * increments, with rising numbers.
 */
#include "codec/manifest.h"

#include "base/must.h"
#include "codec/number.h"
#include "codec/words.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANIFEST_LINE_MAX = 1024 };

static const char manifest_bad[] = "Invalid AOF manifest file format";

void manifest_free(struct manifest *m)
{
    free(m->files);
    *m = (struct manifest){0};
}

void manifest_copy(struct manifest *to, const struct manifest *from)
{
    to->count = to->cap = from->count;
    to->files = calloc((size_t)from->count + 1, sizeof(*to->files));
    must(to->files != NULL);
    if (from->count > 0) memcpy(to->files, from->files, (size_t)from->count * sizeof(*to->files));
}

/* ---- Looking ---- */

const struct manifest_file *manifest_base(const struct manifest *m)
{
    return m->count > 0 && m->files[0].type == MANIFEST_BASE ? &m->files[0] : NULL;
}

const struct manifest_file *manifest_last_increment(const struct manifest *m)
{
    if (m->count == 0) return NULL;
    const struct manifest_file *last = &m->files[m->count - 1];
    return last->type == MANIFEST_INCREMENT ? last : NULL;
}

int64_t manifest_last_seq(const struct manifest *m, enum manifest_type type)
{
    int64_t last = 0;
    for (int i = 0; i < m->count; i++)
        if (m->files[i].type == type && m->files[i].seq > last) last = m->files[i].seq;
    return last;
}

bool manifest_name(char out[MANIFEST_NAME_MAX], const char *prefix, int64_t seq,
                   enum manifest_type type, bool is_rdb)
{
    const char *kind = type == MANIFEST_BASE ? is_rdb ? "base.rdb" : "base.aof" : "incr.aof";
    int len = snprintf(out, MANIFEST_NAME_MAX, "%s.%lld.%s", prefix, (long long)seq, kind);
    return len < MANIFEST_NAME_MAX;
}

/* ---- Changing ---- */

static void manifest_insert(struct manifest *m, int at, const struct manifest_file *file)
{
    if (m->count == m->cap) {
        m->cap = m->cap == 0 ? 8 : m->cap * 2;
        m->files = realloc(m->files, (size_t)m->cap * sizeof(*m->files));
        must(m->files != NULL);
    }
    memmove(m->files + at + 1, m->files + at, (size_t)(m->count - at) * sizeof(*m->files));
    m->files[at] = *file;
    m->count++;
}

static void manifest_remove(struct manifest *m, int at)
{
    m->count--;
    memmove(m->files + at, m->files + at + 1, (size_t)(m->count - at) * sizeof(*m->files));
}

/* Where the first increment is, or would be. */
static int manifest_increments(const struct manifest *m)
{
    int at = m->count;
    while (at > 0 && m->files[at - 1].type == MANIFEST_INCREMENT) at--;
    return at;
}

static void manifest_place(struct manifest *m, const struct manifest_file *file)
{
    int at = m->count;
    if (file->type == MANIFEST_BASE) at = 0;
    if (file->type == MANIFEST_HISTORY) at = manifest_increments(m);
    manifest_insert(m, at, file);
}

void manifest_add(struct manifest *m, const char *name, int64_t seq, enum manifest_type type)
{
    struct manifest_file file = {.seq = seq, .type = type};
    must(strlen(name) < sizeof(file.name) && seq > 0);
    must(type != MANIFEST_BASE || manifest_base(m) == NULL);
    must(type != MANIFEST_INCREMENT || seq > manifest_last_seq(m, MANIFEST_INCREMENT));
    memcpy(file.name, name, strlen(name));
    manifest_place(m, &file);
}

/* The file at `from` is history from now on, the youngest. */
static void manifest_age(struct manifest *m, int from)
{
    struct manifest_file file = m->files[from];
    file.type = MANIFEST_HISTORY;
    manifest_remove(m, from);
    manifest_insert(m, manifest_base(m) != NULL ? 1 : 0, &file);
}

void manifest_retire(struct manifest *m, int64_t seq)
{
    if (manifest_base(m) != NULL) manifest_age(m, 0);
    for (int i = manifest_increments(m); i < m->count && m->files[i].seq < seq; i++)
        manifest_age(m, i);
}

void manifest_drop_history(struct manifest *m)
{
    for (int i = m->count - 1; i >= 0; i--)
        if (m->files[i].type == MANIFEST_HISTORY) manifest_remove(m, i);
}

/* ---- Text ---- */

static bool manifest_read_name(struct bytes word, char *out)
{
    if (word.len == 0 || word.len >= MANIFEST_NAME_MAX) return false;
    if (memchr(word.ptr, '/', word.len) != NULL || memchr(word.ptr, 0, word.len) != NULL)
        return false;
    memset(out, 0, MANIFEST_NAME_MAX);
    memcpy(out, word.ptr, word.len);
    return strcmp(out, ".") != 0 && strcmp(out, "..") != 0;
}

static const char *manifest_read_pair(struct bytes key, struct bytes value, struct manifest_file *f)
{
    if (bytes_is_word(key, "file")) {
        if (!manifest_read_name(value, f->name)) return "File can't be a path, just a filename";
    } else if (bytes_is_word(key, "seq")) {
        if (!number_int(value, &f->seq) || f->seq <= 0) return manifest_bad;
    } else if (bytes_is_word(key, "type")) {
        if (value.len != 1 || memchr("bhi", value.ptr[0], 3) == NULL)
            return "Unknown AOF file type";
        f->type = (enum manifest_type)value.ptr[0];
    }
    return NULL;
}

static const char *manifest_accept(struct manifest *m, const struct manifest_file *f)
{
    if (f->name[0] == '\0' || f->seq == 0 || f->type == 0) return manifest_bad;
    if (f->type == MANIFEST_BASE && manifest_base(m) != NULL)
        return "Found duplicate base file information";
    if (f->type == MANIFEST_INCREMENT && manifest_last_increment(m) != NULL &&
        f->seq <= manifest_last_increment(m)->seq)
        return "Found a non-monotonic sequence number";
    if (m->count == MANIFEST_FILES_MAX) return "The AOF manifest file names too many files";
    manifest_place(m, f);
    return NULL;
}

static const char *manifest_read_line(struct bytes line, struct manifest *m)
{
    struct words w;
    struct manifest_file file = {0};
    const char *wrong = NULL;
    if (words_split(line, &w) != 0) return manifest_bad;
    if (w.count < 6 || w.count % 2 != 0) wrong = manifest_bad;
    for (uint32_t i = 0; i < w.count && wrong == NULL; i += 2)
        wrong = manifest_read_pair(w.word[i], w.word[i + 1], &file);
    words_free(&w);
    return wrong != NULL ? wrong : manifest_accept(m, &file);
}

const char *manifest_parse(struct bytes text, struct manifest *m, int *line)
{
    int ignored;
    if (line == NULL) line = &ignored;
    *line = 0;
    *m = (struct manifest){0};
    const char *wrong = text.len == 0 ? "Found an empty AOF manifest" : NULL;
    while (text.len > 0 && wrong == NULL) {
        ++*line;
        const char *lf = memchr(text.ptr, '\n', text.len);
        size_t len = lf == NULL ? text.len : (size_t)(lf - text.ptr);
        struct bytes rest = bytes_make(text.ptr, len);
        if (len >= MANIFEST_LINE_MAX)
            wrong = "The AOF manifest file contains too long line";
        else if (lf == NULL)
            wrong = "The AOF manifest file lacks the end of its last line";
        else if (len == 0 || rest.ptr[0] != '#')
            wrong = manifest_read_line(rest, m);
        text = bytes_make(text.ptr + len + 1, lf == NULL ? 0 : text.len - len - 1);
    }
    if (wrong != NULL) manifest_free(m);
    return wrong;
}

char *manifest_print(const struct manifest *m, size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    must(out != NULL);
    for (int i = 0; i < m->count; i++) {
        const struct manifest_file *f = &m->files[i];
        fputs("file ", out);
        words_quote(bytes_of(f->name), out);
        fprintf(out, " seq %lld type %c\n", (long long)f->seq, (char)f->type);
    }
    must(fclose(out) == 0);
    return text;
}
