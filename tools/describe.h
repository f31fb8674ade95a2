/*
 * describe.h - what is made of the tables of commands and options at build time
 */
#ifndef SM_DESCRIBE_H
#define SM_DESCRIBE_H

#include <stdio.h>

#include <shardmill.h>

/* The options of all commands, as sub-sections of a man page. */
void sm_describe_manual(FILE *f);

/*
 * The page of one command, but for its description, which shardmill.1 has;
 * SM_EUSAGE for a name that is none.
 */
int sm_describe_command(FILE *f, const char *name, struct sm_err *err);

/* Completion for "bash", "zsh" or "fish"; SM_EUSAGE for another shell. */
int sm_describe_completion(FILE *f, const char *shell, struct sm_err *err);

#endif /* SM_DESCRIBE_H */
