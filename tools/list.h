/*
 * list.h - the jobs of a directory, a line or a JSON object each
 *
 * Lines come as jobs are found, and so have columns of fixed width, with the
 * name, which may be long, at the end.
 */
#ifndef SM_LIST_H
#define SM_LIST_H

#include <stdbool.h>

#include <shardmill.h>

struct sm_list_shown {
	unsigned depth; /* 0: as the library has it */
	bool json;
	bool trust;
	bool quiet; /* no progress */
};

int sm_list_show(const char *dir, const struct sm_list_shown *how,
		 struct sm_err *err);

/*
 * `dir` is no job, as `err` says.  If it is a directory with jobs below it,
 * they are shown: 0; else `err` stays, and its code is returned.
 */
int sm_list_instead(const char *dir, bool json, struct sm_err *err);

#endif /* SM_LIST_H */
