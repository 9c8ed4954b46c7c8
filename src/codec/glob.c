/*
 * Matching with one point of return: after a mismatch only the latest '*' needs to take one more
 * byte, as everything else in a pattern stands for exactly one byte. Hence constant memory and at
 * most len(pattern) * len(text) steps.
 */
#include "codec/glob.h"

#define STARS_MAX 1000 /* Redis answers "no match" beyond it, so do we */

static inline unsigned char glob_fold(char c, bool ignore_case)
{
    unsigned char u = (unsigned char)c;
    return ignore_case && u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

/*
 * A class, *at just after its '['. Says whether it has `c` (already folded) and moves *at behind
 * it. A class without ']' ends with the pattern; a range may be written backwards.
 */
static bool glob_class(const char **at, const char *end, unsigned char c, bool ignore_case)
{
    const char *p = *at;
    bool negated = p < end && *p == '^';
    bool found = false;
    if (negated) p++;
    while (p < end && *p != ']') {
        if (*p == '\\' && end - p >= 2) {
            p++;
            found |= glob_fold(*p++, ignore_case) == c;
            continue;
        }
        unsigned char low = glob_fold(*p, ignore_case);
        if (end - p < 3 || p[1] != '-') {
            found |= low == c;
            p++;
            continue;
        }
        unsigned char high = glob_fold(p[2], ignore_case);
        found |= low <= high ? c >= low && c <= high : c >= high && c <= low;
        p += 3;
    }
    *at = p < end ? p + 1 : p;
    return found != negated;
}

/* One element of the pattern that is not '*' against one byte; *at moves behind the element. */
static inline bool glob_one(const char **at, const char *end, char byte, bool ignore_case)
{
    const char *p = *at;
    unsigned char c = glob_fold(byte, ignore_case);
    switch (*p) {
    case '?': *at = p + 1; return true;
    case '[': *at = p + 1; return glob_class(at, end, c, ignore_case);
    case '\\':
        if (end - p >= 2) p++;
        break;
    default: break;
    }
    *at = p + 1;
    return glob_fold(*p, ignore_case) == c;
}

bool glob_match(struct bytes pattern, struct bytes text, bool ignore_case)
{
    const char *p = pattern.ptr, *p_end = p + pattern.len;
    const char *t = text.ptr, *t_end = t + text.len;
    const char *star = NULL;  /* the pattern after the latest '*' */
    const char *taken = NULL; /* how far that '*' has taken the text */
    unsigned stars = 0;
    while (t < t_end) {
        if (p < p_end && *p == '*') {
            while (p < p_end && *p == '*') p++;
            star = p;
            taken = t;
            if (p == p_end) return true;
            if (++stars > STARS_MAX) return false;
            continue;
        }
        if (p < p_end && glob_one(&p, p_end, *t, ignore_case)) {
            t++;
            continue;
        }
        if (star == NULL) return false;
        p = star;
        t = ++taken;
    }
    while (p < p_end && *p == '*') p++;
    return p == p_end;
}

bool glob_is_plain(struct bytes pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        if (c == '*' || c == '?' || c == '[' || c == '\\') return false;
    }
    return true;
}
