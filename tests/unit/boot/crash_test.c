/* The crash report, of children that crash in every way, in the main thread and in others. */
#include "unit/check.h"

#include "base/log.h"
#include "boot/crash.h"
#include "boot/daemon.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int zero = 0;

/* A sanitizer would end the child by itself before the signal comes. */
__attribute__((no_sanitize("undefined"))) static void crash_by_null(void)
{
    *(volatile int *)(uintptr_t)zero = 1;
}
static void crash_by_abort(void) { abort(); }
static void crash_by_division(void) { raise(SIGFPE); }
static void crash_by_illegal(void) { __builtin_trap(); }
static void crash_by_kill(void) { kill(getpid(), SIGSEGV); }
static void crash_by_bus(void) { raise(SIGBUS); }

static int deeper(volatile char *above)
{
    if (zero != 0) return zero;
    volatile char here[4096];
    here[zero] = *above;
    int below = deeper(here);
    return below + here[zero];
}

static void crash_by_overflow(void)
{
    char first = 0;
    deeper(&first);
}

static void *crash_in_thread(void *how)
{
    prctl(PR_SET_NAME, "execute", 0, 0, 0);
    crash_thread();
    union {
        void *any;
        void (*call)(void);
    } f = {how};
    f.call();
    return NULL;
}

/* Runs a child that crashes; gives what it logged and how it ended. */
static int crash_child(void (*how)(void), bool in_thread, char *text, size_t room)
{
    int out[2];
    assert_int_equal(pipe(out), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        dup2(out[1], STDOUT_FILENO);
        dup2(out[1], STDERR_FILENO);
        for (int i = SIGHUP; i < SIGUSR1; i++) signal(i, SIG_DFL); /* cmocka has its own */
        crash_set_version("Baton 1.2.3");
        crash_open();
        if (in_thread) {
            pthread_t thread;
            union {
                void (*call)(void);
                void *any;
            } f = {how};
            pthread_create(&thread, NULL, crash_in_thread, f.any);
            pthread_join(thread, NULL);
        } else {
            how();
        }
        _exit(0);
    }
    close(out[1]);
    size_t len = 0;
    ssize_t n;
    while (len < room - 1 && (n = read(out[0], text + len, room - 1 - len)) > 0) len += (size_t)n;
    text[len] = '\0';
    close(out[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void expect_report(void (*how)(void), bool in_thread, int number)
{
    static char text[1 << 18];
    char wanted[64];
    int status = crash_child(how, in_thread, text, sizeof(text));
    snprintf(wanted, sizeof(wanted), "Baton 1.2.3 crashed by signal: %d", number);
    assert_non_null(strstr(text, "REDIS BUG REPORT START"));
    assert_non_null(strstr(text, wanted));
    assert_non_null(strstr(text, "------ STACK TRACE ------"));
    assert_non_null(strstr(text, "crash_test")); /* a frame of this program */
    assert_non_null(strstr(text, "------ REGISTERS ------"));
    assert_non_null(strstr(text, "REDIS BUG REPORT END"));
    if (in_thread) assert_non_null(strstr(text, "In thread 'execute'"));
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (WIFSIGNALED(status)) assert_int_equal(WTERMSIG(status), number);
#endif
}

static void every_signal_is_reported(void **state)
{
    (void)state;
    expect_report(crash_by_null, false, SIGSEGV);
    expect_report(crash_by_abort, false, SIGABRT);
    expect_report(crash_by_division, false, SIGFPE);
    expect_report(crash_by_illegal, false, SIGILL);
    expect_report(crash_by_bus, false, SIGBUS);
    expect_report(crash_by_kill, false, SIGSEGV);
}

static void threads_are_named(void **state)
{
    (void)state;
    expect_report(crash_by_null, true, SIGSEGV);
    expect_report(crash_by_abort, true, SIGABRT);
}

static void an_overflown_stack_is_reported(void **state)
{
    (void)state;
    expect_report(crash_by_overflow, true, SIGSEGV);
    expect_report(crash_by_overflow, false, SIGSEGV);
}

static void close_then_kill(void)
{
    crash_close();
    raise(SIGBUS);
}

static void it_can_be_switched_off(void **state)
{
    (void)state;
    static char text[1 << 16];
    int status = crash_child(close_then_kill, false, text, sizeof(text));
    assert_null(strstr(text, "BUG REPORT"));
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void write_pidfile_then_abort(void)
{
    if (daemon_pidfile_write("/tmp/baton-crash-test.pid") != 0) _exit(0);
    abort();
}

static void the_pid_file_goes(void **state)
{
    (void)state;
    expect_report(write_pidfile_then_abort, false, SIGABRT);
    assert_int_not_equal(access("/tmp/baton-crash-test.pid", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_signal_is_reported),
        cmocka_unit_test(threads_are_named),
        cmocka_unit_test(an_overflown_stack_is_reported),
        cmocka_unit_test(it_can_be_switched_off),
        cmocka_unit_test(the_pid_file_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
