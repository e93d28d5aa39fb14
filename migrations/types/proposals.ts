import { formsOf } from '../../adapter/codec/form.ts';
import type { Finding } from '../finding.ts';
import type { ColumnCensus } from './column-census.ts';
import { formOf } from './form-fit.ts';

export interface ProposalQuestion {
  /** As `table.column`, for the configuration. */
  readonly name: string;
  readonly place: Finding['place'];
  /** The type that was chosen. */
  readonly type: string;
  readonly census: ColumnCensus;
}

/** What a column might be besides what was chosen for it: never chosen by the data alone, only named. */
export function proposals({ name, place, type, census }: ProposalQuestion): readonly Finding[] {
  const found = proposed(type, census);
  if (found === undefined) return [];
  const form = found.form === undefined ? '' : `, form: "${found.form}"`;
  return [
    {
      severity: 'note',
      code: `could-be-${found.noun}`,
      place,
      message: `all its values read as ${found.what}; it becomes ${type}, since neither its declaration nor a CHECK says so`,
      remedy: `if that is what they are: columns: { "${name}": { type: "${found.type}"${form} } }`,
    },
  ];
}

interface Proposal {
  readonly noun: 'boolean' | 'moment' | 'day' | 'uuid' | 'json';
  readonly what: string;
  readonly type: string;
  readonly form?: string | undefined;
}

function proposed(type: string, census: ColumnCensus): Proposal | undefined {
  const { integers, notZeroOrOne, maxInteger, reals, texts, blobs, blobs16, json } = census;
  const kinds = [integers, reals, texts, blobs].filter(({ count }) => count > 0);
  if (kinds.length !== 1) return undefined;
  if (integers.count > 0) {
    // A column of zeros says nothing.
    if (type === 'bigint' && notZeroOrOne.count === 0 && maxInteger === 1n)
      return { noun: 'boolean', what: 'booleans (0 and 1)', type: 'boolean' };
    return type === 'bigint' && census.magnitudes.other === 0 ? moment(census) : undefined;
  }
  if (blobs.count > 0)
    return blobs16.count === blobs.count
      ? { noun: 'uuid', what: 'UUIDs of 16 bytes', type: 'uuid', form: 'uuid-blob' }
      : undefined;
  if (texts.count === 0 || type !== 'text') return undefined;
  const uuid = plainForm('uuid', census);
  if (uuid !== undefined) return { noun: 'uuid', what: 'UUIDs', type: 'uuid', form: uuid };
  if (plainForm('date', census) !== undefined) return { noun: 'day', what: 'days', type: 'date' };
  if (json !== null && json.invalid.count + json.beyondJsonb.count === 0 && json.containers.count === texts.count)
    return { noun: 'json', what: 'JSON', type: 'jsonb' };
  return moment(census);
}

function moment(census: ColumnCensus): Proposal | undefined {
  const form = plainForm('timestamp with time zone', census);
  return form === undefined ? undefined : { noun: 'moment', what: `moments (${form})`, type: 'timestamptz', form };
}

function plainForm(type: string, census: ColumnCensus): string | undefined {
  const forms = formsOf(type).filter((form) => !form.includes(' '));
  const form = formOf(type === 'date' ? ['date'] : forms, census);
  return form?.includes(' ') === true ? undefined : form;
}
