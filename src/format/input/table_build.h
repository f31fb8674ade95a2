/*
 * table_build.h - make the file of a compiled table (table.c only)
 *
 *	sm_table_build_open(), sm_table_build_add() per entry of the source,
 *	sm_table_build_finish(), and always sm_table_build_close()
 *
 * The files of texts and of entries out of order have no name, and are made
 * when they are needed: a killed process leaves at most one temporary file
 * (dir.h), which goes with its folder, tables/new.
 *
 * Heap memory: two buffers.  Disk: the table; where entries came out of order
 * it twice, 32 bytes for each of those, and room to grow.
 */
#ifndef SM_TABLE_BUILD_H
#define SM_TABLE_BUILD_H

#include "dir.h"

#include "table.h"
#include "table_area.h"

/* Bytes of a buffer of long texts. */
#define SM_TABLE_BUILD_BUFFER (256 * 1024)

/*
 * Bytes of the file, its header's among them, that are written at once: as many
 * as a page of the page cache may have.  A multiple of a slot.
 */
#define SM_TABLE_BUILD_PIECE (2 * 1024 * 1024)

struct sm_table_build {
	int dirfd;          /* the caller's */
	const char *source; /* path, for messages */
	const char *name;
	char tmp[SM_TMP_MAX];
	bool tmp_exists;
	struct sm_table_area main, order;
	int text_fd;
	int fd;              /* of `tmp` */
	uint64_t text_bytes; /* in file and buffer */
	unsigned char *buffer;
	size_t buffered;
	unsigned char *piece; /* what comes after `written`; NULL: left it */
	size_t pieced;        /* bytes in it */
	uint64_t written;     /* bytes of the file */
	uint32_t crc;         /* of these, without the header */
	uint64_t prefix;      /* slots in place: indices 0 to prefix - 1 */
	uint64_t ordered;     /* entries in `order` */
	uint64_t count;       /* slots of the finished table */
	bool sparse;
	struct sm_table_info *info; /* the caller's */
};

int sm_table_build_open(struct sm_table_build *b, int dirfd, const char *name,
			const char *source, struct sm_table_info *info,
			struct sm_err *err);

/*
 * The text of `index`, from byte `at` of the source; len 0: an entry without a
 * usable text.
 */
int sm_table_build_add(struct sm_table_build *b, uint64_t index, uint64_t at,
		       const char *text, size_t len, struct sm_err *err);

/* Put the file together, sync it, give it its name. */
int sm_table_build_finish(struct sm_table_build *b, struct sm_err *err);
void sm_table_build_close(struct sm_table_build *b);

#endif /* SM_TABLE_BUILD_H */
