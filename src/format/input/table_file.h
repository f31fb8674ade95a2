/*
 * table_file.h - the layout of a compiled table's file
 *
 *	 0  magic, 8 bytes
 *	 8  version, 4 bytes
 *	12  1 if sparse, else 0, 4 bytes
 *	16  slots, 24 entries (slots with a text), 8 bytes each
 *	32  offset of the text, after indices and slots, 8 bytes
 *	40  size of the file, 8 bytes
 *	48  0, 8 bytes
 *	56  CRC-32 of all bytes after the header, 4 bytes
 *	60  CRC-32 of the header's bytes before this one, 4 bytes
 *
 * The places of long texts count from the offset of the text, so that a slot
 * can be written before that offset is known.
 */
#ifndef SM_TABLE_FILE_H
#define SM_TABLE_FILE_H

#define SM_TABLE_MAGIC       "SMTABLE\n"
#define SM_TABLE_MAGIC_SIZE  8
#define SM_TABLE_VERSION     1
#define SM_TABLE_HEADER_SIZE 64

#define SM_TABLE_NEAR_MAX 15  /* bytes of text within a slot */
#define SM_TABLE_FAR      255 /* in place of a length: the text is elsewhere */

/*
 * Dense if there are at most this many slots to an entry; small tables are
 * dense whatever is missing in them.
 */
#define SM_TABLE_SLOTS_PER_ENTRY 16
#define SM_TABLE_SMALL           65536

#endif /* SM_TABLE_FILE_H */
