import test from 'ava';
import { openConnection, writeTransaction } from '../adapter/sqlite/connection.ts';
import { sqliteFile } from './helpers/sqlite.ts';

test('Transactions asked for at the same time on one connection run one after the other, each as a whole', async (t) => {
  const db = openConnection(sqliteFile(t, 'CREATE TABLE counted (n INTEGER); INSERT INTO counted VALUES (0)'));
  t.teardown(() => db.close());
  const other = openConnection(db.name);
  t.teardown(() => other.close());
  const count = (): void => {
    const before = db.prepare('SELECT n FROM counted').pluck().get();
    db.prepare('UPDATE counted SET n = ? + 1').run(before);
  };
  other.exec('BEGIN IMMEDIATE');
  const waiting = Array.from({ length: 5 }, () => writeTransaction(db, count));
  await new Promise(setImmediate);
  other.exec('COMMIT');
  await Promise.all([...waiting, ...Array.from({ length: 5 }, () => writeTransaction(db, count))]);
  t.is(db.prepare('SELECT n FROM counted').pluck().get(), 10n);
});
