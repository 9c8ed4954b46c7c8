/* Cards of connections: slots, blocks, and addresses as text. */
#include "unit/check.h"

#include "msg/conn.h"

#include <arpa/inet.h>
#include <string.h>

static void cards_stay_where_they_are(void **state)
{
    (void)state;
    assert_int_equal(conn_cards_open(3000), 0);
    struct conn_card *first = conn_card_make(0), *last = conn_card_make(2999);
    assert_non_null(first);
    assert_non_null(last);
    assert_ptr_equal(conn_card(0), first);
    assert_ptr_equal(conn_card(2999), last);
    assert_ptr_equal(conn_card_make(0), first);
    assert_ptr_equal(conn_card_make(1), first + 1);
    assert_null(conn_card_make(3000));
    assert_int_equal(first->id, 0);
    assert_int_equal((uintptr_t)first % 64, 0);
    atomic_store(&last->in_bytes, 7);
    for (uint32_t i = 0; i < 3000; i++) assert_non_null(conn_card_make(i));
    assert_int_equal(atomic_load(&conn_card(2999)->in_bytes), 7);
    conn_cards_close();
    conn_cards_close();
    assert_int_equal(conn_cards_open(1), 0);
    assert_non_null(conn_card_make(0));
    assert_null(conn_card_make(1));
    conn_cards_close();
}

static void addresses_have_their_form(void **state)
{
    (void)state;
    struct conn_card card;
    char text[128];
    memset(&card, 0, sizeof(card));
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(1234)};
    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &v4.sin_addr), 1);
    memcpy(&card.peer, &v4, sizeof(v4));
    card.local.sin6_family = AF_INET6;
    card.local.sin6_port = htons(6379);
    card.local.sin6_addr = in6addr_loopback;
    conn_print_peer(&card, "", text, sizeof(text));
    assert_string_equal(text, "127.0.0.1:1234");
    conn_print_local(&card, "", text, sizeof(text));
    assert_string_equal(text, "[::1]:6379");
    card.is_unix = true;
    conn_print_peer(&card, "/run/baton.sock", text, sizeof(text));
    assert_string_equal(text, "/run/baton.sock:0");
    conn_print_local(&card, "/run/baton.sock", text, 8);
    assert_string_equal(text, "/run/ba");
    card.is_unix = false;
    memset(&card.peer, 0, sizeof(card.peer));
    conn_print_peer(&card, "", text, sizeof(text));
    assert_string_equal(text, "?:0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cards_stay_where_they_are),
        cmocka_unit_test(addresses_have_their_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
