import { jsNumber } from './result-types.ts';

/**
 * A value of the function pack's type, which tells of each value what SQLite would: PostgreSQL writes it as
 * `(kind,integer,real,text,bytea)`, with quotes where they are needed.
 */
export function packValue(text: string): unknown {
  const [kind, integer, real, words, bytes] = fieldsOf(text);
  switch (kind) {
    case '1':
      return jsNumber(BigInt(integer ?? 0));
    case '2':
      return Number(real) + 0;
    case '4':
      return Buffer.from((bytes ?? '').slice(2), 'hex');
    case '3':
    case '5':
      return words ?? '';
    default:
      return null;
  }
}

/** The fields of a composite's text; one that is NULL has nothing at all. */
function fieldsOf(text: string): readonly (string | undefined)[] {
  return [...text.slice(1, -1).matchAll(FIELD)].map(([, quoted, plain]) =>
    quoted === undefined
      ? plain || undefined
      : quoted.replace(/""|\\(.)/g, (pair, escaped: string) => escaped ?? pair[0]),
  );
}

/** One field, in quotes or not, with the comma before it. */
const FIELD = /(?:^|,)(?:"((?:[^"\\]|""|\\.)*)"|([^",]*))/gs;
