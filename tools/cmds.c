/*
 * cmds.c - the list of commands
 *
 * It is read by main.c, which calls one, and by those that describe them all:
 * complete.c and manual.c.
 */
#include <string.h>

#include "cmd.h"

/* A command is one line. */
#define COMMANDS(COMMAND)                                                      \
	COMMAND(plan)                                                          \
	COMMAND(run)                                                           \
	COMMAND(work)                                                          \
	COMMAND(status)                                                        \
	COMMAND(ls)                                                            \
	COMMAND(report)                                                        \
	COMMAND(set)                                                           \
	COMMAND(pause)                                                         \
	COMMAND(resume)                                                        \
	COMMAND(stop)                                                          \
	COMMAND(retry)                                                         \
	COMMAND(finalize)                                                      \
	COMMAND(verify)                                                        \
	COMMAND(cat)                                                           \
	COMMAND(index)                                                         \
	COMMAND(recover)                                                       \
	COMMAND(clean)                                                         \
	COMMAND(try)                                                           \
	COMMAND(slurm)                                                         \
	COMMAND(doctor)                                                        \
	COMMAND(python_path)                                                   \
	COMMAND(sample)

#define COMMAND_DECLARE(name) extern const struct sm_cmd cmd_##name;
#define COMMAND_ENTRY(name)   &cmd_##name,

COMMANDS(COMMAND_DECLARE)
COMMAND_DECLARE(kind)

static const struct sm_cmd *const cmds[] = { COMMANDS(COMMAND_ENTRY) NULL };

bool
sm_cmd_at(struct sm_cmd *cmd, const struct sm_kind_info **kind, size_t i)
{
	size_t k;

	for (k = 0; (*kind = sm_kind_info(k)) != NULL; k++) {
		if (k != i)
			continue;
		*cmd = cmd_kind;
		cmd->name = (*kind)->name;
		cmd->usage = (*kind)->usage;
		cmd->summary = (*kind)->summary;
		cmd->takes_rest = (*kind)->takes_command;
		return true;
	}
	if (!cmds[i - k])
		return false;
	*cmd = *cmds[i - k];
	return true;
}

const struct sm_kind_info *
sm_cmd_find_kind(const char *name)
{
	const struct sm_kind_info *kind;
	size_t i;

	for (i = 0; (kind = sm_kind_info(i)) != NULL; i++)
		if (strcmp(kind->name, name) == 0)
			break;
	return kind;
}
