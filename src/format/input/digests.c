/*
 * Digests of large files by several threads, beside what their caller does.  It
 * is separate from digest.c, which knows how one file is read: here is who
 * reads what of which, and when that is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault.h"

#include "crc32.h"

#include "digests.h"

#ifdef SHARDMILL_FAULTS /* so that inputs of short jobs have pieces */
#define DIGESTS_LARGE_BYTES 8192
#define DIGESTS_PIECE_BYTES 4096
#else
#define DIGESTS_LARGE_BYTES SM_DIGEST_WHOLE_BELOW
#define DIGESTS_PIECE_BYTES ((uint64_t)4 << 20)
#endif
#define DIGESTS_THREADS_MAX 16
#define DIGESTS_WAIT_MS     100 /* between looks at progress and stops */

struct digests_file {
	struct sm_digest_source src; /* open from its first piece to the last */
	struct sm_digest_state added;
	char *path;
	struct sm_digest d;
	uint32_t crc;    /* of the pieces that are done */
	uint64_t next;   /* where the next piece begins … */
	uint64_t end;    /* … below this; 0: there are none */
	uint64_t unread; /* bytes of pieces that are not done */
};

struct digests_piece {
	size_t file;
	uint64_t at, len;
};

/* All but the files' paths is under `lock` once there are threads. */
struct sm_digests {
	const struct sm_events *ev;
	struct digests_file *file;
	size_t count, room;
	size_t turn; /* the file whose pieces are handed out */
	uint64_t left, total;
	unsigned reading; /* pieces in hand */
	bool stop;        /* no more pieces */

	pthread_mutex_t lock;
	pthread_cond_t idle; /* nothing is in hand any more */
	pthread_t thread[DIGESTS_THREADS_MAX];
	unsigned threads;

	int ret; /* the first failure, and where it was */
	struct sm_err err;
	struct digests_piece failed;
};

int
sm_digests_new(struct sm_digests **out, const struct sm_events *ev,
	       struct sm_err *err)
{
	struct sm_digests *ds = calloc(1, sizeof(*ds));

	if (!ds)
		return sm_err_mem(err, "digests");
	ds->ev = ev;
	if (pthread_mutex_init(&ds->lock, NULL) != 0 ||
	    pthread_cond_init(&ds->idle, NULL) != 0) {
		free(ds);
		return sm_err_mem(err, "digests");
	}
	*out = ds;
	return 0;
}

static int
digests_room(struct sm_digests *ds, struct sm_err *err)
{
	size_t room = ds->room * 2 + 8;
	struct digests_file *file = ds->file;

	if (ds->count < ds->room)
		return 0;
	file = realloc(file, room * sizeof(*file));
	if (!file)
		return sm_err_mem(err, "digests");
	ds->file = file;
	ds->room = room;
	return 0;
}

/* What is large and must be read whole waits for the threads. */
static int
digests_examine(struct digests_file *f, bool sampled, struct sm_err *err)
{
	int ret = sm_digest_open(&f->src, f->path, err);

	if (ret < 0)
		return ret;
	f->added = f->src.state;
	if (f->src.bytes >= DIGESTS_LARGE_BYTES &&
	    !sm_digest_is_known(&f->src) && (!sampled || f->src.npz.path))
		f->end = f->unread = f->src.bytes;
	f->d.size = f->src.bytes;
	f->d.mtime_ns = f->src.state.mtime_ns;
	if (f->end == 0)
		ret = sm_digest_opened(&f->d, &f->src, sampled, err);
	sm_digest_close(&f->src);
	return ret;
}

int
sm_digests_add(struct sm_digests *ds, const char *path, bool sampled,
	       struct sm_err *err)
{
	struct digests_file *f;
	int ret = digests_room(ds, err);

	if (ret < 0)
		return ret;
	f = &ds->file[ds->count];
	*f = (struct digests_file){ .src = { .fd = -1 } };
	f->path = strdup(path);
	if (!f->path)
		return sm_err_mem(err, "digests");
	ds->count++;
	ret = digests_examine(f, sampled, err);
	ds->left += f->unread;
	ds->total += f->unread;
	return ret;
}

uint64_t
sm_digests_left(const struct sm_digests *ds)
{
	return ds->left;
}

/* -------------------------------------------------------------- pieces -- */

/*
 * Whoever meets a failure first depends on the threads' luck; which is told
 * must not.  Pieces are handed out in order, so that all before one that fails
 * are in hand or done, and the lowest that fails is known when all are.
 */
static void
digests_fail(struct sm_digests *ds, const struct digests_piece *p, int ret,
	     const struct sm_err *err)
{
	const struct digests_piece *was = &ds->failed;

	ds->stop = true;
	if (ds->ret < 0 &&
	    (p->file > was->file || (p->file == was->file && p->at >= was->at)))
		return;
	ds->ret = ret;
	ds->err = *err;
	ds->failed = *p;
}

/* At its first piece: still what it was when it was added? */
static int
digests_open(struct digests_file *f, struct sm_err *err)
{
	struct sm_digest_state found;
	int ret = sm_digest_open(&f->src, f->path, err);

	if (ret < 0)
		return ret;
	found = f->src.state;
	f->src.state = f->added;
	ret = sm_digest_check_same(&f->src, &found, err);
	if (ret == 0)
		posix_fadvise(f->src.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return ret;
}

/* Under the lock: the next piece, if there is one. */
static bool
digests_take(struct digests_piece *p, struct sm_digests *ds)
{
	struct digests_file *f;
	struct sm_err err;
	int ret = 0;

	while (ds->turn < ds->count &&
	       ds->file[ds->turn].next == ds->file[ds->turn].end)
		ds->turn++;
	if (ds->stop || ds->turn == ds->count)
		return false;
	f = &ds->file[ds->turn];
	*p = (struct digests_piece){ ds->turn, f->next, f->end - f->next };
	if (p->len > DIGESTS_PIECE_BYTES)
		p->len = DIGESTS_PIECE_BYTES;
	if (f->next == 0)
		ret = digests_open(f, &err);
	if (ret < 0) {
		digests_fail(ds, p, ret, &err);
		return false;
	}
	f->next += p->len;
	ds->reading++;
	return true;
}

/* Without the lock. */
static int
digests_read(uint32_t *crc, const struct sm_digests *ds,
	     const struct digests_piece *p, unsigned char *buf,
	     struct sm_err *err)
{
	const struct sm_digest_source *src = &ds->file[p->file].src;
	uint64_t done;
	size_t n;
	int ret = 0;

	*crc = 0;
	for (done = 0; done < p->len && ret == 0; done += n) {
		n = SM_DIGEST_BUF_BYTES;
		if (n > p->len - done)
			n = (size_t)(p->len - done);
		ret = sm_digest_read(crc, src, p->at + done, n, buf, err);
	}
	return ret;
}

/*
 * Under the lock.  The CRC of a whole is the sum of those of its pieces, each
 * with as many zeros behind it as it has bytes behind it: in any order.
 */
static void
digests_put(struct sm_digests *ds, const struct digests_piece *p, uint32_t crc,
	    int ret, struct sm_err *err)
{
	struct digests_file *f = &ds->file[p->file];

	if (ret == 0) {
		f->crc ^= sm_crc32_combine(crc, 0, f->end - p->at - p->len);
		f->unread -= p->len;
		ds->left -= p->len;
	}
	if (ret == 0 && f->unread == 0)
		ret = sm_digest_finish(&f->d, &f->src, f->crc, err);
	if (f->unread == 0)
		sm_digest_close(&f->src);
	if (ret < 0)
		digests_fail(ds, p, ret, err);
	if (--ds->reading == 0)
		pthread_cond_broadcast(&ds->idle);
}

/* Read one piece: false if there is none.  With the lock, before and after. */
static bool
digests_step(struct sm_digests *ds, unsigned char *buf)
{
	struct digests_piece p;
	struct sm_err err;
	uint32_t crc;
	int ret;

	if (!digests_take(&p, ds))
		return false;
	pthread_mutex_unlock(&ds->lock);
	sm_fault("digests.piece");
	ret = digests_read(&crc, ds, &p, buf, &err);
	pthread_mutex_lock(&ds->lock);
	digests_put(ds, &p, crc, ret, &err);
	return true;
}

/* Without memory it leaves the work to others, and at last to the caller. */
static void *
digests_main(void *arg)
{
	struct sm_digests *ds = arg;
	unsigned char *buf = malloc(SM_DIGEST_BUF_BYTES);

	pthread_mutex_lock(&ds->lock);
	while (buf && digests_step(ds, buf))
		;
	pthread_mutex_unlock(&ds->lock);
	free(buf);
	return NULL;
}

void
sm_digests_start(struct sm_digests *ds, unsigned threads)
{
	uint64_t pieces = ds->left / DIGESTS_PIECE_BYTES + 1;
	sigset_t all, old;

	if (threads > DIGESTS_THREADS_MAX)
		threads = DIGESTS_THREADS_MAX;
	if (threads > pieces)
		threads = (unsigned)pieces;
	if (ds->left == 0)
		threads = 0;
	/* A signal is its process's, whose main thread may have it blocked. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (ds->threads < threads && sm_fault_errno("digests.start") == 0 &&
	       pthread_create(&ds->thread[ds->threads], NULL, digests_main,
			      ds) == 0)
		ds->threads++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* ----------------------------------------------------------------- end -- */

static void
digests_join(struct sm_digests *ds)
{
	while (ds->threads > 0)
		pthread_join(ds->thread[--ds->threads], NULL);
}

/* No more pieces; those in hand are read. */
static void
digests_halt(struct sm_digests *ds)
{
	pthread_mutex_lock(&ds->lock);
	ds->stop = true;
	pthread_mutex_unlock(&ds->lock);
	digests_join(ds);
}

/* With the lock.  Waits where all pieces are in others' hands. */
static void
digests_wait(struct sm_digests *ds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += DIGESTS_WAIT_MS * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&ds->idle, &ds->lock, &until);
}

/* All pieces, until none is left or in hand. */
static void
digests_finish(struct sm_digests *ds, unsigned char *buf)
{
	struct sm_meter meter = { .ev = ds->ev,
				  .phase = "digest",
				  .unit = "bytes" };
	struct digests_piece nowhere = { 0, 0, 0 };
	struct sm_err err;
	uint64_t done;
	int ret;

	pthread_mutex_lock(&ds->lock);
	for (;;) {
		if (!ds->stop && sm_event_stops(ds->ev) > 0) {
			ret = sm_err_set(&err, SM_ESTOPPED,
					 "stopped while the inputs were read; "
					 "the same command begins with that "
					 "again");
			digests_fail(ds, &nowhere, ret, &err);
		}
		if (!digests_step(ds, buf) && ds->reading == 0)
			break;
		if (ds->reading > 0 && (ds->stop || ds->turn == ds->count))
			digests_wait(ds);
		done = ds->total - ds->left;
		pthread_mutex_unlock(&ds->lock);
		sm_meter_tell(&meter, done, ds->total);
		pthread_mutex_lock(&ds->lock);
	}
	pthread_mutex_unlock(&ds->lock);
}

/* Once more, since the caller may have read them after the last piece. */
static int
digests_check(struct sm_digests *ds, struct sm_err *err)
{
	struct digests_file *f = ds->file;
	struct sm_digest_state found;
	int ret = 0;

	for (; f < ds->file + ds->count && ret == 0; f++) {
		if (f->end == 0)
			continue;
		ret = sm_digest_open(&f->src, f->path, err);
		if (ret < 0)
			break;
		found = f->src.state;
		f->src.state = f->added;
		ret = sm_digest_check_same(&f->src, &found, err);
		sm_digest_close(&f->src);
	}
	return ret;
}

int
sm_digests_end(struct sm_digests *ds, struct sm_err *err)
{
	unsigned char *buf;

	if (ds->total == 0)
		return 0;
	buf = malloc(SM_DIGEST_BUF_BYTES);
	if (!buf)
		return sm_err_mem(err, "a digest");
	digests_finish(ds, buf);
	free(buf);
	digests_join(ds);
	if (ds->ret < 0) {
		*err = ds->err;
		return ds->ret;
	}
	return digests_check(ds, err);
}

int
sm_digests_give_up(struct sm_digests *ds, int ret, struct sm_err *err)
{
	struct sm_err why;

	digests_halt(ds);
	if (ds->ret < 0) {
		*err = ds->err;
		return ds->ret;
	}
	if (ret == SM_ESTOPPED || digests_check(ds, &why) == 0)
		return ret;
	*err = why;
	return why.code;
}

void
sm_digests_get(struct sm_digest *d, const struct sm_digests *ds, size_t i)
{
	*d = ds->file[i].d;
}

void
sm_digests_free(struct sm_digests *ds)
{
	struct digests_file *f;

	if (!ds)
		return;
	digests_halt(ds);
	for (f = ds->file; f < ds->file + ds->count; f++) {
		sm_digest_close(&f->src);
		free(f->path);
	}
	free(ds->file);
	pthread_cond_destroy(&ds->idle);
	pthread_mutex_destroy(&ds->lock);
	free(ds);
}
