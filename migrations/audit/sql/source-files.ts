import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { CrossfadeError, messageOf } from '../../../adapter/errors.ts';

/** A file of source code. */
export interface SourceFile {
  /** As given, with the path below it. */
  readonly path: string;
  readonly text: string;
  readonly isTypeScript: boolean;
  readonly isJsx: boolean;
  /** Why its text could not be read; null if it could. */
  readonly problem: string | null;
}

const EXTENSIONS = new Set(['.js', '.mjs', '.cjs', '.jsx', '.ts', '.mts', '.cts', '.tsx']);
/** Folders that hold other people's code, or what a build made of one's own. */
const SKIPPED = new Set(['node_modules', 'dist', 'build', 'out', 'coverage']);
/** A larger file is a bundle. */
const LARGEST_BYTES = 2 * 1024 * 1024;

/**
 * The JavaScript and TypeScript files of a folder and all below it, in the order of their names, or one file. Hidden
 * folders, dependencies and builds are left out, unless they are what is named.
 *
 * @throws CrossfadeError `CONFIG_INVALID` when there is nothing of that name.
 */
export function* sourceFiles(path: string): Generator<SourceFile> {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    throw new CrossfadeError('CONFIG_INVALID', `the source code "${path}" cannot be read: ${messageOf(error)}`, {
      hint: 'give a folder or a file with --src',
      cause: error,
    });
  }
  yield* isFolder ? filesIn(path) : [readFile(path)];
}

function* filesIn(folder: string): Generator<SourceFile> {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    yield unreadable(folder, error);
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) continue;
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.isFile() && isSource(path)) yield readFile(path);
  }
}

function isSource(path: string): boolean {
  return EXTENSIONS.has(extname(path)) && !path.endsWith('.d.ts') && statSync(path).size <= LARGEST_BYTES;
}

function readFile(path: string): SourceFile {
  const extension = extname(path);
  const isTypeScript = /ts/.test(extension);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return unreadable(path, error);
  }
  // In .ts a `<T>` before an expression is a cast, which JSX cannot tell from an element.
  return { path: named(path), text, isTypeScript, isJsx: !isTypeScript || extension === '.tsx', problem: null };
}

/** What cannot be read hides nothing of the rest. */
function unreadable(path: string, error: unknown): SourceFile {
  return { path: named(path), text: '', isTypeScript: false, isJsx: false, problem: messageOf(error) };
}

/** Reports name files in the same way on all systems. */
function named(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}
