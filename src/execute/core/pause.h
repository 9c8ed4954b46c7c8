/*
 * CLIENT PAUSE, and the four lines of sessions whose commands are held: those that wait for the
 * pause to end, for a snapshot, those whose clients must read first, and those that may go on. A
 * session stands in at most one line. When the pause ends, all who wait become ready, in the order
 * in which they came; each command is then judged again by the pause of that moment.
 */
#ifndef EXECUTE_CORE_PAUSE_H
#define EXECUTE_CORE_PAUSE_H

#include "execute/execute_private.h"

#include "execute/core/run.h"
#include "execute/core/session.h"

void pause_open(void);

/* A pause in force is only ever made stricter and longer. */
void pause_begin(enum pause_mode mode, int64_t until_ms);
void pause_end(void);
/* Ends the pause when its time is over. */
void pause_tick(int64_t now_ms);
enum pause_mode pause_mode(void);
int64_t pause_until_ms(void); /* -1 when not paused */

/* Those who wait become ready, and are judged by what is now. */
void pause_judge_again(void);
/* Its next command waits for the end of the pause, or of a hold (core/hold.h). */
void pause_wait(struct session *s);
/* Its next command waits for the snapshot (core/snapshot.h), until this one lets all of them look
 * again. */
void pause_for_snapshot(struct session *s);
void pause_end_of_snapshot(void);
/* Its client has left so many replies unread that no more are made for now. */
void pause_until_read(struct session *s);
/* Makes those ready whose unread bytes are not more than `limit` any more. */
void pause_look_at_readers(uint64_t limit);
bool pause_has_readers(void);
/* Bytes of reply made for the session that its client's kernel did not take yet. */
uint64_t pause_unread_bytes(const struct session *s);
/* It holds commands that may run. */
void pause_make_ready(struct session *s);
/* Takes it out of its line. */
void pause_forget(struct session *s);
struct session *pause_first_ready(void);
uint64_t pause_count_waiting(void);

#endif
