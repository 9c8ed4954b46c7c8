/* Records of a log that a power cut has torn: whatever is missing, what is said to be bad begins
 * where the zeros begin that the file system left. */
#include "unit/check.h"

#include "codec/log_record.h"

#include <stdlib.h>
#include <string.h>

static const char whole[] =
    "*2\r\n$6\r\nSELECT\r\n$2\r\n10\r\n#TS:1700000000\r\n"
    "*3\r\n$3\r\nSET\r\n$12\r\nabcdefghijkl\r\n$0\r\n\r\n*1\r\n$4\r\nEXEC\r\n";

/* Reads all that is whole; gives what came of the rest. */
static enum log_record read_all(struct log_reader *r, struct bytes *args, int *records)
{
    enum log_record got = LOG_COMMAND;
    for (*records = 0; r->at < r->end; ++*records) {
        r->args = args;
        r->args_max = 8;
        got = log_record_read(r);
        if (got != LOG_COMMAND && got != LOG_ANNOTATION) break;
    }
    return got;
}

static void test_whole(void **state)
{
    (void)state;
    struct bytes args[8];
    int records;
    struct log_reader r = {.at = (const uint8_t *)whole,
                           .end = (const uint8_t *)whole + sizeof(whole) - 1};
    assert_int_equal(read_all(&r, args, &records), LOG_COMMAND);
    assert_int_equal(records, 4);
}

static void test_torn_at_every_byte(void **state)
{
    (void)state;
    enum { ZEROS = 2000 };
    uint8_t *torn = malloc(sizeof(whole) + ZEROS);
    struct bytes args[8];
    int records;
    for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
        memset(torn, 0, sizeof(whole) + ZEROS);
        memcpy(torn, whole, cut);
        struct log_reader r = {.at = torn, .end = torn + cut};
        enum log_record got = read_all(&r, args, &records);
        assert_true(got != LOG_BAD && got != LOG_ARGS);
        r = (struct log_reader){.at = torn, .end = torn + cut + ZEROS};
        assert_int_equal(read_all(&r, args, &records), LOG_BAD);
        assert_true(r.bad >= r.at);
        for (const uint8_t *p = r.bad; p < r.end; p++) assert_int_equal(*p, 0);
    }
    free(torn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_torn_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
