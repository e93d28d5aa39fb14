import { mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { CrossfadeError } from '../../adapter/errors.ts';
import { bytesText } from '../commands/quantity.ts';

/** The same rows take so much in PostgreSQL, its log and its sort files included, in times of the SQLite file. */
const POSTGRES_TIMES = 4;
const POSTGRES_EMPTY_BYTES = 400e6;
/** What stays free for everybody else. */
const RESERVE_BYTES = 200e6;

/** A temporary folder of a rehearsal. */
export interface Workspace {
  readonly folder: string;
  remove(): void;
}

/** What a SQLite database takes on its disk, with its log. */
export function bytesOf(sqlite: string): number {
  const folder = dirname(resolve(sqlite));
  return readdirSync(folder)
    .filter((name) => [basename(sqlite), `${basename(sqlite)}-wal`].includes(name))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/**
 * Makes a temporary folder where there is room for a copy of a SQLite file, and for a PostgreSQL with its rows: in
 * `within` if that is given, else in the system's folder for such things, else beside the file.
 *
 * @throws CrossfadeError `DISK_TOO_SMALL` when there is not enough room in any of them; `CONFIG_INVALID`.
 */
export function makeWorkspace(options: {
  readonly sqlite: string;
  readonly within: string | undefined;
  /** Whether PostgreSQL keeps its data there too. */
  readonly holdsPostgres: boolean;
}): Workspace {
  const { sqlite, within, holdsPostgres } = options;
  const bytes = bytesOf(sqlite);
  const needed = bytes * 1.2 + RESERVE_BYTES + (holdsPostgres ? bytes * POSTGRES_TIMES + POSTGRES_EMPTY_BYTES : 0);
  const places = within === undefined ? [tmpdir(), dirname(resolve(sqlite))] : [within];
  const found = places.map((place) => ({ place, free: freeBytes(place) }));
  const roomy = found.find(({ free }) => free >= needed);
  if (roomy === undefined) {
    const listed = found.map(({ place, free }) => `${bytesText(free)} in ${place}`).join(', ');
    throw new CrossfadeError(
      'DISK_TOO_SMALL',
      `a rehearsal of this file needs about ${bytesText(needed)}; there are ${listed}`,
      { hint: 'name a folder on a larger disk with --work-folder, or a server with --postgres' },
    );
  }
  const folder = mkdtempSync(join(roomy.place, 'crossfade-rehearsal-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch (error) {
    throw new CrossfadeError('CONFIG_INVALID', `there is no folder "${folder}"`, {
      hint: 'name one that exists',
      cause: error,
    });
  }
}
