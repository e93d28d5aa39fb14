import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import { compareDatabases } from '../compare/compare.ts';
import type { SchemaConfig } from '../migrations/schema-config.ts';
import { checkDifferences, defaultDifferences, viewDifferences } from './helpers/faithfulness.ts';
import { brief, translated } from './helpers/translated-pair.ts';

const FOLDER = join(import.meta.dirname, '../../test/examples/schemas');

/** What is rejected with good reason, and the configuration that deals with it. */
const CONFIGS: Readonly<Record<string, { readonly config: SchemaConfig; readonly rejected: readonly string[] }>> = {};

const NOTHING = { config: {}, rejected: [] };

for (const file of readdirSync(FOLDER).sort()) {
  const name = basename(file, '.sql');
  const { config, rejected } = CONFIGS[name] ?? NOTHING;
  // One after the other: each has many statements for a server that they share.
  test.serial(`${name} is the same in PostgreSQL: rows, views, defaults and CHECKs`, async (t) => {
    const sql = readFileSync(join(FOLDER, file), 'utf8');
    if (rejected.length > 0) {
      const plain = await translated(t, sql);
      t.deepEqual(brief(plain.findings, 'rejection'), rejected);
    }
    const pair = await translated(t, sql, config);
    t.deepEqual(brief(pair.findings, 'rejection'), []);
    t.deepEqual(await pair.apply(), []);
    const crossfade = await pair.open();
    await crossfade.backfill();
    const report = await compareDatabases(crossfade);
    t.is(report.outcome, 'match', report.reasons.join('; '));
    t.true(report.totals.rowsCompared > 30);
    t.deepEqual(await viewDifferences(pair), []);
    t.deepEqual(await defaultDifferences(pair), []);
    t.deepEqual(await checkDifferences(pair), []);
  });
}
