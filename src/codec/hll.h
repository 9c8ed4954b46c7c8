/*
 * A HyperLogLog as the string that Redis keeps, byte for byte, so that values move between the
 * servers. It estimates how many different elements were added, with a standard error of 0.81 %.
 *
 *     4 bytes  "HYLL"
 *     1 byte   form: 0 dense, 1 sparse
 *     3 bytes  unused
 *     8 bytes  the last estimate, little endian; its highest bit: it is out of date
 *     dense:   16,384 registers of 6 bits (codec/hll_registers.h)
 *     sparse:  runs of registers from the first to the last:
 *              00nnnnnn           n + 1 registers (up to 64) are 0
 *              01nnnnnn nnnnnnnn  n + 1 registers (up to 16,384), high byte first, are 0
 *              1vvvvvnn           n + 1 registers (up to 4) are v + 1 (up to 32)
 *
 * An element's hash is MurmurHash64A. Its low 14 bits choose a register; the place of the lowest
 * bit set among the other 50, counted from 1, is its rank. A register holds the highest rank that
 * it met. The estimate is the one of O. Ertl, "New cardinality estimation algorithms for
 * HyperLogLog sketches" (2017), algorithm 6.
 *
 * Values come from clients, who may write any bytes into them: "broken" answers mean that the runs
 * do not cover the registers exactly. Nothing here reads or writes outside of what it was given.
 */
#ifndef CODEC_HLL_H
#define CODEC_HLL_H

#include "base/bytes.h"
#include "codec/hll_registers.h"

#define HLL_HEADER 16
#define HLL_AT_FORM 4 /* enum hll_form, a byte */
#define HLL_DENSE_BYTES (HLL_HEADER + HLL_PACKED_BYTES)
/* No sparse value is longer: two bytes for each register. */
#define HLL_SPARSE_BYTES (HLL_HEADER + 2 * HLL_REGISTERS)

/* What an element asks for: that this register is at least `rank` (1 to 51). */
struct hll_spot {
    uint32_t index;
    uint8_t rank;
};
struct hll_spot hll_spot_of(struct bytes element);

enum hll_form { HLL_DENSE, HLL_SPARSE, HLL_NEITHER };
/* By header and length: what is dense is sound then; sparse runs may still be broken. */
enum hll_form hll_form(struct bytes value);

/* ---- Reading ---- */
/* Raises `ranks` to the value's registers; false when it is broken (some may be raised then). */
bool hll_merge_into(uint8_t ranks[HLL_REGISTERS], struct bytes value);
/* False when the value is broken. */
bool hll_estimate(struct bytes value, uint64_t *out);
uint64_t hll_estimate_ranks(const uint8_t ranks[HLL_REGISTERS]);

/* A run of a sparse value. */
struct hll_run {
    uint32_t first, count; /* registers */
    uint8_t rank;
    uint8_t bytes; /* that it takes: 1 or 2 */
};
/* The run at *at, which moves behind it; begin with *at 0. False at the end, and where a run is cut
 * off or passes the last register. */
bool hll_next_run(struct bytes value, size_t *at, struct hll_run *run);

/* ---- The estimate that the header keeps ---- */
/* False when it is out of date. */
bool hll_cached(struct bytes value, uint64_t *out);
void hll_set_cached(char *value, uint64_t estimate);
void hll_drop_cached(char *value);

/* ---- Changing ---- */
/* A dense value in place; true when the register was lower. The estimate is left to the caller. */
bool hll_dense_raise(char *value, struct hll_spot spot);

/* A value of either form with room to grow. */
struct hll {
    size_t len;
    char bytes[HLL_SPARSE_BYTES + 1]; /* one more than any value has */
};
/* Empty, sparse, with an estimate of 0. */
void hll_init(struct hll *h);
/* A copy of `value`; false when it is longer than any. */
bool hll_copy(struct hll *h, struct bytes value);
/* Makes it dense; false when it is broken: then it is as it was. */
bool hll_densify(struct hll *h);

enum hll_raised { HLL_SAME, HLL_RAISED, HLL_BROKEN };
/* Where the next register is looked for: a row of registers in ascending order finds each from the
 * one before. Zeroed at first, and for a lower register. */
struct hll_cursor {
    size_t prev;    /* offset of the run before, 0: none */
    uint32_t first; /* the first register of the run at prev, or 0 */
};
/* A sparse value that would pass `sparse_max` bytes becomes dense, and so does one that cannot hold
 * the rank. The estimate is left to the caller. */
enum hll_raised hll_raise(struct hll *h, struct hll_spot spot, size_t sparse_max,
                          struct hll_cursor *cursor);

#endif
