/*
 * From a row's syntax to the tree of its arguments.
 *
 *   sequence := item*            item := '[' choice ']' | '<' choice '>' | WORD | name
 *   choice   := sequence ('|' sequence)*
 *
 * "X [X ...]" stands for X once or more; X may be any text, so it is recognised as text before it
 * is parsed. A WORD in capitals is the token of what follows it in its sequence, or an argument of
 * its own when nothing does. Types come from the names of arguments, keys from their positions and
 * the row's key specifications.
 */
#include "catalog/command_docs.h"

#include "base/must.h"

/* Where the parser stands. `position` is the index in args of the next argument, 0 once that is no
 * longer fixed. */
struct doc_parser {
    const struct command_spec *spec;
    struct doc_arguments *out;
    uint32_t position;
};

/* Siblings under construction. */
struct doc_list {
    int16_t first, last;
    uint32_t count;
};

static const struct doc_list doc_list_none = {-1, -1, 0};

static struct doc_list doc_choice(struct doc_parser *p, struct bytes text);

static int16_t doc_new(struct doc_parser *p, enum doc_type type)
{
    must(p->out->count < DOC_ARGUMENT_MAX);
    int16_t i = (int16_t)p->out->count++;
    p->out->at[i] =
        (struct doc_argument){.type = type, .key_spec_index = -1, .first_child = -1, .next = -1};
    return i;
}

static struct doc_argument *doc_at(struct doc_parser *p, int16_t i)
{
    must(i >= 0);
    return &p->out->at[i];
}

static void doc_append(struct doc_parser *p, struct doc_list *list, int16_t i)
{
    if (list->first < 0)
        list->first = i;
    else
        doc_at(p, list->last)->next = i;
    list->last = i;
    list->count++;
}

static void doc_set_name(struct doc_argument *a, struct bytes name, const char *suffix)
{
    must(name.len + strlen(suffix) < DOC_NAME_MAX);
    size_t n = 0;
    for (; n < name.len; n++) {
        char ch = name.ptr[n];
        a->name[n] = ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
    }
    memcpy(a->name + n, suffix, strlen(suffix) + 1);
}

/* ---- Words ---- */

/* The names whose type is not string. A group or a command, where given, narrows the line to it;
 * the first line that fits counts. */
static const struct {
    const char *name;
    const char *of;
    enum doc_type type;
} doc_types[] = {
    {"increment", "incrbyfloat", DOC_DOUBLE},
    {"increment", "hincrbyfloat", DOC_DOUBLE},
    {"timeout", "list", DOC_DOUBLE},
    {"timeout", "sorted-set", DOC_DOUBLE},
    {"start", "stream", DOC_STRING},
    {"end", "stream", DOC_STRING},
    {"start", "zrange", DOC_STRING},
    {"stop", "zrange", DOC_STRING},
    {"stop", "list", DOC_INTEGER},
    {"stop", "zrevrange", DOC_INTEGER},
    {"stop", "zremrangebyrank", DOC_INTEGER},
    {"len", "lpos", DOC_INTEGER},
    {"min-idle-time", "xpending", DOC_INTEGER},
    {"ms", "xclaim", DOC_INTEGER},
    {"bits", "acl|genpass", DOC_INTEGER},
    {"score", "zadd", DOC_DOUBLE},
    {"min", "zcount", DOC_DOUBLE},
    {"max", "zcount", DOC_DOUBLE},
    {"min", "zrangebyscore", DOC_DOUBLE},
    {"max", "zrangebyscore", DOC_DOUBLE},
    {"min", "zrevrangebyscore", DOC_DOUBLE},
    {"max", "zrevrangebyscore", DOC_DOUBLE},
    {"min", "zremrangebyscore", DOC_DOUBLE},
    {"max", "zremrangebyscore", DOC_DOUBLE},
    {"longitude", "geo", DOC_DOUBLE},
    {"latitude", "geo", DOC_DOUBLE},
    {"radius", "geo", DOC_DOUBLE},
    {"width", "geo", DOC_DOUBLE},
    {"height", "geo", DOC_DOUBLE},
    {"frequency", NULL, DOC_INTEGER},
    {"limit", NULL, DOC_INTEGER},
    {"num-matches", NULL, DOC_INTEGER},
    {"numkeys", NULL, DOC_INTEGER},
    {"rank", NULL, DOC_INTEGER},
    {"ttl", NULL, DOC_INTEGER},
    {"weight", NULL, DOC_INTEGER},
    {"bit", NULL, DOC_INTEGER},
    {"client-id", NULL, DOC_INTEGER},
    {"count", NULL, DOC_INTEGER},
    {"cursor", NULL, DOC_INTEGER},
    {"db", NULL, DOC_INTEGER},
    {"decrement", NULL, DOC_INTEGER},
    {"destination-db", NULL, DOC_INTEGER},
    {"end", NULL, DOC_INTEGER},
    {"increment", NULL, DOC_INTEGER},
    {"index", NULL, DOC_INTEGER},
    {"index1", NULL, DOC_INTEGER},
    {"index2", NULL, DOC_INTEGER},
    {"milliseconds", NULL, DOC_INTEGER},
    {"min-match-len", NULL, DOC_INTEGER},
    {"offset", NULL, DOC_INTEGER},
    {"pattern", NULL, DOC_PATTERN},
    {"protover", NULL, DOC_INTEGER},
    {"seconds", NULL, DOC_INTEGER},
    {"start", NULL, DOC_INTEGER},
    {"timeout", NULL, DOC_INTEGER},
    {"unix-time-milliseconds", NULL, DOC_UNIX_TIME},
    {"unix-time-seconds", NULL, DOC_UNIX_TIME},
    {"value", "bitmap", DOC_INTEGER},
    {"version", NULL, DOC_INTEGER},
};

/* What a choice without a token is called, by the name of its first alternative. */
static const struct {
    const char *first;
    const char *name;
} doc_choices[] = {
    {"and", "operation"},
    {"async", "flush-type"},
    {"byte", "unit"},
    {"get-block", "operation"},
    {"ip:port", "filter"},
    {"client-id", "new-format"},
    {"lib-name", "attribute"},
    {"libname", "attribute"},
    {"nosave", "save-selector"},
    {"nx", "condition"},
    {"on", "action"},
    {"overflow-block", "write"},
    {"seconds", "expiration"},
    {"set-block", "write-operation"},
    {"timeout", "unblock-type"},
    {"write", "mode"},
};

static enum doc_type doc_type_of(const struct command_spec *c, struct bytes name)
{
    for (size_t i = 0; i < sizeof(doc_types) / sizeof(doc_types[0]); i++) {
        const char *of = doc_types[i].of;
        if (of != NULL && strcmp(of, c->group) != 0 && strcmp(of, c->full) != 0) continue;
        if (bytes_is_word(name, doc_types[i].name)) return doc_types[i].type;
    }
    return DOC_STRING;
}

/* Which specification has a key at this position; -1: none. */
static int doc_key_spec(const struct doc_parser *p, uint32_t position)
{
    if (position == 0) return -1;
    for (int i = 0; i < p->spec->key_count; i++) {
        const struct key_spec *k = &p->spec->keys[i];
        if (k->begin != KEY_BEGIN_INDEX) continue;
        int64_t first = k->begin_index;
        int64_t last = first;
        if (k->find == KEY_FIND_KEYNUM)
            first = last = first + k->first;
        else if (k->find == KEY_FIND_RANGE && k->last > 0)
            last += k->last;
        if (position >= first && position <= last) return i;
    }
    return -1;
}

/* What is typed as it is: words in capitals, and signs. */
static bool doc_is_token(struct bytes word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] >= 'a' && word.ptr[i] <= 'z') return false;
    }
    return word.len > 0;
}

/* ---- Text ---- */

static struct bytes doc_from(struct bytes text, size_t from, size_t to)
{
    return bytes_make(text.ptr + from, to - from);
}

static struct bytes doc_trim(struct bytes text)
{
    while (text.len > 0 && text.ptr[0] == ' ') text = doc_from(text, 1, text.len);
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') text.len--;
    return text;
}

static bool doc_ends_with(struct bytes text, struct bytes end)
{
    if (text.len < end.len) return false;
    return bytes_equal(doc_from(text, text.len - end.len, text.len), end);
}

/* The index of the bracket that closes the one at `open`. */
static size_t doc_closing(struct bytes text, size_t open)
{
    int depth = 0;
    for (size_t i = open;; i++) {
        must(i < text.len);
        char ch = text.ptr[i];
        if (ch == '[' || ch == '<') depth++;
        if (ch == ']' || ch == '>') depth--;
        if (depth == 0) return i;
    }
}

/* The index of the first of `wanted` outside of inner brackets, from `from` on; text.len: none. */
static size_t doc_next(struct bytes text, size_t from, char wanted)
{
    for (size_t i = from; i < text.len; i++) {
        if (text.ptr[i] == wanted) return i;
        if (text.ptr[i] == '[' || text.ptr[i] == '<') i = doc_closing(text, i);
    }
    return text.len;
}

/*
 * Finds the first "X [X ...]" of a text. True: `at` is where X begins and `end` where the bracket
 * is over.
 */
static bool doc_find_repeat(struct bytes text, size_t *at, struct bytes *repeated, size_t *end)
{
    static const struct bytes dots = {" ...", 4};
    for (size_t i = doc_next(text, 0, '['); i < text.len; i = doc_next(text, *end, '[')) {
        *end = doc_closing(text, i) + 1;
        struct bytes inner = doc_from(text, i + 1, *end - 1);
        if (!doc_ends_with(inner, dots)) continue;
        inner.len -= dots.len;
        struct bytes before = doc_trim(doc_from(text, 0, i));
        if (!doc_ends_with(before, inner)) continue;
        *at = (size_t)(before.ptr + before.len - inner.len - text.ptr);
        *repeated = inner;
        return true;
    }
    return false;
}

/* ---- Groups of arguments ---- */

static void doc_name_choice(struct doc_parser *p, int16_t choice)
{
    struct doc_argument *a = doc_at(p, choice);
    const char *first = doc_at(p, a->first_child)->name;
    for (size_t i = 0; i < sizeof(doc_choices) / sizeof(doc_choices[0]); i++) {
        if (strcmp(doc_choices[i].first, first) != 0) continue;
        doc_set_name(a, bytes_of(doc_choices[i].name), "");
        return;
    }
    doc_set_name(a, bytes_of(first), "-choice");
}

/* One argument out of a list: the list's only one, or a block around them. */
static int16_t doc_fold(struct doc_parser *p, struct doc_list list)
{
    if (list.count == 1) return list.first;
    must(list.count > 1);
    int16_t block = doc_new(p, DOC_BLOCK);
    struct doc_argument *a = doc_at(p, block);
    a->first_child = list.first;
    doc_set_name(a, bytes_of(doc_at(p, list.first)->name), "-block");
    return block;
}

/* What follows a token that a key specification begins with is a key. */
static void doc_note_key(struct doc_parser *p, struct bytes token, int16_t argument)
{
    for (int i = 0; i < p->spec->key_count; i++) {
        const struct key_spec *k = &p->spec->keys[i];
        if (k->begin != KEY_BEGIN_KEYWORD || !bytes_is_word(token, k->begin_keyword)) continue;
        doc_at(p, argument)->key_spec_index = i;
        doc_at(p, argument)->type = DOC_KEY;
    }
}

/* Gives `token` to what follows it in its sequence; nothing follows: the token is the argument. */
static int16_t doc_tokenize(struct doc_parser *p, struct bytes token, struct doc_list after)
{
    if (after.count == 0) {
        int16_t pure = doc_new(p, DOC_PURE_TOKEN);
        doc_at(p, pure)->token = token;
        doc_set_name(doc_at(p, pure), token, "");
        return pure;
    }
    doc_note_key(p, token, after.first);
    bool wraps = after.count == 1 && doc_at(p, after.first)->token.len > 0;
    int16_t i = wraps ? doc_new(p, DOC_BLOCK) : doc_fold(p, after);
    struct doc_argument *a = doc_at(p, i);
    if (wraps) a->first_child = after.first;
    if (a->type == DOC_BLOCK) doc_set_name(a, token, "-block");
    if (a->type == DOC_ONEOF) doc_set_name(a, token, "");
    a->token = token;
    return i;
}

static int16_t doc_word(struct doc_parser *p, struct bytes name)
{
    int16_t i = doc_new(p, doc_type_of(p->spec, name));
    struct doc_argument *a = doc_at(p, i);
    doc_set_name(a, name, "");
    int16_t spec = (int16_t)doc_key_spec(p, p->position);
    if (spec >= 0 && !(p->spec->keys[spec].flags & KEY_NOT_KEY)) {
        a->key_spec_index = spec;
        a->type = DOC_KEY;
    }
    if (p->position != 0) p->position++;
    return i;
}

static int16_t doc_bracket(struct doc_parser *p, struct bytes text, bool optional)
{
    bool plain = doc_next(text, 0, '|') == text.len;
    uint32_t position = p->position;
    int16_t i = doc_fold(p, doc_choice(p, text));
    if (optional) {
        doc_at(p, i)->optional = true;
        p->position = 0; /* where the next one stands is not known */
    } else if (position != 0) {
        p->position = plain ? p->position : position + 1;
    }
    return i;
}

/* Parses a run of items without repeats at this level, appending to `list`; an open token takes
 * what comes after it. */
static void doc_items(struct doc_parser *p, struct bytes text, struct doc_list *list)
{
    struct bytes token = {NULL, 0};
    struct doc_list after = doc_list_none;
    for (text = doc_trim(text); text.len > 0; text = doc_trim(text)) {
        bool bracket = text.ptr[0] == '[' || text.ptr[0] == '<';
        size_t end = bracket ? doc_closing(text, 0) + 1 : doc_next(text, 0, ' ');
        struct bytes item = doc_from(text, 0, end);
        text = doc_from(text, end, text.len);
        if (!bracket && doc_is_token(item)) {
            if (token.len > 0) doc_append(p, list, doc_tokenize(p, token, after));
            token = item;
            after = doc_list_none;
            if (p->position != 0) p->position++;
            continue;
        }
        int16_t i = bracket ? doc_bracket(p, doc_from(item, 1, item.len - 1), item.ptr[0] == '[')
                            : doc_word(p, item);
        doc_append(p, token.len > 0 ? &after : list, i);
    }
    if (token.len > 0) doc_append(p, list, doc_tokenize(p, token, after));
}

static struct doc_list doc_sequence(struct doc_parser *p, struct bytes text);

/* "X [X ...]": X as one argument that may be repeated. */
static int16_t doc_repeat(struct doc_parser *p, struct bytes repeated)
{
    int16_t i = doc_fold(p, doc_choice(p, repeated));
    struct doc_argument *a = doc_at(p, i);
    a->multiple = true;
    a->multiple_token = a->token.len > 0;
    p->position = 0;
    return i;
}

static struct doc_list doc_sequence(struct doc_parser *p, struct bytes text)
{
    struct doc_list list = doc_list_none;
    struct bytes repeated;
    size_t at, end;
    if (!doc_find_repeat(text, &at, &repeated, &end)) {
        doc_items(p, text, &list);
        return list;
    }
    /* "ID client-id [client-id ...]": the word before the repeat is its token. */
    struct bytes before = doc_trim(doc_from(text, 0, at));
    size_t word = before.len;
    while (word > 0 && before.ptr[word - 1] != ' ' && before.ptr[word - 1] != ']' &&
           before.ptr[word - 1] != '>')
        word--;
    struct bytes token = doc_from(before, word, before.len);
    if (!doc_is_token(token)) token.len = 0;
    doc_items(p, doc_from(before, 0, before.len - token.len), &list);
    if (token.len > 0 && p->position != 0) p->position++;
    int16_t i = doc_repeat(p, repeated);
    if (token.len > 0) {
        struct doc_list one = {i, i, 1};
        i = doc_tokenize(p, token, one);
    }
    doc_append(p, &list, i);
    struct doc_list rest = doc_sequence(p, doc_from(text, end, text.len));
    if (rest.first >= 0) {
        doc_at(p, list.last)->next = rest.first;
        list.last = rest.last;
        list.count += rest.count;
    }
    return list;
}

/* "<normal|replica>": when all alternatives are mere words, they are typed as they are. */
static void doc_words_are_tokens(struct doc_parser *p, int16_t first, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.ptr[i] < 'a' || text.ptr[i] > 'z') && text.ptr[i] != '|') return;
    }
    for (size_t from = 0; first >= 0; first = doc_at(p, first)->next) {
        size_t bar = doc_next(text, from, '|');
        doc_at(p, first)->type = DOC_PURE_TOKEN;
        doc_at(p, first)->token = doc_from(text, from, bar);
        from = bar + 1;
    }
}

/* Alternatives between '|' become one DOC_ONEOF; without a '|' the sequence itself is given. */
static struct doc_list doc_choice(struct doc_parser *p, struct bytes text)
{
    struct bytes repeated;
    size_t at, end;
    bool repeats = doc_find_repeat(text, &at, &repeated, &end) && at == 0 && end == text.len;
    size_t bar = doc_next(text, 0, '|');
    if (repeats || bar == text.len) return doc_sequence(p, text);

    struct doc_list alternatives = doc_list_none;
    size_t from = 0;
    uint32_t position = p->position;
    do {
        bar = doc_next(text, from, '|');
        p->position = position;
        doc_append(p, &alternatives, doc_fold(p, doc_sequence(p, doc_from(text, from, bar))));
        from = bar + 1;
    } while (bar < text.len);

    doc_words_are_tokens(p, alternatives.first, text);
    int16_t i = doc_new(p, DOC_ONEOF);
    doc_at(p, i)->first_child = alternatives.first;
    doc_name_choice(p, i);
    return (struct doc_list){i, i, 1};
}

void command_docs_arguments(const struct command_spec *c, struct doc_arguments *out)
{
    uint32_t words = c->parent == NULL ? 1 : 2;
    struct bytes text = bytes_of(c->syntax);
    for (uint32_t i = 0; i < words; i++) {
        size_t space = doc_next(text, 0, ' ');
        text = doc_trim(doc_from(text, space, text.len));
    }
    out->count = 0;
    struct doc_parser p = {c, out, words};
    out->first = doc_sequence(&p, text).first;
}

const char *doc_type_name(enum doc_type type)
{
    static const char *const names[] = {
        [DOC_STRING] = "string",         [DOC_INTEGER] = "integer",
        [DOC_DOUBLE] = "double",         [DOC_KEY] = "key",
        [DOC_PATTERN] = "pattern",       [DOC_UNIX_TIME] = "unix-time",
        [DOC_PURE_TOKEN] = "pure-token", [DOC_ONEOF] = "oneof",
        [DOC_BLOCK] = "block",
    };
    return names[type];
}

/* ---- The range for old clients ---- */

struct command_key_range command_docs_key_range(const struct command_spec *c)
{
    struct command_key_range range = {0, 0, 0};
    for (uint32_t i = 0; i < c->key_count; i++) {
        const struct key_spec *k = &c->keys[i];
        if (k->begin != KEY_BEGIN_INDEX || k->find != KEY_FIND_RANGE) continue;
        int last = k->last < 0 ? k->last : k->begin_index + k->last;
        if (range.first == 0) {
            range = (struct command_key_range){k->begin_index, last, k->step};
        } else if (range.last > 0 && k->begin_index == range.last + 1 && k->step == range.step) {
            range.last = last;
        }
    }
    return range;
}
