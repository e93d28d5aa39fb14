import test from 'ava';
import { classifySql } from '../adapter/router/classify.ts';
import type { QueryKind } from '../adapter/router/classify.ts';

const KINDS: Readonly<Record<QueryKind, readonly string[]>> = {
  read: [
    'select 1',
    '-- why\n /* not */ (select 1)',
    'values (1), (2)',
    'with a as (select 1) select * from a',
    `select * from t where name = 'x'`,
  ],
  inspect: [
    'PRAGMA table_info(people)',
    'pragma main.table_xinfo("people")',
    `PRAGMA index_list = 'people'`,
    'pragma foreign_keys',
    '/* how */ pragma user_version;',
    'pragma integrity_check(10)',
    'explain query plan select * from people',
    'explain select 1',
    'select name from sqlite_master',
    `with t as (select * from pragma_table_info('people')) select * from t`,
  ],
  write: [
    'pragma foreign_keys = ON',
    'PRAGMA foreign_keys(ON)',
    'pragma user_version = 3',
    'pragma wal_checkpoint',
    'pragma wal_checkpoint(TRUNCATE)',
    'pragma optimize',
    'insert into t values (1)',
    'with a as (select 1) delete from t',
    'select * from t for update',
    'explain analyze delete from t',
    'vacuum',
    '',
  ],
  schema: ['create table t (id int)', 'alter table t add column x int', '/* a */ drop index i'],
};

for (const [kind, statements] of Object.entries(KINDS)) {
  test(`what is ${kind}`, (t) => {
    for (const sql of statements) t.is(classifySql(sql), kind as QueryKind, sql);
  });
}
