/*
 * gzip.h - the gzip members that shardmill writes (RFC 1952)
 *
 * Every member has the same header: FLG = FEXTRA, MTIME 0, XFL 0, OS 255, no
 * name, and one extra subfield with the id "SM".  Four kinds of member:
 *
 * shard: one batch.  Deflate blocks, an empty stored block that brings the
 * stream to a byte boundary, and the last, empty block 03 00, so that shards
 * can be joined as members or their insides into one member by copying bytes.
 *
 * index: an empty member whose subfield lists batches; end: an empty member of
 * fixed size that closes a final file.  Both are skipped by every gzip reader.
 *
 * single: a whole final file in one member.  Its subfield is the index: it has
 * room for so many groups of batches and so many runs of missing ones as
 * sm_gzip_single_shape() says, and zeros behind the runs there are.
 *
 * Subfield data, numbers little-endian:
 *
 *	shard  version(1) kind(1) flags(2) fingerprint(8) batch(8) first(8)
 *	       end(8) rows(8) records(8) skipped(8) raw_bytes(8) head_crc32(4)
 *	index  version(1) kind(1) count(2) first_batch(8), then per batch
 *	       rows(8) records(8) gz_bytes(8) raw_bytes(8) gz_crc32(4)
 *	       raw_crc32(4)
 *	end    version(1) kind(1) flags(2) fingerprint(8) batches(8)
 *	       index_at(8) file_bytes(8) index_crc32(4) end_crc32(4)
 *	single version(1) kind(1) flags(2) fingerprint(8) batches(8)
 *	       file_bytes(8), then per group as per batch in an index (gz_bytes
 *	       and gz_crc32 are those of deflate bytes alone), then per run
 *	       first(8) count(8), then head_crc32(4)
 *
 * end_crc32 and head_crc32 cover the subfield before them.  A reader compares
 * the bytes that stand under no CRC with the only value ever written.  The
 * lowest of an end's or single's flags says that batches are missing, which
 * `finalize` was told to leave out; in an index, such a batch has gz_bytes 0.
 */
#ifndef SM_GZIP_H
#define SM_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "piece.h"

#define SM_GZIP_VERSION 1

enum sm_gzip_kind {
	SM_GZIP_SHARD = 1,
	SM_GZIP_INDEX = 2,
	SM_GZIP_END = 3,
	SM_GZIP_SINGLE = 4,
};

/* ID1 ID2 CM FLG MTIME(4) XFL OS XLEN(2), then "SM" LEN(2) */
#define SM_GZIP_FIXED_BYTES    12
#define SM_GZIP_SUBFIELD_BYTES 4
#define SM_GZIP_SHARD_DATA     72
#define SM_GZIP_SHARD_HEADER                                                   \
	(SM_GZIP_FIXED_BYTES + SM_GZIP_SUBFIELD_BYTES + SM_GZIP_SHARD_DATA)
/* last, empty block 03 00; CRC32; ISIZE */
#define SM_GZIP_TAIL_BYTES 10

/* BusyBox 1.35 prints nothing, and exits 0, behind a longer extra field. */
#define SM_GZIP_EXTRA_MAX   16384
#define SM_GZIP_INDEX_HEAD  12
#define SM_GZIP_INDEX_ENTRY 40
#define SM_GZIP_INDEX_ENTRIES                                                  \
	((SM_GZIP_EXTRA_MAX - SM_GZIP_SUBFIELD_BYTES - SM_GZIP_INDEX_HEAD) /   \
	 SM_GZIP_INDEX_ENTRY)
#define SM_GZIP_END_DATA 44
#define SM_GZIP_END_BYTES                                                      \
	(SM_GZIP_FIXED_BYTES + SM_GZIP_SUBFIELD_BYTES + SM_GZIP_END_DATA +     \
	 SM_GZIP_TAIL_BYTES)

#define SM_GZIP_SINGLE_HEAD 28
#define SM_GZIP_SINGLE_RUN  16
#define SM_GZIP_SINGLE_RUNS 32 /* at most */
#define SM_GZIP_SINGLE_GROUPS                                                  \
	((SM_GZIP_EXTRA_MAX - SM_GZIP_SUBFIELD_BYTES - SM_GZIP_SINGLE_HEAD -   \
	  SM_GZIP_SINGLE_RUNS * SM_GZIP_SINGLE_RUN - 4) /                      \
	 SM_GZIP_INDEX_ENTRY)
#define SM_GZIP_SINGLE_MAX (SM_GZIP_FIXED_BYTES + SM_GZIP_EXTRA_MAX)

#define SM_GZIP_PARTIAL 1 /* flag: batches are missing */

#define SM_GZIP_NONE UINT64_MAX /* `first` and `end` of a batch without */

/* What a shard says of itself. */
struct sm_gzip_shard {
	uint64_t fingerprint;
	uint64_t batch;
	uint64_t first, end;
	struct sm_counts counts;
	uint64_t raw_bytes;
};

struct sm_gzip_entry {
	uint64_t rows, records, gz_bytes, raw_bytes;
	uint32_t gz_crc32;  /* of the shard file's bytes */
	uint32_t raw_crc32; /* of its text */
};

struct sm_gzip_end {
	uint64_t fingerprint, batches; /* missing ones too */
	uint64_t index_at;    /* offset of the first index member, or of the
				 end member if there is none */
	uint64_t file_bytes;  /* of the whole final file */
	uint32_t index_crc32; /* of all bytes from index_at to the end member */
	bool partial;         /* batches were left out */
};

struct sm_gzip_run {
	uint64_t first, count;
};

struct sm_gzip_single {
	uint64_t fingerprint, batches, file_bytes;
	unsigned runs; /* of missing batches, in order, none adjacent */
	struct sm_gzip_run run[SM_GZIP_SINGLE_RUNS];
	struct sm_gzip_entry group[SM_GZIP_SINGLE_GROUPS];
};

/* What the number of batches alone decides about a single member's header. */
struct sm_gzip_shape {
	uint64_t per_group; /* batches; the last group may have fewer */
	unsigned groups;
	unsigned runs;       /* at most */
	size_t header_bytes; /* where the deflate stream begins */
};

/* Exactly SM_GZIP_SHARD_HEADER bytes. */
void sm_gzip_put_shard(unsigned char *dst, const struct sm_gzip_shard *s);
/* 1: parsed; 0: these are not the header of a shard of ours. */
int sm_gzip_get_shard(struct sm_gzip_shard *s, const unsigned char *p,
		      size_t len);

/* The tail of every member: 03 00, CRC, ISIZE. */
void sm_gzip_put_tail(unsigned char *dst, uint32_t raw_crc32,
		      uint64_t raw_bytes);

/* A whole index member of `count` entries; returns its size in bytes. */
size_t sm_gzip_put_index(unsigned char *dst, uint64_t first_batch,
			 const struct sm_gzip_entry *entry, unsigned count);
size_t sm_gzip_index_bytes(unsigned count);
/*
 * Parse one index member at `p`: 1 and its number of entries, 0 if it is not
 * one byte for byte as sm_gzip_put_index() writes it.
 */
int sm_gzip_get_index(struct sm_gzip_entry *entry, unsigned *count,
		      uint64_t *first_batch, const unsigned char *p,
		      size_t len);

/* Exactly SM_GZIP_END_BYTES. */
void sm_gzip_put_end(unsigned char *dst, const struct sm_gzip_end *e);
/* 1: parsed and intact; 0: not ours; -1: an end member, but damaged. */
int sm_gzip_get_end(struct sm_gzip_end *e, const unsigned char *p);

void sm_gzip_single_shape(struct sm_gzip_shape *shape, uint64_t batches);
/* Header of a single member; returns its size, at most SM_GZIP_SINGLE_MAX. */
size_t sm_gzip_put_single(unsigned char *dst, const struct sm_gzip_single *s);
/* 1: parsed and intact; 0: not ours; -1: was one, but is damaged or cut. */
int sm_gzip_get_single(struct sm_gzip_single *s, const unsigned char *p,
		       size_t len);

/* How many of the batches from `first` to `end` - 1 were left out. */
uint64_t sm_gzip_missing(const struct sm_gzip_single *s, uint64_t first,
			 uint64_t end);
/* The first of `batch` and those behind it that was not left out. */
uint64_t sm_gzip_due(const struct sm_gzip_single *s, uint64_t batch);

/*
 * What the member that starts at `p` was once, damaged or cut as it may be: an
 * enum sm_gzip_kind, or 0 if it bears no mark of ours (or fewer than 14 bytes
 * are left of it).
 */
int sm_gzip_guess(const unsigned char *p, size_t len);

#endif /* SM_GZIP_H */
