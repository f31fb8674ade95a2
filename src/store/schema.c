/*
 * schema.c - tables, totals and views are made and checked
 *
 * What is opened must be a database of this program's, of a version that it
 * knows, without triggers that would change what it writes.  The triggers of
 * schema/totals.sql are its own, as long as they say what is said there.
 */
#include <stdlib.h>

#include "sql.h"

/* Embedded from schema/ by the build. */
extern const unsigned char sm_schema_tables[];
extern const unsigned char sm_schema_totals[];
extern const unsigned char sm_schema_views[];

#define SCHEMA_APPLICATION_ID 0x534d696c
#define SCHEMA_VERSION        5
/* Without totals, which the next run adds. */
#define SCHEMA_OLDEST   4
#define SCHEMA_TABLES   5
#define SCHEMA_TRIGGERS 7

#define TEXT_OF(x)     #x
#define SET_VERSION(x) "PRAGMA user_version = " TEXT_OF(x)

/* The text of a trigger as schema/totals.sql has it, which is ?1. */
#define TRIGGER_IS_OURS "instr(?1, sql) > 0"
#define TOTALS_TEXT     IN((const char *)sm_schema_totals)

static int
schema_pragma(struct sm_db *db, const char *text, int64_t *value,
	      struct sm_err *err)
{
	*value = 0;
	return sm_sql_one(NULL, db, "read the schema", text, SQL(OUT(value)),
			  err);
}

int
sm_schema_is_empty(bool *empty, struct sm_db *db, struct sm_err *err)
{
	int64_t objects;
	int ret = schema_pragma(db, "SELECT count(*) FROM sqlite_schema",
				&objects, err);

	*empty = ret == 0 && objects == 0;
	return ret;
}

int
sm_db_refuse_triggers(struct sm_db *db, struct sm_err *err)
{
	char *name, *table;
	bool found;
	int ret = sm_sql_one(
		&found, db, "read the schema",
		"SELECT name, tbl_name FROM sqlite_schema WHERE type = "
		"'trigger' AND lower(tbl_name) IN ('job', 'input', 'batch', "
		"'attempt', 'worker', 'run', 'pause', 'total') AND NOT "
		"(" TRIGGER_IS_OURS ") LIMIT 1",
		SQL(TOTALS_TEXT, OUT(&name), OUT(&table)), err);

	if (ret < 0 || !found)
		return ret;
	ret = sm_err_set(err, SM_EREFUSED,
			 "'%s' has the trigger '%s' on the table '%s', which "
			 "could change what shardmill writes; drop it first",
			 db->path, name, table);
	free(name);
	free(table);
	return ret;
}

/* `.dump` writes the tables and loses what the file's header has of us. */
static int
schema_refuse_id(struct sm_db *db, int64_t id, struct sm_err *err)
{
	int64_t ours = 0;
	int ret = 0;

	if (id == 0)
		ret = schema_pragma(
			db,
			"SELECT count(*) FROM sqlite_schema WHERE type = "
			"'table' AND name IN ('job', 'input', 'batch', "
			"'attempt', 'worker')",
			&ours, err);
	if (ret < 0)
		return ret;
	if (ours < SCHEMA_TABLES)
		return sm_err_set(err, SM_EREFUSED,
				  "'%s' is another application's database "
				  "(application_id %lld); name a job directory",
				  db->path, (long long)id);
	return sm_err_set(err, SM_EDAMAGED,
			  "'%s' was loaded from a dump, which loses "
			  "application_id, user_version and the log; "
			  "'shardmill recover' makes it anew from spec.json "
			  "and the shards",
			  db->path);
}

int
sm_schema_check(struct sm_db *db, struct sm_err *err)
{
	int64_t id, version;
	bool empty;
	int ret;

	ret = sm_schema_is_empty(&empty, db, err);
	if (ret < 0)
		return ret;
	if (empty && db->opts.mode != SM_DB_CREATE)
		return sm_err_set(err, SM_EDAMAGED,
				  "'%s' is empty; if planning was cut short, "
				  "give the same command again; if there are "
				  "shards, 'shardmill recover' rebuilds it "
				  "from them",
				  db->path);
	if (empty)
		return 0;
	ret = schema_pragma(db, "PRAGMA application_id", &id, err);
	if (ret < 0)
		return ret;
	if (id != SCHEMA_APPLICATION_ID)
		return schema_refuse_id(db, id, err);
	ret = schema_pragma(db, "PRAGMA user_version", &version, err);
	if (ret < 0)
		return ret;
	if (version > SCHEMA_VERSION)
		return sm_err_set(err, SM_EREFUSED,
				  "'%s' was made by a newer shardmill (schema "
				  "%lld, this one knows %d); use that one",
				  db->path, (long long)version, SCHEMA_VERSION);
	if (version < SCHEMA_OLDEST)
		return sm_err_set(err, SM_EREFUSED,
				  "'%s' was made by shardmill 0.1 (schema "
				  "%lld, this one knows %d), whose shards are "
				  "of another form; finish the job with that "
				  "version, or plan it in another directory",
				  db->path, (long long)version, SCHEMA_VERSION);
	return db->opts.triggers ? 0 : sm_db_refuse_triggers(db, err);
}

int
sm_schema_create(struct sm_db *db, struct sm_err *err)
{
	bool empty;
	int ret = sm_schema_is_empty(&empty, db, err);

	if (ret < 0 || !empty)
		return ret;
	ret = sm_db_begin_write(db, err);
	if (ret < 0)
		return ret;
	/* Somebody may have been faster. */
	ret = sm_schema_is_empty(&empty, db, err);
	if (ret == 0 && empty)
		ret = sm_sql_exec(db, (const char *)sm_schema_tables,
				  "create the tables", err);
	if (ret == 0)
		ret = sm_sql_exec(db, (const char *)sm_schema_views,
				  "create the views", err);
	if (ret == 0)
		return sm_db_commit(db, err);
	sm_db_rollback(db);
	return ret;
}

int
sm_db_make_totals(struct sm_db *db, struct sm_err *err)
{
	return sm_sql_exec(db, (const char *)sm_schema_totals,
			   "add up the batches", err);
}

/* All triggers, with our text, and the row. */
static int
totals_are_kept(bool *kept, struct sm_db *db, struct sm_err *err)
{
	int64_t triggers = 0;
	bool table;
	int ret = sm_sql_one(&table, db, "read the schema",
			     "SELECT 1 FROM sqlite_schema WHERE type = 'table' "
			     "AND name = 'total'",
			     SQL_NOTHING, err);

	if (ret == 0)
		ret = sm_sql_one(NULL, db, "read the schema",
				 "SELECT count(*) FROM sqlite_schema WHERE "
				 "type = 'trigger' AND " TRIGGER_IS_OURS,
				 SQL(TOTALS_TEXT, OUT(&triggers)), err);
	*kept = ret == 0 && table && triggers == SCHEMA_TRIGGERS;
	if (*kept)
		ret = sm_sql_one(kept, db, "read the totals",
				 "SELECT 1 FROM total", SQL_NOTHING, err);
	return ret;
}

int
sm_db_keep_totals(struct sm_db *db, bool anew, struct sm_err *err)
{
	int64_t version;
	bool kept = false;
	int ret = schema_pragma(db, "PRAGMA user_version", &version, err);

	if (ret == 0)
		ret = totals_are_kept(&kept, db, err);
	if (ret < 0 || (kept && version == SCHEMA_VERSION && !anew))
		return ret;
	/* The totals are made by a view. */
	ret = sm_sql_exec(db, (const char *)sm_schema_views, "create the views",
			  err);
	if (ret == 0)
		ret = sm_db_make_totals(db, err);
	if (ret == 0)
		ret = sm_sql_exec(db, SET_VERSION(SCHEMA_VERSION),
				  "record the version of the schema", err);
	return ret;
}

int
sm_db_check_totals(bool *right, struct sm_db *db, struct sm_err *err)
{
#define COMPARED                                                               \
	"batches, done, joined, rows, records, entries, low_score, too_few, "  \
	"of_too_few, padding, skipped, nan, over_maximum, raw_bytes, "         \
	"gz_bytes, run_rows"
	static const char text[] =
		"SELECT 1 FROM (SELECT " COMPARED
		" FROM total INTERSECT SELECT " COMPARED " FROM sums)";
#undef COMPARED
	int64_t version;
	int ret = schema_pragma(db, "PRAGMA user_version", &version, err);

	*right = true;
	if (ret == 0 && version >= SCHEMA_VERSION)
		ret = totals_are_kept(right, db, err);
	if (ret < 0 || version < SCHEMA_VERSION || !*right)
		return ret;
	return sm_sql_one(right, db, "add up the batches", text, SQL_NOTHING,
			  err);
}
