/*
 * Names a worker's process after what it has in hand, so that ps, top and a
 * person before a hanging machine see which batch is which process.  It is
 * apart because it writes into memory that the kernel laid out, which nothing
 * else here does.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "title.h"

static char *title_at;     /* argv[0] */
static size_t title_bytes; /* of the words and the environment after them */
/* The copies, never freed: kept for whoever looks for leaks, hence volatile. */
static char **volatile title_words;
static int title_worker = -1;

/* Copies of `n` strings, and a NULL; NULL: no memory. */
static char **
title_copy(char *const *list, size_t n)
{
	char **copy = calloc(n + 1, sizeof(*copy));
	size_t i;

	for (i = 0; copy && i < n; i++) {
		copy[i] = strdup(list[i]);
		if (copy[i])
			continue;
		while (i > 0)
			free(copy[--i]);
		free(copy);
		return NULL;
	}
	return copy;
}

/* Where the strings end that lie one after the other from `end` on. */
static char *
title_end(char *end, char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n && list[i] == end; i++)
		end += strlen(list[i]) + 1;
	return end;
}

/*
 * The kernel shows the memory from argv[0] to the end of the words, and goes on
 * into the environment if the text overwrites that end.  Who has parsed the
 * words, or asked for a variable, points at the copies.
 */
void
sm_title_init(int argc, char **argv)
{
	size_t words = (size_t)argc, n = 0, i;
	char **copy, **env, *end;

	while (environ && environ[n])
		n++;
	if (argc < 1 || n == 0)
		return;
	end = title_end(argv[0], argv, words);
	end = title_end(end, environ, n);
	copy = title_copy(argv, words);
	env = title_copy(environ, n);
	if (copy && env) {
		title_at = argv[0];
		title_bytes = (size_t)(end - argv[0]);
		environ = env;
		title_words = copy;
		for (i = 0; i < words; i++)
			argv[i] = copy[i];
		return;
	}
	for (i = 0; copy && i < words; i++)
		free(copy[i]);
	for (i = 0; env && i < n; i++)
		free(env[i]);
	free(copy);
	free(env);
}

void
sm_title_set(const char *text, int worker)
{
	char name[16]; /* as much as the kernel keeps */
	int n;

	if (!title_at)
		return;
	n = snprintf(title_at, title_bytes, "shardmill: %s", text);
	/* What a longer name left, up to the end. */
	if (n >= 0 && (size_t)n < title_bytes)
		memset(title_at + n, 0, title_bytes - (size_t)n);
	if (worker == title_worker)
		return;
	title_worker = worker;
	snprintf(name, sizeof(name), "shardmill-w%d", worker);
	prctl(PR_SET_NAME, name);
}
