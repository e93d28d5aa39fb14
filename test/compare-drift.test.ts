import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { schemaDrift } from '../compare/drift.ts';
import { translated } from './helpers/translated-pair.ts';

const FOLDER = join(import.meta.dirname, '../../test/examples/schemas');

for (const [name, config] of [
  ['django-clinic', {}],
  [
    'knex-shop',
    {
      columns: {
        'users.updated_at': { type: 'timestamptz', form: 'epoch-ms mixed' },
        'sessions.expired': { type: 'timestamptz', form: 'epoch-ms mixed' },
      },
    },
  ],
  ['sqlx-market', {}],
  ['typeorm-sequelize', {}],
  ['rails-board', { omit: ['view:labels'] }],
  ['drizzle-desk', { omit: ['view:tag_view'] }],
] as const) {
  test.serial(`a schema that Crossfade translated has no drift: ${name}`, async (t) => {
    const pair = await translated(t, readFileSync(join(FOLDER, `${name}.sql`), 'utf8'), config);
    t.deepEqual(await pair.apply(), []);
    const crossfade = await pair.open();
    const tables = await crossfade.install();
    t.true(tables.length >= 3);
    t.deepEqual(await schemaDrift({ tables, stores: crossfade.stores }), []);
  });
}
