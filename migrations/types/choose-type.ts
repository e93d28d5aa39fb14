import { formsOf } from '../../adapter/codec/form.ts';
import type { Finding, Severity } from '../finding.ts';
import type { SqliteColumn, SqliteTable } from '../sqlite/schema.ts';
import type { ColumnCensus } from './column-census.ts';
import { readDeclaredType } from './declared-type.ts';
import type { DeclaredType } from './declared-type.ts';
import { defaultClass } from './default-class.ts';
import type { StorageClass } from './default-class.ts';
import { formOf } from './form-fit.ts';
import { misfits } from './misfits.ts';
import type { Misfit } from './misfits.ts';
import type { ColumnOverride } from './override.ts';
import { proposals } from './proposals.ts';
import { allowsOnlyZeroAndOne } from './zero-one-check.ts';

/**
 * What is preferred where SQLite's way and PostgreSQL's own type differ.
 *
 * - `faithful`: types that keep every behaviour of SQLite's: dates, UUIDs and JSON stay the text or numbers they are.
 * - `native`: PostgreSQL's own types (timestamptz, date, time, uuid, jsonb) wherever all the data allows it.
 */
export type TypeProfile = 'faithful' | 'native';

export interface TypeQuestion {
  readonly table: SqliteTable;
  readonly column: SqliteColumn;
  /** What the column holds; null where there is no data to look at. */
  readonly census: ColumnCensus | null;
  /** Whether the census saw only some of the rows. @default false */
  readonly isSample?: boolean;
  /** What the user decided, as `readOverrides` gives it. */
  readonly override?: ColumnOverride | undefined;
  /** @default 'faithful' */
  readonly profile?: TypeProfile;
}

/** A column's type in PostgreSQL. */
export interface TypeChoice {
  /** As `format_type` gives it: `bigint`, `numeric(10,2)`. */
  readonly type: string;
  /** How SQLite holds the values (adapter/codec/form.ts); null where that is plain from the type. */
  readonly form: string | null;
  /** The evidence, and what stands against it. */
  readonly findings: readonly Finding[];
}

interface Candidate {
  readonly type: string;
  readonly form?: string;
  /** Why this one: a clause that ends the sentence "bigint, …". */
  readonly because: string;
  /** Something about it deserves a look. */
  readonly isDoubtful?: boolean;
}

/**
 * Chooses the PostgreSQL type of a column: what the user decided, else what its declaration asks for where the data
 * allows it, else another type that holds all of the data exactly as it is. Where none does, the choice carries a
 * rejection for each kind of value that does not fit.
 */
export function chooseType(question: TypeQuestion): TypeChoice {
  const { column, census, override } = question;
  if (override !== undefined) return overridden(question, override);
  const wanted = preferences(question);
  const [first] = wanted;
  if (first === undefined) throw new RangeError(`nothing preferred for column "${column.name}"`);
  if (census === null || isEmpty(census)) return chosen(question, first, []);
  const against = misfitsOf(question, first);
  if (against.length === 0) return chosen(question, first, []);
  const other = [...wanted.slice(1), ...fallbacks(question)].find(
    (candidate) => misfitsOf(question, candidate).length === 0,
  );
  if (other === undefined) return chosen(question, first, against);
  const found = against.map((misfit) =>
    finding(
      question,
      wanted.includes(other) && wanted.indexOf(other) > 0 && !first.isDoubtful ? 'note' : 'warning',
      misfit.code,
      {
        message: `${first.type} was asked for (${first.because}), but the column holds ${misfit.what} in ${rows(misfit.count)}, so it becomes ${other.type}`,
        count: misfit.count,
        keys: misfit.keys,
      },
    ),
  );
  return {
    type: other.type,
    form: other.form ?? null,
    findings: [...found, evidence(question, other), ...proposed(question, other.type)],
  };
}

function overridden(question: TypeQuestion, { type, form }: ColumnOverride): TypeChoice {
  const candidate: Candidate = {
    type,
    ...withForm(form ?? (question.census === null ? undefined : formFor(type, question.census))),
    because: 'as configured',
  };
  const isKnown = question.census !== null && !isEmpty(question.census);
  return chosen(question, candidate, isKnown ? misfitsOf(question, candidate) : []);
}

function misfitsOf({ column, census }: TypeQuestion, { type, form }: Candidate): readonly Misfit[] {
  return census === null ? [] : misfits({ type, form: form ?? null, affinity: column.affinity, census });
}

function chosen(question: TypeQuestion, candidate: Candidate, against: readonly Misfit[]): TypeChoice {
  const form = candidate.form ?? formsOf(candidate.type)[0] ?? null;
  const rejections = against.map((misfit) =>
    finding(question, 'rejection', misfit.code, {
      message: `the column becomes ${candidate.type} (${candidate.because}), but it holds ${misfit.what} in ${rows(misfit.count)}${question.override === undefined ? ', and no other type holds all of its values as they are' : ''}`,
      remedy: `${misfit.remedy}${momentRemedy(question, candidate)}`,
      count: misfit.count,
      keys: misfit.keys,
    }),
  );
  const more = rejections.length > 0 || question.override !== undefined ? [] : proposed(question, candidate.type);
  return { type: candidate.type, form, findings: [...rejections, evidence(question, candidate), ...more] };
}

/** A column that mixes moments in several forms has a type that holds them all, though not each in its own form. */
function momentRemedy({ table, column, census }: TypeQuestion, { type }: Candidate): string {
  const { kind } = readDeclaredType(column.declaredType);
  if (census === null || type.startsWith('timestamp') || (kind !== 'moment' && kind !== 'date')) return '';
  const form = formFor('timestamp with time zone', census);
  if (form === undefined) return '';
  return `; or take all of them for moments, written in one form on the way back: columns: { "${table.name}.${column.name}": { type: "timestamptz", form: "${form}" } }`;
}

function proposed({ table, column, census }: TypeQuestion, type: string): readonly Finding[] {
  // What a foreign key holds is its parent's matter.
  const isForeignKey = table.foreignKeys.some(({ columns }) => columns.includes(column.name));
  if (census === null || column.isRowid || isForeignKey) return [];
  const place = { table: table.name, column: column.name };
  return proposals({ name: `${table.name}.${column.name}`, place, type, census });
}

function evidence(question: TypeQuestion, { type, form, because, isDoubtful = false }: Candidate): Finding {
  const { census, isSample = false } = question;
  const subject = isSample ? 'a sample of its rows holds' : 'it holds';
  const data =
    census === null
      ? 'no data was looked at'
      : isEmpty(census)
        ? `${subject} no values`
        : `${subject} ${summary(census)}`;
  const held = form === undefined ? '' : ` (form ${form})`;
  return finding(question, isDoubtful ? 'warning' : 'note', isDoubtful ? 'doubtful-type' : 'type', {
    message: `${type}${held}: ${because}; ${data}`,
    ...(isDoubtful
      ? {
          remedy: `if it is to hold something else, set its type: columns: { "${question.table.name}.${question.column.name}": … }`,
        }
      : {}),
  });
}

/** `2 integers, 3 texts, 1 NULL`. */
function summary(census: ColumnCensus): string {
  const parts = [
    [census.integers.count, 'integer'],
    [census.reals.count, 'real'],
    [census.texts.count, 'text'],
    [census.blobs.count, 'blob'],
    [census.nulls.count, 'NULL'],
  ] as const;
  const held = parts.flatMap(([count, name]) => (count === 0 ? [] : [`${count} ${name}${count === 1 ? '' : 's'}`]));
  return held.join(', ');
}

function rows(count: number): string {
  return count === 1 ? 'one row' : `${count} rows`;
}

function finding(
  { table, column }: TypeQuestion,
  severity: Severity,
  code: string,
  rest: Omit<Finding, 'severity' | 'code' | 'place'>,
): Finding {
  return { severity, code, place: { table: table.name, column: column.name }, ...rest };
}

function isEmpty(census: ColumnCensus): boolean {
  return census.integers.count + census.reals.count + census.texts.count + census.blobs.count === 0;
}

/** What a declaration asks for, most wanted first. */
function preferences(question: TypeQuestion): readonly Candidate[] {
  const { table, column, profile = 'faithful' } = question;
  const declared = readDeclaredType(column.declaredType);
  const name = column.declaredType === '' ? 'no declared type' : `declared ${column.declaredType}`;
  if (column.isRowid) return [{ type: 'bigint', because: `${name} PRIMARY KEY, another name of the rowid` }];
  const zeroOne = isZeroOne(question, declared);
  if (zeroOne !== null) return [{ type: 'boolean', because: zeroOne }];
  const native = profile === 'native' ? nativePreferences(question, declared, name) : [];
  return [...native, ...faithfulPreferences(question, declared, name, table.strict)];
}

function isZeroOne({ table, column }: TypeQuestion, declared: DeclaredType): string | null {
  if (declared.kind === 'boolean') return `declared ${column.declaredType}`;
  if (column.affinity !== 'INTEGER' && column.affinity !== 'NUMERIC') return null;
  return allowsOnlyZeroAndOne(table, column.name) ? 'a CHECK allows nothing but 0 and 1' : null;
}

function faithfulPreferences(
  question: TypeQuestion,
  declared: DeclaredType,
  name: string,
  isStrict: boolean,
): readonly Candidate[] {
  const { column } = question;
  switch (declared.kind) {
    case 'moment':
    case 'date':
    case 'time':
      return byContent(question, name);
    case 'nothing':
      return byContent(question, name);
    case 'decimal':
      return decimals(declared, name);
    case 'json':
    case 'uuid':
      return [
        { type: column.affinity === 'BLOB' ? 'bytea' : 'text', because: `${name}, kept as the text that SQLite holds` },
      ];
    case 'binary':
      return [{ type: 'bytea', because: name }];
    case 'boolean':
    case 'affinity':
      return isStrict && column.declaredType.toUpperCase() === 'ANY'
        ? byContent(question, 'declared ANY')
        : byAffinity(question, name);
  }
}

function decimals({ precision, scale }: DeclaredType, name: string): readonly Candidate[] {
  const plain: Candidate = { type: 'numeric', because: name };
  // SQLite enforces neither; PostgreSQL takes up to 1000 digits.
  if (precision === null || scale === null || precision < 1 || precision > 1000 || scale > precision) return [plain];
  return [
    { type: `numeric(${precision},${scale})`, because: name },
    { ...plain, because: `${name}, without its precision, which the data exceeds` },
  ];
}

const BY_AFFINITY = {
  INTEGER: 'bigint',
  REAL: 'double precision',
  TEXT: 'text',
  BLOB: 'bytea',
  NUMERIC: 'numeric',
} as const;

/** Names that mean to SQLite what they mean to people. */
const PLAIN_NAME =
  /^(tiny|small|medium|big|unsigned big)?\s*int(eger)?\d*( unsigned| signed)?$|^(big|small)?serial$|^(real|float|double|double precision|float4|float8)$|^(tiny|medium|long)?text$|^clob$|^n?(var)?char(acter)?$|^(native |varying )character$|^character varying$|^nvarchar2?$|^(tiny|medium|long)?blob$|^number$|^money$|^(big)?int unsigned$/;

function byAffinity({ column }: TypeQuestion, name: string): readonly Candidate[] {
  const type = BY_AFFINITY[column.affinity];
  const bare = column.declaredType
    .toLowerCase()
    .replace(/\([^)]*\)/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  if (PLAIN_NAME.test(bare)) return [{ type, because: name }];
  return [{ type, because: `${name}, which to SQLite is ${column.affinity} affinity`, isDoubtful: true }];
}

const BY_CLASS = { integer: 'bigint', real: 'double precision', text: 'text', blob: 'bytea' } as const satisfies Record<
  StorageClass,
  string
>;

/** For declarations that do not say how a value is stored: by what most values are, else by what the default is. */
function byContent({ column, census }: TypeQuestion, name: string): readonly Candidate[] {
  if (census !== null && !isEmpty(census)) {
    return [{ type: BY_CLASS[majority(census)], because: `${name}, and so by what the column holds` }];
  }
  const storage = defaultClass(column);
  if (storage !== null)
    return [{ type: BY_CLASS[storage], because: `${name}, and so by its default, which is ${storage}` }];
  return [{ type: 'text', because: `${name}, and nothing shows what it will hold`, isDoubtful: true }];
}

function majority(census: ColumnCensus): StorageClass {
  const counts: readonly (readonly [StorageClass, number])[] = [
    ['integer', census.integers.count],
    ['real', census.reals.count],
    ['text', census.texts.count],
    ['blob', census.blobs.count],
  ];
  return counts.reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

function nativePreferences(
  { column, census }: TypeQuestion,
  declared: DeclaredType,
  name: string,
): readonly Candidate[] {
  const types = NATIVE_TYPES[declared.kind];
  if (types === undefined) return [];
  const hasData = census !== null && !isEmpty(census);
  return types.flatMap((type) => {
    const form = hasData ? formFor(type, census) : formOfDefault(type, column);
    if (hasData && form === undefined) return [];
    const isMixed = form?.endsWith(' mixed') === true;
    return [
      {
        type,
        ...withForm(form),
        because: isMixed ? `${name}, in several forms, of which one comes back` : name,
        isDoubtful: isMixed,
      },
    ];
  });
}

const NATIVE_TYPES: Readonly<Partial<Record<DeclaredType['kind'], readonly string[]>>> = {
  moment: ['timestamp with time zone'],
  date: ['date', 'timestamp with time zone'],
  time: ['time without time zone'],
  json: ['jsonb'],
  uuid: ['uuid'],
};

/** What a column will hold that holds nothing yet. */
function formOfDefault(type: string, column: SqliteColumn): string | undefined {
  if (type !== 'timestamp with time zone') return undefined;
  return defaultClass(column) === 'integer' ? 'epoch-s' : undefined;
}

/** The form of a type in which a column's values are; `undefined` when they are in none. */
function formFor(type: string, census: ColumnCensus): string | undefined {
  // A day may be held as a moment, but whether all of them are days is not counted.
  const forms = type === 'date' ? ['date'] : formsOf(type).filter((form) => !form.includes(' '));
  return formOf(forms, census);
}

function withForm(form: string | undefined): { readonly form?: string } {
  return form === undefined ? {} : { form };
}

/** Types that may hold what the preferred one cannot. */
function fallbacks({ column }: TypeQuestion): readonly Candidate[] {
  const because = 'which holds every value of the column as it is';
  const types = ['bigint', 'double precision', 'numeric', 'text', 'bytea'];
  return column.isRowid ? [] : types.map((type) => ({ type, because }));
}
