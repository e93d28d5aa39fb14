import { Mistake } from './mistake.ts';

type Command = (args: readonly string[]) => Promise<void>;

/** What is measured, by the first word of the call. Without one it is `writes`. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  writes: async () => (await import('./commands/writes.ts')).writes,
  backfill: async () => (await import('./commands/backfill.ts')).backfill,
  compare: async () => (await import('./commands/compare.ts')).compare,
  beside: async () => (await import('./commands/beside.ts')).beside,
  router: async () => (await import('./commands/router.ts')).router,
  stores: async () => (await import('./commands/stores.ts')).stores,
};

const words = process.argv.slice(2);
const name = words[0]?.startsWith('-') === false ? words[0] : 'writes';

try {
  const load = COMMANDS[name];
  if (load === undefined) {
    throw new Mistake(`there is nothing to measure called "${name}"; there is ${Object.keys(COMMANDS).join(', ')}`);
  }
  const command = await load();
  await command(words[0] === name ? words.slice(1) : words);
} catch (error) {
  if (!isMistake(error)) throw error;
  const command = name === 'writes' || !(name in COMMANDS) ? '' : `${name} `;
  process.stderr.write(`error: ${error.message}\nhint: see npm run bench -- ${command}--help\n`);
  process.exitCode = 2;
}

/** Also what Node's own reader of options says of a call. */
function isMistake(error: unknown): error is Error {
  return (
    error instanceof Mistake ||
    (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
  );
}
