import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CrossfadeError, messageOf } from '../errors.ts';

const LOCK_PAUSE_MS = 20;
const LOCK_LIMIT_MS = 5_000;
/** After this time a lock is one that a dead process left behind; nobody holds one for longer than some milliseconds. */
const STALE_LOCK_MS = 10_000;

/**
 * A file of one JSON object a line that several processes add to. Each change reads all of it, and puts a new file in its
 * place under a lock: whoever reads sees one state or the next.
 */
export class SharedLines<Entry> {
  readonly path: string;
  readonly #read: (value: unknown) => Entry | undefined;

  /** `read` makes an entry of a line's value, or `undefined` of one that is none. */
  constructor(path: string, read: (value: unknown) => Entry | undefined) {
    this.path = path;
    this.#read = read;
  }

  /** @throws CrossfadeError `CONFIG_INVALID` when the file is there and cannot be read. A file that is not there is empty. */
  async entries(): Promise<readonly Entry[]> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if (isCode(error, 'ENOENT')) return [];
      throw this.#unusable(error);
    }
    return text.split('\n').flatMap((line, index) => {
      if (line.trim() === '') return [];
      const entry = this.#read(this.#parsed(line, index));
      if (entry === undefined) throw this.#unusable(new Error(`line ${index + 1} is of another kind`));
      return [entry];
    });
  }

  /** As {@link entries}, but a file that is not there is a mistake. */
  async existing(): Promise<readonly Entry[]> {
    try {
      await stat(this.path);
    } catch (error) {
      throw new CrossfadeError('CONFIG_INVALID', `the record "${this.path}" cannot be read: ${messageOf(error)}`, {
        hint: 'give the path that the API writes its record to: option record.path, or shadow.record',
        cause: error,
      });
    }
    return await this.entries();
  }

  /** Puts what `change` makes of the entries in their place. */
  async change(change: (entries: readonly Entry[]) => readonly Entry[]): Promise<void> {
    const unlock = await this.#lock();
    try {
      const changed = change(await this.entries());
      const draft = `${this.path}.${process.pid}.new`;
      await writeFile(draft, changed.map((entry) => `${JSON.stringify(entry)}\n`).join(''), { mode: 0o600 });
      await rename(draft, this.path);
    } catch (error) {
      throw this.#unusable(error);
    } finally {
      await unlock();
    }
  }

  async #lock(): Promise<() => Promise<void>> {
    const path = `${this.path}.lock`;
    const deadline = performance.now() + LOCK_LIMIT_MS + STALE_LOCK_MS;
    while (true) {
      try {
        await (await open(path, 'wx')).close();
        return () => rm(path, { force: true });
      } catch (error) {
        if (!isCode(error, 'EEXIST') || performance.now() > deadline) throw this.#unusable(error);
        const age = await stat(path).then(
          ({ mtimeMs }) => Date.now() - mtimeMs,
          () => 0,
        );
        if (age > STALE_LOCK_MS) await rm(path, { force: true });
        else await sleep(LOCK_PAUSE_MS, undefined, { ref: false });
      }
    }
  }

  #parsed(line: string, index: number): unknown {
    try {
      return JSON.parse(line);
    } catch {
      throw this.#unusable(new Error(`line ${index + 1} is no JSON`));
    }
  }

  #unusable(error: unknown): CrossfadeError {
    if (error instanceof CrossfadeError) return error;
    return new CrossfadeError('CONFIG_INVALID', `the record "${this.path}" cannot be used: ${messageOf(error)}`, {
      hint: 'give a path in a folder that exists and may be written to; a file of another kind must be moved away first',
      cause: error,
    });
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
