/*
 * schema.c - tables and views are made, checked and brought up to date
 *
 * What is opened must be a database of this program's, of a version that it
 * knows, without triggers that would change what it writes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sql.h"

/* Embedded from schema/ by the build. */
extern const unsigned char sm_schema_tables[];
extern const unsigned char sm_schema_views[];

#define SCHEMA_APPLICATION_ID 0x534d696c
#define SCHEMA_VERSION        2

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

static int
schema_refuse_triggers(struct sm_db *db, struct sm_err *err)
{
	char *name, *table;
	bool found;
	int ret = sm_sql_one(
		&found, db, "read the schema",
		"SELECT name, tbl_name FROM sqlite_schema WHERE type = "
		"'trigger' AND lower(tbl_name) IN ('job', 'input', 'batch', "
		"'attempt', 'worker') LIMIT 1",
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

int
sm_schema_check(struct sm_db *db, struct sm_err *err)
{
	int64_t id;
	bool empty;
	int ret;

	db->version = SCHEMA_VERSION; /* of one that is made here */
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
		return sm_err_set(err, SM_EREFUSED,
				  "'%s' is another application's database "
				  "(application_id %lld); name a job directory",
				  db->path, (long long)id);
	ret = schema_pragma(db, "PRAGMA user_version", &db->version, err);
	if (ret < 0)
		return ret;
	if (db->version > SCHEMA_VERSION)
		return sm_err_set(err, SM_EREFUSED,
				  "'%s' was made by a newer shardmill (schema "
				  "%lld, this one knows %d); use that one",
				  db->path, (long long)db->version,
				  SCHEMA_VERSION);
	return schema_refuse_triggers(db, err);
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

/*
 * What later versions added, as it stands in tables.sql.  Columns alone: a
 * table or an index would be one more CREATE in this list, IF NOT EXISTS.
 */
static const struct schema_column {
	const char *table, *name, *add;
} schema_added[] = {
	{ "job", "consume",
	  "ALTER TABLE job ADD COLUMN consume INTEGER NOT NULL "
	  "DEFAULT 0 CHECK (consume IN (0, 1))" },
	{ "job", "generation",
	  "ALTER TABLE job ADD COLUMN generation INTEGER NOT NULL "
	  "DEFAULT 0" },
	{ "job", "part", "ALTER TABLE job ADD COLUMN part INTEGER" },
	{ "job", "parts", "ALTER TABLE job ADD COLUMN parts INTEGER" },
	{ "job", "first_batch",
	  "ALTER TABLE job ADD COLUMN first_batch INTEGER NOT NULL "
	  "DEFAULT 0" },
	{ "job", "whole_batches",
	  "ALTER TABLE job ADD COLUMN whole_batches INTEGER" },
	{ "batch", "joined", "ALTER TABLE batch ADD COLUMN joined INTEGER" },
	{ "batch", "joined_at",
	  "ALTER TABLE batch ADD COLUMN joined_at INTEGER" },
	{ "batch", "entries",
	  "ALTER TABLE batch ADD COLUMN entries INTEGER CHECK (entries >= 0)" },
	{ "batch", "low_score",
	  "ALTER TABLE batch ADD COLUMN low_score INTEGER CHECK (low_score >= 0)" },
	{ "batch", "too_few",
	  "ALTER TABLE batch ADD COLUMN too_few INTEGER CHECK (too_few >= 0)" },
	{ "batch", "of_too_few",
	  "ALTER TABLE batch ADD COLUMN of_too_few INTEGER CHECK (of_too_few >= 0)" },
	{ "batch", "padding",
	  "ALTER TABLE batch ADD COLUMN padding INTEGER CHECK (padding >= 0)" },
	{ "batch", "nan",
	  "ALTER TABLE batch ADD COLUMN nan INTEGER CHECK (nan >= 0)" },
	{ "batch", "over_maximum",
	  "ALTER TABLE batch ADD COLUMN over_maximum INTEGER CHECK (over_maximum >= 0)" },
};

static int
schema_add_columns(struct sm_db *db, struct sm_err *err)
{
	const struct schema_column *c = schema_added;
	const struct schema_column *end =
		c + sizeof(schema_added) / sizeof(*schema_added);
	bool has;
	int ret = 0;

	for (; c < end && ret == 0; c++) {
		ret = sm_sql_one(&has, db, "read the schema",
				 "SELECT 1 FROM pragma_table_info(?) "
				 "WHERE name = ?",
				 SQL(IN(c->table), IN(c->name)), err);
		if (ret == 0 && !has)
			ret = sm_sql_exec(db, c->add, "add a column", err);
	}
	return ret;
}

/* One transaction: columns, views, version. */
static int
schema_upgrade_in(struct sm_db *db, struct sm_err *err)
{
	char text[64];
	int ret = schema_pragma(db, "PRAGMA user_version", &db->version, err);

	/* Somebody may have been faster. */
	if (ret < 0 || db->version >= SCHEMA_VERSION)
		return ret;
	ret = schema_add_columns(db, err);
	if (ret == 0)
		ret = sm_sql_exec(db, (const char *)sm_schema_views,
				  "renew the views", err);
	snprintf(text, sizeof(text), "PRAGMA user_version = %d",
		 SCHEMA_VERSION);
	if (ret == 0)
		ret = sm_sql_exec(db, text, "set the schema's version", err);
	return ret;
}

int
sm_schema_upgrade(struct sm_db *db, struct sm_err *err)
{
	bool empty;
	int ret;

	if (db->version >= SCHEMA_VERSION)
		return 0;
	ret = sm_schema_is_empty(&empty, db, err);
	if (ret < 0 || empty)
		return ret;
	ret = sm_db_begin_write(db, err);
	if (ret < 0)
		return ret;
	ret = schema_upgrade_in(db, err);
	if (ret == 0)
		ret = sm_db_commit(db, err);
	else
		sm_db_rollback(db);
	if (ret == 0)
		db->version = SCHEMA_VERSION;
	return ret;
}
