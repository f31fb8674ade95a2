/*
 * deflate.h - the limits of the format (RFC 1951, 3.2.5)
 */
#ifndef SM_DEFLATE_H
#define SM_DEFLATE_H

#define SM_DEFLATE_WINDOW    32768 /* the farthest that a match looks back */
#define SM_DEFLATE_MATCH_MIN 3
#define SM_DEFLATE_MATCH_MAX 258

#endif /* SM_DEFLATE_H */
