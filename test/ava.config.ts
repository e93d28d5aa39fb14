import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * What takes longest comes first: begun last, one of these would keep the run waiting while the other core has nothing to
 * do. Those that wait for servers and leases take turns with those that compute.
 */
const FIRST: readonly string[] = [
  'crash',
  'cli',
  'switch-killed',
  'capture',
  'network',
  'bench',
  'outage',
  'store',
  'disk-full',
  'protocol',
  'late-mirror',
  'backfill-invariant',
  'reconcile',
  'rehearse',
  'crash-of-secondary',
  'schema-corpus',
  'hardening',
  'schema-change',
  'fenced-outage',
  'compare-parts',
  'off-the-loop',
  'compare',
  'limits',
  'audit',
  'switch',
  'restored-postgres',
  'backlog',
  'replay-ledger',
  'demo',
  'http',
  'stages',
  'model',
  'fill',
  'router',
  'mirror',
];

const { ava } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { ava: object };

/** AVA's settings for `npm test`: those of package.json, and the order of the files. */
export default { ...ava, sortTestFiles: (one: string, other: string) => place(one) - place(other) };

function place(file: string): number {
  const found = FIRST.indexOf(basename(file, '.test.js'));
  return found === -1 ? FIRST.length : found;
}
