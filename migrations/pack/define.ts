import type { PackFunction } from './pack-function.ts';

/** The schema that the pack is installed in. */
export const PACK_SCHEMA = 'crossfade_sqlite';

export interface DefineOptions {
  /** @default 'immutable' */
  readonly volatility?: PackFunction['volatility'];
  /** Whether NULL among the arguments gives NULL without a call. @default true */
  readonly isStrict?: boolean;
  /** SQL bodies are one expression, which PostgreSQL inlines where it may. @default 'sql' */
  readonly language?: 'sql' | 'plpgsql' | 'query';
}

/**
 * `CREATE OR REPLACE FUNCTION` in the schema of the pack.
 *
 * `signature` is `name(arguments) RETURNS type`. In it and in the body `value` is the pack's type, `pack.` is the schema of
 * the pack and `pg.` is pg_catalog: everything is qualified, since the pack hides PostgreSQL's own functions where it
 * comes first on the search path, and a `SET search_path` would keep PostgreSQL from inlining.
 *
 * Functions whose names begin with `_` are the pack's own affair.
 */
export function define(signature: string, body: string, options: DefineOptions = {}): string {
  const { volatility = 'immutable', isStrict = true, language = 'sql' } = options;
  const open = signature.indexOf('(');
  const head = `${PACK_SCHEMA}."${signature.slice(0, open)}"${qualified(signature.slice(open))}`;
  const text = qualified(language === 'sql' ? `SELECT ${body}` : body);
  return [
    `CREATE OR REPLACE FUNCTION ${head}`,
    `LANGUAGE ${language === 'plpgsql' ? 'plpgsql' : 'sql'} ${volatility.toUpperCase()}${isStrict ? ' STRICT' : ''} PARALLEL SAFE`,
    `AS $pack$\n${text.trim()}\n$pack$;\n`,
  ].join('\n');
}

/** SQL of the pack with its schemas written out. */
export function qualified(sql: string): string {
  return sql
    .replaceAll(/(?<![\w".])pg\./g, 'pg_catalog.')
    .replaceAll(/(?<![\w".])pack\./g, `${PACK_SCHEMA}.`)
    .replaceAll(/(?<![\w".'])value(\[\])?(?=[\s,;)]|$)/g, `${PACK_SCHEMA}.value$1`);
}
