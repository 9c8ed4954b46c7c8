/*
 * Lists against an array of strings: random edits under every kind of limit, and what decides
 * between the forms. After each edit the quicklist's own invariants are checked, and in the end all
 * memory must be given back.
 */
#include "unit/execute/keyspace_fixture.h"

#include "execute/types/heap.h"
#include "execute/types/list.h"

enum { MODEL_MAX = 400, TEXT_MAX = 20000 };

/* The model owns its texts. */
static struct model {
    struct bytes items[MODEL_MAX + 1];
    uint64_t count;
} model;

static struct entry *list;

static struct bytes text_copy(struct bytes text)
{
    char *copy = malloc(text.len + 1);
    assert_non_null(copy);
    memcpy(copy, text.ptr, text.len);
    return bytes_make(copy, text.len);
}

static void model_insert(uint64_t at, struct bytes text)
{
    memmove(&model.items[at + 1], &model.items[at], (model.count - at) * sizeof(model.items[0]));
    model.items[at] = text_copy(text);
    model.count++;
}

static void model_delete(uint64_t at)
{
    free((char *)(uintptr_t)model.items[at].ptr);
    model.count--;
    memmove(&model.items[at], &model.items[at + 1], (model.count - at) * sizeof(model.items[0]));
}

static void open_list(void)
{
    list = type_make_entry(bytes_of("list"), TYPE_LIST);
    assert_int_equal(entry_encoding(list), ENC_LISTPACK);
}

static void close_list(void)
{
    while (model.count > 0) model_delete(0);
    entry_free(list);
    while (keyspace_work(UINT64_MAX)) continue;
}

/* Short words of few kinds, integers, and now and then a long one; the text is good until the next
 * call. */
static struct bytes random_text(size_t longest)
{
    static char text[TEXT_MAX];
    uint64_t kind = fixture_below(10);
    if (kind < 3) {
        int len = snprintf(text, sizeof(text), "%d", (int)fixture_below(200) - 100);
        return bytes_make(text, (size_t)len);
    }
    size_t len = kind < 8 ? fixture_below(12) : fixture_below(longest + 1);
    memset(text, 'a' + (int)fixture_below(3), len);
    if (kind == 9)
        for (size_t i = 0; i < len; i++) text[i] = (char)fixture_below(256);
    return bytes_make(text, len);
}

/* Half of the big ones come in a block, as arguments do. */
static struct list_value value_of(struct bytes text)
{
    struct list_value v = {.text = text};
    if (text.len >= BLOCK_ARG_MIN && fixture_below(2) == 0) {
        v.block = block_make(text.len, text.len);
        memcpy(v.block->bytes, text.ptr, text.len);
        v.text.ptr = v.block->bytes;
    }
    return v;
}

static void expect_item(const struct list_item *item, struct bytes want)
{
    char scratch[LISTPACK_INT_CHARS];
    struct bytes text = list_item_text(item, scratch);
    assert_int_equal(text.len, want.len);
    assert_memory_equal(text.ptr, want.ptr, want.len);
}

static void expect_walk(const struct entry *e, uint64_t from, bool forward)
{
    struct list_walk w;
    struct list_item item;
    uint64_t at = from, seen = 0;
    list_walk_begin(&w, e, from, forward);
    while (list_walk_next(&w, &item)) {
        expect_item(&item, model.items[at]);
        at = forward ? at + 1 : at - 1;
        seen++;
    }
    list_walk_end(&w);
    assert_int_equal(seen, forward ? model.count - from : from + 1);
}

static void expect_same(const struct entry *e)
{
    assert_int_equal(list_count(e), model.count);
    if (entry_encoding(e) == ENC_QUICKLIST) quicklist_check(entry_root(e));
    struct list_item item;
    assert_int_equal(list_peek(e, true, &item), model.count > 0);
    if (model.count == 0) return;
    expect_item(&item, model.items[0]);
    assert_true(list_peek(e, false, &item));
    expect_item(&item, model.items[model.count - 1]);
    expect_walk(e, fixture_below(model.count), fixture_below(2) == 0);
}

/* ---- Random edits ---- */

static void edit_push(size_t longest)
{
    if (model.count == MODEL_MAX) return;
    struct bytes text = random_text(longest);
    bool at_head = fixture_below(2) == 0;
    model_insert(at_head ? 0 : model.count, text);
    list_push(list, at_head, value_of(text));
}

static void edit_insert(size_t longest)
{
    if (model.count == MODEL_MAX) return;
    struct bytes text = random_text(longest);
    uint64_t at = fixture_below(model.count + 1);
    model_insert(at, text);
    list_insert(list, at, value_of(text));
}

static void edit_replace(size_t longest)
{
    if (model.count == 0) return;
    struct bytes text = random_text(longest);
    uint64_t at = fixture_below(model.count);
    model_delete(at);
    model_insert(at, text);
    list_replace(list, at, value_of(text));
}

static void edit_drop(void)
{
    if (model.count == 0) return;
    bool at_head = fixture_below(2) == 0;
    model_delete(at_head ? 0 : model.count - 1);
    list_drop(list, at_head);
}

static void edit_delete(void)
{
    if (model.count == 0) return;
    uint64_t from = fixture_below(model.count);
    uint64_t most = fixture_below(8) == 0 ? model.count - from : 3;
    uint64_t count = 1 + fixture_below(most < model.count - from ? most : model.count - from);
    for (uint64_t i = 0; i < count; i++) model_delete(from);
    list_delete(list, from, count);
}

static void edit_remove(size_t longest)
{
    struct bytes text = random_text(longest);
    if (model.count > 0 && fixture_below(2) == 0) text = model.items[fixture_below(model.count)];
    bool from_head = fixture_below(2) == 0;
    uint64_t max = fixture_below(3) == 0 ? UINT64_MAX : 1 + fixture_below(3), removed = 0;
    struct bytes wanted = text_copy(text);
    for (uint64_t i = 0; i < model.count && removed < max;) {
        uint64_t at = from_head ? i : model.count - 1 - i;
        if (bytes_equal(model.items[at], wanted)) {
            model_delete(at);
            removed++;
        } else {
            i++;
        }
    }
    assert_int_equal(list_remove(list, wanted, max, from_head), removed);
    free((char *)(uintptr_t)wanted.ptr);
}

static void edit(size_t longest, unsigned growth)
{
    uint64_t kind = fixture_below(20 + growth);
    if (kind < 3)
        edit_drop();
    else if (kind < 4)
        edit_delete();
    else if (kind < 6)
        edit_remove(longest);
    else if (kind < 9)
        edit_replace(longest);
    else if (kind < 13)
        edit_insert(longest);
    else
        edit_push(longest);
}

/* Now it grows more than it shrinks, now it is the other way round. */
static void edit_for_long(size_t longest, int rounds)
{
    open_list();
    for (int i = 0; i < rounds; i++) {
        edit(longest, i / 250 % 2 == 0 ? 20 : 0);
        if (fixture_below(50) == 0) edit_delete();
        expect_same(list);
    }
    if (model.count > 0) {
        struct entry *copy = type_make_entry(bytes_of("copy"), TYPE_LIST);
        heap_free(entry_root(copy));
        entry_set_root(copy, entry_encoding(list), list_ops.copy(list));
        expect_same(copy);
        assert_true(entry_memory(copy, 0) > entry_size(copy));
        entry_free(copy);
        expect_same(list);
    }
    close_list();
}

static void edits_agree_with_an_array(void **state)
{
    (void)state;
    static const struct {
        int64_t size;
        uint64_t depth;
        size_t threshold, longest;
    } cases[] = {
        {-2, 0, 0, 300}, {-2, 0, 0, 9000}, {-1, 1, 0, 2000}, {-5, 0, 0, TEXT_MAX}, {1, 0, 0, 50},
        {3, 0, 0, 100},  {3, 1, 0, 400},   {4, 2, 0, 9000},  {128, 1, 0, 200},     {0, 3, 0, 60},
        {-1, 0, 1, 100}, {-1, 1, 50, 300}, {5, 2, 10, 200},  {-9, 1, 0, 9000},
    };
    struct value_limits limits = value_limits;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value_limits.list_max_listpack_size = cases[i].size;
        value_limits.list_compress_depth = cases[i].depth;
        quicklist_set_threshold(cases[i].threshold);
        for (int round = 0; round < 2; round++) edit_for_long(cases[i].longest, 1000);
    }
    quicklist_set_threshold(0);
    value_limits = limits;
}

/* The options change while lists live. */
static void limits_may_change_at_any_time(void **state)
{
    (void)state;
    static const int64_t sizes[] = {-5, 1, 7, -1, 0, 200, -2};
    struct value_limits limits = value_limits;
    value_limits.list_compress_depth = 1;
    open_list();
    for (int i = 0; i < 4000; i++) {
        if (i % 40 == 0) value_limits.list_max_listpack_size = sizes[fixture_below(7)];
        if (i % 300 == 0) quicklist_set_threshold(fixture_below(2) * fixture_below(3000));
        edit(5000, i / 1000 % 2 == 0 ? 20 : 0);
        expect_same(list);
    }
    close_list();
    quicklist_set_threshold(0);
    value_limits = limits;
}

/* ---- Ends ---- */

/* A queue of thousands in both directions, through many nodes. */
static void queues_run_both_ways(void **state)
{
    (void)state;
    for (int direction = 0; direction < 2; direction++) {
        open_list();
        uint64_t in = 0, out = 0;
        char text[32];
        struct list_item item;
        while (out < 30000) {
            uint64_t pushes = in < 20000 ? 3 : 0;
            for (uint64_t i = 0; i < pushes; i++) {
                int len = snprintf(text, sizeof(text), "item:%llu", (unsigned long long)in++);
                list_push(list, direction == 0, value_of(bytes_make(text, (size_t)len)));
            }
            if (list_count(list) == 0) break;
            int len = snprintf(text, sizeof(text), "item:%llu", (unsigned long long)out++);
            assert_true(list_peek(list, direction == 1, &item));
            expect_item(&item, bytes_make(text, (size_t)len));
            list_drop(list, direction == 1);
            if (out % 512 == 0 && entry_encoding(list) == ENC_QUICKLIST)
                quicklist_check(entry_root(list));
        }
        assert_int_equal(in, out);
        assert_int_equal(entry_encoding(list), ENC_LISTPACK);
        entry_free(list);
    }
}

/* ---- Forms ---- */

static void push_text(const char *text) { list_push(list, false, value_of(bytes_of(text))); }

static void the_small_form_ends_where_the_option_says(void **state)
{
    (void)state;
    struct value_limits limits = value_limits;
    value_limits.list_max_listpack_size = 3;
    open_list();
    for (int i = 0; i < 3; i++) push_text("a");
    assert_int_equal(entry_encoding(list), ENC_LISTPACK);
    push_text("a");
    assert_int_equal(entry_encoding(list), ENC_QUICKLIST);
    /* It comes back at half of the limit, not before. */
    list_drop(list, true);
    list_drop(list, true);
    assert_int_equal(entry_encoding(list), ENC_QUICKLIST);
    list_drop(list, true);
    assert_int_equal(entry_encoding(list), ENC_LISTPACK);
    entry_free(list);

    value_limits.list_max_listpack_size = -6; /* as -5 */
    static char x[60001];
    memset(x, 'x', sizeof(x) - 1);
    open_list();
    list_push(list, false, value_of(bytes_make(x, 60000)));
    assert_int_equal(entry_encoding(list), ENC_LISTPACK);
    list_push(list, false, value_of(bytes_make(x, 5536)));
    assert_int_equal(entry_encoding(list), ENC_QUICKLIST);
    entry_free(list);
    value_limits = limits;
}

/* A list that was put together of listpacks, as RESTORE does it. */
static void listpacks_are_adopted(void **state)
{
    (void)state;
    open_list();
    for (int i = 0; i < 3; i++) {
        uint8_t *lp = listpack_append(listpack_make(0), bytes_of("a"));
        list_add_listpack(list, listpack_append_int(lp, i));
    }
    assert_int_equal(entry_encoding(list), ENC_QUICKLIST);
    assert_int_equal(list_count(list), 6);
    quicklist_check(entry_root(list));
    list_delete(list, 2, 4);
    assert_int_equal(entry_encoding(list), ENC_LISTPACK);
    entry_free(list);

    open_list();
    list_add_listpack(list, listpack_append(listpack_make(0), bytes_of("a")));
    list_pack(list);
    assert_int_equal(entry_encoding(list), ENC_LISTPACK);
    assert_int_equal(list_count(list), 1);
    entry_free(list);
}

/* With a depth, the inner nodes of a list of repetitive texts take little. */
static void inner_nodes_are_squeezed(void **state)
{
    (void)state;
    struct value_limits limits = value_limits;
    char text[200];
    memset(text, 'z', sizeof(text));
    size_t bytes[2];
    for (uint64_t depth = 0; depth < 2; depth++) {
        value_limits.list_compress_depth = depth;
        open_list();
        for (int i = 0; i < 10000; i++)
            list_push(list, i % 2 == 0, value_of(bytes_make(text, sizeof(text))));
        quicklist_check(entry_root(list));
        bytes[depth] = list_ops.bytes(list, 0);
        entry_free(list);
        while (keyspace_work(UINT64_MAX)) continue;
    }
    value_limits = limits;
    assert_true(bytes[1] < bytes[0] / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(edits_agree_with_an_array),
        FIXTURE_TEST(limits_may_change_at_any_time),
        FIXTURE_TEST(queues_run_both_ways),
        FIXTURE_TEST(the_small_form_ends_where_the_option_says),
        FIXTURE_TEST(listpacks_are_adopted),
        FIXTURE_TEST(inner_nodes_are_squeezed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
