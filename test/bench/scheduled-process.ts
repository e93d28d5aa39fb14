/**
 * A process that compares again and again, as a server with `schedule` does. Writes the report of the last comparison as
 * one line of JSON; those before it are for everything to be loaded and compiled.
 */
import { createCrossfade } from '../../adapter/index.ts';
import { compareDatabases } from '../../compare/compare.ts';
import type { Databases } from './databases.ts';
import { changeRows } from './sample-changes.ts';

const RUNS_BEFORE = 5;

const databases = JSON.parse(process.argv[2] ?? '') as Databases;
const crossfade = await createCrossfade({ ...databases, processName: 'bench' });
try {
  for (let run = 0; run < RUNS_BEFORE; run += 1) {
    await changeRows(databases.sqlite, crossfade);
    await compareDatabases(crossfade, { incremental: true });
  }
  await changeRows(databases.sqlite, crossfade);
  console.log(JSON.stringify(await compareDatabases(crossfade, { incremental: true })));
} finally {
  await crossfade.close();
}
