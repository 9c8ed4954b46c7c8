/*
 * What the files of the geo commands share. Places are the members of a sorted set; the score is
 * the number of the place (codec/geohash.h).
 */
#ifndef EXECUTE_COMMANDS_GEO_H
#define EXECUTE_COMMANDS_GEO_H

#include "execute/execute_private.h"

#include "codec/geohash.h"
#include "execute/core/call.h"
#include "execute/types/zset.h"

/* Longitude and latitude at arguments i and i + 1. False: the error is answered. */
bool geo_lonlat(struct call *c, uint32_t i, struct geo_point *out);
/* Metres of the unit at argument i. False: the error is answered. */
bool geo_unit(struct call *c, uint32_t i, double *metres);
/* False when the member is not there. */
bool geo_place(const struct entry *e, struct bytes member, struct geo_point *out);

/* A length with four decimals. */
enum run_result geo_reply_length(struct call *c, double length);
enum run_result geo_reply_point(struct call *c, struct geo_point p);

#endif
