#include <stdio.h>

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
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret = s ? sm_sql_step(db, s, "read the schema", err) : err->code;

	if (ret < 0)
		return ret;
	*value = ret > 0 ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return 0;
}

int
sm_schema_is_empty(struct sm_db *db, struct sm_err *err)
{
	int64_t objects;
	int ret = schema_pragma(db, "SELECT count(*) FROM sqlite_schema",
				&objects, err);

	return ret < 0 ? ret : objects == 0;
}

static int
schema_refuse_triggers(struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT name, tbl_name FROM sqlite_schema WHERE type = "
		"'trigger' AND lower(tbl_name) IN ('job', 'input', 'batch', "
		"'attempt', 'worker') LIMIT 1";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret = s ? sm_sql_step(db, s, "read the schema", err) : err->code;

	if (ret <= 0)
		return ret;
	sm_err_set(err, SM_EREFUSED,
		   "'%s' has the trigger '%s' on the table '%s', which could "
		   "change what shardmill writes; drop it first",
		   db->path, (const char *)sqlite3_column_text(s, 0),
		   (const char *)sqlite3_column_text(s, 1));
	sqlite3_reset(s);
	return SM_EREFUSED;
}

int
sm_schema_check(struct sm_db *db, struct sm_err *err)
{
	int64_t id;
	int ret;

	db->version = SCHEMA_VERSION; /* of one that is made here */
	ret = sm_schema_is_empty(db, err);
	if (ret > 0 && db->opts.mode != SM_DB_CREATE)
		return sm_err_set(err, SM_EDAMAGED,
				  "'%s' is empty; if planning was cut short, "
				  "give the same command again; if there are "
				  "shards, 'shardmill recover' rebuilds it "
				  "from them",
				  db->path);
	if (ret != 0)
		return ret < 0 ? ret : 0;
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
	int ret = sm_schema_is_empty(db, err);

	if (ret <= 0)
		return ret;
	ret = sm_db_begin_write(db, err);
	if (ret < 0)
		return ret;
	ret = sm_schema_is_empty(db, err); /* somebody may have been faster */
	if (ret > 0)
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
	{ "job", "single_member",
	  "ALTER TABLE job ADD COLUMN single_member INTEGER NOT NULL "
	  "DEFAULT 0 CHECK (single_member IN (0, 1))" },
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
};

static int
schema_has(struct sm_db *db, const struct schema_column *c, struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(
		db, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?", err);
	int ret;

	if (!s)
		return err->code;
	sm_sql_bind_text(s, 1, c->table);
	sm_sql_bind_text(s, 2, c->name);
	ret = sm_sql_step(db, s, "read the schema", err);
	sqlite3_reset(s);
	return ret;
}

static int
schema_add_columns(struct sm_db *db, struct sm_err *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(schema_added) / sizeof(*schema_added); i++) {
		ret = schema_has(db, &schema_added[i], err);
		if (ret == 0)
			ret = sm_sql_exec(db, schema_added[i].add,
					  "add a column", err);
		if (ret < 0)
			return ret;
	}
	return 0;
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
	int ret;

	if (db->version >= SCHEMA_VERSION)
		return 0;
	ret = sm_schema_is_empty(db, err);
	if (ret != 0)
		return ret < 0 ? ret : 0;
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
