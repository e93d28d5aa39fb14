import type { TransactionInternals } from './knex-internals.ts';

/**
 * Has a transaction begin on PostgreSQL with what Knex takes for SQLite: `snapshot` is what PostgreSQL calls repeatable
 * read, and `readOnly` is not enforced by SQLite, so code may write all the same.
 */
export function beginsAsSqlite(transaction: TransactionInternals): TransactionInternals {
  const begin = transaction.begin.bind(transaction);
  transaction.begin = (connection) => {
    if (transaction.isolationLevel === 'snapshot') transaction.isolationLevel = 'repeatable read';
    transaction.readOnly = false;
    return begin(connection);
  };
  return transaction;
}
