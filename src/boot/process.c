/* Each piece is applied from the settings in force; the hooks apply a changed piece in execute's
 * turn. */
#include "boot/process.h"

#include "base/log.h"
#include "boot/crash.h"
#include "boot/daemon.h"
#include "catalog/config_text.h"
#include "catalog/settings.h"
#include "execute/execute.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char *process_title;

static void process_apply_log_level(const struct settings *s)
{
    log_set_level(
        (enum log_level)s->loglevel); /* the option counts its words as the log its levels */
}

static int process_apply_oom(const struct settings *s)
{
    static const enum daemon_oom_mode modes[] = {[OOM_ADJUST_NO] = OOM_MODE_NO,
                                                 [OOM_ADJUST_RELATIVE] = OOM_MODE_RELATIVE,
                                                 [OOM_ADJUST_ABSOLUTE] = OOM_MODE_ABSOLUTE};
    return daemon_oom_set(modes[s->oom_score_adj], s->oom_score_adj_values.of, OOM_CLASS_MASTER);
}

static bool process_apply_title(const struct settings *s)
{
    char addr[128];
    const char *host = s->bind.count > 0 ? s->bind.addr[0] : "*";
    if (host[0] == '-') host++;
    if (s->port != 0)
        snprintf(addr, sizeof(addr), "%.100s:%d", host, (int)s->port);
    else
        snprintf(addr, sizeof(addr), "%.120s", s->unixsocket);
    struct daemon_title facts = {.title = process_title,
                                 .listen_addr = addr,
                                 .server_mode = "",
                                 .unix_socket = s->unixsocket,
                                 .config_file = config_path(),
                                 .port = (int)s->port,
                                 .tls_port = 0};
    return !s->set_proc_title || daemon_title_set(s->proc_title_template, &facts);
}

/* ---- At run time ---- */

static int process_on_oom(const struct settings *old, const struct settings *new, char *error)
{
    (void)old;
    int rc = process_apply_oom(new);
    if (rc != 0)
        snprintf(error, OPTION_ERROR_MAX,
                 "Failed to set current oom_score_adj. Check server logs.");
    return rc;
}

static int process_on_title(const struct settings *old, const struct settings *new, char *error)
{
    (void)old;
    if (process_apply_title(new)) return 0;
    snprintf(error, OPTION_ERROR_MAX, "failed to set process title");
    return -EINVAL;
}

static int process_on_crash_log(const struct settings *old, const struct settings *new, char *error)
{
    (void)old;
    (void)error;
    if (new->crash_log_enabled)
        crash_open();
    else
        crash_close();
    return 0;
}

static int process_on_maxclients(const struct settings *old, const struct settings *new,
                                 char *error)
{
    (void)old;
    uint32_t reached = daemon_files_for((uint32_t) new->maxclients);
    if (reached >= (uint64_t) new->maxclients) return 0;
    snprintf(
        error, OPTION_ERROR_MAX,
        "The operating system is not able to handle the specified number of clients, try with %u",
        reached);
    return -EMFILE;
}

static void process_register_hooks(void)
{
    execute_on_config("oom-score-adj", process_on_oom);
    execute_on_config("oom-score-adj-values", process_on_oom);
    execute_on_config("proc-title-template", process_on_title);
    execute_on_config("crash-log-enabled", process_on_crash_log);
    execute_on_config("maxclients", process_on_maxclients);
}

/* ---- At the start ---- */

static int process_open_log(const struct settings *s)
{
    process_apply_log_level(s);
    int rc = log_open(s->logfile);
    if (rc != 0) {
        fprintf(stderr, "Cannot open the log file %s: %s\n", s->logfile, strerrordesc_np(-rc));
        return -1;
    }
    log_set_syslog(s->syslog_enabled, s->syslog_ident, s->syslog_facility);
    return 0;
}

static void process_limit_clients(const struct settings *s)
{
    uint32_t reached = daemon_files_for((uint32_t)s->maxclients);
    if (reached >= (uint64_t)s->maxclients) return;
    log_warn("maxclients lowered from %lld to %u: the limit of open files cannot be raised further",
             (long long)s->maxclients, reached);
    struct settings *changed = settings_copy(s);
    changed->maxclients = reached;
    settings_publish(changed);
}

int process_open(const char *argv0)
{
    const struct settings *s = settings_now();
    process_title = argv0;
    if (process_open_log(s) != 0) return -1;
    enum daemon_supervisor supervisor = daemon_supervised((enum daemon_supervisor)s->supervised);
    if (s->daemonize && supervisor == SUPERVISOR_NONE && daemon_detach() != 0) return -1;
    if (s->daemonize || s->pidfile[0] != '\0') {
        const char *path = s->pidfile[0] != '\0' ? s->pidfile : "/var/run/redis.pid";
        int rc = daemon_pidfile_write(path);
        if (rc != 0) log_warn("Cannot write the pid file %s: %s", path, strerrordesc_np(-rc));
    }
    if (s->disable_thp) prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    crash_set_version("Baton " BATON_VERSION " (Redis " BATON_REDIS_VERSION ")");
    process_limit_clients(s);
    s = settings_now();
    process_apply_oom(s);
    process_apply_title(s);
    process_register_hooks();
    return 0;
}

void process_reopen_log(void)
{
    const struct settings *s = settings_enter(SETTINGS_MAIN);
    if (s->logfile[0] != '\0') log_open(s->logfile);
    settings_leave(SETTINGS_MAIN);
}
