/*
 * pad.h - large bodies begin in a final file where they begin in a block of
 * their shards
 *
 * A file system that can share blocks between files (reflink) shares whole ones
 * of equal places in a block.  In its shard a body begins at SM_GZIP_HEADER
 * bytes, so a large one is put at as many after a multiple of SM_PAD_BLOCK, by
 * empty deflate blocks before it.  Where they are follows from the bytes alone,
 * so that files are the same whether blocks can be shared or not.
 *
 * A body of SM_PAD_FROM bytes or more is a group of its own (gzip.h): a group
 * says where its first body is, so nothing else need speak of padding.
 *
 * Padding is empty blocks as a flush leaves them: of 6 bytes, an empty one of
 * fixed codes and an empty stored one, as many as the length is more than a
 * multiple of 5, then of 5 bytes, empty stored ones.  zlib passes one in 6 ns.
 *
 * There must be no 4,096 bytes that give a reader no text: Tcl's reader of a
 * pipe may take that for the end (note.h).  With the notes before it, what ends
 * the text before (5 bytes) and the codes of what follows (at most 288 with the
 * first literal), padding stays below that by SM_PAD_QUIET_MAX; where it would
 * not, there is none, and that body is copied.
 */
#ifndef SM_PAD_H
#define SM_PAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gzip.h"

#define SM_PAD_BLOCK     4096 /* of most file systems */
#define SM_PAD_FROM      SM_GROUP_ALONE
#define SM_PAD_QUIET_MAX 3780

/*
 * What goes before a body of `bytes` that would be at `at`, with `quiet` bytes
 * of notes before it.
 */
size_t sm_pad_before(uint64_t at, uint64_t quiet, uint64_t bytes);
/* `len` is what sm_pad_before() said. */
void sm_pad_put(unsigned char *dst, size_t len);
/* Can there be so much before a body at `at`? */
bool sm_pad_may_be(uint64_t at, uint64_t len, uint64_t bytes);

#endif /* SM_PAD_H */
