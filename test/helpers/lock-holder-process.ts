/** A process that holds SQLite's write lock until it is told to let go; started with the file's path. */
import Database from 'better-sqlite3';

// Others may hold it for as long as they are paused.
const database = new Database(process.argv[2] ?? '', { timeout: 60_000 });
database.exec('BEGIN IMMEDIATE');
process.once('message', (holdMs: number) => {
  setTimeout(() => {
    database.exec('COMMIT');
    database.close();
    process.disconnect();
  }, holdMs);
});
process.send?.('held');
