import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** Where Linux keeps a file system in memory, if it has one. */
const IN_MEMORY = '/dev/shm';
/** Several times what a whole run keeps at once. Containers often have 64 MB there. */
const ROOM_BYTES = 4 * 2 ** 30;
/** Of memory that nobody uses: files there take it away. */
const FREE_MEMORY_BYTES = 8 * 2 ** 30;

/**
 * The folder that temporary folders of tests are made in: TMPDIR where that is set, else one in memory if there is much
 * of that, else the system's. Most of what a database costs a test is files that are made, and gone a second later.
 */
export function fastFolder(): string {
  const isChosen = process.env['TMPDIR'] !== undefined && process.env['TMPDIR'] !== '';
  return !isChosen && isRoomInMemory() ? IN_MEMORY : tmpdir();
}

function isRoomInMemory(): boolean {
  if (process.platform !== 'linux' || process.availableMemory() < FREE_MEMORY_BYTES) return false;
  try {
    accessSync(IN_MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize >= ROOM_BYTES && isPlainTmpfs();
  } catch {
    return false;
  }
}

/** Nothing else is mounted there, and what lies there may be run: PostgreSQL's programs are copied at times. */
function isPlainTmpfs(): boolean {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const [, , type, options = ''] = mounts.findLast((line) => line.split(' ')[1] === IN_MEMORY)?.split(' ') ?? [];
  return type === 'tmpfs' && !options.split(',').includes('noexec');
}
