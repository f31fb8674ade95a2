/*
 * Talks to a command that lives over batches: asks, feeds, reads, hears the
 * answer, and decides what each thing that may happen means for the batch and
 * for the process.  It is apart from command.c, where the end of the process is
 * the end of the batch; here a batch ends and the process goes on.
 *
 * A round of the loop moves what is readable or writable, then looks at the
 * process, then at the clock.  A `turn` is one batch.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"

#include "feed.h"
#include "fifo.h"
#include "living.h"

#include "serve.h"

#define SERVE_SLEEP_MAX_MS 3600000
#define SERVE_SHOWN_MAX    600 /* bytes of a wrong answer in a message */
/* From closing a pipe that it must not close to its exit. */
#define SERVE_MUTE_MS 1000
/*
 * Reads in a row, before time and the worker's stop are looked at again.  They
 * take more than a pipe holds: what is left then is still being written.
 */
#define SERVE_READS 16

struct sm_serve {
	struct sm_living l;
	struct sm_feed feed;
	uint64_t answered; /* batches, by this process */
	char line[SM_SERVE_ANSWER_MAX];
	size_t line_len;
};

enum turn_phase {
	TURN_ASKED,    /* the answer is waited for */
	TURN_ANSWERED, /* "ok"; the output's end is waited for */
	TURN_SPURNED,  /* it failed; the answer is waited for, for a while */
	TURN_OVER
};

enum { FD_ANSWER, FD_ERR, FD_ASK, FD_OUT, FD_IN, FD_EXIT, FD_STOP, FDS };

struct turn {
	struct sm_serve *s;
	const struct sm_serve_ask *ask;
	struct sm_err *err;
	enum turn_phase phase;
	int code;    /* set once, with *err */
	bool broken; /* it cannot be trusted with another batch: end it */
	bool again;  /* it left without having read the request */
	bool whole;  /* "ok", and the output's end was seen */
	size_t sent; /* bytes of the request */
	struct sm_fifo out, in;
	bool opened, taken, fed, wrote;
	short revents[FDS];
	uint64_t term_ms; /* from TERM to KILL, where it is ended */
	/* When: the time is up; it is silent; it had time to answer; 0: never.
	 */
	uint64_t late_ms, quiet_ms, patience_ms;
	uint64_t mute_ms; /* it closed a pipe: it must have exited by then */
};

int
sm_serve_new(struct sm_serve **out, struct sm_err *err)
{
	struct sm_serve *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return sm_err_mem(err, "running commands");
	ret = sm_living_init(&s->l, err);
	if (ret < 0) {
		free(s);
		return ret;
	}
	*out = s;
	return 0;
}

void
sm_serve_rest(struct sm_serve *s)
{
	struct sm_command_end end;
	struct sm_err ignored;

	if (!s)
		return;
	/* No batch is left whose errors its last words could be. */
	s->l.o.err_out = NULL;
	sm_living_end(&end, &s->l, SM_COMMAND_GRACE_MS, SM_COMMAND_STOP_MS,
		      &ignored);
}

void
sm_serve_free(struct sm_serve *s)
{
	if (!s)
		return;
	sm_serve_rest(s);
	sm_living_release(&s->l);
	free(s);
}

/* -------------------------------------------------------------- fail -- */

/* The first failure is the batch's. */
static void
turn_fail(struct turn *t, int code, const struct sm_err *why)
{
	if (t->code)
		return;
	t->code = code;
	if (t->err && why)
		*t->err = *why;
}

/* The rules were broken: this process is not asked again. */
static void
turn_break(struct turn *t, uint64_t term_ms)
{
	t->broken = true;
	t->term_ms = term_ms;
	t->phase = TURN_OVER;
}

/*
 * The batch has failed on our side.  The output is closed, so that a command
 * that goes on writing notices, and may still answer and live.
 */
static void
turn_spurn(struct turn *t, int code, const struct sm_err *why)
{
	turn_fail(t, code, why);
	sm_fifo_close(&t->out);
	sm_fifo_close(&t->in);
	if (t->phase == TURN_ANSWERED)
		t->phase = TURN_OVER;
	if (t->phase == TURN_ASKED) {
		t->phase = TURN_SPURNED;
		t->patience_ms = sm_clock_ms() + SM_COMMAND_TERM_MS;
	}
}

/* `bytes` for a message: cut, and nothing in it that steers a terminal. */
static const char *
turn_show(char shown[SERVE_SHOWN_MAX + 4], const char *bytes, size_t len)
{
	size_t n = len < SERVE_SHOWN_MAX ? len : SERVE_SHOWN_MAX, i;

	for (i = 0; i < n; i++) {
		shown[i] = bytes[i];
		if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
			shown[i] = '?';
	}
	snprintf(shown + n, 4, "%s", n < len ? "..." : "");
	return shown;
}

static void
turn_wrong_answer(struct turn *t, size_t len)
{
	char shown[SERVE_SHOWN_MAX + 4];
	struct sm_err why;

	sm_err_set(&why, SM_ECOMMAND,
		   "the command answered '%s', which is neither 'ok' nor "
		   "'error TEXT'; what is for people belongs on standard error",
		   turn_show(shown, t->s->line, len));
	turn_fail(t, SM_ECOMMAND, &why);
	turn_break(t, SM_COMMAND_STOP_MS);
}

static void
turn_second_answer(struct turn *t, const char *bytes, size_t len)
{
	char shown[SERVE_SHOWN_MAX + 4];
	const char *end = memchr(bytes, '\n', len);
	struct sm_err why;

	if (end)
		len = (size_t)(end - bytes);
	sm_err_set(&why, SM_ECOMMAND,
		   "the command answered a second time: '%s'; what is for "
		   "people belongs on standard error",
		   turn_show(shown, bytes, len));
	turn_fail(t, SM_ECOMMAND, &why);
	turn_break(t, SM_COMMAND_STOP_MS);
}

/* -------------------------------------------------------------- data -- */

/* A whole line of `len` bytes, without its newline. */
static void
turn_judge_answer(struct turn *t, size_t len)
{
	const char *line = t->s->line;
	char shown[SERVE_SHOWN_MAX + 4];
	struct sm_err why;

	if (len == 2 && memcmp(line, "ok", 2) == 0) {
		if (t->phase == TURN_ASKED)
			t->phase = TURN_ANSWERED;
		else
			t->phase = TURN_OVER;
		t->quiet_ms = sm_clock_ms() + SM_COMMAND_GRACE_MS;
	} else if (len >= 5 && memcmp(line, "error", 5) == 0 &&
		   (len == 5 || line[5] == ' ') && !memchr(line, '\0', len)) {
		if (len > 6)
			sm_err_set(&why, SM_ECOMMAND, "%s",
				   turn_show(shown, line + 6, len - 6));
		else
			sm_err_set(&why, SM_ECOMMAND,
				   "the command answered 'error'");
		turn_fail(t, SM_ECOMMAND, &why);
		t->phase = TURN_OVER;
	} else {
		turn_wrong_answer(t, len);
		return;
	}
	t->s->answered++;
}

/* 1: something came, 0: nothing now, or no more at all. */
static int
turn_hear_answer(struct turn *t)
{
	struct sm_serve *s = t->s;
	const char *end;
	size_t len;
	ssize_t n;

	if (s->l.answer_fd < 0)
		return 0;
	n = read(s->l.answer_fd, s->line + s->line_len,
		 sizeof(s->line) - s->line_len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close(s->l.answer_fd);
		s->l.answer_fd = -1;
		t->mute_ms = sm_clock_ms() + SERVE_MUTE_MS;
		return 0;
	}
	if (t->phase == TURN_ANSWERED || t->phase == TURN_OVER) {
		turn_second_answer(t, s->line, (size_t)n);
		return 0;
	}
	s->line_len += (size_t)n;
	end = memchr(s->line, '\n', s->line_len);
	if (!end && s->line_len == sizeof(s->line))
		turn_wrong_answer(t, s->line_len);
	if (!end)
		return 1;
	len = (size_t)(end - s->line);
	n = (ssize_t)(s->line_len - len - 1);
	s->line_len = 0;
	turn_judge_answer(t, len);
	if (n > 0 && !t->broken)
		turn_second_answer(t, end + 1, (size_t)n);
	return 1;
}

/* Read the output once.  0: nobody has it open; -1: somebody has; 1: more. */
static int
turn_read(struct turn *t)
{
	struct sm_living *l = &t->s->l;
	struct sm_err why = { 0 };
	ssize_t n;
	int ret;

	n = read(t->out.fd, l->buf, sizeof(l->buf));
	if (n == 0)
		return 0;
	if (n < 0)
		return errno == EINTR ? 1 : -1;
	t->opened = true;
	t->quiet_ms = sm_clock_ms() + SM_COMMAND_GRACE_MS;
	ret = l->o.out(l->buf, (size_t)n, l->o.arg, &why);
	if (ret < 0)
		turn_spurn(t, ret, &why);
	return 1;
}

/*
 * Before the answer: what there is, and whether it was closed.  The answer may
 * come in the same round, so that POLLHUP alone says that it was opened.
 */
static void
turn_read_some(struct turn *t)
{
	short seen = t->revents[FD_OUT];

	if (t->out.fd < 0 || !seen)
		return;
	t->opened = true;
	if (seen & POLLIN)
		turn_read(t);
	else
		sm_fifo_rearm(&t->out);
}

/*
 * After "ok": to its end, which is the batch's.  One that says so and has not
 * opened it may have meant the batch before: it is not asked again.
 */
static void
turn_read_rest(struct turn *t)
{
	struct pollfd fd = { .fd = t->out.fd, .events = POLLIN };
	struct sm_err why;
	int ret = 1, i;

	if (!t->ask->out_path) {
		t->phase = TURN_OVER;
		t->whole = true;
		return;
	}
	if (poll(&fd, 1, 0) > 0)
		t->opened = true;
	for (i = 0; ret > 0 && t->phase == TURN_ANSWERED && i < SERVE_READS;
	     i++)
		ret = turn_read(t);
	if (ret != 0 || t->phase != TURN_ANSWERED)
		return;
	t->phase = TURN_OVER;
	t->whole = t->opened;
	if (t->whole)
		return;
	sm_err_set(&why, SM_ECOMMAND,
		   "the command answered 'ok' and had not opened its output; "
		   "where there is none, it is opened and closed");
	turn_fail(t, SM_ECOMMAND, &why);
	turn_break(t, SM_COMMAND_STOP_MS);
}

static void
turn_feed(struct turn *t)
{
	struct sm_err why;
	int ret;

	/* Writable again: somebody has read, and so has it open. */
	if (t->wrote && !t->taken) {
		t->taken = true;
		sm_fifo_widen(&t->in);
	}
	if (!t->fed) {
		ret = sm_feed_write(&t->s->feed, t->in.fd, &why);
		t->wrote = true;
		t->fed = ret == 0;
		if (ret < 0) {
			turn_spurn(t, ret, &why);
			return;
		}
	}
	if (t->fed && t->taken)
		sm_fifo_close(&t->in);
}

/*
 * The request.  A command that closed its standard input is about to exit, as a
 * rule: its end is waited for.
 */
static void
turn_send(struct turn *t)
{
	size_t left = t->ask->len - t->sent;
	ssize_t n = write(t->s->l.ask_fd, t->ask->line + t->sent, left);

	if (n >= 0)
		t->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR) {
		t->s->feed.sigpipe |= errno == EPIPE;
		t->mute_ms = sm_clock_ms() + SERVE_MUTE_MS;
	}
}

/* -------------------------------------------------------------- time -- */

/* Had the process not even begun to read what it was asked? */
static bool
turn_is_unread(const struct turn *t)
{
	int unread = 0;

	return t->s->answered > 0 && !t->opened &&
	       ioctl(t->s->l.ask_fd, FIONREAD, &unread) == 0 &&
	       (size_t)unread == t->sent;
}

/* It has exited: an answer may be on its way still. */
static void
turn_exited(struct turn *t)
{
	struct sm_err why;

	while (t->phase != TURN_OVER && turn_hear_answer(t) > 0)
		;
	if (t->phase == TURN_ANSWERED)
		turn_read_rest(t);
	if (t->phase == TURN_ANSWERED) {
		sm_err_set(&why, SM_ECOMMAND,
			   "the command answered 'ok' and ended, and a process "
			   "that it left behind has its output open");
		turn_fail(t, SM_ECOMMAND, &why);
	} else if (t->phase == TURN_ASKED) {
		t->again = turn_is_unread(t);
	}
	t->phase = TURN_OVER;
}

static void
turn_clock_asked(struct turn *t, uint64_t now)
{
	const struct sm_command_opts *o = &t->s->l.o;
	struct sm_err why;

	if (t->late_ms && now >= t->late_ms) {
		if (t->s->answered == 0 && t->ask->start_timeout_s > 0)
			sm_err_set(&why, SM_ETIMEOUT,
				   "the command took longer than %g s to its "
				   "first answer (--start-timeout)",
				   t->ask->start_timeout_s);
		else
			sm_err_set(&why, SM_ETIMEOUT,
				   "the command took longer than %g s "
				   "(--timeout)",
				   o->timeout_s);
		if (t->s->answered == 0 && t->ask->start_timeout_s <= 0)
			sm_err_append(&why, "; --start-timeout is for a first "
					    "batch, with the start in it");
		turn_fail(t, SM_ETIMEOUT, &why);
		turn_break(t, sm_command_term_ms(o));
	} else if (t->mute_ms && now >= t->mute_ms && t->phase == TURN_ASKED) {
		sm_err_set(&why, SM_ECOMMAND,
			   "the command closed its standard %s and lives",
			   t->s->l.answer_fd < 0 ? "output" : "input");
		turn_fail(t, SM_ECOMMAND, &why);
		turn_break(t, SM_COMMAND_STOP_MS);
	}
}

static void
turn_clock(struct turn *t)
{
	uint64_t now = sm_clock_ms();
	struct sm_err why;

	if (sm_living_stopped(&t->s->l) || t->revents[FD_STOP]) {
		sm_err_set(&why, SM_ESTOPPED, "stopped");
		turn_fail(t, SM_ESTOPPED, &why);
		turn_break(t, SM_COMMAND_STOP_MS);
		return;
	}
	turn_clock_asked(t, now);
	if (t->phase == TURN_ANSWERED && now >= t->quiet_ms) {
		sm_err_set(&why, SM_ECOMMAND,
			   "the command answered 'ok' and left its output "
			   "open; it is closed before the answer");
		turn_fail(t, SM_ECOMMAND, &why);
		t->phase = TURN_OVER;
	}
	if (t->phase == TURN_SPURNED && now >= t->patience_ms)
		turn_break(t, SM_COMMAND_STOP_MS);
}

static void
turn_sooner(uint64_t *at, uint64_t when)
{
	if (when && when < *at)
		*at = when;
}

static int
turn_patience(const struct turn *t)
{
	const struct sm_living *l = &t->s->l;
	uint64_t at = UINT64_MAX, now = sm_clock_ms();

	turn_sooner(&at, t->late_ms);
	turn_sooner(&at, t->mute_ms);
	if (t->phase == TURN_ANSWERED)
		turn_sooner(&at, t->quiet_ms);
	if (t->phase == TURN_SPURNED)
		turn_sooner(&at, t->patience_ms);
	if (l->exit_fd < 0 || (l->o.stop && l->o.stop_fd < 0))
		turn_sooner(&at, now + SM_LIVING_LOOK_MS);
	if (at == UINT64_MAX)
		return -1;
	if (at <= now)
		return 0;
	if (at - now > SERVE_SLEEP_MAX_MS)
		return SERVE_SLEEP_MAX_MS;
	return (int)(at - now);
}

/* -------------------------------------------------------------- loop -- */

static void
turn_poll(struct turn *t)
{
	const struct sm_living *l = &t->s->l;
	bool asks = t->sent < t->ask->len && !t->mute_ms;
	struct pollfd fd[FDS] = {
		[FD_ANSWER] = { l->answer_fd, POLLIN, 0 },
		[FD_ERR] = { l->err_fd, POLLIN, 0 },
		[FD_ASK] = { asks ? l->ask_fd : -1, POLLOUT, 0 },
		[FD_OUT] = { t->out.fd, POLLIN, 0 },
		[FD_IN] = { t->in.fd, POLLOUT, 0 },
		[FD_EXIT] = { l->exit_fd, POLLIN, 0 },
		[FD_STOP] = { l->o.stop_fd, POLLIN, 0 },
	};
	int i;

	if (poll(fd, FDS, turn_patience(t)) < 0)
		for (i = 0; i < FDS; i++)
			fd[i].revents = 0;
	for (i = 0; i < FDS; i++)
		t->revents[i] = fd[i].revents;
}

/*
 * Standard error first: what was said before the answer is this batch's.  The
 * output after the answer: only then is its end known to be one.
 */
static void
turn_loop(struct turn *t)
{
	struct sm_err why;
	int ret;

	while (t->phase != TURN_OVER) {
		turn_poll(t);
		if (t->revents[FD_ERR]) {
			ret = sm_living_hear(&t->s->l, &why);
			if (ret < 0)
				turn_spurn(t, ret, &why);
		}
		turn_read_some(t);
		if (t->in.fd >= 0 && t->revents[FD_IN])
			turn_feed(t);
		if (t->revents[FD_ASK])
			turn_send(t);
		if (t->revents[FD_ANSWER])
			turn_hear_answer(t);
		if (t->phase == TURN_ANSWERED)
			turn_read_rest(t);
		if (t->phase != TURN_OVER &&
		    (t->revents[FD_EXIT] || t->s->l.exit_fd < 0) &&
		    sm_living_look(&t->s->l))
			turn_exited(t);
		if (t->phase != TURN_OVER)
			turn_clock(t);
	}
}

/* ---------------------------------------------------------- the batch -- */

/*
 * What it said since the last batch, and whether it is still there.  Leaving by
 * itself, with 0, is no news.
 */
static void
serve_settle(struct sm_serve *s)
{
	struct sm_command_end end;
	struct sm_err ignored;
	char note[160], shown[SERVE_SHOWN_MAX + 4], said[64];
	const char *nl;
	bool ended;
	ssize_t n;
	int i;

	if (s->l.pid == 0)
		return;
	for (i = 0; i < SERVE_READS && sm_living_hear(&s->l, &ignored) > 0; i++)
		;
	if (s->l.leaving) {
		sm_living_end(&end, &s->l, SM_COMMAND_GRACE_MS,
			      SM_COMMAND_STOP_MS, &ignored);
		return;
	}
	n = read(s->l.answer_fd, said, sizeof(said));
	ended = sm_living_look(&s->l);
	if (n < 0 && errno == EAGAIN && !ended)
		return;
	sm_living_end(&end, &s->l, n > 0 ? 0 : SERVE_MUTE_MS,
		      SM_COMMAND_STOP_MS, &ignored);
	if (n > 0) {
		nl = memchr(said, '\n', (size_t)n);
		turn_show(shown, said, nl ? (size_t)(nl - said) : (size_t)n);
		snprintf(note, sizeof(note),
			 "[shardmill: with no batch in hand the command said "
			 "'%.64s' on standard output; it is started anew]\n",
			 shown);
		sm_living_say(&s->l, note);
	} else if (end.exit_status != 0) {
		snprintf(note, sizeof(note),
			 "[shardmill: between two batches the command ended "
			 "with %s %d; it is started anew]\n",
			 end.signal >= 0 ? "signal" : "status",
			 end.signal >= 0 ? end.signal : end.exit_status);
		sm_living_say(&s->l, note);
	}
}

static int
serve_ready(struct sm_serve *s, struct sm_err *err)
{
	int ret;

	serve_settle(s);
	if (sm_living_stopped(&s->l))
		return sm_err_set(err, SM_ESTOPPED, "stopped");
	if (s->l.pid)
		return 0;
	ret = sm_living_start(&s->l, err);
	s->answered = 0;
	s->line_len = 0;
	return ret;
}

/* Also after one that left unasked: its pipe may have taken some of the input.
 */
static void
turn_begin(struct turn *t)
{
	const struct sm_command_opts *o = &t->s->l.o;
	double limit = o->timeout_s;

	*t = (struct turn){ .s = t->s,
			    .ask = t->ask,
			    .err = t->err,
			    .out = t->out,
			    .in = t->in,
			    .phase = TURN_ASKED };
	if (t->s->answered == 0 && t->ask->start_timeout_s > 0)
		limit = t->ask->start_timeout_s;
	if (limit > 0)
		t->late_ms = sm_clock_ms() + 1 + (uint64_t)(limit * 1000);
}

/*
 * What the process is after its batch: gone, ended by us, told to go because
 * it made as many as it is to make, or ready for the next one.  How it ended is
 * told where that is why the batch failed.
 */
static int
turn_end(struct sm_command_end *end, struct turn *t)
{
	struct sm_command_end how;
	struct sm_living *l = &t->s->l;
	struct sm_err why;
	int ret;

	if (!t->broken && !l->exited) {
		sm_living_hear(l, &why);
		if (t->whole)
			turn_hear_answer(t);
	}
	if (t->broken || l->exited) {
		ret = sm_living_end(&how, l, 0, t->term_ms, &why);
		if (!t->whole && !t->broken)
			*end = how;
		if (ret < 0 && !t->whole)
			turn_fail(t, ret, &why);
	} else if (t->ask->recycle && t->s->answered >= t->ask->recycle) {
		sm_living_leave(l);
	}
	return t->code;
}

int
sm_serve_batch(struct sm_command_end *end, struct sm_serve *s,
	       const struct sm_command_opts *o, const struct sm_serve_ask *ask,
	       struct sm_err *err)
{
	struct turn t = { .s = s, .ask = ask, .err = err };
	int ret;

	s->l.o = *o;
	t.out.fd = t.in.fd = -1;
	do {
		sm_feed_begin(&s->feed, o->in, o->arg);
		*end = (struct sm_command_end){ .exit_status = -1,
						.signal = -1 };
		ret = 0;
		if (ask->out_path)
			ret = sm_fifo_open_out(&t.out, ask->out_path, err);
		if (ret == 0 && ask->in_path)
			ret = sm_fifo_open_in(&t.in, ask->in_path, err);
		if (ret == 0)
			ret = serve_ready(s, err);
		if (ret == 0) {
			turn_begin(&t);
			turn_loop(&t);
			ret = turn_end(end, &t);
		}
		sm_fifo_close(&t.out);
		sm_fifo_close(&t.in);
		sm_feed_end(&s->feed);
		if (ret == 0 && t.again && o->in)
			ret = ask->rewind(o->arg, err);
	} while (ret == 0 && t.again);
	return ret;
}
