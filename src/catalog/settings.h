/*
 * Settings: the values of all options, as one immutable object.
 *
 * struct settings has a member for each row of catalog/options.def, named as the option with '_'
 * for '-'. execute builds a changed copy on CONFIG SET and publishes it; the other stages pick the
 * newest up at the top of a turn with settings_enter() and let go with settings_leave(), and what
 * nobody holds any more is freed by the next publish. Strings belong to the object.
 */
#ifndef CATALOG_SETTINGS_H
#define CATALOG_SETTINGS_H

#include "catalog/option.h"

struct settings; /* defined by option.h from options.def */

/* The newest; for execute, and for the start before threads exist. Borrowed until the next publish.
 */
const struct settings *settings_now(void);

/* A stage's handle. `id` < SETTINGS_READERS, one per stage; enter gives the newest, valid until
 * leave. */
#define SETTINGS_READERS 64
#define SETTINGS_MAIN (SETTINGS_READERS - 1)    /* the main thread's, while the server runs */
#define SETTINGS_METRICS (SETTINGS_READERS - 2) /* the metrics page's */
const struct settings *settings_enter(unsigned id);
void settings_leave(unsigned id);

/* execute (or boot): takes `s`, made by settings_copy(), which nobody may change from now. */
void settings_publish(struct settings *s);
struct settings *settings_copy(const struct settings *from);
void settings_free(struct settings *s);
/* All options at their defaults. */
struct settings *settings_default(void);

#endif
