/*
 * chain.h - the index notes of a file: found, and read one by one
 *
 * The end note says where the last one is, each where the one before is, and
 * what it says of itself by its CRC.  So from the file's end the whole index is
 * found, and known to be as it was written.  Of a file without its end, or with
 * a note that is damaged, notes are looked for from the start.
 */
#ifndef SM_CHAIN_H
#define SM_CHAIN_H

#include "body.h"
#include "final.h"

struct sm_link {
	uint64_t at; /* of an index note */
	uint32_t crc32;
};

struct sm_chain {
	struct sm_link *link;
	size_t links, cap;
};

void sm_chain_release(struct sm_chain *c);

/* From the end: `*whole` false if it cannot be followed to the start. */
int sm_chain_follow(bool *whole, struct sm_chain *c,
		    const struct sm_gzip_end *end, int fd, const char *name,
		    struct sm_err *err);
/*
 * From the start: all index notes that say of themselves where they are.
 * SM_EINPUT: one is of another version.
 */
int sm_chain_scan(struct sm_chain *c, struct sm_body_reader *r,
		  struct sm_err *err);

/* The index note at `l`, which was found; SM_EVERIFY if it is there no more. */
int sm_chain_group(struct sm_group *g, size_t *bytes, const struct sm_link *l,
		   int fd, const char *name, struct sm_err *err);

#endif /* SM_CHAIN_H */
