/*
 * Invariants: the first thread that crashes reports, others wait for the end that it brings; a
 * crash inside the report ends the process at once. What the handler calls is safe in a handler
 * (boot/report.h).
 */
#include "boot/crash.h"

#include "base/must.h"
#include "boot/daemon.h"
#include "boot/report.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define CRASH_STACK_BYTES 65536

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define CRASH_SIGNALS (sizeof(crash_signals) / sizeof(crash_signals[0]))

static struct sigaction crash_before[CRASH_SIGNALS]; /* crash_open() writes, the handler reads */
static _Atomic bool crash_is_open;     /* writer: the thread that changes the configuration */
static _Atomic int crash_reporter;     /* id of the thread that reports; set once */
static const char *crash_version = ""; /* set before threads start */

static void crash_say_signal(int number, const siginfo_t *info)
{
    struct report_line l = {0};
    report_put(&l, crash_version);
    report_put(&l, " crashed by signal: ");
    report_put_number(&l, (uint64_t)number, 10, 1);
    report_put(&l, ", code ");
    if (info->si_code < 0) report_put(&l, "-");
    report_put_number(&l, (uint64_t)llabs(info->si_code), 10, 1);
    report_end(&l);

    if (info->si_code == SI_USER || info->si_code == SI_TKILL) {
        report_put(&l, "Sent by process ");
        report_put_number(&l, (uint64_t)info->si_pid, 10, 1);
        report_put(&l, " of user ");
        report_put_number(&l, info->si_uid, 10, 1);
    } else {
        report_put(&l, "At address 0x");
        report_put_number(&l, (uint64_t)(uintptr_t)info->si_addr, 16, 1);
    }
    report_end(&l);

    report_say_thread();
}

static void crash_say_register(struct report_line *l, const char *name, uint64_t value)
{
    report_put(l, name);
    report_put(l, "=");
    report_put_number(l, value, 16, 16);
    report_put(l, " ");
    if (l->len > 80) report_end(l);
}

#if defined(__x86_64__)
static void crash_say_registers(const ucontext_t *context)
{
    static const struct {
        const char *name;
        int index;
    } registers[] = {
        {"rip", REG_RIP}, {"rsp", REG_RSP}, {"rbp", REG_RBP}, {"rax", REG_RAX},
        {"rbx", REG_RBX}, {"rcx", REG_RCX}, {"rdx", REG_RDX}, {"rsi", REG_RSI},
        {"rdi", REG_RDI}, {"r8", REG_R8},   {"r9", REG_R9},   {"r10", REG_R10},
        {"r11", REG_R11}, {"r12", REG_R12}, {"r13", REG_R13}, {"r14", REG_R14},
        {"r15", REG_R15}, {"efl", REG_EFL}, {"err", REG_ERR}, {"trap", REG_TRAPNO},
    };
    struct report_line l = {0};
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        crash_say_register(&l, registers[i].name,
                           (uint64_t)context->uc_mcontext.gregs[registers[i].index]);
    if (l.len > 0) report_end(&l);
}
#elif defined(__aarch64__)
static void crash_say_registers(const ucontext_t *context)
{
    struct report_line l = {0};
    crash_say_register(&l, "pc", context->uc_mcontext.pc);
    crash_say_register(&l, "sp", context->uc_mcontext.sp);
    for (unsigned i = 0; i < 31; i++) {
        char name[4] = {'x', (char)(i < 10 ? '0' + i : '0' + i / 10),
                        (char)(i < 10 ? '\0' : '0' + i % 10), '\0'};
        crash_say_register(&l, name, context->uc_mcontext.regs[i]);
    }
    if (l.len > 0) report_end(&l);
}
#else
static void crash_say_registers(const ucontext_t *context)
{
    (void)context;
    report_say("(not known on this machine)");
}
#endif

static void crash_report(int number, const siginfo_t *info, const ucontext_t *context)
{
    report_say("\n=== REDIS BUG REPORT START: please send everything from this line on ===");
    crash_say_signal(number, info);
    report_say_stack();
    report_say("\n------ REGISTERS ------");
    crash_say_registers(context);
    report_say(
        "\n=== REDIS BUG REPORT END. Names of functions: addr2line -fe PROGRAM +OFFSET ===\n");
}

/* Gives the signal back to whoever had it before us, and lets it happen again. */
static void crash_pass_on(int number)
{
    for (size_t i = 0; i < CRASH_SIGNALS; i++) {
        if (crash_signals[i] == number) sigaction(number, &crash_before[i], NULL);
    }
    raise(number); /* it is blocked until the handler returns */
}

static void crash_handle(int number, siginfo_t *info, void *context)
{
    int self = (int)syscall(SYS_gettid);
    int first = 0;
    if (!atomic_compare_exchange_strong_explicit(&crash_reporter, &first, self,
                                                 memory_order_relaxed, memory_order_relaxed)) {
        while (first != self) pause(); /* the process is about to end */
        report_say("\n=== crashed again while reporting ===");
        crash_pass_on(number);
        return;
    }
    crash_report(number, info, context);
    if (daemon_pidfile()[0] != '\0') unlink(daemon_pidfile());
    crash_pass_on(number);
}

void crash_set_version(const char *text) { crash_version = text; }

void crash_thread(void)
{
    stack_t stack;
    if (sigaltstack(NULL, &stack) == 0 && !(stack.ss_flags & SS_DISABLE)) return;
    void *room =
        mmap(NULL, CRASH_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return; /* then a stack overflow goes without a report */
    stack = (stack_t){.ss_sp = room, .ss_size = CRASH_STACK_BYTES};
    must(sigaltstack(&stack, NULL) == 0);
}

void crash_open(void)
{
    crash_thread();
    if (atomic_exchange_explicit(&crash_is_open, true, memory_order_relaxed)) return;
    report_open();
    struct sigaction action = {.sa_sigaction = crash_handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < CRASH_SIGNALS; i++) sigdelset(&action.sa_mask, crash_signals[i]);
    for (size_t i = 0; i < CRASH_SIGNALS; i++)
        must(sigaction(crash_signals[i], &action, &crash_before[i]) == 0);
}

void crash_close(void)
{
    if (!atomic_exchange_explicit(&crash_is_open, false, memory_order_relaxed)) return;
    for (size_t i = 0; i < CRASH_SIGNALS; i++) sigaction(crash_signals[i], &crash_before[i], NULL);
}
