/*
 * How a failure is described, the registry of all classes of error, and what
 * helps against errors of the system.
 *
 * The registry is the one place that says what a class is called in the
 * database, whether another try may help, and what the program exits with.  The
 * setters put a message together in a local buffer first, since its arguments
 * may point into the very err that they are about to fill.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "libc.h"

#include "err.h"

struct error_class {
	int code;
	const char *name; /* what attempt.error_class holds */
	bool retry;       /* may another try of the batch succeed? */
	int exit;         /* the program's exit status */
};

/* The registry: every class of error there is. */
static const struct error_class error_classes[] = {
	{ SM_EUSAGE, "usage", false, 2 },
	{ SM_EINPUT, "input", false, 3 },
	{ SM_EVALUE, "value", false, 3 },
	{ SM_EIO, "io", true, 4 },
	{ SM_ENOSPC, "no-space", true, 4 },
	{ SM_ENOMEM, "no-memory", true, 4 },
	{ SM_EBUSY, "database-busy", true, 5 },
	{ SM_EDAMAGED, "database-damaged", false, 6 },
	{ SM_EREFUSED, "refused", false, 7 },
	{ SM_EHELD, "held", false, 8 },
	{ SM_EVERIFY, "damage", false, 9 },
	{ SM_EWORK, "work-left", false, 1 },
	{ SM_ESTOPPED, "stopped", true, 1 },
	{ SM_EFENCED, "fenced", true, 8 },
	{ SM_EUNKNOWN, "commit-unknown", true, 4 },
	{ SM_ECOMMAND, "command", true, 1 },
	{ SM_ESIGNAL, "signal", true, 1 },
	{ SM_ETIMEOUT, "timeout", true, 1 },
	{ SM_ESTALLED, "stalled", true, 1 },
	{ SM_ETOOBIG, "too-big", false, 1 },
	{ SM_EOUTPUT, "output", true, 1 },
	{ SM_ENOTFOUND, "not-found", false, 3 },
	{ SM_EBUG, "bug", false, 4 },
};

/*
 * NULL: `code` is 0 or a number of somebody else's.  Two dozen entries are
 * searched in order, which is quick enough for something that has just failed.
 */
static const struct error_class *
error_class_find(int code)
{
	size_t i;

	for (i = 0; i < sizeof(error_classes) / sizeof(*error_classes); i++)
		if (error_classes[i].code == code)
			return &error_classes[i];
	return NULL;
}

const char *
sm_code_name(int code)
{
	const struct error_class *c = error_class_find(code);

	if (!c)
		return "none";
	return c->name;
}

bool
sm_code_retry(int code)
{
	const struct error_class *c = error_class_find(code);

	return c && c->retry;
}

int
sm_code_exit(int code)
{
	const struct error_class *c = error_class_find(code);

	if (!c)
		return 0;
	return c->exit;
}

/* ----------------------------------------------- what the caller may set -- */

/* The whole process's; it is set before there are threads. */
static bool err_typed;

void
sm_say_typed(bool typed)
{
	err_typed = typed;
}

bool
sm_err_is_typed(void)
{
	return err_typed;
}

/*
 * What is no option of a kind: the first one that fits is taken.  `opts` is
 * what several calls have a member of.
 */
static const struct said {
	const char *typed, *member;
} err_said[] = {
	{ "'run --takeover'", "sm_run_opts.takeover" },
	{ "(run --takeover)", "(sm_run_opts.takeover)" },
	{ "'shardmill run %s --retry-failed'",
	  "sm_run() of '%s' with sm_run_opts.retry_failed" },
	{ "'shardmill run %s'", "sm_run() of '%s'" },
	{ "--sync end", "sm_settings.sync SM_SYNC_END" },
	{ "'shardmill verify --requeue'", "sm_verify_opts.requeue" },
	{ "'shardmill finalize -o FILE'", "sm_finalize_opts.output" },
	{ "--accept-changed", "sm_plan_opts.accept_changed" },
	{ "--allow-missing", "sm_finalize_opts.allow_missing" },
	{ "--consume", "sm_settings.consume" },
	{ "--extend", "sm_plan_opts.extend" },
	{ "--fail-fast", "sm_settings.fail_fast" },
	{ "--follow", "sm_run_opts.follow" },
	{ "--force", "opts.force" },
	{ "--max-failures", "sm_run_opts.max_failures" },
	{ "--network-fs", "opts.network_fs" },
	{ "--no-watch-command", "'watch-command' no" },
	{ "--parts", "sm_plan_opts.parts" },
	{ "--requeue", "sm_verify_opts.requeue" },
	{ "--restart", "sm_plan_opts.restart" },
	{ "--retry-failed", "sm_run_opts.retry_failed" },
	{ "--sync", "sm_settings.sync" },
	{ "--trust", "opts.trust" },
	{ "--unfinished", "sm_clean_opts.unfinished" },
	{ "-j", "sm_settings.workers" },
	{ "-o", "opts.output" },
};

/* Does the name, or the word, go on with this byte? */
static bool
said_is_word(char c)
{
	return c == '-' || c == '%' || (c >= '0' && c <= '9') ||
	       (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bytes of `text` that have other words for callers; they go into `out`. */
static size_t
said_take(char *out, size_t size, const char *text)
{
	bool quoted = *text == '\'';
	size_t i, n;

	for (i = 0; i < sizeof(err_said) / sizeof(*err_said); i++) {
		n = strlen(err_said[i].typed);
		if (strncmp(text, err_said[i].typed, n) == 0 &&
		    !said_is_word(text[n])) {
			snprintf(out, size, "%s", err_said[i].member);
			return n;
		}
	}
	/* An option of a kind: --range, '--range', --%s */
	if (strncmp(text + quoted, "--", 2) != 0 ||
	    !said_is_word(text[quoted + 2]))
		return 0;
	for (n = quoted + 2U; said_is_word(text[n]); n++)
		;
	snprintf(out, size, "'%.*s'", (int)(n - quoted - 2), text + quoted + 2);
	if (quoted && text[n] == '\'')
		n++;
	return n;
}

const char *
sm_err_said(char *room, const char *text)
{
	size_t at = 0, n;
	bool command = false, begins = true;
	char word[64];

	if (err_typed)
		return text;
	while (*text && at + sizeof(word) < SM_SAID_MAX) {
		n = 0;
		if (begins && !command)
			n = said_take(word, sizeof(word), text);
		if (n > 0) {
			at += (size_t)sprintf(room + at, "%s", word);
			text += n;
			begins = false;
			continue;
		}
		/* A command line of the program stays as it is. */
		if (*text == '\'' && (command || begins))
			command = !command;
		begins = *text == ' ' || *text == '(';
		room[at++] = *text++;
	}
	room[at] = '\0';
	return room;
}

/* -------------------------------------------------------------- messages -- */

/* Bytes that are copied as they are; 0: this one is to be escaped. */
static size_t
err_passes(const char *s)
{
	size_t n = sm_utf8_bytes(s, strnlen(s, 4));

	if (n == 1)
		return (unsigned char)*s >= 0x20 && *s != 0x7f;
	/* C1 controls, U+0080 to U+009F. */
	if (n == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0)
		return 0;
	return n;
}

/*
 * Copy `src` so that it is UTF-8, for who reads it from a database, and that
 * nothing in it can control a terminal: bytes of C0 and C1 controls, DEL, and
 * what is no UTF-8 become \xNN.
 *
 * The longest replacement has four bytes, as the longest character has, so five
 * must be free, with the NUL.  A message that is too long is cut.
 */
static void
err_escape(char *dst, size_t size, const char *src)
{
	size_t n = 0, len;

	for (; *src && n + 5 < size; src += len ? len : 1) {
		len = err_passes(src);
		memcpy(dst + n, src, len);
		n += len;
		if (len > 0)
			continue;
		if (*src == '\n')
			n += (size_t)snprintf(dst + n, size - n, "\\n");
		else if (*src == '\t')
			n += (size_t)snprintf(dst + n, size - n, "\\t");
		else
			n += (size_t)snprintf(dst + n, size - n, "\\x%02x",
					      (unsigned char)*src);
	}
	dst[n] = '\0';
}

static void
err_finish(struct sm_err *err, int code, int sys, const char *text)
{
	err->code = code;
	err->sys = sys;
	err_escape(err->text, sizeof(err->text), text);
}

int
sm_err_setv(struct sm_err *err, int code, const char *fmt, va_list ap)
{
	char text[SM_ERR_TEXT], said[SM_SAID_MAX];

	if (!err)
		return code;
	vsnprintf(text, sizeof(text), sm_err_said(said, fmt), ap);
	err_finish(err, code, 0, text);
	return code;
}

int
sm_err_set(struct sm_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sm_err_setv(err, code, fmt, ap);
	va_end(ap);
	return code;
}

/*
 * The errors of the system that have a class or a next step of their own.  To
 * the user all others are a failing device.  EAGAIN comes here from calls that
 * start a process or a thread alone: a lock that is taken is not an error.
 */
static const struct err_sys {
	int sys, class;
	const char *advice;
} err_sys_known[] = {
	{ ENOSPC, SM_ENOSPC, "; make space, then run the same command again" },
	{ EDQUOT, SM_ENOSPC,
	  "; your quota is used up ('quota -s' shows it): make space, or have "
	  "it raised, then run the same command again" },
	{ ENOMEM, SM_ENOMEM, "" },
	{ EMFILE, SM_ENOMEM,
	  "; this process may open no more files: raise the limit ('ulimit "
	  "-n'), or use fewer workers (-j), then run the same command again" },
	{ ENFILE, SM_ENOMEM,
	  "; the system may open no more files (fs.file-max): end what holds "
	  "many, then run the same command again" },
	{ EAGAIN, SM_ENOMEM,
	  "; no further process or thread may be started: use fewer workers "
	  "(-j), or raise the limit ('ulimit -u', a container's or Slurm's "
	  "pids.max), then run the same command again" },
	{ EFBIG, SM_EIO,
	  "; files may not grow so large here: raise the limit ('ulimit -f'), "
	  "or use another file system" },
	{ EROFS, SM_EIO,
	  "; the file system can only be read: mount it for writing, or use "
	  "another" },
	{ ETXTBSY, SM_EIO,
	  "; somebody has this program open for writing: when that has ended, "
	  "run the same command again" },
	{ EACCES, SM_EIO, "" },
	{ EPERM, SM_EIO, "" },
};

static const struct err_sys *
err_sys_find(int sys)
{
	static const struct err_sys other = { 0, SM_EIO, NULL };
	size_t i;

	for (i = 0; i < sizeof(err_sys_known) / sizeof(*err_sys_known); i++)
		if (err_sys_known[i].sys == sys)
			return &err_sys_known[i];
	return &other;
}

int
sm_err_class_of(int sys)
{
	return err_sys_find(sys)->class;
}

const char *
sm_err_advice(int sys)
{
	return err_sys_find(sys)->advice;
}

/* The message, then what the system says, then what helps. */
static void
err_sysv(struct sm_err *err, int code, int sys, const char *fmt, va_list ap)
{
	char text[SM_ERR_TEXT], what[256], said[SM_SAID_MAX];
	const char *next = sm_err_advice(sys);
	size_t n;

	if (!err)
		return;
	if (!next)
		next = "";
	vsnprintf(text, sizeof(text), sm_err_said(said, fmt), ap);
	n = strlen(text);
	snprintf(text + n, sizeof(text) - n, ": %s%s",
		 sm_reason(what, sizeof(what), sys), sm_err_said(said, next));
	err_finish(err, code, sys, text);
}

int
sm_err_sys(struct sm_err *err, const char *fmt, ...)
{
	int sys = errno, code = sm_err_class_of(sys);
	va_list ap;

	va_start(ap, fmt);
	err_sysv(err, code, sys, fmt, ap);
	va_end(ap);
	return code;
}

int
sm_err_sys_as(struct sm_err *err, int code, const char *fmt, ...)
{
	int sys = errno, own = sm_err_class_of(sys);
	va_list ap;

	/*
	 * A missing or unreadable file has the caller's class.  A failing disk
	 * or a lack of memory has its own: another try may succeed.
	 */
	if (sys == EIO || sys == EINTR || own != SM_EIO)
		code = own;
	va_start(ap, fmt);
	err_sysv(err, code, sys, fmt, ap);
	va_end(ap);
	return code;
}

bool
sm_err_is_missing(const struct sm_err *err)
{
	return err->code == SM_EINPUT && (err->sys == 0 || err->sys == ENOENT);
}

int
sm_err_at(struct sm_err *err, const char *path, uint64_t at, const char *fmt,
	  ...)
{
	char reason[SM_ERR_TEXT], said[SM_SAID_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), sm_err_said(said, fmt), ap);
	va_end(ap);
	return sm_err_set(err, SM_EINPUT,
			  "cannot read '%s': byte %" PRIu64 ": %s", path, at,
			  reason);
}

int
sm_err_mem(struct sm_err *err, const char *what)
{
	return sm_err_set(err, SM_ENOMEM, "out of memory for %s", what);
}

int
sm_err_prefix(struct sm_err *err, const char *fmt, ...)
{
	char head[SM_ERR_TEXT], text[2 * SM_ERR_TEXT + 2], said[SM_SAID_MAX];
	va_list ap;

	if (!err)
		return SM_EBUG;
	va_start(ap, fmt);
	vsnprintf(head, sizeof(head), sm_err_said(said, fmt), ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%s: %s", head, err->text);
	/*
	 * What was escaped before has no control characters left, and is not
	 * changed by being escaped again.
	 */
	err_escape(err->text, sizeof(err->text), text);
	return err->code;
}

int
sm_err_append(struct sm_err *err, const char *fmt, ...)
{
	char tail[SM_ERR_TEXT], said[SM_SAID_MAX];
	size_t n;
	va_list ap;

	if (!err)
		return SM_EBUG;
	va_start(ap, fmt);
	vsnprintf(tail, sizeof(tail), sm_err_said(said, fmt), ap);
	va_end(ap);
	n = strlen(err->text);
	err_escape(err->text + n, sizeof(err->text) - n, tail);
	return err->code;
}

/* The caller's own words, which stay. */
int
sm_fail(struct sm_err *err, int code, const char *fmt, ...)
{
	char text[SM_ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return sm_err_set(err, code, "%s", text);
}
