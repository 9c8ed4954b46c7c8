/* The head of an HTTP request. */
#include "unit/check.h"

#include "codec/http.h"

static struct http_request request;

static enum http_verdict read_text(const char *text) { return http_read(bytes_of(text), &request); }

static void a_whole_head_gives_method_and_path(void **state)
{
    (void)state;
    assert_int_equal(read_text("GET /metrics HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n"), HTTP_HEAD);
    assert_true(bytes_equal(request.method, bytes_of("GET")));
    assert_true(bytes_equal(request.path, bytes_of("/metrics")));
    assert_int_equal(read_text("OPTIONS /a/b?c=/d?e HTTP/1.0\r\n\r\nrest"), HTTP_HEAD);
    assert_true(bytes_equal(request.method, bytes_of("OPTIONS")));
    assert_true(bytes_equal(request.path, bytes_of("/a/b")));
    assert_int_equal(read_text("GET / HTTP/1.0\n\n"), HTTP_HEAD);
    assert_true(bytes_equal(request.path, bytes_of("/")));
    assert_int_equal(read_text("GET /? HTTP/1.0\n\r\n"), HTTP_HEAD);
    assert_true(bytes_equal(request.path, bytes_of("/")));
}

static void every_beginning_of_a_head_waits_for_more(void **state)
{
    (void)state;
    static const char head[] = "GET /metrics?x HTTP/1.1\r\nHost: x\r\nUser-Agent: y\r\n\r\n";
    for (size_t len = 0; len < sizeof(head) - 1; len++)
        assert_int_equal(http_read(bytes_make(head, len), &request), HTTP_MORE);
    assert_int_equal(http_read(bytes_make(head, sizeof(head) - 1), &request), HTTP_HEAD);
}

static void what_is_no_request_is_told_at_once(void **state)
{
    (void)state;
    static const char *const bad[] = {
        " ",
        "\r\n",
        "get / HTTP/1.0\r\n\r\n",
        "GET  /",
        "GET x",
        "GET http://a/",
        "GET /\r",
        "GET /\t",
        "GET / \r",
        "GET / HTTQ",
        "GET / HTTP/2",
        "GET / HTTP/1.x",
        "GET / HTTP/1.1 ",
        "GET / HTTP/1.1\rx",
        "GET / HTTP/1.10\r\n",
        "*1\r\n$4\r\nPING\r\n",
        "PING\r\n",
        "\x16\x03\x01",
        "GET /\x80",
        "ABCDEFGHIJKLMNOPQ",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_text(bad[i]), HTTP_BAD);
    assert_int_equal(http_read(bytes_make("GET /\0 HTTP/1.0\r\n\r\n", 19), &request), HTTP_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_head_gives_method_and_path),
        cmocka_unit_test(every_beginning_of_a_head_waits_for_more),
        cmocka_unit_test(what_is_no_request_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
