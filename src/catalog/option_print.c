/* The options table for people: `baton-server --options`, and the list for the README. */
#include "catalog/option.h"

#include "catalog/settings.h"

#include <stdlib.h>

void option_print_all(FILE *out)
{
    struct settings *s = settings_default();
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        if ((o->flags & OPTION_HIDDEN) != 0) continue;
        char *value = option_get_text(s, o, NULL);
        fprintf(out, "%s \"%s\"%s%s\n", o->name, value,
                (o->flags & OPTION_IMMUTABLE) != 0 ? " [at start only]" : "",
                (o->flags & OPTION_PENDING) != 0 ? " [not in effect yet]"
                : (o->flags & OPTION_INERT) != 0 ? " [without effect]"
                                                 : "");
        fprintf(out, "    %s\n", o->help);
        free(value);
    }
    settings_free(s);
}

void option_print_pending(FILE *out)
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        if ((o->flags & OPTION_PENDING) == 0 || (o->flags & OPTION_HIDDEN) != 0) continue;
        fprintf(out, "- `%s`: %s\n", o->name, o->help);
    }
}
