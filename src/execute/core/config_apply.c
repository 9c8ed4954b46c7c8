/* The table of registered functions, and the functions that execute itself registers; see
 * config_apply.h. */
#include "execute/core/config_apply.h"

#include "base/log.h"
#include "base/must.h"
#include "execute/core/acl.h"
#include "execute/keyspace/keyspace.h"
#include "mem/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOOKS_MAX 64

struct hook {
    const struct option *option;
    config_apply *apply;
};

static struct hook hooks[HOOKS_MAX];
static unsigned hook_count;

void config_on_change(const char *option, config_apply *apply)
{
    const struct option *o = option_find(bytes_of(option));
    must(o != NULL && hook_count < HOOKS_MAX);
    hooks[hook_count++] = (struct hook){o, apply};
}

/* ---- Execute's own ---- */

static int config_apply_dir(const struct settings *old, const struct settings *next, char *error)
{
    (void)old;
    if (chdir(next->dir) == 0) return 0;
    int failed = errno;
    snprintf(error, OPTION_ERROR_MAX, "%s", strerrordesc_np(failed));
    return -failed;
}

static int config_apply_loglevel(const struct settings *old, const struct settings *next,
                                 char *error)
{
    (void)old, (void)error;
    log_set_level((enum log_level)next->loglevel);
    return 0;
}

static int config_apply_clocks(const struct settings *old, const struct settings *next, char *error)
{
    (void)old, (void)error;
    keyspace_set_lfu(policy_is_lfu(next->maxmemory_policy), next->lfu_log_factor,
                     next->lfu_decay_time);
    return 0;
}

static int config_apply_background(const struct settings *old, const struct settings *next,
                                   char *error)
{
    (void)old, (void)error;
    mem_set_background(next->jemalloc_bg_thread);
    return 0;
}

static int config_apply_requirepass(const struct settings *old, const struct settings *next,
                                    char *error)
{
    (void)old, (void)error;
    acl_set_requirepass(secret_bytes(&next->requirepass));
    return 0;
}

void config_apply_open(void)
{
    char error[OPTION_ERROR_MAX];
    const struct settings *s = settings_now();
    config_on_change("dir", config_apply_dir);
    config_on_change("loglevel", config_apply_loglevel);
    config_on_change("maxmemory-policy", config_apply_clocks);
    config_on_change("lfu-log-factor", config_apply_clocks);
    config_on_change("lfu-decay-time", config_apply_clocks);
    config_on_change("jemalloc-bg-thread", config_apply_background);
    config_on_change("requirepass", config_apply_requirepass);
    config_apply_loglevel(s, s, error);
    config_apply_background(s, s, error);
    config_apply_clocks(s, s, error);
}

void config_apply_close(void) { hook_count = 0; }

/* ---- A change ---- */

/* The functions of the changed options, each once, with the option that is named when it fails. */
static unsigned config_collect_hooks(const struct option *const *changed, uint32_t count,
                                     struct hook out[HOOKS_MAX])
{
    unsigned n = 0;
    for (uint32_t i = 0; i < count; i++)
        for (unsigned h = 0; h < hook_count; h++) {
            if (hooks[h].option != changed[i]) continue;
            unsigned known = 0;
            while (known < n && out[known].apply != hooks[h].apply) known++;
            if (known == n) out[n++] = hooks[h];
        }
    return n;
}

/* CONFIG GET dir shows where the server is, not the words that led there. */
static void config_settle_dir(struct settings *next)
{
    char *cwd = getcwd(NULL, 0);
    if (cwd == NULL) return;
    free(next->dir);
    next->dir = cwd;
}

int config_change(struct settings *next, const struct option *const *changed, uint32_t count,
                  const struct option **failed, char error[OPTION_ERROR_MAX])
{
    const struct settings *old = settings_now();
    struct hook due[HOOKS_MAX];
    unsigned n = config_collect_hooks(changed, count, due);
    for (unsigned i = 0; i < n; i++) {
        int r = due[i].apply(old, next, error);
        if (r != 0) {
            char ignored[OPTION_ERROR_MAX];
            *failed = due[i].option;
            while (i-- > 0)
                if (due[i].apply(next, old, ignored) != 0)
                    log_warn("Could not take back the change of %s: %s", due[i].option->name,
                             ignored);
            settings_free(next);
            return r;
        }
        if (due[i].apply == config_apply_dir) config_settle_dir(next);
    }
    settings_publish(next);
    return 0;
}
