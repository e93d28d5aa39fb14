/** What a column of the ledger holds: a whole number is a `number`, a flag 0 or 1, JSON its text. */
export type Cell = string | number | Buffer | null;

/** A field of the API: how it is read from a request, and how it is shown in an answer. */
export interface Field {
  /** What a value must be, as the end of a sentence: `a whole number from 1 to 100`. */
  readonly expected: string;
  readonly isNullable: boolean;
  /** Must be given in POST and PUT. */
  readonly isRequired: boolean;
  /** The column's value, or `undefined` when the input is not what is expected. Not asked about `null`. */
  readonly parse: (input: unknown) => Exclude<Cell, null> | undefined;
  /** The value as the API answers it. Not asked about `null`. */
  readonly show: (cell: Exclude<Cell, null>) => unknown;
  /** The column's value when the field is left out of POST and PUT. */
  readonly byDefault: () => Cell;
}

export type Fields = Readonly<Record<string, Field>>;

interface Occurrence {
  /** May be null and may be left out. @default false */
  readonly optional?: boolean;
  /** What it is when left out. Without it, an optional field becomes null. */
  readonly byDefault?: () => Cell;
}

function makeField(
  expected: string,
  occurrence: Occurrence,
  parse: Field['parse'],
  show: Field['show'] = (cell) => cell,
): Field {
  const isNullable = occurrence.optional ?? false;
  return {
    expected: isNullable ? `${expected}, or null` : expected,
    isNullable,
    isRequired: !isNullable && occurrence.byDefault === undefined,
    parse,
    show,
    byDefault: occurrence.byDefault ?? (() => null),
  };
}

/** Text that both databases can hold: PostgreSQL has no NUL character and no half of a surrogate pair. */
function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

export function text(options: Occurrence & { max: number; min?: number; pattern?: RegExp; expected?: string }): Field {
  const { max, min = 0, pattern } = options;
  return makeField(options.expected ?? `a text of ${min} to ${max} characters`, options, (input) => {
    if (typeof input !== 'string' || input.length < min || input.length > max || !isStorable(input)) return undefined;
    return pattern === undefined || pattern.test(input) ? input : undefined;
  });
}

export function choice(choices: readonly string[], options: Occurrence = {}): Field {
  return makeField(`one of ${choices.join(', ')}`, options, (input) => choices.find((value) => value === input));
}

export function integer(options: Occurrence & { min: number; max: number }): Field {
  const { min, max } = options;
  return makeField(`a whole number from ${min} to ${max}`, options, (input) =>
    typeof input === 'number' && Number.isSafeInteger(input) && input >= min && input <= max ? input : undefined,
  );
}

export function real(options: Occurrence & { min: number; max: number }): Field {
  const { min, max } = options;
  return makeField(`a number from ${min} to ${max}`, options, (input) =>
    typeof input === 'number' && input >= min && input <= max ? input : undefined,
  );
}

/** The key of a row in another table. */
export function reference(options: Occurrence = {}): Field {
  return { ...integer({ ...options, min: 1, max: Number.MAX_SAFE_INTEGER }), expected: 'the id of an existing row' };
}

/** Epoch milliseconds. */
export function epochMs(options: Occurrence = {}): Field {
  return { ...integer({ ...options, min: 0, max: 8_640_000_000_000_000 }), expected: 'a moment in epoch milliseconds' };
}

/** `true` or `false` in the API, 1 or 0 in the database. */
export function flag(options: Occurrence = {}): Field {
  return makeField(
    'true or false',
    options,
    (input) => (typeof input === 'boolean' ? Number(input) : undefined),
    Boolean,
  );
}

/** Any JSON in the API, its text in the database. */
export function json(options: Occurrence & { max: number }): Field {
  return makeField(
    `a JSON object or array of at most ${options.max} characters`,
    options,
    (input) => {
      if (typeof input !== 'object') return undefined;
      const written = JSON.stringify(input);
      return written.length <= options.max ? written : undefined;
    },
    (cell) => (typeof cell === 'string' ? (JSON.parse(cell) as unknown) : cell),
  );
}

/** Base64 in the API, bytes in the database. */
export function blob(options: Occurrence & { maxBytes: number }): Field {
  return makeField(
    `base64 of at most ${options.maxBytes} bytes`,
    options,
    (input) => {
      if (typeof input !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(input) || input.length % 4 !== 0)
        return undefined;
      const bytes = Buffer.from(input, 'base64');
      return bytes.length <= options.maxBytes ? bytes : undefined;
    },
    (cell) => (Buffer.isBuffer(cell) ? cell.toString('base64') : cell),
  );
}
