import type { Duplex } from 'node:stream';

/** Rows that are read as somebody takes them. */
export interface RowReader {
  /** Some more rows; none when there are no more. */
  next(): readonly unknown[] | Promise<readonly unknown[]>;
  /** Ends the reading, whether or not there are more. May be called again. */
  close(): void | Promise<void>;
}

/**
 * Hands rows over to a stream, as fast as they are taken from it. An error ends the stream as Knex has it: an `error`, and
 * then no more rows.
 *
 * Resolves when the last row has been taken, or when the stream was left before.
 *
 * @throws the error of the reader, and that with which the stream was destroyed.
 */
export async function streamRows(open: () => RowReader | Promise<RowReader>, stream: Duplex): Promise<void> {
  if (stream.destroyed) return;
  const taken = new Promise<void>((resolve, reject) => {
    stream.once('end', resolve);
    stream.once('close', resolve);
    stream.once('error', reject);
  });
  taken.catch(() => {});
  let reader: RowReader | undefined;
  try {
    reader = await open();
    for (let rows = await reader.next(); rows.length > 0 && !stream.destroyed; rows = await reader.next()) {
      await handOver(rows, stream);
    }
  } catch (error) {
    if (!stream.destroyed) stream.emit('error', error);
  } finally {
    await reader?.close();
    if (!stream.destroyed) stream.end();
  }
  await taken;
}

/** Rows that are all there. */
export function readerOf(rows: readonly unknown[]): RowReader {
  let rest = rows;
  return {
    next: () => {
      const given = rest;
      rest = [];
      return given;
    },
    close: () => {},
  };
}

async function handOver(rows: readonly unknown[], stream: Duplex): Promise<void> {
  for (const row of rows) {
    if (stream.destroyed) return;
    if (!stream.write(row)) await roomIn(stream);
  }
}

/** Resolves when a stream takes more, or will never take any. */
async function roomIn(stream: Duplex): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.once('drain', done);
    stream.once('close', done);
  });
}
