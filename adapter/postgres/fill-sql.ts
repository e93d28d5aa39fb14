/**
 * What is remembered of a backfill beside its cursors. `indexes_aside` holds each index from the transaction that drops
 * it to the one that makes it again. `keeps` names the tables whose indexes are not set aside (again).
 */
export const FILL_SQL = `
  CREATE TABLE IF NOT EXISTS crossfade.fill (
    id integer PRIMARY KEY CHECK (id = 1),
    phase text NOT NULL DEFAULT 'copying',
    paused boolean NOT NULL DEFAULT false,
    rows_per_second double precision,
    bytes_per_second double precision,
    sizes jsonb NOT NULL DEFAULT '{}',
    keeps jsonb NOT NULL DEFAULT '[]',
    foreign_keys jsonb NOT NULL DEFAULT '[]',
    notes jsonb NOT NULL DEFAULT '[]',
    report jsonb,
    reported timestamptz
  );
  CREATE TABLE IF NOT EXISTS crossfade.indexes_aside (
    tbl text NOT NULL, name text NOT NULL, definition text NOT NULL, PRIMARY KEY (tbl, name)
  );
  INSERT INTO crossfade.fill (id) VALUES (1) ON CONFLICT DO NOTHING;`;

/** A backfill that begins anew knows nothing of the one before, but how it is to be run. */
export const FILL_ANEW_SQL = `
  UPDATE crossfade.fill SET phase = 'copying', paused = false, sizes = '{}', keeps = '[]', foreign_keys = '[]', notes = '[]', report = NULL`;
