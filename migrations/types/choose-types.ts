import type { Finding } from '../finding.ts';
import type { SqliteSchema, SqliteTable } from '../sqlite/schema.ts';
import { chooseType } from './choose-type.ts';
import type { TypeChoice, TypeProfile, TypeQuestion } from './choose-type.ts';
import type { TableCensus } from './column-census.ts';
import { foreignKeyFamilies } from './foreign-key-families.ts';
import { misfits } from './misfits.ts';
import { readOverrides } from './override.ts';
import type { ColumnOverride, ColumnOverrides } from './override.ts';

export interface TypesOptions {
  /** What the tables hold, by name; a table without one is judged by its declarations alone. */
  readonly censuses?: ReadonlyMap<string, TableCensus>;
  /** @default {} */
  readonly columns?: ColumnOverrides;
  /** @default 'faithful' */
  readonly profile?: TypeProfile;
}

/** The types of a schema's columns: by table, by column, both as the schema spells them. */
export type ChosenTypes = ReadonlyMap<string, ReadonlyMap<string, TypeChoice>>;

/**
 * Chooses the types of all columns. A foreign key's columns and their parents get one type, since PostgreSQL compares
 * no text with integers; where no type holds what both sides hold, each keeps its own, and a rejection says so.
 *
 * @throws CrossfadeError `CONFIG_INVALID` for an override of a table or column that is not there, or of an unknown type.
 */
export function chooseTypes(
  schema: SqliteSchema,
  { censuses = new Map(), columns = {}, profile = 'faithful' }: TypesOptions = {},
): ChosenTypes {
  const overrides = readOverrides(schema, columns);
  const members = new Map<string, Member>();
  for (const table of schema.tables) {
    for (const column of table.columns) {
      const question: TypeQuestion = {
        table,
        column,
        census: censuses.get(table.name)?.columns.get(column.name) ?? null,
        isSample: censuses.get(table.name)?.isComplete === false,
        override: overrides.get(table.name)?.get(column.name),
        profile,
      };
      members.set(memberId(table, column.name), { question, choice: chooseType(question) });
    }
  }
  for (const family of foreignKeyFamilies(schema)) {
    unify(family.flatMap(({ table, column }) => members.get(memberId(table, column)) ?? []));
  }
  return new Map(
    schema.tables.map((table) => [
      table.name,
      new Map(
        table.columns.flatMap((column) => {
          const member = members.get(memberId(table, column.name));
          return member === undefined ? [] : [[column.name, member.choice] as const];
        }),
      ),
    ]),
  );
}

/** The findings of all choices, in the schema's order. */
export function findingsOf(types: ChosenTypes): readonly Finding[] {
  return [...types.values()].flatMap((columns) => [...columns.values()].flatMap(({ findings }) => findings));
}

interface Member {
  readonly question: TypeQuestion;
  choice: TypeChoice;
}

function memberId(table: SqliteTable, column: string): string {
  return JSON.stringify([table.name, column]);
}

/** Gives one type to columns that are joined by foreign keys; the first of them is a parent. */
function unify(family: readonly Member[]): void {
  const [first] = family;
  if (first === undefined || family.every(({ choice }) => isSame(choice, first.choice))) return;
  const common = commonOverride(family) ?? commonChoice(family);
  for (const member of family) {
    if (common === undefined) {
      const clash = family.find((parent) => isParent(parent, member) && parent.choice.type !== member.choice.type);
      if (clash === undefined) continue;
      member.choice = { ...member.choice, findings: [...member.choice.findings, irreconcilable(member, clash)] };
    } else if (!isSame(member.choice, common)) {
      const { type } = member.choice;
      const override: ColumnOverride = { type: common.type, ...(common.form === null ? {} : { form: common.form }) };
      const choice = chooseType({ ...member.question, override });
      member.choice = {
        ...choice,
        findings: [...choice.findings.filter(({ code }) => code !== 'type'), unified(member, type, common)],
      };
    }
  }
}

function isSame(a: Pick<TypeChoice, 'type' | 'form'>, b: Pick<TypeChoice, 'type' | 'form'>): boolean {
  return a.type === b.type && a.form === b.form;
}

/** A decision of the user's about one column holds for all that are joined with it. */
function commonOverride(family: readonly Member[]): TypeChoice | undefined {
  const decided = family.filter(({ question }) => question.override !== undefined).map(({ choice }) => choice);
  const [one] = decided;
  return one !== undefined && decided.every((choice) => isSame(choice, one)) ? one : undefined;
}

/** The first of the family's own choices, parents' first, that all of its columns can have; else text, if they can. */
function commonChoice(family: readonly Member[]): Pick<TypeChoice, 'type' | 'form'> | undefined {
  if (family.filter(({ question }) => question.override !== undefined).length > 1) return undefined;
  const candidates = [
    ...family.map(({ choice }) => choice),
    { type: 'numeric', form: null },
    { type: 'text', form: null },
  ];
  return candidates.find((candidate) => family.every((member) => canHave(member, candidate)));
}

function canHave({ question, choice }: Member, { type, form }: Pick<TypeChoice, 'type' | 'form'>): boolean {
  const { census, column } = question;
  // A rowid takes integers and nothing else.
  if (column.isRowid && type !== 'bigint') return false;
  if (census !== null && hasValues(census))
    return misfits({ type, form, affinity: column.affinity, census }).length === 0;
  return type === choice.type || RELATED[column.affinity].has(type);
}

function hasValues({ integers, reals, texts, blobs }: NonNullable<TypeQuestion['census']>): boolean {
  return integers.count + reals.count + texts.count + blobs.count > 0;
}

/** The types that a column of an affinity can have without data that says otherwise: SQLite stores nothing else there. */
const RELATED: Readonly<Record<TypeQuestion['column']['affinity'], ReadonlySet<string>>> = {
  INTEGER: new Set(['smallint', 'integer', 'bigint', 'numeric', 'boolean']),
  NUMERIC: new Set([
    'smallint',
    'integer',
    'bigint',
    'numeric',
    'double precision',
    'text',
    'uuid',
    'bytea',
    'boolean',
  ]),
  REAL: new Set(['double precision', 'numeric']),
  TEXT: new Set(['text', 'character varying', 'uuid']),
  BLOB: new Set(['smallint', 'integer', 'bigint', 'double precision', 'numeric', 'text', 'uuid', 'bytea']),
};

function unified({ question }: Member, before: string, { type }: Pick<TypeChoice, 'type'>): Finding {
  return {
    severity: 'note',
    code: 'foreign-key-type',
    place: { table: question.table.name, column: question.column.name },
    message: `${type} instead of ${before}: the type of the columns that foreign keys join it with`,
  };
}

/** Whether a foreign key leads from one column to the other directly. */
function isParent({ question: { table, column } }: Member, child: Member): boolean {
  return child.question.table.foreignKeys.some(
    ({ parent, parentColumns, columns }) =>
      parent.toLowerCase() === table.name.toLowerCase() &&
      columns.some(
        (name, index) =>
          name.toLowerCase() === child.question.column.name.toLowerCase() &&
          parentColumns[index]?.toLowerCase() === column.name.toLowerCase(),
      ),
  );
}

function irreconcilable({ question, choice }: Member, parent: Member): Finding {
  const above = `"${parent.question.table.name}"."${parent.question.column.name}" (${parent.choice.type})`;
  return {
    severity: 'rejection',
    code: 'foreign-key-types-differ',
    place: { table: question.table.name, column: question.column.name },
    message: `a foreign key leads from this column (${choice.type}) to ${above}: SQLite compares the two, PostgreSQL cannot, and no type holds what both hold`,
    remedy: "declare both columns alike in SQLite: rebuild this table with the parent's type, or set one type for both",
  };
}
