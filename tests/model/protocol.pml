/*
 * protocol.pml - claim, commit, rescue, hand edits and finalize, for Spin
 *
 * Three workers, two batches, a supervisor that takes workers for dead (also
 * ones that only stood still: its kill is left out, so that the guard is what
 * is tested), a start check, a person at the sqlite3 shell, a finalizer.  Any
 * of them but the person may be killed before any of its steps; what it had
 * not committed is gone then, what it had done to files is not.
 *
 * `lock` is the write lock.  The rows are those that are committed: a
 * transaction's changes are made in one step, its COMMIT, and its reads under
 * the lock see what no other can change.  Tokens are drawn in order here, and
 * so many claims there can be; a shard's bytes are known by the token of the
 * attempt that wrote them.
 *
 * What must hold, whatever happens:
 *
 *   shard    a done row's shard is the whole one of its token
 *   once     only a running row's holder commits it, once for each claim
 *   rescue   nobody loses a batch but one that is dead or was taken for dead
 *   tmp      no temporary file is removed under a living holder
 *   requeue  a whole shard is never put back for damaged
 *   final    a final file is made of the tokens of done rows alone, and what
 *            the job row calls complete is that
 *
 * One protection is left out by -D:
 *
 *   NO_GUARD          a worker commits whatever became of its row
 *   SHARED_TMP        attempts at a batch share a temporary file's name
 *   MARK_FIRST        done is committed, and then the shard is renamed
 *   RENAME_FIRST      the rename comes before the lock and the guard
 *   RESCUE_ANY        a rescue asks for a running row, not for its token
 *   NO_RECHECK        finalize does not look at the rows again
 *   ROWS_FIRST        the start check reads the rows, then lists the files
 *   RECORD_FIRST      finalize commits, and then renames
 */
#define WORKERS 3
#define BATCHES 2
#ifndef TOKENS
#define TOKENS 3 /* claims */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef STALLS
#define STALLS 1 /* living workers taken for dead */
#endif
#ifndef EDITS
#define EDITS 1
#endif
#ifndef COMMIT_ERRORS
#define COMMIT_ERRORS 1 /* after which nobody knows */
#endif
#ifndef FINALIZES
#define FINALIZES 2
#endif
#ifndef CHECKS
#define CHECKS 1
#endif

#define SUPERVISOR WORKERS
#define CHECKER (WORKERS + 1)
#define FINALIZER (WORKERS + 2)
#define PROCESSES (WORKERS + 3)

/* Bytes of a file. */
#define NONE 0
#define PART(t) (2 * (t))
#define WHOLE(t) (2 * (t) + 1)
#define MIXED 255

#ifdef SHARED_TMP
#define TMP(b, t) tmp[b]
#else
#define TMP(b, t) tmp[t]
#endif

mtype = { pending, running, done };

mtype state[BATCHES] = pending;
byte token[BATCHES];    /* it stays in a done row, and in one put back */
byte recorded[BATCHES]; /* tokens of the final file, in the job row */

byte shard[BATCHES];
byte tmp[TOKENS + 1];
byte final[BATCHES];    /* the tokens whose bytes it holds */

byte lock = NONE;       /* 1 + who holds it */
byte drawn = 0;
byte kills = KILLS, stalls = STALLS, edits = EDITS, errors = COMMIT_ERRORS;
bit killed[PROCESSES];

/* What no process reads, but what is asserted. */
bit living[TOKENS + 1];    /* its holder lives and still means to commit */
bit suspected[TOKENS + 1]; /* its holder was taken for dead */
bit committed[TOKENS + 1];

#define ALL_DONE (state[0] == done && state[1] == done)
#define COMPLETE (ALL_DONE && recorded[0] != 0 &&                 \
		  recorded[0] == token[0] && recorded[1] == token[1])

inline check()
{
	assert(state[0] != done || shard[0] == WHOLE(token[0]));
	assert(state[1] != done || shard[1] == WHOLE(token[1]));
	assert(!COMPLETE || (final[0] == token[0] && final[1] == token[1]))
}

inline claim(b, t)
{
	if
	:: drawn < TOKENS && state[0] == pending -> b = 0
	:: drawn < TOKENS && state[0] != pending && state[1] == pending ->
		b = 1
	:: else -> b = BATCHES
	fi;
	if
	:: b < BATCHES ->
		drawn++;
		t = drawn;
		state[b] = running;
		token[b] = t;
		living[t] = 1
	:: else -> t = 0
	fi
}

/* COMMIT of a done row, and of the claim of the next batch. */
inline commit(b, t, next, nexttoken)
{
	assert(state[b] == running && token[b] == t && !committed[t]);
	committed[t] = 1;
	living[t] = 0;
	state[b] = done;
	token[b] = t;
	next = BATCHES;
	nexttoken = 0;
	if
	:: true -> claim(next, nexttoken)
	:: true -> skip /* draining */
	fi;
	check()
}

#ifdef NO_GUARD
#define GUARD(b, t) true
#else
#define GUARD(b, t) (state[b] == running && token[b] == t)
#endif

proctype worker(byte me)
{
	byte b, t, next, nexttoken;
	bit published;

end_again:
	{
	end:
		do
		:: atomic {
			lock == NONE && drawn < TOKENS &&
			(state[0] == pending || state[1] == pending) ->
			claim(b, t)
		   }
		make:
		   published = 0;
		   d_step {
#ifndef SHARED_TMP
			assert(TMP(b, t) == NONE); /* O_EXCL */
#endif
			TMP(b, t) = PART(t)
		   };
		   d_step {
			if
			:: TMP(b, t) == PART(t) -> TMP(b, t) = WHOLE(t)
			:: TMP(b, t) == NONE -> skip /* unlinked meanwhile */
			:: else -> TMP(b, t) = MIXED
			fi
		   };
#ifdef RENAME_FIRST
		   atomic {
			if
			:: TMP(b, t) != NONE ->
				shard[b] = TMP(b, t);
				TMP(b, t) = NONE
			:: else
			fi;
			published = 1;
			check()
		   };
#endif
		try:
		   atomic { lock == NONE -> lock = 1 + me };
		   if
		   :: !GUARD(b, t) -> goto fenced
		   :: else
		   fi;
#ifndef MARK_FIRST
		   if
		   :: published
		   :: !published && TMP(b, t) == NONE -> goto give_back
		   :: !published && TMP(b, t) != NONE ->
			d_step {
				shard[b] = TMP(b, t);
				TMP(b, t) = NONE;
				published = 1;
				check()
			}
		   fi;
#endif
		   if
		   :: atomic { commit(b, t, next, nexttoken); lock = NONE };
		   :: atomic { /* it failed, or says so */
			errors > 0 ->
			errors--;
			if
			:: commit(b, t, next, nexttoken)
			:: next = BATCHES
			fi;
			lock = NONE
		      };
		      /* Reopened, the row is read: */
		      atomic {
			lock == NONE;
			if
			:: state[b] == done && token[b] == t
			:: state[b] == running && token[b] == t -> goto try
			:: else -> living[t] = 0; goto over
			fi
		      }
		   fi;
#ifdef MARK_FIRST
		   d_step {
			if
			:: TMP(b, t) != NONE ->
				shard[b] = TMP(b, t);
				TMP(b, t) = NONE
			:: else
			fi;
			check()
		   };
#endif
		   if
		   :: next < BATCHES ->
			d_step { b = next; t = nexttoken; next = 0;
				 nexttoken = 0 };
			goto make
		   :: else -> goto over
		   fi;
		fenced: /* ROLLBACK, and its own file away */
		   skip;
		   d_step { lock = NONE; living[t] = 0 };
		   d_step { TMP(b, t) = NONE };
		   goto over;
		give_back:
		   atomic {
			if
			:: GUARD(b, t) -> state[b] = pending
			:: else
			fi;
			living[t] = 0;
			lock = NONE
		   };
		over: /* Spin jumps to no d_step */
		   skip;
		   d_step { b = 0; t = 0; next = 0; nexttoken = 0;
			    published = 0 }
		od
	} unless {
		d_step {
			killed[me] ->
			killed[me] = 0;
			if
			:: lock == 1 + me -> lock = NONE
			:: else
			fi;
			living[t] = 0;
			living[nexttoken] = 0;
			b = 0; t = 0; next = 0; nexttoken = 0; published = 0
		}
	};
	goto end_again
}

/* Any worker may be taken for dead whose batch is running. */
inline suspect(n)
{
	state[n] == running &&
	(!living[token[n]] || stalls > 0) ->
	if
	:: living[token[n]] -> stalls--; suspected[token[n]] = 1
	:: else -> suspected[token[n]] = 1
	fi;
	b = n;
	seen = token[n]
}

proctype supervisor()
{
	byte b, seen;

end_again:
	{
	end:
		do
		:: if
		   :: atomic { suspect(0) }
		   :: atomic { suspect(1) }
		   fi;
		   atomic { lock == NONE -> lock = 1 + SUPERVISOR };
		   if
#ifdef RESCUE_ANY
		   :: state[b] == running ->
#else
		   :: state[b] == running && token[b] == seen ->
#endif
			d_step { TMP(b, seen) = NONE };
			atomic {
				assert(!living[token[b]] ||
				       suspected[token[b]]);
				state[b] = pending;
				lock = NONE
			}
		   :: else -> lock = NONE
		   fi;
		   d_step { b = 0; seen = 0 }
		od
	} unless {
		d_step {
			killed[SUPERVISOR] ->
			killed[SUPERVISOR] = 0;
			if
			:: lock == 1 + SUPERVISOR -> lock = NONE
			:: else
			fi;
			b = 0; seen = 0
		}
	};
	goto end_again
}

/* One of the files in the list of shards/. */
inline select_tmp(t)
{
	if
	:: tmp[1] != NONE -> t = 1
	:: tmp[2] != NONE -> t = 2
	:: tmp[3] != NONE -> t = 3
#if TOKENS > 3
	:: tmp[4] != NONE -> t = 4
#endif
	fi
}

/* Temporary files that no running row's token names go away. */
proctype start_check()
{
	byte t, left = CHECKS;
#ifdef ROWS_FIRST
	byte seen[BATCHES];
#endif

end_again:
	{
	end:
		do
#ifdef ROWS_FIRST
		:: left > 0 ->
		   left--;
		   d_step {
			seen[0] = (state[0] == running -> token[0] : 0);
			seen[1] = (state[1] == running -> token[1] : 0)
		   };
	endlist:   select_tmp(t);
#else
		:: atomic { left > 0 -> select_tmp(t); left-- };
#endif
		   atomic { lock == NONE -> lock = 1 + CHECKER };
		   d_step {
			if
#ifdef ROWS_FIRST
			:: seen[0] == t || seen[1] == t
#else
			:: (state[0] == running && token[0] == t) ||
			   (state[1] == running && token[1] == t)
#endif
			:: else ->
				assert(!(state[0] == running &&
					 token[0] == t && living[t]));
				assert(!(state[1] == running &&
					 token[1] == t && living[t]));
				tmp[t] = NONE
			fi;
			lock = NONE;
			t = 0
		   }
		od
	} unless {
		d_step {
			killed[CHECKER] ->
			killed[CHECKER] = 0;
			if
			:: lock == 1 + CHECKER -> lock = NONE
			:: else
			fi;
			t = 0
		}
	};
	goto end_again
}

proctype finalizer()
{
	byte seen[BATCHES], part[BATCHES];
	byte b, left = FINALIZES;

end_again:
	{
	end:
		do
		:: atomic {
			left > 0 && ALL_DONE && !COMPLETE ->
			left--;
			seen[0] = token[0];
			seen[1] = token[1]
		   };
		   b = 0;
		   do
		   :: b < BATCHES && shard[b] == WHOLE(seen[b]) ->
			d_step { part[b] = seen[b]; b++ }
		   :: b < BATCHES && shard[b] != WHOLE(seen[b]) ->
			/* Damaged, if the row still says so. */
			atomic {
				lock == NONE;
				if
				:: state[b] == done && token[b] == seen[b] ->
					assert(shard[b] != WHOLE(token[b]));
					state[b] = pending
				:: else
				fi
			};
			goto over
		   :: b == BATCHES -> break
		   od;
		   atomic { lock == NONE -> lock = 1 + FINALIZER };
#ifndef NO_RECHECK
		   if
		   :: ALL_DONE && token[0] == seen[0] && token[1] == seen[1]
		   :: else -> lock = NONE; goto over
		   fi;
#endif
#ifndef RECORD_FIRST
		   d_step {
			final[0] = part[0];
			final[1] = part[1];
			assert(ALL_DONE && final[0] == token[0] &&
			       final[1] == token[1]);
			check()
		   };
#endif
		   d_step {
			recorded[0] = seen[0];
			recorded[1] = seen[1];
			lock = NONE;
			check()
		   };
#ifdef RECORD_FIRST
		   d_step {
			final[0] = part[0];
			final[1] = part[1];
			check()
		   };
#endif
		over:
		   skip;
		   d_step { b = 0; seen[0] = 0; seen[1] = 0; part[0] = 0;
			    part[1] = 0 }
		od
	} unless {
		d_step {
			killed[FINALIZER] ->
			killed[FINALIZER] = 0;
			if
			:: lock == 1 + FINALIZER -> lock = NONE
			:: else
			fi;
			b = 0; seen[0] = 0; seen[1] = 0; part[0] = 0;
			part[1] = 0
		}
	};
	goto end_again
}

/* UPDATE batch SET state = 'pending' WHERE id = ..., when it pleases. */
proctype person()
{
end:
	do
	:: atomic {
		lock == NONE && edits > 0 && state[0] != pending ->
		edits--;
		state[0] = pending
	   }
	:: atomic {
		lock == NONE && edits > 0 && state[1] != pending ->
		edits--;
		state[1] = pending
	   }
	od
}

proctype killer()
{
	byte n;

end:
	do
	:: atomic {
		kills > 0 ->
		kills--;
		select(n : 0 .. PROCESSES - 1);
		killed[n] = 1;
		n = 0
	   }
	od
}

init
{
	atomic {
		run worker(0);
		run worker(1);
		run worker(2);
		run supervisor();
#ifndef SHARED_TMP
		run start_check(); /* it goes by the tokens in the names */
#endif
		run finalizer();
		run person();
		run killer()
	}
}
