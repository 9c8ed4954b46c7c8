/*
 * Threads as coroutines on stacks of their own. A fiber begins with setcontext(3); from then on the
 * compiler's own setjmp and longjmp switch, which save no signal mask and so call no kernel. The
 * sanitizers are told of every switch. Stacks are kept from seed to seed.
 */
#include "sim/sim.h"

#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

enum { STACK_LEN = 512 * 1024, STACKS_KEPT = 64 };

enum fiber_state { FIBER_READY, FIBER_BLOCKED, FIBER_DONE };

struct context {
    void *place[5]; /* of __builtin_setjmp() */
    ucontext_t start;
    bool has_begun;
    const void *stack;
    size_t stack_len;
    void *fake_stack, *tsan;
};

struct fiber {
    struct context context;
    struct thread *th;
    enum fiber_state state;
    bool wake_only, sleeps; /* sleeps: time alone wakes it */
    uint64_t until_ns;
};

static struct context scheduler = {.has_begun = true};
static struct fiber *running;
static void *stacks[STACKS_KEPT];
static int stack_count;

/* Neither is instrumented: whoever enters them leaves on another stack. */
__attribute__((noinline, no_sanitize_thread)) static void context_go(struct context *to)
{
    if (to->has_begun) __builtin_longjmp(to->place, 1);
    to->has_begun = true;
    setcontext(&to->start);
    must(false);
}

__attribute__((noinline, no_sanitize_thread)) static void switch_to(struct context *from,
                                                                    struct context *to,
                                                                    bool for_ever)
{
    (void)for_ever;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(for_ever ? NULL : &from->fake_stack, to->stack, to->stack_len);
#endif
#if defined(__SANITIZE_THREAD__)
    if (scheduler.tsan == NULL) scheduler.tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    if (__builtin_setjmp(from->place) == 0) context_go(to);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}

static void fiber_main(void)
{
    struct fiber *f = running;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(NULL, &scheduler.stack, &scheduler.stack_len);
#endif
    thread_loop(f->th);
    f->state = FIBER_DONE;
    switch_to(&f->context, &scheduler, true);
}

struct fiber *fiber_open(struct thread *th)
{
    struct fiber *f = calloc(1, sizeof(*f));
    must(f != NULL);
    f->th = th;
    f->context.stack = stack_count > 0 ? stacks[--stack_count] : malloc(STACK_LEN);
    f->context.stack_len = STACK_LEN;
    must(f->context.stack != NULL && getcontext(&f->context.start) == 0);
    f->context.start.uc_stack.ss_sp = (void *)(uintptr_t)f->context.stack;
    f->context.start.uc_stack.ss_size = STACK_LEN;
    makecontext(&f->context.start, fiber_main, 0);
#if defined(__SANITIZE_THREAD__)
    f->context.tsan = __tsan_create_fiber(0);
#endif
    return f;
}

void fiber_close(struct fiber *f)
{
    must(f->state == FIBER_DONE && stack_count < STACKS_KEPT);
    stacks[stack_count++] = (void *)(uintptr_t)f->context.stack;
#if defined(__SANITIZE_THREAD__)
    __tsan_destroy_fiber(f->context.tsan);
#endif
    free(f);
}

void fiber_run(struct fiber *f)
{
    running = f;
    f->state = FIBER_READY;
    switch_to(&scheduler, &f->context, false);
    running = NULL;
}

bool fiber_is_runnable(const struct fiber *f)
{
    if (f->state != FIBER_BLOCKED) return f->state == FIBER_READY;
    if (f->sleeps) return f->until_ns <= kernel_now_ns;
    return f->until_ns <= kernel_now_ns || kernel_poller_is_ready(f->th->poller, f->wake_only);
}

bool fiber_is_in_call(const struct fiber *f) { return f->sleeps; }

bool fiber_is_done(const struct fiber *f) { return f->state == FIBER_DONE; }

uint64_t fiber_wakes_at(const struct fiber *f)
{
    return f->state == FIBER_BLOCKED ? f->until_ns : UINT64_MAX;
}

void fiber_maybe_yield(void)
{
    if (running == NULL || !sim_chance(sim_choices.yields)) return;
    int kept = errno;
    switch_to(&running->context, &scheduler, false);
    errno = kept;
}

void fiber_sleep(uint64_t ns)
{
    if (running == NULL) {
        kernel_now_ns += ns;
        return;
    }
    running->sleeps = true;
    fiber_block(kernel_now_ns + ns, true);
    running->sleeps = false;
}

void fiber_block(uint64_t until_ns, bool wake_only)
{
    must(running != NULL);
    running->state = FIBER_BLOCKED;
    running->until_ns = until_ns;
    running->wake_only = wake_only;
    switch_to(&running->context, &scheduler, false);
}
