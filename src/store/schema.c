/*
 * schema.c - tables and views are made and checked
 *
 * What is opened must be a database of this program's, of a version that it
 * knows, without triggers that would change what it writes.
 */
#include <stdlib.h>

#include "sql.h"

/* Embedded from schema/ by the build. */
extern const unsigned char sm_schema_tables[];
extern const unsigned char sm_schema_views[];

#define SCHEMA_APPLICATION_ID 0x534d696c
#define SCHEMA_VERSION        4
#define SCHEMA_TABLES         5

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
		"'attempt', 'worker', 'run', 'pause') LIMIT 1",
		SQL(OUT(&name), OUT(&table)), err);

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
	if (version < SCHEMA_VERSION)
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
