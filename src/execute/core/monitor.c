/* The list of monitors, and how a command is printed for them. */
#include "execute/core/monitor.h"

#include "base/clock.h"
#include "execute/core/push.h"
#include "execute/core/redact.h"
#include "msg/conn.h"

#include <inttypes.h>

#define PEER_CHARS 256

struct session *monitor_first;

void monitor_begin(struct session *s)
{
    dcheck(!s->is_monitor);
    s->is_monitor = true;
    s->monitor_prev = NULL;
    s->monitor_next = monitor_first;
    if (monitor_first != NULL) monitor_first->monitor_prev = s;
    monitor_first = s;
    session_tell_output_class(s);
}

void monitor_end(struct session *s)
{
    if (!s->is_monitor) return;
    s->is_monitor = false;
    if (s->monitor_next != NULL) s->monitor_next->monitor_prev = s->monitor_prev;
    if (s->monitor_prev != NULL)
        s->monitor_prev->monitor_next = s->monitor_next;
    else
        monitor_first = s->monitor_next;
    session_tell_output_class(s);
}

/* A byte that would end or blur the text between quotes is shown as C writes it. */
static void monitor_print_byte(struct reply *line, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char named[] = "\"\\\n\r\t\a\b", names[] = "\"\\nrtab";
    char *to = reply_room(line, 4);
    const char *at = byte == 0 ? NULL : strchr(named, byte);
    to[0] = '\\';
    if (at != NULL) {
        to[1] = names[at - named];
        line->len += 2;
    } else {
        to[1] = 'x';
        to[2] = hex[byte >> 4];
        to[3] = hex[byte & 15];
        line->len += 4;
    }
}

static bool monitor_is_plain(unsigned char byte)
{
    return byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
}

static void monitor_print_arg(struct reply *line, struct bytes arg)
{
    reply_raw(line, " \"", 2);
    for (size_t i = 0; i < arg.len;) {
        size_t end = i;
        while (end < arg.len && monitor_is_plain((unsigned char)arg.ptr[end])) end++;
        reply_raw(line, arg.ptr + i, end - i);
        if (end < arg.len) monitor_print_byte(line, (unsigned char)arg.ptr[end]);
        i = end + 1;
    }
    reply_raw(line, "\"", 1);
}

/* Who ran it: a client by its address, or a script. */
static void monitor_print_source(struct reply *line, const struct call *c)
{
    const struct session *s = c->session;
    reply_printf(line, "[%d ", db_number(s->db));
    if (call_is_scripted(c)) {
        reply_printf(line, "lua]");
    } else if (conn_card(s->conn.slot)->is_unix) {
        reply_printf(line, "unix:%s]", c->settings->unixsocket);
    } else {
        char peer[PEER_CHARS];
        conn_print_peer(conn_card(s->conn.slot), "", peer, sizeof(peer));
        reply_printf(line, "%s]", peer);
    }
}

void monitor_show(const struct call *c, const struct command *cmd)
{
    if (cmd->spec->flags & CF_ADMIN) return;
    struct reply line = {0};
    int64_t us = clock_wall_us();
    reply_printf(&line, "+%" PRId64 ".%06" PRId64 " ", us / 1000000, us % 1000000);
    monitor_print_source(&line, c);
    for (uint32_t i = 0; i < cmd->nargs; i++)
        monitor_print_arg(&line, redact_arg(cmd->spec, cmd->args, cmd->nargs, i));
    reply_raw(&line, "\r\n", 2);
    struct push *p = push_make(bytes_make(line.buf, line.len));
    for (struct session *s = monitor_first; s != NULL; s = s->monitor_next) push_add(p, s);
    push_send(p);
    reply_release(&line);
}
