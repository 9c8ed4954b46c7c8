/*
 * TIME.
 */
#include "base/clock.h"
#include "codec/number.h"
#include "execute/commands/table.h"
#include "execute/script/script.h"

enum run_result cmd_TIME(struct call *c)
{
    int64_t us = call_is_scripted(c) ? script_time_us() : clock_wall_us();
    char text[NUMBER_INT_CHARS];
    reply_array(c, 2);
    reply_bulk(c, bytes_make(text, number_print_int(text, us / 1000000)));
    return reply_bulk(c, bytes_make(text, number_print_int(text, us % 1000000)));
}
