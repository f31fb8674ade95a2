/*
 * lines_file.h - what planning found out about files of lines
 *
 * One file in tables/, written once and mapped by all workers: where the text
 * of each input begins in the whole sequence, in which form it is, the points
 * at which a gzip file can be entered, and the header that all of them have.
 * Numbers are little-endian.
 *
 *	 0  magic, 8 bytes
 *	 8  version, 4 bytes
 *	12  number of files, 4 bytes
 *	16  number of points, 8 bytes
 *	24  bytes of the windows, 8 bytes
 *	32  bytes of the header's text, 8 bytes
 *	40  size of this file, 8 bytes
 *	48  0, 8 bytes
 *	56  CRC-32 of all bytes after these 64, 4 bytes
 *	60  CRC-32 of the bytes before this one, 4 bytes
 *	64  the windows, each compressed by zlib; the header's text; files;
 *points
 *
 *	a file   form (4), 0 (4), start of its text in the sequence (8), bytes
 *	         of text (8), points of all files up to this one (8)
 *	a point  byte of the file (8), text before it (8), where its window is,
 *	         from the start of the windows (8), bytes of that, compressed
 *	         (4), how many bits (1), the bits (1), 1 at a member's start
 *(1), 0 (1): gztext.h
 */
#ifndef SM_LINES_FILE_H
#define SM_LINES_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "dir.h"
#include "file.h"

#include "gztext.h"

#define SM_LINES_NAME "lines" /* in tables/ */

#define SM_LINES_WINDOW 32768 /* bytes, at most */

enum sm_lines_form {
	SM_LINES_PLAIN,
	SM_LINES_GZIP,
	SM_LINES_FINAL, /* a final file of ours, entered by its index */
};

/* ---- writing ---- */

struct sm_lines_build {
	int dirfd; /* the caller's */
	int fd;    /* of the temporary file */
	char tmp[SM_TMP_MAX];
	uint32_t crc32;
	uint64_t files, points, windows; /* the last in bytes */
	struct sm_buf file, point;
};

int sm_lines_build_open(struct sm_lines_build *b, int dirfd,
			struct sm_err *err);
/* A file is added after its points. */
int sm_lines_build_point(struct sm_lines_build *b, const struct sm_point *p,
			 const unsigned char *window, size_t len,
			 struct sm_err *err);
void sm_lines_build_file(struct sm_lines_build *b, enum sm_lines_form form,
			 uint64_t start, uint64_t bytes);
/* Write the rest, sync and rename; syncing the directory is the planner's. */
int sm_lines_build_end(struct sm_lines_build *b, const struct sm_buf *header,
		       struct sm_err *err);
/* After an error as well; what is not finished is removed. */
void sm_lines_build_close(struct sm_lines_build *b);

/* ---- reading ---- */

struct sm_lines_file {
	struct sm_map map;
	uint64_t files, points;
	const unsigned char *window, *header, *file, *point;
	uint64_t windows, header_bytes;
};

struct sm_lines_entry {
	enum sm_lines_form form;
	uint64_t start, bytes;           /* of its text, in the sequence */
	uint64_t first_point, end_point; /* its own */
};

/* SM_EDAMAGED: it is not as it was written. */
int sm_lines_file_open(struct sm_lines_file *f, int dirfd, struct sm_err *err);
void sm_lines_file_close(struct sm_lines_file *f); /* a zeroed one is allowed */

void sm_lines_file_entry(struct sm_lines_entry *e,
			 const struct sm_lines_file *f, uint64_t i);
/* The file that has the byte `at` of the sequence; UINT64_MAX: none. */
uint64_t sm_lines_file_find(const struct sm_lines_file *f, uint64_t at);
/* The last point of the file `e` that is not after `text_at` of its text. */
void sm_lines_file_point(struct sm_point *p, uint64_t *number,
			 const struct sm_lines_file *f,
			 const struct sm_lines_entry *e, uint64_t text_at);
/* The window of a point: up to SM_LINES_WINDOW bytes. */
int sm_lines_file_window(unsigned char *window, size_t *len,
			 const struct sm_lines_file *f, uint64_t number,
			 struct sm_err *err);

#endif /* SM_LINES_FILE_H */
