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

static void refuse(struct shebang *s, const char *error, struct bytes word)
{
    s->error = error;
    s->word = word;
}

static void read_flags(struct shebang *s, struct bytes names)
{
    while (names.len > 0 && s->error == NULL) {
        struct bytes name = cut(&names, ',');
        uint32_t flag = script_flag_named(name);
        if (flag == 0) refuse(s, "Unexpected flag in script shebang: ", name);
        s->flags |= flag;
    }
}

static void read_words(struct shebang *s, struct bytes line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') line.len--;
    struct bytes engine = cut(&line, ' ');
    if (!bytes_equal(engine, bytes_of("lua")))
        refuse(s, "Unexpected engine in script shebang: ", engine);
    while (line.len > 0 && s->error == NULL) {
        struct bytes word = cut(&line, ' ');
        if (word.len == 0) continue;
        if (starts_with(word, "flags="))
            read_flags(s, bytes_make(word.ptr + 6, word.len - 6));
        else
            refuse(s, "Unknown lua shebang option: ", word);
    }
}

struct shebang shebang_read(struct bytes text)
{
    struct shebang s = {.flags = SCRIPT_SAYS_NOTHING, .code = text};
    if (!starts_with(text, "#!")) return s;
    const char *end = memchr(text.ptr, '\n', text.len);
    if (end == NULL) {
        refuse(&s, "Invalid script shebang", bytes_of(""));
        return s;
    }
    size_t len = (size_t)(end - text.ptr);
    s.flags = 0;
    s.code = bytes_make(end, text.len - len);
    read_words(&s, bytes_make(text.ptr + 2, len - 2));
    return s;
}
