/* The `user` lines of a configuration are kept word by word, and forgotten whole. */
#include "unit/check.h"

#include "catalog/config_users.h"

static void lines_are_copied_and_forgotten(void **state)
{
    (void)state;
    char first[] = "alice", rule[] = ">a\0b";
    const struct bytes alice[] = {bytes_of(first), bytes_make(rule, 4)};
    const struct bytes bob[] = {bytes_of("bob")};
    assert_int_equal(config_users_count(), 0);
    config_users_add(alice, 2);
    config_users_add(bob, 1);
    memset(first, 'x', sizeof(first));
    memset(rule, 'x', sizeof(rule));

    assert_int_equal(config_users_count(), 2);
    const struct config_user *u = config_users_at(0);
    assert_int_equal(u->count, 2);
    assert_string_equal(u->words[0].ptr, "alice");
    assert_true(bytes_equal(u->words[1], bytes_make(">a\0b", 4)));
    assert_int_equal(config_users_at(1)->count, 1);

    config_users_forget();
    assert_int_equal(config_users_count(), 0);
    config_users_forget();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_copied_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
