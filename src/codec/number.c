/*
 * Numbers as text. Pure functions; the decimal point is '.' whatever the locale, as the server
 * never sets LC_NUMERIC.
 *
 * Doubles are printed with the fewest digits that read back as the same double. Numbers with up to
 * 15 digits, the usual ones, are found by scaling; the others by trying 15, 16 and 17 digits
 * through the C library, whose conversions are exact both ways.
 */
#include "codec/number.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_DIGITS_MAX 17

static const double number_tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool number_uint(struct bytes text, uint64_t *out)
{
    if (text.len == 0 || text.len > 20 || (text.ptr[0] == '0' && text.len > 1)) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned char)text.ptr[i] - (unsigned)'0';
        if (digit > 9) return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool number_int(struct bytes text, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t size;
    if (!number_uint(bytes_make(text.ptr + negative, text.len - negative), &size)) return false;
    if (negative) {
        if (size == 0 || size > (uint64_t)INT64_MAX + 1) return false;
        *out = (int64_t)(0 - size);
        return true;
    }
    if (size > (uint64_t)INT64_MAX) return false;
    *out = (int64_t)size;
    return true;
}

/* "[-]digits[.digits]" with up to 15 digits: both the digits and the power of ten are exact
 * doubles, so one division is right. */
static bool number_plain_double(struct bytes text, double *out)
{
    const char *at = text.ptr, *end = text.ptr + text.len;
    bool negative = at < end && *at == '-';
    if (negative) at++;
    if (end - at < 1 || end - at > 16) return false;
    uint64_t digits = 0;
    const char *point = NULL;
    for (const char *p = at; p < end; p++) {
        unsigned digit = (unsigned char)*p - (unsigned)'0';
        if (digit <= 9) {
            digits = digits * 10 + digit;
        } else if (*p == '.' && point == NULL) {
            point = p;
        } else {
            return false;
        }
    }
    size_t count = (size_t)(end - at) - (point != NULL);
    if (count == 0 || count > 15) return false;
    double value = (double)digits;
    if (point != NULL) value /= number_tens[end - point - 1];
    *out = negative ? -value : value;
    return true;
}

/* A terminated copy that strtod(3) can read; false when strtod would skip something at the front,
 * or it is too long. */
static bool number_copy(struct bytes text, char *out)
{
    if (text.len == 0 || text.len >= NUMBER_LONG_DOUBLE_CHARS) return false;
    if (text.ptr[0] == ' ' || (text.ptr[0] >= '\t' && text.ptr[0] <= '\r')) return false;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

bool number_double(struct bytes text, double *out)
{
    if (number_plain_double(text, out)) return true;
    char copy[NUMBER_LONG_DOUBLE_CHARS];
    if (!number_copy(text, copy)) return false;
    char *end;
    errno = 0;
    double value = strtod(copy, &end);
    if (end != copy + text.len || isnan(value)) return false;
    if (errno == ERANGE && (isinf(value) || value == 0)) return false;
    *out = value;
    return true;
}

bool number_long_double(struct bytes text, long double *out)
{
    char copy[NUMBER_LONG_DOUBLE_CHARS];
    if (!number_copy(text, copy)) return false;
    char *end;
    errno = 0;
    long double value = strtold(copy, &end);
    if (end != copy + text.len || isnan(value)) return false;
    if (errno == ERANGE && (isinf(value) || value == 0)) return false;
    *out = value;
    return true;
}

size_t number_print_uint(char *out, uint64_t n)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
        "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";
    char room[NUMBER_INT_CHARS];
    char *at = room + sizeof(room);
    while (n >= 100) {
        at -= 2;
        memcpy(at, pairs + n % 100 * 2, 2);
        n /= 100;
    }
    if (n >= 10) {
        at -= 2;
        memcpy(at, pairs + n * 2, 2);
    } else {
        *--at = (char)('0' + n);
    }
    size_t len = (size_t)(room + sizeof(room) - at);
    memcpy(out, at, len);
    out[len] = '\0';
    return len;
}

size_t number_print_int(char *out, int64_t n)
{
    if (n >= 0) return number_print_uint(out, (uint64_t)n);
    *out = '-';
    return 1 + number_print_uint(out + 1, 0 - (uint64_t)n);
}

/* A positive finite number as digits[0..count) * 10^exponent, without zeros at either end. */
struct number_decimal {
    char digits[NUMBER_INT_CHARS];
    int count, exponent;
};

static void number_trim(struct number_decimal *n)
{
    while (n->count > 1 && n->digits[n->count - 1] == '0') {
        n->count--;
        n->exponent++;
    }
}

/*
 * Looks for the smallest k such that some integer of at most 15 digits divided by 10^k is the very
 * number. With so few digits the product is less than half a unit off, so rounding it finds that
 * integer if there is one.
 */
static bool number_scale(double d, struct number_decimal *out)
{
    for (int k = 0; k <= 22; k++) {
        double scaled = d * number_tens[k];
        if (scaled > 1e15) return false;
        double whole = nearbyint(scaled);
        if (whole < 1 || whole / number_tens[k] != d) continue;
        out->count = (int)number_print_uint(out->digits, (uint64_t)whole);
        out->exponent = -k;
        number_trim(out);
        return true;
    }
    return false;
}

/* Rounds to `count` digits through printf; true when they read back as d. */
static bool number_round(double d, int count, struct number_decimal *out)
{
    char text[NUMBER_DOUBLE_CHARS];
    snprintf(text, sizeof(text), "%.*e", count - 1, d); /* "d.ddde+XX" */
    out->digits[0] = text[0];
    memcpy(out->digits + 1, text + 2, (size_t)count - 1);
    out->count = count;
    out->exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10) - count + 1;
    return strtod(text, NULL) == d;
}

/* The next greater decimal of as many digits; false when it reads back as another number than d. */
static bool number_step_up(double d, struct number_decimal *n)
{
    int i = n->count - 1;
    while (i >= 0 && n->digits[i] == '9') n->digits[i--] = '0';
    if (i < 0) return false;
    n->digits[i]++;
    char text[NUMBER_DOUBLE_CHARS];
    snprintf(text, sizeof(text), "%.*se%d", n->count, n->digits, n->exponent);
    return strtod(text, NULL) == d;
}

static void number_shortest(double d, struct number_decimal *out)
{
    if (number_scale(d, out)) return;
    int unused;
    int count = d < DBL_MIN ? 1 : 15; /* the less exact the number, the fewer digits may do */
    for (; count < NUMBER_DIGITS_MAX; count++) {
        if (number_round(d, count, out)) {
            number_trim(out);
            return;
        }
        /* The gap below a power of two is half of the gap above it: the nearest decimal may miss
         * where the next one hits. */
        if (frexp(d, &unused) == 0.5 && number_step_up(d, out)) {
            number_trim(out);
            return;
        }
    }
    number_round(d, NUMBER_DIGITS_MAX, out);
    number_trim(out);
}

static char *number_put(char *at, const char *from, int count)
{
    memcpy(at, from, (size_t)count);
    return at + count;
}

static char *number_put_zeros(char *at, int count)
{
    memset(at, '0', (size_t)count);
    return at + count;
}

/*
 * When there is an exponent: Redis 7.2 writes up to 7 zeros after the digits, and a point within or
 * up to 9 places before them or where at most 6 places follow it; else "d.ddde+X".
 */
static size_t number_layout(char *out, const struct number_decimal *n)
{
    char *at = out;
    int top = n->exponent + n->count - 1; /* the power of ten of the first digit */
    if (n->exponent >= 0 && n->exponent < 8) {
        at = number_put(at, n->digits, n->count);
        at = number_put_zeros(at, n->exponent);
    } else if (n->exponent < 0 && (n->exponent > -7 || (top < 10 && top > -10))) {
        if (top < 0) {
            at = number_put(at, "0.", 2);
            at = number_put_zeros(at, -top - 1);
            at = number_put(at, n->digits, n->count);
        } else {
            at = number_put(at, n->digits, top + 1);
            *at++ = '.';
            at = number_put(at, n->digits + top + 1, n->count - top - 1);
        }
    } else {
        *at++ = n->digits[0];
        if (n->count > 1) *at++ = '.';
        at = number_put(at, n->digits + 1, n->count - 1);
        *at++ = 'e';
        *at++ = top < 0 ? '-' : '+';
        at += number_print_uint(at, (uint64_t)(top < 0 ? -top : top));
    }
    *at = '\0';
    return (size_t)(at - out);
}

size_t number_print_double(char *out, double d)
{
    if (isnan(d)) return (size_t)(stpcpy(out, "nan") - out);
    if (isinf(d)) return (size_t)(stpcpy(out, d < 0 ? "-inf" : "inf") - out);
    if (d == 0) return (size_t)(stpcpy(out, signbit(d) ? "-0" : "0") - out);
    /* Whole numbers stand plainly as long as every whole number is a double. */
    const double exact = 4503599627370496.0;
    if (d > -exact && d <= exact && d == trunc(d)) return number_print_int(out, (int64_t)d);

    struct number_decimal n;
    number_shortest(fabs(d), &n);
    if (d > 0) return number_layout(out, &n);
    *out = '-';
    return 1 + number_layout(out + 1, &n);
}

size_t number_print_long_double(char *out, long double d)
{
    if (isnan(d)) return (size_t)(stpcpy(out, "nan") - out);
    if (isinf(d)) return (size_t)(stpcpy(out, d < 0 ? "-inf" : "inf") - out);
    size_t len = (size_t)snprintf(out, NUMBER_LONG_DOUBLE_CHARS, "%.17Lf", d);
    while (out[len - 1] == '0') len--;
    if (out[len - 1] == '.') len--;
    out[len] = '\0';
    if (strcmp(out, "-0") != 0) return len;
    out[0] = '0';
    out[1] = '\0';
    return 1;
}

bool number_memory(struct bytes text, int64_t *out)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = {{"", 1},        {"b", 1},        {"k", 1000},       {"kb", 1024},
                 {"m", 1000000}, {"mb", 1048576}, {"g", 1000000000}, {"gb", 1073741824}};

    size_t digits = 0;
    int64_t count = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') {
        if (__builtin_mul_overflow(count, 10, &count)) return false;
        if (__builtin_add_overflow(count, text.ptr[digits] - '0', &count)) return false;
        digits++;
    }
    if (digits == 0) return false;
    struct bytes unit = bytes_make(text.ptr + digits, text.len - digits);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!bytes_is_word(unit, units[i].name)) continue;
        return !__builtin_mul_overflow(count, units[i].bytes, out);
    }
    return false;
}
