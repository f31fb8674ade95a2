/*
 * err.h - how a failure travels
 *
 * struct sm_err (shardmill.h) is the caller's, passed last and untouched on
 * success.  The setters below fill it in and return its negative code, so that
 * a failure is one line: return sm_err_sys(err, "cannot sync '%s'", name);
 *
 * A message is lower case without a full stop: what failed first, the subject
 * in single quotes, the reason, the next step.  Control characters that came
 * in with a name are escaped here, once, for every terminal and log.
 */
#ifndef SM_ERR_H
#define SM_ERR_H

#include <stdarg.h>
#include <stdint.h>

#include <shardmill.h>

#define SM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/*
 * A message is written as the program's users type what they may set: --range,
 * --force, -j.  To other callers the setters and notices say it as it stands in
 * shardmill.h ('range', opts.force, sm_settings.workers), unless sm_say_typed()
 * asked for the former.  They do so in the format alone, so that no name that
 * is told changes.  For a text that is put together by other means: the same,
 * in `room` of SM_SAID_MAX bytes, or the text itself.
 */
#define SM_SAID_MAX (2 * SM_ERR_TEXT)
const char *sm_err_said(char *room, const char *text);
bool sm_err_is_typed(void);

/*
 * The first line of each function of shardmill.h: its `err` may be NULL, and
 * below it is not.
 */
#define SM_ERR_OPTIONAL(err)                                                   \
	struct sm_err sm_err_unasked;                                          \
	(err) = (err) ? (err) : &sm_err_unasked

/* All setters accept err == NULL and return the code. */
int sm_err_set(struct sm_err *err, int code, const char *fmt, ...)
	SM_PRINTF(3, 4);
int sm_err_setv(struct sm_err *err, int code, const char *fmt, va_list ap)
	SM_PRINTF(3, 0);

/*
 * The class of an errno (ENOSPC and EDQUOT: SM_ENOSPC, ENOMEM, EMFILE, ENFILE
 * and EAGAIN: SM_ENOMEM, else SM_EIO), and what helps: NULL: nothing is known,
 * "": what the system says is enough, or "; " and the next step.
 */
int sm_err_class_of(int sys);
const char *sm_err_advice(int sys);

/* From errno: its class, and after ": " its text and what helps. */
int sm_err_sys(struct sm_err *err, const char *fmt, ...) SM_PRINTF(2, 3);

/*
 * As sm_err_sys(), with the class named: a missing input is SM_EINPUT.  What
 * EIO and a lack of memory, descriptors or space keep from being read is not
 * bad input, and has its own class all the same.
 */
int sm_err_sys_as(struct sm_err *err, int code, const char *fmt, ...)
	SM_PRINTF(3, 4);

/*
 * SM_EINPUT at a place in a file: "cannot read 'path': byte 17: " and the
 * reason.  All readers of text and of binary inputs say it this way.
 */
int sm_err_at(struct sm_err *err, const char *path, uint64_t at,
	      const char *fmt, ...) SM_PRINTF(4, 5);

/*
 * Is the failure, of opening a file, that there is none?  What could not be
 * looked at may be there.
 */
bool sm_err_is_missing(const struct sm_err *err);

/* Out of memory while working on `what`; SM_ENOMEM. */
int sm_err_mem(struct sm_err *err, const char *what);

/* Put text and ": " before the text that is there; returns err->code. */
int sm_err_prefix(struct sm_err *err, const char *fmt, ...) SM_PRINTF(2, 3);

/* Add text after the text that is there; returns err->code. */
int sm_err_append(struct sm_err *err, const char *fmt, ...) SM_PRINTF(2, 3);

#endif /* SM_ERR_H */
