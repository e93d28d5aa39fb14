import { CrossfadeError } from '../errors.ts';

/** What the router records of the application's queries. */
export interface RecordOptions {
  /** The file, of one JSON object a line: `{"sql": "select …", "count": 3}`. Several processes may share it. */
  readonly path: string;
  /**
   * Records reads as they are, with their values, so that `crossfade replay` can run them. The file then holds what users
   * have typed. Reads in transactions are recorded without.
   * @default false
   */
  readonly bindings?: boolean;
}

/** @throws CrossfadeError `CONFIG_INVALID`. */
export function recordOptions(given: RecordOptions | undefined): RecordOptions | undefined {
  if (given === undefined) return undefined;
  const path: unknown = given.path;
  if (typeof path === 'string' && path !== '') return given;
  throw new CrossfadeError('CONFIG_INVALID', `option record.path is ${JSON.stringify(path) ?? 'undefined'}`, {
    hint: "give a file: record: { path: 'statements.jsonl' }",
  });
}
