/*
 * Makes the file of a compiled table from entries in any order.  It is apart
 * from table.c because planning alone needs it.  The steps:
 *
 * 1. As long as indices come as 0, 1, 2, … their slots are the file from its
 * beginning, and are written to it by large pieces.  At the first that does
 * not, those that were written are read back into a mapping that grows, and all
 * entries from there on go into a second area, as records in the order in which
 * they come.  Texts too long for a slot go through a buffer into a third file.
 * Areas reserve their blocks before they touch them: a full disk is SM_ENOSPC,
 * not a SIGBUS.
 *
 * 2. The records are spread among the slots (dense), or sorted by index
 * (sparse), and the slots written from the beginning.
 *
 * 3. Texts and header follow in the file, a temporary one, which is synced and
 * renamed.  It is never the mapping itself, because large writes let the page
 * cache hold it in large pages, and a mapping that grows fault by fault is in
 * small ones.  Workers look up slots all over it, and most of what that costs
 * is finding the page: a sixth of all their time with small ones.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dir.h"
#include "fault.h"

#include "crc32.h"
#include "table_file.h"
#include "table_sort.h"

#include "table_build.h"

/* All its pages at once: cheaper than a fault for each. */
static int
build_get_piece(struct sm_table_build *b, struct sm_err *err)
{
	void *p = mmap(NULL, SM_TABLE_BUILD_PIECE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		return sm_err_mem(err, "the slots of a table");
	b->piece = p;
	return 0;
}

static void
build_put_piece(struct sm_table_build *b)
{
	if (b->piece)
		munmap(b->piece, SM_TABLE_BUILD_PIECE);
	b->piece = NULL;
}

int
sm_table_build_open(struct sm_table_build *b, int dirfd, const char *name,
		    const char *source, struct sm_table_info *info,
		    struct sm_err *err)
{
	int ret;

	*b = (struct sm_table_build){
		.dirfd = dirfd,
		.source = source,
		.name = name,
		.main = { .fd = -1, .what = "the compiled table" },
		.order = { .fd = -1, .what = "sorting the table" },
		.text_fd = -1,
		.fd = -1,
		.info = info,
	};
	*info = (struct sm_table_info){ 0 };
	ret = build_get_piece(b, err);
	if (ret < 0)
		return ret;
	/* The header's place, zeros: it is written last. */
	b->pieced = SM_TABLE_HEADER_SIZE;
	ret = sm_tmp_create(&b->fd, b->tmp, dirfd, name, err);
	b->tmp_exists = ret == 0;
	return ret;
}

void
sm_table_build_close(struct sm_table_build *b)
{
	sm_table_area_release(&b->main);
	sm_table_area_release(&b->order);
	if (b->text_fd >= 0)
		close(b->text_fd);
	if (b->fd >= 0)
		close(b->fd);
	if (b->tmp_exists)
		unlinkat(b->dirfd, b->tmp, 0);
	build_put_piece(b);
	free(b->buffer);
	b->buffer = NULL;
	b->text_fd = b->fd = -1;
	b->tmp_exists = false;
}

/*
 * Append to the file of long texts.  It is written, not mapped: its size is not
 * known before its end, and it is read once, in order.
 */
static int
build_flush(struct sm_table_build *b, const void *data, size_t len,
	    struct sm_err *err)
{
	int ret = 0;

	if (b->text_fd < 0)
		ret = sm_tmp_create_nameless(&b->text_fd, b->dirfd, b->name,
					     err);
	if (ret < 0)
		return ret;
	if (sm_fault_errno("table.write") ||
	    sm_write_all(b->text_fd, data, len) < 0)
		return sm_err_sys(err, "cannot write texts of the table '%s'",
				  b->name);
	return 0;
}

/*
 * Buffer a long text.  One that is larger than the buffer goes past it, after
 * what was buffered before it.
 */
static int
build_put_text(struct sm_table_build *b, const char *text, size_t len,
	       struct sm_err *err)
{
	int ret;

	if (!b->buffer)
		b->buffer = malloc(SM_TABLE_BUILD_BUFFER);
	if (!b->buffer)
		return sm_err_mem(err, "the texts of a table");
	b->text_bytes += len;
	if (len > SM_TABLE_BUILD_BUFFER - b->buffered) {
		ret = build_flush(b, b->buffer, b->buffered, err);
		if (ret < 0)
			return ret;
		b->buffered = 0;
	}
	if (len > SM_TABLE_BUILD_BUFFER)
		return build_flush(b, text, len, err);
	memcpy(b->buffer + b->buffered, text, len);
	b->buffered += len;
	return 0;
}

static struct sm_table_slot *
build_slots(const struct sm_table_build *b)
{
	return (void *)(b->main.data + SM_TABLE_HEADER_SIZE);
}

static int
build_duplicate(const struct sm_table_build *b, uint64_t index, uint64_t at,
		struct sm_err *err)
{
	return sm_err_at(err, b->source, at, "index %" PRIu64 " a second time",
			 index);
}

/*
 * Write the piece at the file's end.  The disk may begin with it while the rest
 * is made, so that the sync at the end has little to wait for; nothing depends
 * on that.
 */
static int
build_write_piece(struct sm_table_build *b, struct sm_err *err)
{
	size_t skip = 0;

	if (b->written == 0)
		skip = SM_TABLE_HEADER_SIZE;
	b->crc = sm_crc32(b->crc, b->piece + skip, b->pieced - skip);
	if (sm_fault_errno("table.write") ||
	    sm_write_all(b->fd, b->piece, b->pieced) < 0)
		return sm_err_sys(err, "cannot write '%s'", b->tmp);
	if (b->pieced == SM_TABLE_BUILD_PIECE)
		sync_file_range(b->fd, (off_t)b->written, (off_t)b->pieced,
				SYNC_FILE_RANGE_WRITE);
	b->written += b->pieced;
	b->pieced = 0;
	return 0;
}

/*
 * An index out of order: the slots that are in place move into an area, where
 * the others find their places among them.
 */
static int
build_leave_file(struct sm_table_build *b, struct sm_err *err)
{
	uint64_t size = b->written + b->pieced, done;
	ssize_t n;
	int ret;

	ret = sm_tmp_create_nameless(&b->order.fd, b->dirfd, b->name, err);
	if (ret == 0)
		ret = sm_tmp_create_nameless(&b->main.fd, b->dirfd, b->name,
					     err);
	if (ret == 0)
		ret = sm_table_area_reserve(&b->main, size, err);
	if (ret < 0)
		return ret;
	memcpy(b->main.data + b->written, b->piece, b->pieced);
	for (done = 0; done < b->written; done += (uint64_t)n) {
		n = sm_pread_full(b->fd, b->main.data + done,
				  (size_t)(b->written - done), done);
		if (n <= 0) {
			if (n == 0)
				errno = EIO; /* shorter than was written */
			return sm_err_sys(err, "cannot read back '%s'", b->tmp);
		}
	}
	/* A sparse table may be shorter than what is there by now. */
	if (ftruncate(b->fd, 0) < 0 || lseek(b->fd, 0, SEEK_SET) < 0)
		return sm_err_sys(err, "cannot write '%s' anew", b->tmp);
	build_put_piece(b);
	return 0;
}

/*
 * `prefix` slots are in place.  An index below it was seen, so this is a second
 * entry; with records, that is only found out when they are put together.
 */
static int
build_place(struct sm_table_build *b, uint64_t index, uint64_t at,
	    const struct sm_table_slot *slot, struct sm_err *err)
{
	struct sm_table_record *r;
	int ret = 0;

	if (b->piece && index == b->prefix) {
		if (b->pieced == SM_TABLE_BUILD_PIECE)
			ret = build_write_piece(b, err);
		if (ret < 0)
			return ret;
		memcpy(b->piece + b->pieced, slot, sizeof(*slot));
		b->pieced += sizeof(*slot);
		b->prefix++;
		return 0;
	}
	if (index < b->prefix)
		return build_duplicate(b, index, at, err);
	if (b->piece)
		ret = build_leave_file(b, err);
	if (ret == 0)
		ret = sm_table_area_reserve(&b->order,
					    (b->ordered + 1) * sizeof(*r), err);
	if (ret < 0)
		return ret;
	r = (struct sm_table_record *)(void *)b->order.data + b->ordered++;
	*r = (struct sm_table_record){ index, at, *slot };
	return 0;
}

int
sm_table_build_add(struct sm_table_build *b, uint64_t index, uint64_t at,
		   const char *text, size_t len, struct sm_err *err)
{
	struct sm_table_slot slot = { 0 };
	int ret;

	if (len == 0) {
		/* Length 0 with this mark: an entry without a usable text. */
		slot.u.near[0] = 1;
		b->info->unusable++;
	} else if (len <= SM_TABLE_NEAR_MAX) {
		slot.len = (unsigned char)len;
		memcpy(slot.u.near, text, len);
	} else if (len > UINT32_MAX) {
		return sm_err_set(err, SM_EINPUT,
				  "cannot use '%s': byte %" PRIu64
				  ": a text of %zu bytes",
				  b->source, at, len);
	} else {
		/*
		 * The place counts from the start of the texts, whose offset in
		 * the finished file is not known yet.
		 */
		slot.len = SM_TABLE_FAR;
		sm_put_le(slot.u.far.len, len, 4);
		sm_put_le(slot.u.far.at, b->text_bytes, 8);
		ret = build_put_text(b, text, len, err);
		if (ret < 0)
			return ret;
	}
	b->info->entries += len > 0;
	if (index >= b->info->end)
		b->info->end = index + 1;
	return build_place(b, index, at, &slot, err);
}

/*
 * Dense: put each record into the slot of its index.  New slots are zero; a
 * slot that is not has been taken, if only by an entry without a text.
 */
static int
build_spread(struct sm_table_build *b, struct sm_err *err)
{
	const struct sm_table_record *r = (const void *)b->order.data, *end;
	struct sm_table_slot *slots, *s;
	int ret;

	b->count = b->info->end;
	ret = sm_table_area_reserve(
		&b->main, SM_TABLE_HEADER_SIZE + b->count * sizeof(*slots),
		err);
	if (ret < 0)
		return ret;
	slots = build_slots(b);
	for (end = r + b->ordered; r < end; r++) {
		s = &slots[r->index];
		if (s->len != 0 || s->u.near[0] != 0)
			return build_duplicate(b, r->index, r->at, err);
		*s = r->slot;
	}
	return 0;
}

/*
 * Sparse: bring the slots that are in place to the records, sort all of them,
 * and write indices and slots.  Records that have no text were only kept to
 * find a second entry of their index.
 */
static int
build_sort(struct sm_table_build *b, struct sm_err *err)
{
	struct sm_table_record *r;
	struct sm_table_slot *slots;
	uint64_t *indices, i, k = 0, at, n = b->ordered + b->prefix;
	int ret;

	ret = sm_table_area_reserve(&b->order, n * sizeof(*r), err);
	if (ret < 0)
		return ret;
	r = (void *)b->order.data;
	for (i = 0; i < b->prefix; i++)
		r[b->ordered + i] =
			(struct sm_table_record){ .index = i,
						  .slot = build_slots(b)[i] };
	sm_table_sort(r, (size_t)n, b->info->end - 1);

	b->sparse = true;
	b->count = b->info->entries;
	ret = sm_table_area_reserve(
		&b->main,
		SM_TABLE_HEADER_SIZE +
			b->count * (sizeof(*indices) + sizeof(*slots)),
		err);
	if (ret < 0)
		return ret;
	indices = (void *)(b->main.data + SM_TABLE_HEADER_SIZE);
	slots = (void *)(indices + b->count);
	for (i = 0; i < n; i++) {
		if (i > 0 && r[i].index == r[i - 1].index) {
			/* The sort is not stable: name the later one. */
			at = r[i].at;
			if (r[i - 1].at > at)
				at = r[i - 1].at;
			return build_duplicate(b, r[i].index, at, err);
		}
		if (r[i].slot.len == 0)
			continue;
		indices[k] = htole64(r[i].index);
		slots[k++] = r[i].slot;
	}
	return 0;
}

/*
 * The header, still empty, with indices and slots, in one call, so that the
 * page cache may hold them in large pages.
 */
static int
build_write_slots(struct sm_table_build *b, uint64_t text_at,
		  struct sm_err *err)
{
	if (b->piece)
		return build_write_piece(b, err);
	b->crc = sm_crc32(0, b->main.data + SM_TABLE_HEADER_SIZE,
			  (size_t)text_at - SM_TABLE_HEADER_SIZE);
	if (sm_fault_errno("table.write") ||
	    sm_write_all(b->fd, b->main.data, (size_t)text_at) < 0)
		return sm_err_sys(err, "cannot write '%s'", b->tmp);
	return 0;
}

/* What is in the buffer goes into the file as it is. */
static int
build_append_buffer(struct sm_table_build *b, size_t len, struct sm_err *err)
{
	b->crc = sm_crc32(b->crc, b->buffer, len);
	if (sm_fault_errno("table.write") ||
	    sm_write_all(b->fd, b->buffer, len) < 0)
		return sm_err_sys(err, "cannot write '%s'", b->tmp);
	return 0;
}

/*
 * Append the texts, through the buffer, which is free after its last flush.
 * Those of a table that needed no second buffer are still in it.
 */
static int
build_append_texts(struct sm_table_build *b, struct sm_err *err)
{
	uint64_t done = 0;
	ssize_t n;
	int ret;

	if (b->text_fd < 0)
		return build_append_buffer(b, b->buffered, err);
	ret = build_flush(b, b->buffer, b->buffered, err);
	while (ret == 0 && done < b->text_bytes) {
		n = sm_pread_full(b->text_fd, b->buffer, SM_TABLE_BUILD_BUFFER,
				  done);
		if (n <= 0) {
			if (n == 0)
				errno = EIO; /* shorter than was written */
			return sm_err_sys(err,
					  "cannot read back the texts of the "
					  "table '%s'",
					  b->name);
		}
		ret = build_append_buffer(b, (size_t)n, err);
		done += (uint64_t)n;
	}
	return ret;
}

/* Last, over the zeros: until then the file has no magic. */
static int
build_write_header(struct sm_table_build *b, uint64_t text_at,
		   struct sm_err *err)
{
	unsigned char h[SM_TABLE_HEADER_SIZE];

	memcpy(h, SM_TABLE_MAGIC, SM_TABLE_MAGIC_SIZE);
	sm_put_le(h + 8, SM_TABLE_VERSION, 4);
	sm_put_le(h + 12, b->sparse, 4);
	sm_put_le(h + 16, b->count, 8);
	sm_put_le(h + 24, b->info->entries, 8);
	sm_put_le(h + 32, text_at, 8);
	sm_put_le(h + 40, text_at + b->text_bytes, 8);
	sm_put_le(h + 48, 0, 8);
	sm_put_le(h + 56, b->crc, 4);
	sm_put_le(h + 60, sm_crc32(0, h, 60), 4);
	if (sm_pwrite_all(b->fd, h, sizeof(h), 0) < 0)
		return sm_err_sys(err, "cannot write '%s'", b->tmp);
	return 0;
}

/*
 * Sync the file, then give it its name: a name without its bytes would pass for
 * a table after a power cut.
 */
static int
build_publish(struct sm_table_build *b, struct sm_err *err)
{
	int fd = b->fd;

	b->fd = -1;
	if (sm_sync_close(fd, true) < 0 || sm_fault_errno("table.sync"))
		return sm_err_sys(err, "cannot sync '%s'", b->tmp);
	sm_fault("table.before_rename");
	if (renameat(b->dirfd, b->tmp, b->dirfd, b->name) < 0)
		return sm_err_sys(err, "cannot rename '%s'", b->tmp);
	b->tmp_exists = false;
	return 0;
}

/*
 * Dense costs 16 bytes for each index up to the largest, sparse 24 for each
 * entry and a binary search for each look-up.  Entries that came in order need
 * neither step.
 */
int
sm_table_build_finish(struct sm_table_build *b, struct sm_err *err)
{
	uint64_t n = b->prefix + b->ordered, text_at;
	int ret = 0;

	b->count = b->prefix;
	if (b->ordered > 0 && (b->info->end <= SM_TABLE_SMALL ||
			       b->info->end / SM_TABLE_SLOTS_PER_ENTRY <= n))
		ret = build_spread(b, err);
	else if (b->ordered > 0)
		ret = build_sort(b, err);
	if (ret < 0)
		return ret;

	text_at =
		SM_TABLE_HEADER_SIZE + b->count * sizeof(struct sm_table_slot);
	if (b->sparse)
		text_at += b->count * sizeof(uint64_t);
	ret = build_write_slots(b, text_at, err);
	if (ret == 0)
		ret = build_append_texts(b, err);
	if (ret == 0)
		ret = build_write_header(b, text_at, err);
	if (ret == 0)
		ret = build_publish(b, err);
	return ret;
}
