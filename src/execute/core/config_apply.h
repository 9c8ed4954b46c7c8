/*
 * What a changed option does to the running server.
 *
 * Whoever owns a thing that an option steers registers a function for the option, at start. CONFIG
 * SET calls the functions of the options that changed, each function once, with the settings before
 * and after, and publishes the settings only when all of them succeed. When one fails, those called
 * before are called again with old and new exchanged.
 */
#ifndef EXECUTE_CORE_CONFIG_APPLY_H
#define EXECUTE_CORE_CONFIG_APPLY_H

#include "execute/execute_private.h"

#include "catalog/settings.h"

/*
 * 0, or -errno with a text for the client in `error` (OPTION_ERROR_MAX bytes). On failure nothing
 * may have changed. `next` is not published yet: settings_now() still gives the old ones.
 */
typedef int config_apply(const struct settings *old, const struct settings *next, char *error);

/* `option` is the name of an option that exists. At most 64 registrations. */
void config_on_change(const char *option, config_apply *apply);

/* Registers what execute itself does (dir, loglevel, the clocks of keys), and does it for the
 * settings at start. */
void config_apply_open(void);
/* Forgets all registrations. */
void config_apply_close(void);

/*
 * Applies and publishes `next`, which differs from settings_now() in the `count` options of
 * `changed`, in the order that the client gave them. Takes `next` in any case. On failure *failed
 * is the option to blame and `error` says why.
 */
int config_change(struct settings *next, const struct option *const *changed, uint32_t count,
                  const struct option **failed, char error[OPTION_ERROR_MAX]);

#endif
