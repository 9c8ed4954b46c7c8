/*
 * Numbers as text, the way that Redis reads and prints them. Pure functions.
 */
#ifndef CODEC_NUMBER_H
#define CODEC_NUMBER_H

#include "base/bytes.h"

#define NUMBER_INT_CHARS 24    /* room for any int64 or uint64 and a terminator */
#define NUMBER_DOUBLE_CHARS 64 /* room for number_print_double */
#define NUMBER_LONG_DOUBLE_CHARS 5120

/* Strict: optional '-', no '+', no leading zeros, no spaces, no overflow. "-0" is refused. */
bool number_int(struct bytes text, int64_t *out);
bool number_uint(struct bytes text, uint64_t *out);
/* As ZADD and friends read: strtod's forms, inf and infinity with sign, no NaN, no spaces, nothing
 * left over. */
bool number_double(struct bytes text, double *out);
/* As INCRBYFLOAT reads: long double; NaN and out-of-range refused, infinities accepted. */
bool number_long_double(struct bytes text, long double *out);

/* They give the length; the text is terminated. */
size_t number_print_int(char *out, int64_t n);
size_t number_print_uint(char *out, uint64_t n);
/* Shortest form that reads back as the same double; "inf", "-inf", "nan"; integers without a point
 * or exponent while exact (|d| < 2^53 or so) as Redis 7.2 does. */
size_t number_print_double(char *out, double d);
/* As INCRBYFLOAT stores: "%.17Lf" without trailing zeros, no exponent. */
size_t number_print_long_double(char *out, long double d);

/* "1gb", "10mb", "1k", "512" -> bytes; units b, k, kb, m, mb, g, gb, t?, any case, k = 1000 and kb
 * = 1024. false when it makes no sense. */
bool number_memory(struct bytes text, int64_t *out);

#endif
