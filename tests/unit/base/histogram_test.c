/* Histograms: every value has a cell of its size, and percentiles are right to 3 %. */
#include "unit/check.h"

#include "base/histogram.h"

#include <string.h>

static void cells_follow_each_other(void **state)
{
    (void)state;
    uint64_t low = 0;
    for (unsigned i = 0; i + 1 < HISTOGRAM_CELLS; i++) {
        uint64_t top = histogram_cell_top(i);
        assert_true(top >= low);
        assert_int_equal(histogram_cell(low), i);
        assert_int_equal(histogram_cell(top), i);
        assert_true((double)(top - low) <= (double)low / 32 + 1);
        low = top + 1;
    }
    assert_int_equal(histogram_cell(low), HISTOGRAM_CELLS - 1);
    assert_int_equal(histogram_cell(UINT64_MAX), HISTOGRAM_CELLS - 1);
    assert_true(histogram_cell_top(HISTOGRAM_CELLS - 1) == UINT64_MAX);
    assert_true(low > (uint64_t)1 << 40);
}

static void an_empty_one_says_nothing(void **state)
{
    (void)state;
    static struct histogram h;
    memset(&h, 0, sizeof(h));
    assert_int_equal(histogram_percentile(&h, 50), 0);
    assert_int_equal(histogram_count_to(&h, UINT64_MAX), 0);
}

static void percentiles_are_near(void **state)
{
    (void)state;
    static struct histogram h;
    memset(&h, 0, sizeof(h));
    for (uint64_t i = 1; i <= 100000; i++) histogram_add(&h, i);
    const double percents[] = {0.1, 1, 25, 50, 90, 99, 99.9, 100};
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        double exact = percents[i] * 1000;
        double got = (double)histogram_percentile(&h, percents[i]);
        assert_true(got >= exact && got <= exact * 1.04);
    }
    assert_int_equal(histogram_percentile(&h, 100), 100000);
    assert_int_equal(histogram_percentile(&h, 0), 1);
    assert_int_equal(histogram_percentile(&h, -5), 1);
    assert_int_equal(histogram_percentile(&h, 200), 100000);
    assert_int_equal(histogram_count_to(&h, 31), 31);
    assert_in_range(histogram_count_to(&h, 50000), 50000, 51700);
    assert_int_equal(histogram_count_to(&h, UINT64_MAX), 100000);
}

static void giants_keep_their_size(void **state)
{
    (void)state;
    static struct histogram h;
    memset(&h, 0, sizeof(h));
    histogram_add(&h, 1);
    histogram_add(&h, UINT64_MAX / 2);
    assert_int_equal(histogram_percentile(&h, 50), 1);
    assert_true(histogram_percentile(&h, 99) == UINT64_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_follow_each_other),
        cmocka_unit_test(an_empty_one_says_nothing),
        cmocka_unit_test(percentiles_are_near),
        cmocka_unit_test(giants_keep_their_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
