import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import { compareDatabases } from '../compare/compare.ts';
import type { SchemaConfig } from '../migrations/schema-config.ts';
import { checkDifferences, defaultDifferences, viewDifferences } from './helpers/faithfulness.ts';
import { brief, translated } from './helpers/translated-pair.ts';

const FOLDER = join(import.meta.dirname, '../../test/examples/schemas');

/** What is rejected with good reason, and the configuration that deals with it. */
const CONFIGS: Readonly<Record<string, { readonly config: SchemaConfig; readonly rejected: readonly string[] }>> = {
  'media-shelf': {
    config: { omit: ['table:items_fts', 'trigger:items_ai', 'view:not_played'] },
    rejected: ['distinct-collation not_played', 'trigger-virtual-table items items_ai', 'virtual-table items_fts'],
  },
  'prisma-chat': {
    // Prisma itself writes milliseconds into columns whose default writes text.
    config: {
      columns: {
        '_prisma_migrations.started_at': { type: 'timestamptz', form: 'epoch-ms mixed' },
        'User.createdAt': { type: 'timestamptz', form: 'epoch-ms mixed' },
      },
      omit: ['default:Message.sentAt', 'default:Reaction.at'],
    },
    rejected: [
      'text-in-number Message sentAt',
      'text-in-number Reaction at',
      'text-in-number User createdAt',
      'text-in-number _prisma_migrations started_at',
    ],
  },
  'knex-shop': {
    config: {
      columns: {
        'users.updated_at': { type: 'timestamptz', form: 'epoch-ms mixed' },
        'sessions.expired': { type: 'timestamptz', form: 'epoch-ms mixed' },
      },
    },
    rejected: [
      'text-in-number sessions expired',
      'text-in-number users updated_at',
      'text-in-number users updated_at',
      'text-in-number users users_updated',
    ],
  },
};

const NOTHING = { config: {}, rejected: [] };

// The station's is a schema to be rejected: see schema-rejections.test.ts.
for (const file of readdirSync(FOLDER)
  .filter((one) => one !== 'field-station.sql')
  .sort()) {
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
