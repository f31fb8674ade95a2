/*
 * watch_screen.h - the screen of status --watch, as it is drawn
 *
 * Each drawing goes over the one before, from the upper left corner, and fits
 * the window as it is then.  No byte that comes from the job controls the
 * terminal.
 */
#ifndef SM_WATCH_SCREEN_H
#define SM_WATCH_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include <shardmill.h>

#define WATCH_SPEEDS 240 /* looks that the line of speeds goes back */

struct watch {
	const char *job;
	struct sm_status s;
	bool colour, utf8;
	unsigned columns, rows, row;
	bool keys; /* standard input is a terminal too */
	struct termios saved;
	double speed[WATCH_SPEEDS]; /* batches per second, the latest last */
	size_t speeds;
	uint64_t done;  /* at the look before … */
	double at;      /* … which was then; 0: none */
	char said[200]; /* what the last key did … */
	double said_at; /* … and when */
};

void sm_watch_draw(struct watch *w);

#endif /* SM_WATCH_SCREEN_H */
