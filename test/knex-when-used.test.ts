import test from 'ava';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { sqliteFile } from './helpers/sqlite.ts';

test('knex is loaded by createCrossfade, and never for a command that runs no query', async (t) => {
  const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const options = {
    sqlite: sqliteFile(t, 'CREATE TABLE a (id INTEGER PRIMARY KEY)'),
    postgres: 'postgres://127.0.0.1:9/x',
  };
  const script = `
    import { createRequire } from 'node:module';
    import { createCrossfade, Crossfade } from ${url('../adapter/index.js')};
    import { readConfig } from ${url('../adapter/config.js')};
    const { cache } = createRequire(import.meta.url);
    const isLoaded = () => Object.keys(cache).some((file) => /[\\\\/]node_modules[\\\\/]knex[\\\\/]/.test(file));
    const options = { ...${JSON.stringify(options)}, mirror: 'off' };
    const seen = [];
    const command = await Crossfade.open(readConfig(options), { runsQueries: false });
    seen.push(isLoaded());
    await command.close();
    seen.push(isLoaded());
    const api = await createCrossfade(options);
    seen.push(isLoaded());
    await api.close();
    const late = await Crossfade.open(readConfig(options), { runsQueries: false });
    seen.push(await late.knex('a').first() === undefined);
    await late.close();
    console.log(JSON.stringify(seen));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  t.deepEqual(JSON.parse(stdout), [false, false, true, true]);
});
