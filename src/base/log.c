/*
 * Log lines are put together on the caller's stack and written by one write(2).
 *
 * Invariants: a log file keeps one descriptor number for the life of the process, and what is
 * behind that number is replaced by dup3(2) at once, so a thread in the middle of a line never
 * writes into a stranger's file. The names of log files are kept for ever, as some thread may be
 * reading one. The level and the role are single words, read relaxed: a line more or less around a
 * change does not matter.
 *
 * A file that was moved or removed is made anew before the next line: log rotation needs no signal,
 * as with redis-server.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LOG_TEXT_MAX 2048
#define LOG_LINE_MAX (LOG_TEXT_MAX * 4 + 128)

struct log_file {
    struct log_file *older; /* kept reachable */
    char path[];
};

static _Atomic int log_level_now = LOG_NOTE;    /* writer: whoever changes the configuration */
static _Atomic char log_role_now = 'C';         /* writer: whoever changes the role */
static _Atomic int log_fd_now = STDOUT_FILENO;  /* writer: log_open() */
static _Atomic(struct log_file *) log_file_now; /* writer: log_open(); NULL: standard output */
static _Atomic bool log_to_syslog;              /* writer: log_set_syslog() */
static int log_file_fd = -1;                    /* log_open() only: the number kept for files */
static struct log_file *log_files;              /* log_open() only: all names so far */

static int log_open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    return fd < 0 ? -errno : fd;
}

/* Puts a fresh file behind the number that log files have. 0 or -errno. */
static int log_replace(int number, const char *path)
{
    int fresh = log_open_file(path);
    if (fresh < 0) return fresh;
    int got = dup3(fresh, number, O_CLOEXEC);
    int err = errno;
    close(fresh);
    return got < 0 ? -err : 0;
}

int log_open(const char *path)
{
    if (path[0] == '\0') {
        atomic_store_explicit(&log_file_now, NULL, memory_order_release);
        atomic_store_explicit(&log_fd_now, STDOUT_FILENO, memory_order_release);
        return 0;
    }
    size_t len = strlen(path);
    struct log_file *file = malloc(sizeof(*file) + len + 1);
    if (file == NULL) return -ENOMEM;
    memcpy(file->path, path, len + 1);

    int err = 0;
    if (log_file_fd >= 0) {
        err = log_replace(log_file_fd, path);
    } else {
        err = log_open_file(path);
        if (err >= 0) {
            log_file_fd = err;
            err = 0;
        }
    }
    if (err != 0) {
        free(file);
        return err;
    }
    file->older = log_files;
    log_files = file;
    atomic_store_explicit(&log_fd_now, log_file_fd, memory_order_release);
    atomic_store_explicit(&log_file_now, file, memory_order_release);
    return 0;
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&log_level_now, memory_order_relaxed);
}

void log_set_role(char role) { atomic_store_explicit(&log_role_now, role, memory_order_relaxed); }

void log_set_syslog(bool on, const char *ident, int facility)
{
    static char name[64]; /* openlog(3) keeps the pointer */
    if (atomic_exchange_explicit(&log_to_syslog, false, memory_order_acq_rel)) closelog();
    if (!on) return;
    snprintf(name, sizeof(name), "%s", ident);
    openlog(name, LOG_PID | LOG_NDELAY | LOG_NOWAIT, facility);
    atomic_store_explicit(&log_to_syslog, true, memory_order_release);
}

int log_fd(void) { return atomic_load_explicit(&log_fd_now, memory_order_acquire); }

static void log_write(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return; /* there is nobody to tell */
        text += n;
        len -= (size_t)n;
    }
}

void log_raw_signal_safe(const char *text, size_t len)
{
    int err = errno;
    log_write(log_fd(), text, len);
    errno = err;
}

/* Is the file of that name still the one behind the descriptor? If not, a new one is made. */
static void log_follow(const struct log_file *file, int fd)
{
    struct stat named, held;
    if (fstat(fd, &held) != 0 || !S_ISREG(held.st_mode)) return;
    bool same =
        stat(file->path, &named) == 0 && named.st_ino == held.st_ino && named.st_dev == held.st_dev;
    if (!same) (void)log_replace(fd, file->path); /* else the old file goes on */
}

static size_t log_escape(char *out, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= ' ' && c != 0x7f) {
            *at++ = *text;
            continue;
        }
        *at++ = '\\';
        if (c == '\n' || c == '\r' || c == '\t') {
            *at++ = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
            continue;
        }
        *at++ = 'x';
        *at++ = digits[c >> 4];
        *at++ = digits[c & 15];
    }
    return (size_t)(at - out);
}

/* "PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL ", at most 127 characters. The months are English
 * whatever the locale. */
static size_t log_head(char *out, enum log_level level)
{
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    if (localtime_r(&now.tv_sec, &tm) == NULL) memset(&tm, 0, sizeof(tm));
    return (size_t)snprintf(out, 128, "%d:%c %02d %s %04d %02d:%02d:%02d.%03d %c ", (int)getpid(),
                            atomic_load_explicit(&log_role_now, memory_order_relaxed), tm.tm_mday,
                            months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
                            (int)(now.tv_nsec / 1000000), ".-*#"[level]);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    static const int priority[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING};
    if (level >= LOG_NOTHING || level < log_get_level()) return;
    int err = errno;
    char text[LOG_TEXT_MAX], line[LOG_LINE_MAX];
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (wanted < 0) text[0] = '\0';
    if (wanted >= LOG_TEXT_MAX) memcpy(text + LOG_TEXT_MAX - 4, "...", 4);

    size_t head = log_head(line, level);
    size_t len = head + log_escape(line + head, text);
    line[len] = '\0';
    if (atomic_load_explicit(&log_to_syslog, memory_order_acquire))
        syslog(priority[level], "%s", line + head);
    line[len++] = '\n';
    const struct log_file *file = atomic_load_explicit(&log_file_now, memory_order_acquire);
    int fd = log_fd();
    if (file != NULL) log_follow(file, fd);
    log_write(fd, line, len);
    errno = err;
}
