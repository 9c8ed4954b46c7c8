/* Sets of libraries: joining all or nothing, names, replacing. */
#include "unit/execute/types_fixture.h"

#include "base/hash.h"
#include "execute/script/library.h"

#include <stdio.h>

static struct libraries set, more;

static int begin(void **state)
{
    hash_open_with(7);
    return types_open(state);
}

static int after(void **state)
{
    libraries_clear(&set);
    libraries_clear(&more);
    return types_close(state);
}

/* A library with functions of these names, between blanks. */
static struct library *library(const char *name, const char *functions)
{
    struct library *lib = library_make(bytes_of(name), bytes_of("code"));
    for (size_t len; *functions != '\0'; functions += len + (functions[len] == ' ')) {
        len = strcspn(functions, " ");
        assert_non_null(library_add(lib, bytes_make(functions, len)));
    }
    return lib;
}

static const char *owner(const char *function)
{
    struct function *f = libraries_find_function(&set, bytes_of(function));
    return f == NULL ? "none" : f->library->name;
}

static void order(const char *expected)
{
    char names[128] = "";
    size_t at = 0;
    for (struct library *lib = set.first; lib != NULL; lib = lib->next)
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s ", lib->name);
    assert_string_equal(names, expected);
}

static void functions_are_found_whatever_the_case(void **state)
{
    (void)state;
    assert_null(libraries_find_function(&set, bytes_of("f")));
    libraries_put(&set, library("a", "First second"));
    libraries_put(&set, library("A", "third"));
    assert_string_equal(owner("FIRST"), "a");
    assert_string_equal(owner("thirD"), "A");
    assert_string_equal(owner("firs"), "none");
    assert_null(libraries_find(&set, bytes_of("b")));
    assert_ptr_equal(libraries_find(&set, bytes_of("A")), set.last);
    assert_null(library_add(set.first, bytes_of("SECOND")));
}

static void names_have_letters_digits_and_underscores(void **state)
{
    (void)state;
    assert_true(library_name_is_good(bytes_of("aZ_09")));
    static const char *const bad[] = {"", "a b", "a-b", "a.b", "\xc3\xa9", "a\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(library_name_is_good(bytes_of(bad[i])));
    assert_false(library_name_is_good(bytes_make("a\0b", 3)));
}

static void many_functions_stay_findable_while_libraries_come_and_go(void **state)
{
    (void)state;
    char name[32], function[32];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "lib%d", i);
        snprintf(function, sizeof(function), "f%d g%d", i, i);
        libraries_put(&set, library(name, function));
    }
    for (int i = 0; i < 100; i += 3) {
        snprintf(name, sizeof(name), "lib%d", i);
        struct library *lib = libraries_find(&set, bytes_of(name));
        libraries_take(&set, lib);
        library_free(lib);
    }
    assert_int_equal(set.count, 66);
    assert_int_equal(set.function_count, 132);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "lib%d", i);
        snprintf(function, sizeof(function), "G%d", i);
        assert_string_equal(owner(function), i % 3 == 0 ? "none" : name);
    }
}

static void the_ends_may_be_taken(void **state)
{
    (void)state;
    struct library *a = library("a", "f"), *b = library("b", "g"), *c = library("c", "h");
    libraries_put(&set, a);
    libraries_put(&set, b);
    libraries_put(&set, c);
    libraries_take(&set, c);
    libraries_take(&set, a);
    order("b ");
    libraries_put(&set, a);
    libraries_put(&set, c);
    order("b a c ");
    libraries_take(&set, a);
    libraries_put(&set, a);
    order("b c a ");
}

static void libraries_join_all_or_none(void **state)
{
    (void)state;
    const char *name;
    libraries_put(&set, library("a", "f"));
    libraries_put(&set, library("b", "g"));
    libraries_put(&more, library("c", "h"));
    libraries_put(&more, library("a", "i"));
    assert_int_equal(libraries_join(&set, &more, false, &name), LIBRARY_EXISTS);
    assert_string_equal(name, "a");
    assert_string_equal(owner("h"), "none");
    assert_int_equal(more.count, 2);

    assert_int_equal(libraries_join(&set, &more, true, &name), LIBRARIES_FIT);
    order("b c a ");
    assert_string_equal(owner("i"), "a");
    assert_string_equal(owner("f"), "none");
    assert_int_equal(more.count, 0);

    libraries_put(&more, library("d", "j G"));
    assert_int_equal(libraries_join(&set, &more, true, &name), FUNCTION_EXISTS);
    assert_string_equal(name, "G");
    assert_string_equal(owner("j"), "none");
    assert_string_equal(owner("g"), "b");
}

static void replaced_libraries_may_exchange_their_functions(void **state)
{
    (void)state;
    const char *name;
    libraries_put(&set, library("a", "f"));
    libraries_put(&set, library("b", "g"));
    libraries_put(&more, library("a", "g"));
    libraries_put(&more, library("b", "f"));
    assert_int_equal(libraries_join(&set, &more, true, &name), LIBRARIES_FIT);
    assert_string_equal(owner("f"), "b");
    assert_string_equal(owner("g"), "a");
    assert_true(libraries_memory(&set) > 0);
}

#define LIBRARY_TEST(name) cmocka_unit_test_setup_teardown(name, begin, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIBRARY_TEST(functions_are_found_whatever_the_case),
        LIBRARY_TEST(names_have_letters_digits_and_underscores),
        LIBRARY_TEST(many_functions_stay_findable_while_libraries_come_and_go),
        LIBRARY_TEST(the_ends_may_be_taken),
        LIBRARY_TEST(libraries_join_all_or_none),
        LIBRARY_TEST(replaced_libraries_may_exchange_their_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
