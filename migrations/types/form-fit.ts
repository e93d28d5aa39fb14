import type { ColumnCensus, TextForm } from './column-census.ts';

/** Which of the values that SQLite holds a form takes, of a type with several forms (adapter/codec/form.ts). */
export interface FormFit {
  takesText(form: TextForm): boolean;
  /** Whether it takes integers, and from where to where. */
  readonly integers: { readonly min: bigint; readonly max: bigint } | null;
  readonly takesReals: boolean;
  readonly takesBlobs16: boolean;
}

/** The years 1 to 9999, which text can count, in milliseconds. */
const TEXT_MS = { min: -62_135_596_800_000n, max: 253_402_300_799_999n };
/** What PostgreSQL's moments reach, in microseconds. */
const FIRST_MOMENT = -210_866_803_200_000_000n;
const LAST_MOMENT = 9_224_318_015_999_999_999n;
const LAST_EPOCH_US = 2n ** 63n - 1n;

const UNITS: Readonly<Record<string, bigint>> = { 'epoch-s': 1_000_000n, 'epoch-ms': 1_000n, 'epoch-us': 1n };
const UUIDS: ReadonlySet<string> = new Set(['uuid', 'uuid-upper', 'uuid-digits', 'uuid-hex', 'other-uuid']);

/** What a form takes; `form` may end in ` mixed`. */
export function fitOf(form: string): FormFit {
  const [plain = '', mixed] = form.split(' ');
  return mixed === undefined ? plainFit(plain) : mixedFit(plain);
}

function plainFit(form: string): FormFit {
  return {
    takesText: (text) => text === form || (text === 'uuid-digits' && (form === 'uuid' || form === 'uuid-upper')),
    integers: epochRange(form),
    takesReals: form === 'epoch-s-real' || form === 'julian-day',
    takesBlobs16: form === 'uuid-blob',
  };
}

/** A value in another form is taken if the form that is written has room for all that it says. */
function mixedFit(form: string): FormFit {
  if (form.startsWith('uuid'))
    return { takesText: (text) => UUIDS.has(text), integers: null, takesReals: false, takesBlobs16: true };
  const digits = digitsOf(form);
  const isTime = form.startsWith('time');
  const hasSeconds = form !== 'time-min';
  return {
    takesText(text) {
      if (text === 'time-min') return isTime;
      if (isTime) return text.startsWith('time') && hasSeconds && digitsOf(text) <= digits;
      return text === 'date' || (MOMENT.test(text) && form !== 'date' && digitsOf(text) <= digits);
    },
    integers: epochRange(form) ?? (!isTime && digits >= 3 ? TEXT_MS : null),
    takesReals: false,
    takesBlobs16: false,
  };
}

const MOMENT = /^(datetime|iso|sequelize)/;

function epochRange(form: string): FormFit['integers'] {
  const unit = UNITS[form];
  if (unit === undefined) return null;
  return { min: FIRST_MOMENT / unit, max: (unit === 1n ? LAST_EPOCH_US : LAST_MOMENT) / unit };
}

/** Digits of a second's fraction that a form writes. */
function digitsOf(form: string): number {
  if (form.endsWith('-us')) return 6;
  return form.endsWith('-ms') || form === 'sequelize' ? 3 : 0;
}

/**
 * The form of a type in which all of a column's values are; else the mixed form that takes them all, written as most of
 * them are; `undefined` when there is none.
 *
 * @param forms the forms of the type that are no mixture.
 */
export function formOf(forms: readonly string[], census: ColumnCensus): string | undefined {
  if (forms.includes('json')) return 'json';
  const byCount: string[] = [...census.forms].toSorted(([, a], [, b]) => b.count - a.count).map(([name]) => name);
  const epoch = epochForm(census);
  const uuids = census.blobs16.count > 0 ? ['uuid-blob'] : [];
  const held = census.texts.count >= census.integers.count ? [...byCount, ...epoch] : [...epoch, ...byCount];
  const wanted = [...held, ...uuids]
    .map((name) => (name === 'uuid-digits' ? 'uuid' : name))
    .filter((name) => forms.includes(name));
  const finer = [...wanted, ...wanted.map((name) => name.replace(/(-ms|-us)?$/, '-us'))].filter((name) =>
    forms.includes(name),
  );
  return [...wanted, ...finer.map((name) => `${name} mixed`)].find((form) => takesAll(form, census));
}

/** Whether a form takes every value of a column. */
export function takesAll(
  form: string,
  { forms, integers, minInteger, maxInteger, reals, blobs, blobs16 }: ColumnCensus,
): boolean {
  const fit = fitOf(form);
  if (reals.count > 0 && !fit.takesReals) return false;
  if (blobs.count > (fit.takesBlobs16 ? blobs16.count : 0)) return false;
  if (
    integers.count > 0 &&
    (fit.integers === null || (minInteger ?? 0n) < fit.integers.min || (maxInteger ?? 0n) > fit.integers.max)
  )
    return false;
  return [...forms.keys()].every((text) => fit.takesText(text));
}

/** The unit that makes moments between 1973 and 3000 or so of a column's integers; none if that is not one unit. */
function epochForm({ magnitudes, integers }: ColumnCensus): readonly string[] {
  if (integers.count === 0) return [];
  const found = (['s', 'ms', 'us'] as const).filter((unit) => magnitudes[unit] > 0);
  return found.length === 1 && magnitudes.ns === 0 ? found.map((unit) => `epoch-${unit}`) : [];
}
