/*
 * final_bytes.h - bytes into a final file: written, copied, or shared
 *
 * Inside final/: what they are, and where they go, is known by final.c.
 */
#ifndef SM_FINAL_BYTES_H
#define SM_FINAL_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "final.h"

/* Write at `at`; now and then the disk is asked to begin with what there is. */
int sm_final_write(struct sm_final *f, const void *data, size_t len,
		   uint64_t at, struct sm_err *err);

/* Bytes of a file, `name` in messages. */
struct sm_final_source {
	int fd;
	const char *name;
	uint64_t at, size;
};

/*
 * Bring them to the place `to`, and read each for their CRC.  A file that
 * shrank is no error here: what is there has another CRC.
 */
int sm_final_copy(uint32_t *crc, struct sm_final *f,
		  struct sm_final_source from, uint64_t to, struct sm_err *err);

#endif /* SM_FINAL_BYTES_H */
