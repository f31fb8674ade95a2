/*
 * cat_threads.c - inflate batches of a final file on several threads, in order
 *
 * Each thread takes the next batch and inflates all of it.  The one whose batch
 * is due writes as it goes, from one chunk that stays in its cache; the others
 * keep what they have in chunks of their own, up to CAT_THREAD_BYTES, and wait
 * there for their turn.  So memory is bounded, no thread waits for a batch that
 * nobody works on, and with one thread nothing is kept at all.
 *
 * A batch that fails does so in its turn: everything before it was written.
 * What fails before a thread has one, memory or the index, ends all at once.
 */
#include <pthread.h>
#include <stdlib.h>

#include "text.h"

#include "cat.h"

#define CAT_CHUNK_BYTES  ((size_t)512 * 1024)
#define CAT_THREAD_BYTES ((size_t)128 * 1024 * 1024)
#define CAT_THREADS_MAX  1024

struct chunk {
	struct chunk *next;
	const unsigned char *from, *to; /* text that was picked */
	unsigned char mem[SM_TEXT_BEFORE + CAT_CHUNK_BYTES + SM_TEXT_AFTER];
};

/* What the threads share; below `lock` under it. */
struct batches {
	struct sm_final_reader *reader;
	const struct sm_cat_opts *opts;
	struct sm_cat_result *result; /* of who has the turn */

	pthread_mutex_t lock;
	pthread_cond_t turned;
	struct sm_final_batch next; /* to be taken … */
	bool left;                  /* … if there is one */
	uint64_t taken, turn;       /* batches; the one that is due */
	bool whole;
	uint64_t file_bytes;
	int ret; /* the first failure, and what it was */
	struct sm_err err;
};

struct thread {
	struct batches *all;
	pthread_t id;
	uint64_t turn; /* of the batch in hand */
	struct sm_text *text;
	struct sm_pick pick;
	struct chunk *chunk;        /* being filled */
	struct chunk *kept, **last; /* full ones, in order */
	struct chunk *spare;
	size_t chunks;
};

/* --------------------------------------------------------------- turns -- */

/* The first failure ends all. */
static void
batches_fail(struct batches *all, int ret, const struct sm_err *err)
{
	pthread_mutex_lock(&all->lock);
	if (all->ret == 0) {
		all->ret = ret;
		all->err = *err;
	}
	pthread_cond_broadcast(&all->turned);
	pthread_mutex_unlock(&all->lock);
}

/* Is it this thread's turn?  If `wait`, until it is; <0: somebody failed. */
static int
thread_turn(struct thread *t, bool wait)
{
	struct batches *all = t->all;
	int ret;

	pthread_mutex_lock(&all->lock);
	while (wait && all->ret == 0 && all->turn != t->turn)
		pthread_cond_wait(&all->turned, &all->lock);
	ret = all->ret < 0 ? all->ret : all->turn == t->turn;
	pthread_mutex_unlock(&all->lock);
	return ret;
}

/* Take the next batch that has text: 1; 0: there is none; <0. */
static int
thread_take(struct thread *t, struct sm_final_batch *b, struct sm_err *err)
{
	struct batches *all = t->all;
	bool found = false;
	int ret = 0;

	pthread_mutex_lock(&all->lock);
	while (!found && all->left && all->ret == 0) {
		*b = all->next;
		ret = sm_final_next(&all->next, all->reader, err);
		all->left = ret > 0 && !sm_cat_is_after(&all->next, all->opts);
		found = b->bytes > 0;
	}
	if (found)
		t->turn = all->taken++;
	pthread_mutex_unlock(&all->lock);
	return ret < 0 ? ret : found;
}

/* Done with the batch in hand, in its turn. */
static void
thread_pass(struct thread *t)
{
	struct batches *all = t->all;

	pthread_mutex_lock(&all->lock);
	all->turn++;
	all->whole |= t->pick.whole;
	pthread_cond_broadcast(&all->turned);
	pthread_mutex_unlock(&all->lock);
}

/* -------------------------------------------------------------- chunks -- */

static int
chunk_write(struct thread *t, const struct chunk *c, struct sm_err *err)
{
	if (c->from == c->to)
		return 0;
	return sm_cat_write(t->all->result, t->all->opts, c->from,
			    (size_t)(c->to - c->from), err);
}

/* Write what was kept; it is this thread's turn. */
static int
thread_write_kept(struct thread *t, struct sm_err *err)
{
	struct chunk *c;
	int ret = 0;

	while ((c = t->kept) != NULL && ret == 0) {
		ret = chunk_write(t, c, err);
		t->kept = c->next;
		c->next = t->spare;
		t->spare = c;
	}
	if (!t->kept)
		t->last = &t->kept;
	return ret;
}

/* An empty chunk becomes the one to fill; false: no more may be had. */
static bool
thread_next_chunk(struct thread *t)
{
	struct chunk *c = t->spare;

	if (c) {
		t->spare = c->next;
	} else {
		/* One may always be had, and without memory more must not. */
		if (t->chunks > 0 &&
		    (t->chunks + 1) * sizeof(*c) > CAT_THREAD_BYTES)
			return false;
		c = malloc(sizeof(*c));
		if (!c)
			return false;
		t->chunks++;
	}
	c->next = NULL;
	c->from = c->to = c->mem + SM_TEXT_BEFORE;
	t->chunk = c;
	return true;
}

/*
 * The chunk is full, or the batch is over: write it in its turn, keep it
 * before.  Then there is an empty one.
 */
static int
thread_put(struct thread *t, struct sm_err *err)
{
	struct chunk *c = t->chunk;
	int ret = thread_turn(t, false);

	if (ret == 0 && c->from == c->to)
		return 0;
	if (ret == 0 && thread_next_chunk(t)) {
		*t->last = c;
		t->last = &c->next;
		return 0;
	}
	if (ret == 0)
		ret = thread_turn(t, true);
	if (ret < 0)
		return ret;
	ret = thread_write_kept(t, err);
	if (ret == 0)
		ret = chunk_write(t, c, err);
	c->from = c->to = c->mem + SM_TEXT_BEFORE;
	return ret;
}

/* ------------------------------------------------------------- batches -- */

/* Text up to `end` was added after `piece`: what of it is asked for? */
static void
thread_pick(struct thread *t, const unsigned char *piece,
	    const unsigned char *end)
{
	struct chunk *c = t->chunk;
	const unsigned char *from = piece, *to = end;

	sm_pick_text(&t->pick, &from, &to);
	if (from == to)
		return;
	/* What is asked for is one run of lines: it goes on where it was. */
	if (c->from == c->to)
		c->from = from;
	c->to = to;
}

static int
thread_read(struct thread *t, struct sm_err *err)
{
	unsigned char *piece, *end;
	enum sm_text_event event = SM_TEXT_FULL;
	int ret = 0;

	while (event == SM_TEXT_FULL && !sm_pick_done(&t->pick)) {
		piece = t->chunk->mem + SM_TEXT_BEFORE;
		sm_text_move(t->text, piece, CAT_CHUNK_BYTES);
		ret = sm_text_read(&event, &end, t->text, err);
		thread_pick(t, piece, end);
		if (ret == 0 && event == SM_TEXT_FULL &&
		    !sm_pick_done(&t->pick))
			ret = thread_put(t, err);
		if (ret < 0)
			break;
	}
	return ret;
}

/* One batch: what is good of it is written before a failure is. */
static int
thread_batch(struct thread *t, const struct sm_final_batch *b,
	     struct sm_err *err)
{
	const unsigned char *bits = NULL;
	struct sm_err late = { 0 };
	int ret = 0, put;

	if (sm_pick_needs_rows(&t->pick, b))
		ret = sm_text_rows(&bits, t->text, b, err);
	if (ret == 0) {
		sm_text_begin(t->text, b);
		sm_pick_batch(&t->pick, b, bits);
		ret = thread_read(t, err);
	}
	put = thread_turn(t, true);
	if (put > 0)
		put = thread_put(t, &late);
	if (ret == 0 && put < 0) {
		*err = late;
		ret = put;
	}
	if (ret == 0)
		thread_pass(t);
	return ret;
}

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	struct sm_final_batch b;
	struct sm_err err = { 0 };
	int ret = 0;

	t->pick.what = (enum sm_cat_what)t->all->opts->what;
	t->pick.first = t->all->opts->first;
	t->pick.last = t->all->opts->last;
	t->last = &t->kept;
	ret = sm_text_new(&t->text, t->all->reader, &err);
	if (ret == 0 && !thread_next_chunk(t))
		ret = sm_err_mem(&err, "reading text");
	while (ret == 0 && (ret = thread_take(t, &b, &err)) > 0)
		ret = thread_batch(t, &b, &err);
	if (ret < 0)
		batches_fail(t->all, ret, &err);
	return NULL;
}

static void
thread_release(struct thread *t)
{
	struct chunk *lists[] = { t->kept, t->spare, t->chunk }, *c, *next;
	size_t i;

	t->all->file_bytes += t->text ? sm_text_bytes(t->text) : 0;
	sm_text_free(t->text);
	for (i = 0; i < 3; i++)
		for (c = lists[i]; c; c = next) {
			next = c->next;
			free(c);
		}
}

int
sm_cat_batches(bool *whole, struct sm_cat_result *result,
	       struct sm_final_reader *reader,
	       const struct sm_final_batch *first,
	       const struct sm_cat_opts *opts, struct sm_err *err)
{
	struct batches all = { .reader = reader,
			       .opts = opts,
			       .result = result,
			       .next = *first,
			       .left = true,
			       .lock = PTHREAD_MUTEX_INITIALIZER,
			       .turned = PTHREAD_COND_INITIALIZER };
	struct thread *t;
	unsigned i, n, threads = opts->threads;

	if (threads > CAT_THREADS_MAX)
		threads = CAT_THREADS_MAX;
	t = calloc(threads, sizeof(*t));
	if (!t)
		return sm_err_mem(err, "reading text");
	/* This thread is the first; with fewer than asked for it goes on. */
	for (n = 0; n < threads; n++) {
		t[n].all = &all;
		if (n > 0 &&
		    pthread_create(&t[n].id, NULL, thread_main, &t[n]) != 0)
			break;
	}
	thread_main(&t[0]);
	for (i = 1; i < n; i++)
		pthread_join(t[i].id, NULL);
	for (i = 0; i < n; i++)
		thread_release(&t[i]);
	free(t);
	pthread_cond_destroy(&all.turned);
	pthread_mutex_destroy(&all.lock);
	*whole = all.whole;
	result->file_bytes += all.file_bytes;
	if (all.ret < 0)
		*err = all.err;
	return all.ret;
}
