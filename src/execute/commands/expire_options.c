/*
 * Times and options of the commands that set a deadline.
 *
 * An option may be repeated, the last one counts; two options that contradict each other are a
 * syntax error.
 */
#include "execute/commands/expire_options.h"

#include "execute/core/effect.h"
#include "execute/core/event.h"

static enum run_result expire_time_invalid(struct call *c)
{
    return reply_errorf(c, "ERR invalid expire time in '%s' command", c->spec->full);
}

bool expire_time(struct call *c, uint32_t i, unsigned unit, bool only_future, int64_t *at_ms)
{
    int64_t t;
    if (!call_int(c, i, &t)) return false;

    bool bad = only_future && t <= 0;
    if (unit & EXPIRE_SECONDS) bad |= __builtin_mul_overflow(t, 1000, &t);
    if (!(unit & EXPIRE_ABSOLUTE)) bad |= __builtin_add_overflow(t, c->now_ms, &t);
    if (bad) {
        expire_time_invalid(c);
        return false;
    }
    *at_ms = t;
    return true;
}

void expire_now(struct call *c, struct key key)
{
    call_delete(c, key);
    effect_of_key(c, c->settings->lazyfree_lazy_expire ? "UNLINK" : "DEL", key.name, c->nargs);
}

void expire_set(struct call *c, struct key key, struct entry *e, int64_t at_ms)
{
    keyspace_set_deadline(c->db, e, at_ms);
    call_event(c, 1, key, NOTIFY_GENERIC, "expire");
    effect_begin(c, 3);
    effect_word("PEXPIREAT");
    effect_arg(key.name);
    effect_int(at_ms);
}

bool expire_options_unit(struct bytes word, unsigned *unit)
{
    static const struct {
        const char *word;
        unsigned unit;
    } units[] = {
        {"ex", EXPIRE_SECONDS},
        {"px", EXPIRE_MS},
        {"exat", EXPIRE_SECONDS | EXPIRE_ABSOLUTE},
        {"pxat", EXPIRE_MS | EXPIRE_ABSOLUTE},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!bytes_is_word(word, units[i].word)) continue;
        *unit = units[i].unit;
        return true;
    }
    return false;
}

/* The option of one word that `word` names in this form, or NULL. */
static bool *expire_options_word(struct bytes word, enum expire_form form, struct expire_options *o)
{
    bool set = form == EXPIRE_FORM_SET;
    if (set && bytes_is_word(word, "nx")) return &o->nx;
    if (set && bytes_is_word(word, "xx")) return &o->xx;
    if (set && bytes_is_word(word, "get")) return &o->get;
    if (set && bytes_is_word(word, "keepttl")) return &o->keep_ttl;
    if (!set && bytes_is_word(word, "persist")) return &o->persist;
    return NULL;
}

static bool expire_options_agree(const struct expire_options *o)
{
    return !(o->nx && o->xx) && !(o->time_arg != 0 && (o->keep_ttl || o->persist));
}

/* Takes the option at *i and moves *i to its last argument. */
static bool expire_options_take(struct call *c, uint32_t *i, enum expire_form form,
                                struct expire_options *o)
{
    unsigned unit;
    if (expire_options_unit(arg(c, *i), &unit)) {
        if (o->time_arg != 0 && o->unit != unit) return false;
        o->unit = unit;
        o->time_arg = ++*i;
        return *i < c->nargs;
    }
    bool *word = expire_options_word(arg(c, *i), form, o);
    if (word != NULL) *word = true;
    return word != NULL;
}

bool expire_options_parse(struct call *c, uint32_t from, enum expire_form form,
                          struct expire_options *out)
{
    *out = (struct expire_options){0};
    for (uint32_t i = from; i < c->nargs; i++) {
        if (expire_options_take(c, &i, form, out) && expire_options_agree(out)) continue;
        reply_syntax(c);
        return false;
    }
    return true;
}
