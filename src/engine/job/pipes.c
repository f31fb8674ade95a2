/*
 * pipes.c - remove the named pipes of batches that are in no hand any more
 *
 * It is apart from startcheck.c because nothing depends on a pipe: one that is
 * left is clutter, not a loss.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dir.h"

#include "pipes.h"

static const char *const pipe_ends[] = { ".in", ".out" };

#define PIPE_ENDS (sizeof(pipe_ends) / sizeof(*pipe_ends))

/* "000017.<token>.out" is named after "000017.<token>.tmp". */
static bool
pipe_parse(const char *name, uint64_t *batch, int64_t *token)
{
	const char *dot = strrchr(name, '.');
	char tmp[SM_SHARD_NAME_MAX];
	size_t i;

	for (i = 0; dot && i < PIPE_ENDS; i++) {
		if (strcmp(dot, pipe_ends[i]) != 0)
			continue;
		snprintf(tmp, sizeof(tmp), "%.*s.tmp", (int)(dot - name), name);
		return sm_shard_parse_name(tmp, batch, token) == 2;
	}
	return false;
}

void
sm_pipes_remove(struct sm_handle *h, uint64_t batch, int64_t token)
{
	char name[2 * SM_SHARD_NAME_MAX], tmp[SM_SHARD_NAME_MAX];
	size_t i;

	sm_shard_tmp_name(tmp, batch, h->digits, token);
	*strrchr(tmp, '.') = '\0';
	for (i = 0; i < PIPE_ENDS; i++) {
		snprintf(name, sizeof(name), SM_KIND_PIPES "/%s%s", tmp,
			 pipe_ends[i]);
		unlinkat(h->dir.fd, name, 0);
	}
}

struct pipe_list {
	struct pipe_owner {
		uint64_t batch;
		int64_t token;
	} * item;
	size_t count, cap;
};

static int
pipe_list_read(struct pipe_list *l, struct sm_handle *h, struct sm_err *err)
{
	struct pipe_owner o, *p;
	const char *name;
	struct sm_dir d;
	int more, ret = 0;

	sm_dir_open(&d, h->dir.fd, SM_KIND_PIPES);
	while (ret == 0 && (more = sm_dir_next(&name, &d)) > 0) {
		if (!pipe_parse(name, &o.batch, &o.token))
			continue;
		if (l->count == l->cap) {
			l->cap = 2 * l->cap + 16;
			p = realloc(l->item, l->cap * sizeof(*p));
			if (!p) {
				ret = sm_err_mem(err, "the list of pipes");
				break;
			}
			l->item = p;
		}
		l->item[l->count++] = o;
	}
	/* A job without such commands has no such directory. */
	sm_dir_close(&d);
	return ret;
}

int
sm_pipes_sweep(struct sm_handle *h, struct sm_err *err)
{
	struct pipe_list l = { 0 };
	struct sm_batch_row row;
	int ret = pipe_list_read(&l, h, err);
	size_t i;

	for (i = 0; ret == 0 && i < l.count; i++) {
		ret = sm_batch_row_of(&row, h->db, l.item[i].batch, err);
		if (ret == 0 &&
		    (row.state != SM_RUNNING || row.token != l.item[i].token))
			sm_pipes_remove(h, l.item[i].batch, l.item[i].token);
	}
	free(l.item);
	return ret;
}
