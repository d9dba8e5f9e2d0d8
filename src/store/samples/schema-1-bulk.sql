PRAGMA application_id = 1347502658;
PRAGMA user_version = 1;
BEGIN;
CREATE TABLE bulk(id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, state INTEGER NOT NULL,
  size INTEGER NOT NULL);
INSERT INTO "bulk" VALUES(1,4,2,72000);
CREATE TABLE chunk(bulk INTEGER NOT NULL, start INTEGER NOT NULL, sum INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY(bulk, start)) WITHOUT ROWID;
INSERT INTO "chunk" VALUES(1,0,2461042592,CAST(replace(hex(zeroblob(1000)), '00', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' || char(13, 10)) AS BLOB));
CREATE TABLE probe(id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE INDEX bulk_staged ON bulk(id) WHERE state = 1;
CREATE INDEX bulk_dropped ON bulk(id) WHERE state = 3;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('bulk',1);
COMMIT;
