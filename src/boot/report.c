/*
 * What is called here is on the list of signal-safety(7), but for backtrace(3), which is safe once
 * its library is loaded: report_open() sees to that.
 */
#include "boot/report.h"

#include "base/log.h"

#include <execinfo.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REPORT_FRAMES 100

void report_put(struct report_line *l, const char *text)
{
    while (*text != '\0' && l->len < sizeof(l->text) - 1) l->text[l->len++] = *text++;
}

void report_put_number(struct report_line *l, uint64_t n, unsigned base, int least)
{
    char digits[24];
    int at = sizeof(digits) - 1;
    digits[at] = '\0';
    for (; n > 0 || least > 0; n /= base, least--) digits[--at] = "0123456789abcdef"[n % base];
    report_put(l, digits + at);
}

void report_end(struct report_line *l)
{
    l->text[l->len++] = '\n';
    log_raw_signal_safe(l->text, l->len);
    l->len = 0;
}

void report_say(const char *text)
{
    struct report_line l = {0};
    report_put(&l, text);
    report_end(&l);
}

void report_say_thread(void)
{
    struct report_line l = {0};
    char name[17] = "";
    prctl(PR_GET_NAME, name, 0, 0, 0);
    report_put(&l, "In thread '");
    report_put(&l, name);
    report_put(&l, "', id ");
    report_put_number(&l, (uint64_t)syscall(SYS_gettid), 10, 1);
    report_put(&l, " of process ");
    report_put_number(&l, (uint64_t)getpid(), 10, 1);
    report_end(&l);
}

void report_say_stack(void)
{
    void *frames[REPORT_FRAMES];
    report_say("\n------ STACK TRACE ------");
    int count = backtrace(frames, REPORT_FRAMES);
    backtrace_symbols_fd(frames, count, log_fd());
}

void report_open(void)
{
    void *frame;
    backtrace(&frame, 1); /* loads the unwinder now: later there may be no memory */
}
