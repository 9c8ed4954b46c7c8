/*
 * What the files of the HyperLogLog commands share: the lookup that insists on one, and the errors.
 */
#ifndef EXECUTE_COMMANDS_HYPERLOGLOG_H
#define EXECUTE_COMMANDS_HYPERLOGLOG_H

#include "execute/execute_private.h"

#include "codec/hll.h"
#include "execute/core/call.h"

#define ERR_HLL_BROKEN "INVALIDOBJ Corrupted HLL object detected"

/* *e is the entry at argument i and *value its string; NULL and none when the key is absent. False
 * when it holds anything but a HyperLogLog: then the error is answered. */
bool hyperloglog_find(struct call *c, uint32_t i, enum lookup how, struct entry **e,
                      struct bytes *value);

/* Stores the value under the key at argument i, *e being its entry, or NULL, from a lookup just
 * before. */
void hyperloglog_store(struct call *c, uint32_t i, struct entry **e, const struct hll *h);

#endif
