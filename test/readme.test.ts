import test from 'ava';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STAGE_NAMES, STAGES } from '../adapter/index.ts';
import { stageRow } from '../adapter/stage.ts';

const root = packageFolder(dirname(fileURLToPath(import.meta.url)));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

function packageFolder(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : packageFolder(dirname(folder));
}

/** The rows of a Markdown table, cell by cell. */
function cells(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test("the README's table of stages is the one in the code", (t) => {
  const written = cells(readme.split('<!-- stages -->')[1]?.split('<!-- /stages -->')[0] ?? '').slice(2);
  const expected = STAGE_NAMES.map((name) => {
    const { writes, reads, mirrorsTo, wait } = stageRow(name);
    const resolves =
      wait === 'mirrored' ? `${mirrorsTo} has it too, or the wait limit is over` : `${writes} has committed`;
    return [`\`${name}\``, writes, reads, mirrorsTo === null ? '–' : `→ ${mirrorsTo}`, resolves];
  });
  t.deepEqual(written, expected);
  t.is(expected.length, Object.keys(STAGES).length);
});

test('every npm command that the README names exists', (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = [...readme.matchAll(/npm (?:run (?:-s )?)?([a-z:]+)/g)].map((match) => match[1] ?? '');
  t.true(named.length > 5);
  for (const name of named) t.true(name in scripts, name);
});

test('every test that a guarantee names exists', (t) => {
  const guarantees = readFileSync(join(root, 'adapter/README.md'), 'utf8');
  const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.test.ts'),
  );
  const bodies = tests.map((name) => readFileSync(join(root, 'test', name), 'utf8')).join('\n');
  const files = [...guarantees.matchAll(/`([a-z-]+\.test\.ts)`/g)].map((match) => match[1] ?? '');
  t.true(files.length > 8);
  for (const file of files) t.true(tests.includes(file), file);
  const table = guarantees.split('## Why it converges')[0] ?? '';
  const titles = cells(table).flatMap((row) =>
    [...(row[2] ?? '').matchAll(/_([^_]+)_/g)].map((match) => match[1] ?? ''),
  );
  t.true(titles.length > 5);
  for (const title of titles) {
    // What stands for a part of the title that varies, or was too long.
    const pieces = title.replace(/^.*?: /, '').split('…');
    for (const piece of pieces) t.true(bodies.includes(piece.trim()), title);
  }
});
