import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { cleanUpAtExit } from './postgres-server.ts';
import { tempFolder } from './sqlite.ts';

/** A file system of a few megabytes that is full when they are used up, as any disk, and grows when it is told to. */
export class SmallDisk {
  /** Where it is mounted. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Mounts one for a test. `null` where that cannot be done: it takes root, and Linux. */
  static mount(t: Pick<ExecutionContext, 'teardown' | 'log'>, kilobytes: number): SmallDisk | null {
    const folder = tempFolder(t);
    // PostgreSQL's account must get there too.
    chmodSync(folder, 0o755);
    const path = join(folder, 'disk');
    mkdirSync(path);
    try {
      mount('-t', 'tmpfs', '-o', `size=${kilobytes}k,mode=755`, 'tmpfs', path);
    } catch {
      t.log('no file system can be mounted here, which takes root');
      return null;
    }
    const undoCleanup = cleanUpAtExit(() => unmount(path));
    t.teardown(() => {
      unmount(path);
      undoCleanup();
      rmSync(path, { recursive: true });
    });
    return new SmallDisk(path);
  }

  resize(kilobytes: number): void {
    mount('-o', `remount,size=${kilobytes}k`, this.path);
  }
}

function mount(...options: string[]): void {
  execFileSync('mount', options, { stdio: 'pipe' });
}

function unmount(path: string): void {
  execFileSync('umount', ['--lazy', path], { stdio: 'pipe' });
}
