/*
 * Looks at the words of a command while planning.  It is apart from the checks
 * of options, since what it finds is suspicious and seldom wrong: braces belong
 * to awk and jq, a shell's script may well hold an item that is a number.
 */
#include <ctype.h>
#include <string.h>

#include "replace.h"

#include "advice.h"

#define ADVICE_WORD_MAX 32

static const char *
advice_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash)
		return slash + 1;
	return path;
}

static bool
advice_is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(name, *list, strlen(*list)) == 0)
			return true;
	return false;
}

/* Programs whose arguments have braces of their own. */
static bool
advice_has_braces(const char *const *argv)
{
	static const char *const names[] = {
		"awk",  "gawk",  "mawk", "nawk", "busybox", "jq",
		"gojq", "jaq",   "perl", "ruby", "node",    "python",
		"find", "xargs", "curl", "sed",  NULL,
	};

	return advice_is_one_of(advice_base(argv[0]), names);
}

/*
 * The word in braces at `p` if it looks like a placeholder: {word}, or one of
 * GNU parallel's, {.} {/} {//} {/.} {#} {%} {1}.  Its length with the braces.
 */
static size_t
advice_word(const char *p)
{
	size_t n = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_0123456789./#%");

	if (n == 0 || n > ADVICE_WORD_MAX || p[n + 1] != '}')
		return 0;
	return n + 2;
}

static bool
advice_is_script(const char *const *argv, size_t i)
{
	static const char *const shells[] = { "sh",  "bash", "dash", "zsh",
					      "ksh", "ash",  NULL };
	const char *name = advice_base(argv[0]), *const *s = shells;
	size_t option;

	while (*s && strcmp(*s, name) != 0)
		s++;
	if (!*s)
		return false;
	/* The first word after the options, one of which is -c, or ends so. */
	for (option = 1; option < i && *argv[option] == '-'; option++)
		if (strchr(argv[option], 'c') && argv[option][1] != '-')
			return i == option + 1;
	return false;
}

static void
advice_unknown(const char *arg, int columns, const struct sm_events *ev)
{
	const char *p = arg;
	size_t n;

	for (; (p = strchr(p, '{')) != NULL; p++) {
		n = advice_word(p);
		/* ${name} is the shell's. */
		if (n == 0 || (p > arg && p[-1] == '$') ||
		    sm_replace_is(arg, p, columns))
			continue;
		sm_event_notice(ev,
				"'%.*s' in the command is no placeholder, and "
				"stays as it is; there are {first} {end} "
				"{last} {rows} {batch} {#}, with items {} "
				"{item} {.} {/} {//} {/.}, with columns of "
				"them (--colsep, :::) {1} and so on, and with "
				"--input {input}",
				(int)n, p);
		return;
	}
}

void
sm_advice_tell(const char *const *argv, bool replaces, int columns,
	       const struct sm_events *ev)
{
	bool has_item = false;
	size_t i;

	for (i = 0; replaces && argv[i]; i++) {
		if (!advice_has_braces(argv))
			advice_unknown(argv[i], columns, ev);
		if (!sm_replace_has_item(argv[i], columns))
			continue;
		has_item = true;
		if (advice_is_script(argv, i))
			sm_event_notice(
				ev,
				"the item is put into the script of '%s', "
				"which runs what an item holds as code; hand "
				"it over as an argument: %s -c '... \"$1\"' %s "
				"{}",
				argv[0], argv[0], advice_base(argv[0]));
	}
	if (columns != SM_COLUMNS_NO_ITEM && !has_item)
		sm_event_notice(ev, "no word of the command has {}, so that "
				    "each item runs the same command; it has "
				    "the item in SHARDMILL_ITEM alone");
}

int
sm_advice_one_word(const char *const *argv, struct sm_err *err)
{
	if (argv[1] || !argv[0][strcspn(argv[0], " \t\n|;&<>")])
		return 0;
	return sm_err_set(err, SM_EUSAGE,
			  "'%s' is one word, and no program is named so; "
			  "without the quotes it is a command and its "
			  "arguments, and if it is for a shell: -- sh -c '%s'",
			  argv[0], argv[0]);
}
