import { existsSync, readFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CrossfadeError, messageOf } from '../adapter/errors.ts';
import type { SqlFunction } from './sqlite/apply-migrations.ts';
import type { ColumnOverrides } from './types/override.ts';
import type { TypeProfile } from './types/choose-type.ts';

/**
 * What the user decides about a schema: the default export of `crossfade.config.js` (`.mjs`, `.cjs`), or `crossfade.config.json`.
 *
 * @example
 * export default {
 *   profile: 'native',
 *   columns: { 'orders.paid_at': { type: 'timestamptz', form: 'epoch-ms' }, 'orders.total': 'numeric(12,2)' },
 *   omit: ['trigger:orders_audit'],
 * };
 */
export interface SchemaConfig {
  /** `faithful`: types that keep every SQLite behaviour; `native`: PostgreSQL's own where the data allows. @default 'faithful' */
  readonly profile?: TypeProfile;
  /** The type of a column, by `table.column`. */
  readonly columns?: ColumnOverrides;
  /** What to leave out, in the words of the report: `trigger:orders_audit`, `view:totals`. */
  readonly omit?: readonly string[];
  /** Functions that the SQL migrations call, by name. Only in a config file of JavaScript. */
  readonly functions?: Readonly<Record<string, SqlFunction>>;
}

const NAMES = ['crossfade.config.js', 'crossfade.config.mjs', 'crossfade.config.cjs', 'crossfade.config.json'];
const KEYS = ['profile', 'columns', 'omit', 'functions'];

/**
 * Reads the config file.
 *
 * @param file its path; without one, the first of the usual names that exists in the working directory is read.
 * @returns an empty config if there is none.
 * @throws CrossfadeError `CONFIG_INVALID` when it cannot be read or holds something unknown.
 */
export async function readSchemaConfig(file: string | undefined): Promise<SchemaConfig> {
  const path = file ?? NAMES.find((name) => existsSync(name));
  if (path === undefined) return {};
  if (!existsSync(path)) throw invalid(path, 'it does not exist', 'check the path given with --config');
  const config = await load(path);
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw invalid(path, 'it holds no object', 'export an object: { profile, columns, omit, functions }');
  }
  const unknown = Object.keys(config).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw invalid(path, `it holds "${unknown}"`, `it may hold ${KEYS.join(', ')}`);
  const { profile, columns, omit, functions } = config as Partial<Record<string, unknown>>;
  if (profile !== undefined && profile !== 'faithful' && profile !== 'native') {
    throw invalid(path, 'profile is something else than a profile', "set it to 'faithful' or 'native'");
  }
  if (omit !== undefined && !(Array.isArray(omit) && omit.every((entry) => typeof entry === 'string'))) {
    throw invalid(path, 'omit is no list of texts', 'write what the report says, such as ["trigger:orders_audit"]');
  }
  for (const [key, value] of Object.entries({ columns, functions })) {
    if (value !== undefined && (typeof value !== 'object' || value === null)) {
      throw invalid(path, `${key} is no object`, `write ${key}: { … }`);
    }
  }
  return config;
}

async function load(path: string): Promise<unknown> {
  try {
    if (extname(path) === '.json') return JSON.parse(readFileSync(path, 'utf8'));
    const module = (await import(pathToFileURL(resolve(path)).href)) as { readonly default?: unknown };
    return module.default;
  } catch (error) {
    throw invalid(path, messageOf(error), 'mend the file, or name another one with --config', error);
  }
}

function invalid(path: string, found: string, hint: string, cause?: unknown): CrossfadeError {
  return new CrossfadeError('CONFIG_INVALID', `the config file "${path}" cannot be used: ${found}`, { hint, cause });
}
