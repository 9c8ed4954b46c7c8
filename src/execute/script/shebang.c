/* Words are separated by blanks. */
#include "execute/script/shebang.h"

#include "execute/script/script.h"

static bool starts_with(struct bytes text, const char *head)
{
    size_t len = strlen(head);
    return text.len >= len && memcmp(text.ptr, head, len) == 0;
}

/* Cuts what comes before `by` off the text; all of it when there is none. */
static struct bytes cut(struct bytes *text, char by)
{
    const char *end = text->len == 0 ? NULL : memchr(text->ptr, by, text->len);
    size_t len = end == NULL ? text->len : (size_t)(end - text->ptr);
    struct bytes word = {text->ptr, len};
    size_t used = end == NULL ? len : len + 1;
    *text = bytes_make(text->ptr + used, text->len - used);
    return word;
}

static bool refuse(struct call *c, const char *what, struct bytes word)
{
    reply_errorf(c, "ERR %s: %.*s", what, REPLY_WORD(word));
    return false;
}

static bool read_flags(struct call *c, struct bytes names, uint32_t *flags)
{
    while (names.len > 0) {
        struct bytes name = cut(&names, ',');
        uint32_t flag = script_flag_named(name);
        if (flag == 0) return refuse(c, "Unexpected flag in script shebang", name);
        *flags |= flag;
    }
    return true;
}

static bool read_words(struct call *c, struct bytes line, uint32_t *flags)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') line.len--;
    struct bytes engine = cut(&line, ' ');
    if (!bytes_equal(engine, bytes_of("lua")))
        return refuse(c, "Unexpected engine in script shebang", engine);
    while (line.len > 0) {
        struct bytes word = cut(&line, ' ');
        if (word.len == 0) continue;
        if (!starts_with(word, "flags=")) return refuse(c, "Unknown lua shebang option", word);
        if (!read_flags(c, bytes_make(word.ptr + 6, word.len - 6), flags)) return false;
    }
    return true;
}

bool shebang_read(struct call *c, struct bytes text, uint32_t *flags, struct bytes *code)
{
    *flags = SCRIPT_SAYS_NOTHING;
    *code = text;
    if (!starts_with(text, "#!")) return true;
    const char *end = memchr(text.ptr, '\n', text.len);
    if (end == NULL) {
        reply_error(c, "ERR Invalid script shebang");
        return false;
    }
    size_t len = (size_t)(end - text.ptr);
    *flags = 0;
    *code = bytes_make(end, text.len - len);
    return read_words(c, bytes_make(text.ptr + 2, len - 2), flags);
}
