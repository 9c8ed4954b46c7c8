/* VMs: their memory, what they compile, frozen tables. */
#include "unit/check.h"

#include "base/hash.h"
#include "execute/script/sandbox.h"
#include "execute/script/vm.h"
#include "execute/types/heap.h"

#define LIMIT ((size_t)8 << 20)

static int vm_test_open(void **state)
{
    (void)state;
    hash_open_with(7);
    heap_use(arena_open("test"));
    return 0;
}

/* What the chunk gives as text, or its error; good until the next run. */
static const char *vm_test_run(struct vm *vm, const char *chunk, size_t limit)
{
    static char text[512];
    lua_State *L = vm->lua;
    const char *shown = NULL;
    if (vm_load(L, bytes_of(chunk), "@test", 0) && !vm_call(vm, 0, limit) && lua_istable(L, -1)) {
        lua_getfield(L, -1, "err");
        lua_remove(L, -2);
    }
    shown = lua_tostring(L, -1);
    snprintf(text, sizeof(text), "%s", shown == NULL ? "nothing" : shown);
    lua_pop(L, 1);
    assert_int_equal(lua_gettop(L), VM_SLOTS);
    return text;
}

static void test_that_a_vm_gives_all_its_memory_back(void **state)
{
    (void)state;
    size_t before = heap_used();
    struct vm *vm = vm_open();
    assert_int_equal(lua_gettop(vm->lua), VM_SLOTS);
    assert_in_range(vm->used, 10000, 100000);
    assert_string_equal(
        vm_test_run(vm, "local t = {} for i = 1, 1000 do t[i] = {} end return #t", 0), "1000");
    vm_close(vm);
    assert_int_equal(heap_used(), before);
}

static void test_that_only_a_limited_vm_refuses_memory(void **state)
{
    (void)state;
    struct vm *vm = vm_open();
    const char *hungry = "return #string.rep('x', 9000000)";
    assert_string_equal(vm_test_run(vm, hungry, LIMIT), "not enough memory");
    assert_string_equal(vm_test_run(vm, hungry, 0), "9000000");
    assert_string_equal(
        vm_test_run(vm, "return tostring((pcall(string.rep, 'x', 9000000)))", LIMIT), "false");
    assert_string_equal(vm_test_run(vm, "return 1 + 1", LIMIT), "2");
    vm_close(vm);
}

static void test_that_what_a_run_left_is_collected(void **state)
{
    (void)state;
    struct vm *vm = vm_open();
    size_t calm = vm->used;
    vm_test_run(vm, "local t = {} for i = 1, 100000 do t[i] = {i} end return #t", 0);
    vm_tidy(vm);
    assert_in_range(vm->used, 0, calm + 100000);
    vm_close(vm);
}

static void test_that_bytecode_is_refused(void **state)
{
    (void)state;
    struct vm *vm = vm_open();
    lua_State *L = vm->lua;
    assert_false(vm_load(L, bytes_of("\033LuaQ"), "@test", 0));
    lua_pop(L, 1);
    assert_true(vm_load(L, bytes_of(""), "@test", 0));
    lua_pop(L, 1);
    assert_string_equal(vm_test_run(vm, "return (", 0), "test:1: unexpected symbol near '<eof>'");
    vm_close(vm);
}

static void test_that_a_frozen_table_reads_and_does_not_write(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "t.a = 2",           "t.b = 1",
        "rawset(t, 'a', 2)", "table.insert(t, 1)",
        "t[1] = nil",        "setmetatable(t, {})",
        "next = nil",
    };
    struct vm *vm = vm_open();
    lua_State *L = vm->lua;
    lua_newtable(L);
    lua_pushinteger(L, 1);
    lua_setfield(L, -2, "a");
    assert_false(sandbox_is_frozen(L, -1));
    sandbox_freeze(L, -1);
    assert_true(sandbox_is_frozen(L, -1));
    lua_setfield(L, VM_SLOT_GLOBALS, "t");
    assert_string_equal(vm_test_run(vm, "return t.a + rawget(t, 'a')", 0), "2");
    assert_string_equal(vm_test_run(vm, "local k, v = next(t) return k .. v", 0), "a1");
    assert_string_equal(vm_test_run(vm, "for k, v in pairs(t) do return k .. v end", 0), "a1");
    assert_string_equal(vm_test_run(vm, "return tostring(t.b)", 0), "nil");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_non_null(strstr(vm_test_run(vm, refused[i], 0), SANDBOX_READ_ONLY));
    lua_getfield(L, VM_SLOT_GLOBALS, "t");
    sandbox_push_contents(L, -1);
    lua_pushinteger(L, 3);
    lua_setfield(L, -2, "a");
    lua_pop(L, 2);
    assert_string_equal(vm_test_run(vm, "return t.a", 0), "3");
    vm_close(vm);
}

static void test_that_a_table_of_globals_misses_names(void **state)
{
    (void)state;
    struct vm *vm = vm_open();
    lua_State *L = vm->lua;
    assert_true(
        vm_load(L, bytes_of("return known, pcall(function() return other end)"), "@test", 0));
    lua_newtable(L);
    lua_getfield(L, VM_SLOT_GLOBALS, "pcall");
    lua_setfield(L, -2, "pcall");
    lua_pushliteral(L, "yes");
    lua_setfield(L, -2, "known");
    sandbox_freeze_globals(L, -1);
    lua_setfenv(L, -2);
    assert_int_equal(lua_pcall(L, 0, 3, 0), 0);
    assert_string_equal(lua_tostring(L, -3), "yes");
    assert_string_equal(lua_tostring(L, -1), "test:1: Script attempted to access nonexistent "
                                             "global variable 'other'");
    lua_pop(L, 3);
    vm_close(vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_that_a_vm_gives_all_its_memory_back),
        cmocka_unit_test(test_that_only_a_limited_vm_refuses_memory),
        cmocka_unit_test(test_that_what_a_run_left_is_collected),
        cmocka_unit_test(test_that_bytecode_is_refused),
        cmocka_unit_test(test_that_a_frozen_table_reads_and_does_not_write),
        cmocka_unit_test(test_that_a_table_of_globals_misses_names),
    };
    return cmocka_run_group_tests(tests, vm_test_open, NULL);
}
