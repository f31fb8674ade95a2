/* Errors: the registry of classes, and texts that cannot steer a terminal. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"

static struct sm_err err;

static int
setup(void **state)
{
	(void)state;
	err = (struct sm_err){ 0 };
	return 0;
}

/* Every class has a name of its own and an exit status that is documented. */
static void
test_registry(void **state)
{
	int code, other;

	(void)state;
	for (code = SM_EUSAGE; code >= SM_EBUG; code--) {
		assert_string_not_equal(sm_code_name(code), "none");
		assert_in_range(sm_code_exit(code), 1, 9);
		for (other = SM_EUSAGE; other > code; other--)
			assert_string_not_equal(sm_code_name(code),
						sm_code_name(other));
	}
	assert_string_equal(sm_code_name(0), "none");
	assert_string_equal(sm_code_name(SM_EBUG - 1), "none");
	assert_int_equal(sm_code_exit(0), 0);
	assert_false(sm_code_retry(0));
}

static void
test_classes(void **state)
{
	(void)state;
	assert_int_equal(sm_code_exit(SM_EUSAGE), 2);
	assert_int_equal(sm_code_exit(SM_EINPUT), 3);
	assert_int_equal(sm_code_exit(SM_ENOTFOUND), 3);
	assert_int_equal(sm_code_exit(SM_ENOSPC), 4);
	assert_int_equal(sm_code_exit(SM_EBUSY), 5);
	assert_int_equal(sm_code_exit(SM_EDAMAGED), 6);
	assert_int_equal(sm_code_exit(SM_EREFUSED), 7);
	assert_int_equal(sm_code_exit(SM_EHELD), 8);
	assert_int_equal(sm_code_exit(SM_EVERIFY), 9);
	assert_int_equal(sm_code_exit(SM_EWORK), 1);
	/* A missing command or bad input is not worth another try. */
	assert_false(sm_code_retry(SM_ENOTFOUND));
	assert_false(sm_code_retry(SM_EINPUT));
	assert_false(sm_code_retry(SM_EVALUE));
	assert_true(sm_code_retry(SM_ECOMMAND));
	assert_true(sm_code_retry(SM_ESIGNAL));
	assert_true(sm_code_retry(SM_ETIMEOUT));
	assert_true(sm_code_retry(SM_ESTALLED));
}

static void
test_set(void **state)
{
	(void)state;
	err.sys = 5;
	assert_int_equal(
		sm_err_set(&err, SM_EINPUT, "cannot read '%s' %d", "a", 7),
		SM_EINPUT);
	assert_int_equal(err.code, SM_EINPUT);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.text, "cannot read 'a' 7");
	assert_int_equal(sm_err_mem(&err, "a list"), SM_ENOMEM);
	assert_string_equal(err.text, "out of memory for a list");
}

static void
test_sys(void **state)
{
	static const struct {
		int sys, code;
	} classes[] = {
		{ ENOSPC, SM_ENOSPC }, { EDQUOT, SM_ENOSPC },
		{ ENOMEM, SM_ENOMEM }, { EMFILE, SM_ENOMEM },
		{ ENFILE, SM_ENOMEM }, { EAGAIN, SM_ENOMEM },
		{ EIO, SM_EIO },       { EROFS, SM_EIO },
		{ ENOENT, SM_EIO },    { 12345, SM_EIO },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		errno = classes[i].sys;
		assert_int_equal(sm_err_sys(&err, "cannot sync '%s'", "f"),
				 classes[i].code);
		assert_int_equal(err.code, classes[i].code);
		assert_int_equal(err.sys, classes[i].sys);
		assert_memory_equal(err.text, "cannot sync 'f': ", 17);
		assert_true(strlen(err.text) > 17);
	}
	errno = ENOENT;
	assert_int_equal(sm_err_sys_as(&err, SM_EINPUT, "cannot open"),
			 SM_EINPUT);
	assert_int_equal(err.sys, ENOENT);
	assert_string_equal(err.text, "cannot open: No such file or directory");
}

/* What the system says is not what helps: that is named. */
static void
test_advice(void **state)
{
	static const struct {
		int sys;
		const char *words[2];
	} said[] = {
		{ ENOSPC, { "make space", "same command again" } },
		{ EDQUOT, { "quota -s", "same command again" } },
		{ EMFILE, { "ulimit -n", "fewer workers (-j)" } },
		{ ENFILE, { "fs.file-max", "same command again" } },
		{ EAGAIN, { "ulimit -u", "pids.max" } },
		{ EFBIG, { "ulimit -f", "another file system" } },
		{ EROFS, { "mount it for writing", "another" } },
		{ ETXTBSY, { "open for writing", "same command again" } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(said) / sizeof(*said); i++) {
		errno = said[i].sys;
		sm_err_sys(&err, "cannot write 'f'");
		assert_non_null(strstr(err.text, said[i].words[0]));
		assert_non_null(strstr(err.text, said[i].words[1]));
		assert_null(strstr(err.text, "check the disk"));
	}
}

/* Of opening a file: what is not there, beside what cannot be looked at. */
static void
test_missing(void **state)
{
	static const struct {
		int sys;
		bool missing;
	} want[] = {
		{ ENOENT, true },  { EACCES, false }, { EIO, false },
		{ ENOMEM, false }, { EMFILE, false }, { EINTR, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(*want); i++) {
		errno = want[i].sys;
		sm_err_sys_as(&err, SM_EINPUT, "cannot open 'f'");
		assert_int_equal(sm_err_is_missing(&err), want[i].missing);
	}
	sm_err_set(&err, SM_EINPUT, "'f' is a directory");
	assert_true(sm_err_is_missing(&err));
	sm_err_set(&err, SM_EDAMAGED, "'f' is damaged");
	assert_false(sm_err_is_missing(&err));
}

static void
test_prefix_and_append(void **state)
{
	char want[100];

	(void)state;
	errno = ENOSPC;
	sm_err_sys(&err, "cannot write");
	assert_int_equal(sm_err_prefix(&err, "batch %d", 3), SM_ENOSPC);
	assert_int_equal(err.sys, ENOSPC);
	assert_string_equal(err.text, "batch 3: cannot write: No space left on "
				      "device; make space, then run the same "
				      "command again");
	errno = EIO;
	sm_err_sys(&err, "cannot read");
	assert_int_equal(sm_err_append(&err, "; check %s", "it"), SM_EIO);
	/* The C library's words. */
	snprintf(want, sizeof(want), "cannot read: %s; check it",
		 strerror(EIO));
	assert_string_equal(err.text, want);
}

/* What keeps an input from being read is not always the input's fault. */
static void
test_input_class(void **state)
{
	static const struct {
		int sys, code;
	} want[] = {
		{ ENOENT, SM_EINPUT },  { EACCES, SM_EINPUT },
		{ ENOTDIR, SM_EINPUT }, { EIO, SM_EIO },
		{ ENOMEM, SM_ENOMEM },  { EMFILE, SM_ENOMEM },
		{ ENOSPC, SM_ENOSPC },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(*want); i++) {
		errno = want[i].sys;
		assert_int_equal(sm_err_sys_as(&err, SM_EINPUT, "x"),
				 want[i].code);
		assert_int_equal(err.code, want[i].code);
		assert_int_equal(err.sys, want[i].sys);
	}
}

/* Whoever asks for the code alone gets it. */
static void
test_null(void **state)
{
	(void)state;
	assert_int_equal(sm_err_set(NULL, SM_EHELD, "x"), SM_EHELD);
	errno = EDQUOT;
	assert_int_equal(sm_err_sys(NULL, "x"), SM_ENOSPC);
	assert_int_equal(sm_err_sys_as(NULL, SM_EINPUT, "x"), SM_ENOSPC);
	errno = ENOENT;
	assert_int_equal(sm_err_sys_as(NULL, SM_EINPUT, "x"), SM_EINPUT);
	assert_int_equal(sm_err_mem(NULL, "x"), SM_ENOMEM);
	assert_true(sm_err_prefix(NULL, "x") < 0);
	assert_true(sm_err_append(NULL, "x") < 0);
}

static void
test_escapes(void **state)
{
	const char *name = "a\x1b[31m\n\t\r\x7f\x01 d\xc3\xa9j\xc3\xa0 \\n";
	char all[256];
	size_t i;

	(void)state;
	sm_err_set(&err, SM_EIO, "'%s'", name);
	assert_string_equal(err.text, "'a\\x1b[31m\\n\\t\\x0d\\x7f\\x01 "
				      "d\xc3\xa9j\xc3\xa0 \\n'");
	/* Escaped once, however often it is passed on. */
	sm_err_prefix(&err, "in\x02");
	sm_err_append(&err, "\x03%s", "\x04");
	assert_string_equal(err.text, "in\\x02: 'a\\x1b[31m\\n\\t\\x0d\\x7f"
				      "\\x01 d\xc3\xa9j\xc3\xa0 \\n'\\x03"
				      "\\x04");
	/* What is no UTF-8, and C1 controls; but characters of all lengths. */
	sm_err_set(&err, SM_EIO,
		   "\xe9t\xc2\x9b\xc2\xa0\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80"
		   "\xe2\x82\xac\xf0\x9f\x98\x80\xf0\x9f");
	assert_string_equal(err.text, "\\xe9t\\xc2\\x9b\xc2\xa0\\xed\\xa0\\x80"
				      "\\xc0\\xaf\\xf4\\x90\\x80\\x80"
				      "\xe2\x82\xac\xf0\x9f\x98\x80\\xf0\\x9f");
	for (i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	sm_err_set(&err, SM_EIO, "%s", all);
	for (i = 0; err.text[i]; i++)
		assert_true((unsigned char)err.text[i] >= 0x20 &&
			    err.text[i] != 0x7f);
}

/* What is too long is cut, and never half an escape left of it. */
static void
test_length(void **state)
{
	char big[3 * SM_ERR_TEXT];
	struct {
		struct sm_err e;
		char canary[16];
	} guarded;
	size_t n;
	int i;

	(void)state;
	memset(guarded.canary, 'c', sizeof(guarded.canary));
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	sm_err_set(&guarded.e, SM_EIO, "%s", big);
	n = strlen(guarded.e.text);
	assert_in_range(n, SM_ERR_TEXT - 8, SM_ERR_TEXT - 1);
	sm_err_append(&guarded.e, "%s", big);
	assert_in_range(strlen(guarded.e.text), n, SM_ERR_TEXT - 1);
	sm_err_prefix(&guarded.e, "%s", big);
	assert_in_range(strlen(guarded.e.text), n - 8, SM_ERR_TEXT - 1);
	for (i = 0; i < 8; i++) {
		memset(big, '\x01', sizeof(big) - 1);
		memset(big, 'x', (size_t)i);
		sm_err_set(&guarded.e, SM_EIO, "%s", big);
		n = strlen(guarded.e.text);
		assert_in_range(n, SM_ERR_TEXT - 8, SM_ERR_TEXT - 1);
		assert_string_equal(guarded.e.text + n - 4, "\\x01");
	}
	for (i = 0; i < 16; i++)
		assert_int_equal(guarded.canary[i], 'c');
}

/* What a caller may set, to each as it knows it; what is told stays. */
static void
test_said(void **state)
{
	static const char *const said[][2] = {
		{ "--restart begins again",
		  "sm_plan_opts.restart begins again" },
		{ "--size was %s; --no-watch-command",
		  "'size' was a --force; 'watch-command' no" },
		{ "bad value '%s' for '--rows': --%s",
		  "bad value 'a --force' for 'rows': 'lines'" },
		{ "name %s by -o, or use fewer workers (-j), or --force",
		  "name a --force by opts.output, or use fewer workers "
		  "(sm_settings.workers), or opts.force" },
		{ "%s: 'shardmill set JOB -j N' and 'shardmill status %s "
		  "--batch 3' show it, the job's --sync end not",
		  "a --force: 'shardmill set JOB -j N' and 'shardmill status "
		  "lines --batch 3' show it, the job's sm_settings.sync "
		  "SM_SYNC_END not" },
		{ "%s: 'shardmill run %s --retry-failed' tries them",
		  "a --force: sm_run() of 'lines' with "
		  "sm_run_opts.retry_failed tries them" },
		{ "--restarted x-j %s --", "'restarted' x-j a --force --" },
	};
	char text[SM_ERR_TEXT];
	size_t i;

	(void)state;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	for (i = 0; i < sizeof(said) / sizeof(*said); i++) {
		sm_say_typed(false);
		sm_err_set(&err, SM_EIO, said[i][0], "a --force", "lines");
		assert_string_equal(err.text, said[i][1]);
		sm_say_typed(true);
		snprintf(text, sizeof(text), said[i][0], "a --force", "lines");
		sm_err_set(&err, SM_EIO, said[i][0], "a --force", "lines");
		assert_string_equal(err.text, text);
	}
#pragma GCC diagnostic pop
	/* A producer's own words are its own. */
	sm_say_typed(false);
	sm_fail(&err, SM_EINPUT, "give --force or -j %d", 3);
	assert_string_equal(err.text, "give --force or -j 3");
	/* Before a text, and behind it. */
	sm_err_prefix(&err, "with --restart");
	sm_err_append(&err, "; --extend");
	assert_string_equal(err.text, "with sm_plan_opts.restart: give --force "
				      "or -j 3; sm_plan_opts.extend");
	/* As long as can be. */
	for (i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "-j ", 4);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	sm_err_set(&err, SM_EIO, text, "");
#pragma GCC diagnostic pop
	assert_in_range(strlen(err.text), SM_ERR_TEXT - 8, SM_ERR_TEXT - 1);
	sm_say_typed(true);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_registry),
		TEST(test_classes),
		TEST(test_set),
		TEST(test_sys),
		TEST(test_advice),
		TEST(test_missing),
		TEST(test_prefix_and_append),
		TEST(test_input_class),
		TEST(test_null),
		TEST(test_escapes),
		TEST(test_length),
		TEST(test_said),
	};

	sm_say_typed(true); /* as the program says it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
