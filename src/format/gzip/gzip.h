/*
 * gzip.h - the one form of shards and final files (RFC 1952)
 *
 * A shard and a final file are one plain gzip member each, and a shard is the
 * final file of its one batch, byte for byte:
 *
 *	header	1f 8b 08 00, MTIME 0, XFL 0, OS 255: 10 bytes
 *	groups	the bodies of up to 64 entries, then the index note about them;
 *		padding before a large body (pad.h), which is a group of its own
 *	end	the end note, always SM_GZIP_END_BYTES
 *	tail	03 00, CRC-32 and length of the text: 10 bytes
 *
 * A body is a batch's deflate blocks, none marked as the last, up to a byte
 * boundary, with its row notes (note.h); without text it has no bytes.  No
 * block refers to an earlier batch, so that joining is copying bodies.
 *
 * An entry is a batch, or a run of batches of equally many rows that are all
 * missing, or all without text: that is one entry with a count, whose tallies
 * are those of all of them.  So a thousand batches without text do not make a
 * stretch of notes that a reader would take for the end (note.h).  A group
 * closes after its 64th entry, the one with which it has 16 or more and 4,096
 * bytes of bodies, or the one with which its note's body has
 * SM_GROUP_FULL_BYTES; before and after a body of SM_GROUP_ALONE bytes or more,
 * before a batch of another fingerprint, and at the end: where things are
 * depends on the content alone.
 *
 * An index note has, numbers LEB128 unless their bytes are given:
 *
 *	fingerprint(8), bytes back to the index note before (0: none), its
 *	CRC-32(4), first batch, entries, offset of the first body, then the sums
 *	of rows, records and text bytes of all batches before; per entry:
 *	flags(1), rows (unless SAME_ROWS), how many more are like it (if MORE);
 *	of those not MISSING: records (unless EMPTY, or said by the upper three
 *	bits of the flags, where they are 1 to 7), tallies (if TALLIES): a
 *	mask of those that are not 0, bit i for the i-th (shardmill.h), then
 *	each of them; and unless EMPTY: bytes of the body, bytes of text,
 *	CRC-32 of the body(4)
 *
 * An end note has fingerprint(8), batches(8), of these missing(8), offset of
 * the last index note (8; 0: none), its CRC-32(4).  Each index note vouches for
 * the one before, the end note for the last: so for all of them.
 */
#ifndef SM_GZIP_H
#define SM_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "piece.h"

#include "note.h"

#define SM_GZIP_HEADER_BYTES 10
#define SM_GZIP_TAIL_BYTES   10
#define SM_GZIP_END_BODY     36
#define SM_GZIP_END_BYTES    SM_NOTE_BYTES(SM_GZIP_END_BODY)

/* What follows the last index note. */
#define SM_GZIP_LAST_BYTES (SM_GZIP_END_BYTES + SM_GZIP_TAIL_BYTES)

/* A note about few batches costs a reader of tiny ones more than their text. */
#define SM_GROUP_ENTRIES 64
#define SM_GROUP_FEW     16
#define SM_GROUP_LARGE   4096
/* A body of so many bytes is a group of its own (pad.h). */
#define SM_GROUP_ALONE ((uint64_t)256 << 10)
/* 64 entries of usual numbers have less: see SM_NOTE_ROWS_MAX for the bound. */
#define SM_GROUP_FULL_BYTES 760
/* Numbers of a file have 9 bytes at most: they are below 2^63. */
#define SM_GROUP_ENTRY_MAX (1 + 3 * 9 + 2 + SM_TALLIES * 9 + 2 * 9 + 4)
#define SM_GROUP_BODY_MAX  (SM_GROUP_FULL_BYTES - 1 + SM_GROUP_ENTRY_MAX)
#define SM_GROUP_BYTES_MAX SM_NOTE_BYTES(SM_GROUP_BODY_MAX)

/* After a batch's body; of which there are none in a shard without text. */
#define SM_SHARD_END_MAX                                                       \
	(SM_NOTE_BYTES(8 + 4 + 7 * 9 + SM_GROUP_ENTRY_MAX) + SM_GZIP_LAST_BYTES)

/* What is known of a batch's bytes, in a shard as in a final file. */
struct sm_entry {
	struct sm_counts counts;
	struct sm_sizes sizes; /* gz: of the body; no index has raw_crc32 */
	uint64_t fingerprint;  /* of the job; 0 where it is not known */
};

/* A group, as its index note has it. */
struct sm_group {
	uint64_t fingerprint;
	uint64_t back;         /* bytes to the index note before; 0: none */
	uint32_t before_crc32; /* which that one says of itself */
	uint64_t batch;        /* the first */
	uint64_t at;           /* where its body begins */
	uint64_t row, record, raw_at; /* of all batches before */
	unsigned entries;
	struct sm_span {
		uint64_t batches; /* of all of which the counts are */
		bool missing;
		struct sm_entry e;
	} run[SM_GROUP_ENTRIES];
};

struct sm_gzip_end {
	uint64_t fingerprint, batches, missing; /* batches: missing ones too */
	uint64_t last_at;    /* the last index note; 0: there is none */
	uint32_t last_crc32; /* which it says of itself */
};

extern const unsigned char sm_gzip_header[SM_GZIP_HEADER_BYTES];

/* The tail of every file: 03 00, CRC, ISIZE. */
void sm_gzip_put_tail(unsigned char *dst, uint32_t raw_crc32,
		      uint64_t raw_bytes);

/* Exactly SM_GZIP_END_BYTES. */
void sm_gzip_put_end(unsigned char *dst, const struct sm_gzip_end *e);
/* Of `n`, which sm_note_get() has read: false if it is none. */
bool sm_gzip_get_end(struct sm_gzip_end *e, const struct sm_note *n);

/*
 * One more batch: it joins the last entry where it is like it, else there is
 * room for one more.
 */
void sm_group_add(struct sm_group *g, const struct sm_entry *e, bool missing);
/* No further entry belongs in it. */
bool sm_group_is_full(const struct sm_group *g);
/*
 * The group after `g`, whose index note is at `note_at` and says `crc32` of
 * itself: `bytes` of it, with no entry yet.  `next` may be `g`.
 */
void sm_group_next(struct sm_group *next, const struct sm_group *g,
		   uint64_t note_at, size_t bytes, uint32_t crc32);

/* Padding goes before its first body. */
void sm_group_shift(struct sm_group *g, uint64_t bytes);

/* At most SM_GROUP_BYTES_MAX; its size and CRC. */
size_t sm_group_put(unsigned char *dst, uint32_t *crc32,
		    const struct sm_group *g);
/* Of `n`: false if it is no index note as it is written. */
bool sm_group_get(struct sm_group *g, const struct sm_note *n);

/*
 * What follows the body in the shard of `batch`: index note, end note, tail; at
 * most SM_SHARD_END_MAX.
 */
size_t sm_shard_put_end(unsigned char *dst, uint64_t batch,
			const struct sm_entry *e);
/* Size of that shard. */
uint64_t sm_shard_bytes(uint64_t batch, const struct sm_entry *e);

#endif /* SM_GZIP_H */
