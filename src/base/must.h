/*
 * The third kind of wrong: we are wrong.
 *
 * must() is always compiled in and stops the process with file and line; dcheck() is for hot loops
 * and only exists in builds with -DBATON_DEBUG. Neither is for what a client or the world did.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

void must_fail(const char *what, const char *file, int line) __attribute__((noreturn, cold));

#define must(cond) (likely(cond) ? (void)0 : must_fail(#cond, __FILE__, __LINE__))

#ifdef BATON_DEBUG
#define dcheck(cond) must(cond)
#else
#define dcheck(cond) ((void)0)
#endif

#endif
