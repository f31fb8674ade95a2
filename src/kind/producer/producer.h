/*
 * producer.h - what the files of the producer job share
 *
 * Its batches are made by code of another program, in that program's workers.
 * What they are cut from is what exec knows how to cut: the options of an exec
 * job come first in its own, so that the input half of that kind serves both.
 *
 * Batches that the producer cuts itself are kept in the job as exec keeps a
 * list of items, one "FIRST END ITEM" each: they are digested, compared and
 * found again by `recover` without the producer.
 */
#ifndef SM_PRODUCER_H
#define SM_PRODUCER_H

#include "exec.h"
#include "kind.h"

struct sm_producer_opts {
	struct sm_exec_opts in; /* the input half; first */
	const char *name;       /* of the producer */
	const char *options;    /* its own, canonical JSON */
	bool own_cut;           /* it cuts itself */
	const char *program;    /* that planned the job, for messages */
	/* As sm_plan() was told; NULL: the options were read. */
	const struct sm_producer *producer;
};

extern const struct sm_kind_info sm_producer_info;

/* producer_cut.c */
bool sm_producer_input(struct sm_kind_input *in, size_t i, const void *opts);
int sm_producer_keep(const struct sm_spec *spec, int tables_dirfd,
		     int old_dirfd, const struct sm_events *ev,
		     struct sm_err *err);
int sm_producer_cut(struct sm_kind_cut *cut, struct sm_err *err);

/* producer_make.c */
int sm_producer_open(void **state, const struct sm_kind_env *env,
		     struct sm_err *err);
int sm_producer_produce(void *state, const struct sm_piece *b,
			struct sm_out *out, struct sm_err *err);
void sm_producer_close(void *state);

#endif /* SM_PRODUCER_H */
