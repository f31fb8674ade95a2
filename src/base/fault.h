/*
 * fault.h - named places where a test makes the world go wrong
 *
 * sm_fault("shard.before_rename") costs nothing unless the build has
 * SHARDMILL_FAULTS.  In such a build the environment names what happens where:
 *
 *	SHARDMILL_FAULT=point:action[:n][,…]
 *
 * with an action of kill, stop (SIGSTOP), exit, wait (1 s, that thread alone),
 * or an errno name (EIO, ENOSPC, …), which sm_fault_errno() reports; `n` is the
 * n-th time the point is passed in this process, the first by default; "+"
 * after it means from then on.  SHARDMILL_FAULT_LOG names a file to which each
 * point passed is appended, and "acted" where one failed; the statements, which
 * are many and everywhere ("sql.prepare", "sql.step"), only if
 * SHARDMILL_FAULT_LOG_SQL is set too.
 */
#ifndef SM_FAULT_H
#define SM_FAULT_H

#ifdef SHARDMILL_FAULTS
/* 0, or the errno with which the call after this point is to fail. */
int sm_fault_errno(const char *point);
#define sm_fault(point) ((void)sm_fault_errno(point))
#else
#define sm_fault(point)       ((void)0)
#define sm_fault_errno(point) 0
#endif

#endif /* SM_FAULT_H */
