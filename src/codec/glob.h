/*
 * Glob patterns as KEYS, SCAN MATCH and CONFIG GET know them: * ? [a-z] [^a] \x. Matching is
 * iterative: its time is bounded by the product of the lengths, its stack is constant (Kirk J.
 * Krauss, "Matching wildcards: an algorithm", 2008). A match that needs more than 1000 separate
 * stars is refused, as in Redis.
 */
#ifndef CODEC_GLOB_H
#define CODEC_GLOB_H

#include "base/bytes.h"

bool glob_match(struct bytes pattern, struct bytes text, bool ignore_case);
/* True when the pattern is a plain name (nothing in it is special). */
bool glob_is_plain(struct bytes pattern);

#endif
