import { decimalPlaces } from '../../adapter/codec/decimal.ts';
import type { ColumnCensus, JsonCensus, Magnitude, Tally, TextForm } from './column-census.ts';
import { jsonTrouble } from './json-trouble.ts';
import { textForm } from './text-form.ts';

export interface TallyOptions {
  /** How many keys are kept of each kind of value. */
  readonly examples: number;
  /** The precision and scale to look at; null for none. */
  readonly decimals: { readonly precision: number; readonly scale: number } | null;
  /** Whether every text is read as JSON, or only up to the first that is none. */
  readonly isJson: boolean;
}

/** The key of the row at hand, as people read it. Asked only for the few rows whose keys are kept. */
export type KeyText = () => string;

/** Counts the values of one column. */
export class ColumnTally {
  readonly #examples: number;
  readonly #decimals: TallyOptions['decimals'];
  readonly #isJson: boolean;
  readonly #nulls = new Count();
  readonly #integers = new Count();
  readonly #reals = new Count();
  readonly #texts = new Count();
  readonly #blobs = new Count();
  readonly #notZeroOrOne = new Count();
  readonly #beyondSafe = new Count();
  readonly #beyondDouble = new Count();
  readonly #fractions = new Count();
  readonly #wholeReals = new Count();
  readonly #infinities = new Count();
  readonly #julianDays = new Count();
  readonly #beyondDecimal = new Count();
  readonly #nulTexts = new Count();
  readonly #invalidUtf8 = new Count();
  readonly #blobs16 = new Count();
  readonly #invalidJson = new Count();
  readonly #beyondJsonb = new Count();
  readonly #containers = new Count();
  readonly #forms = new Map<TextForm, Count>();
  readonly #magnitudes: Record<Magnitude, number> = { s: 0, ms: 0, us: 0, ns: 0, other: 0 };
  /** Of the integers that are exact as numbers. */
  #min = Infinity;
  #max = -Infinity;
  /** Of the others. */
  #minBeyond: bigint | null = null;
  #maxBeyond: bigint | null = null;
  #minReal = Infinity;
  #maxReal = -Infinity;
  #maxDecimals = 0;
  #maxCharacters = 0;
  #maxBytes = 0;

  constructor({ examples, decimals, isJson }: TallyOptions) {
    this.#examples = examples;
    this.#decimals = decimals;
    this.#isJson = isJson;
  }

  seeNull(key: KeyText): void {
    this.#count(this.#nulls, key);
  }

  seeInteger(value: bigint, key: KeyText): void {
    this.#count(this.#integers, key);
    const number = Number(value);
    if (Number.isSafeInteger(number)) {
      if (number < this.#min) this.#min = number;
      if (number > this.#max) this.#max = number;
    } else {
      if (this.#minBeyond === null || value < this.#minBeyond) this.#minBeyond = value;
      if (this.#maxBeyond === null || value > this.#maxBeyond) this.#maxBeyond = value;
      this.#count(this.#beyondSafe, key);
      if (BigInt(number) !== value || value === LOWEST) this.#count(this.#beyondDouble, key);
    }
    if (number !== 0 && number !== 1) this.#count(this.#notZeroOrOne, key);
    this.#magnitudes[magnitudeOf(number)] += 1;
    if (this.#decimals !== null) {
      const { precision, scale } = this.#decimals;
      const digits = value.toString().length - (value < 0n ? 1 : 0);
      if (value !== 0n && digits > precision - scale) this.#count(this.#beyondDecimal, key);
    }
  }

  seeReal(value: number, key: KeyText): void {
    this.#count(this.#reals, key);
    if (value < this.#minReal) this.#minReal = value;
    if (value > this.#maxReal) this.#maxReal = value;
    if (!Number.isFinite(value)) this.#count(this.#infinities, key);
    else if (!Number.isInteger(value)) this.#count(this.#fractions, key);
    else if (Math.abs(value) < 2 ** 63) this.#count(this.#wholeReals, key);
    if (value >= JULIAN_1900 && value < JULIAN_2200) this.#count(this.#julianDays, key);
    if (this.#decimals !== null) {
      const { precision, scale } = this.#decimals;
      const places = Number.isFinite(value) ? decimalPlaces(String(value)) : 0;
      if (places > this.#maxDecimals) this.#maxDecimals = places;
      if (places > scale || Math.abs(value) >= 10 ** (precision - scale)) this.#count(this.#beyondDecimal, key);
    }
  }

  seeText(value: string, key: KeyText): void {
    this.#count(this.#texts, key);
    const form = textForm(value);
    let tally = this.#forms.get(form);
    if (tally === undefined) this.#forms.set(form, (tally = new Count()));
    this.#count(tally, key);
    if (value.length > this.#maxCharacters) this.#maxCharacters = Math.max(this.#maxCharacters, charactersOf(value));
    // No character takes more than three bytes for each unit of UTF-16.
    if (value.length * 3 > this.#maxBytes) this.#maxBytes = Math.max(this.#maxBytes, Buffer.byteLength(value));
    if (value.includes('\0')) this.#count(this.#nulTexts, key);
    if (this.#isJson || this.#invalidJson.count === 0) this.#seeJson(value, key);
  }

  /** Text whose bytes are not UTF-8. */
  seeInvalidText(bytes: Uint8Array, key: KeyText): void {
    this.#count(this.#texts, key);
    this.#count(this.#invalidUtf8, key);
    this.#count(this.#invalidJson, key);
    let tally = this.#forms.get('other');
    if (tally === undefined) this.#forms.set('other', (tally = new Count()));
    this.#count(tally, key);
    this.#maxBytes = Math.max(this.#maxBytes, bytes.length);
  }

  seeBlob(bytes: number, key: KeyText): void {
    this.#count(this.#blobs, key);
    if (bytes === 16) this.#count(this.#blobs16, key);
    if (bytes > this.#maxBytes) this.#maxBytes = bytes;
  }

  result(): ColumnCensus {
    const exact = this.#min <= this.#max;
    return {
      nulls: this.#nulls.tally(),
      integers: this.#integers.tally(),
      reals: this.#reals.tally(),
      texts: this.#texts.tally(),
      blobs: this.#blobs.tally(),
      minInteger: lower(exact ? BigInt(this.#min) : null, this.#minBeyond),
      maxInteger: higher(exact ? BigInt(this.#max) : null, this.#maxBeyond),
      magnitudes: { ...this.#magnitudes },
      notZeroOrOne: this.#notZeroOrOne.tally(),
      beyondSafe: this.#beyondSafe.tally(),
      beyondDouble: this.#beyondDouble.tally(),
      fractions: this.#fractions.tally(),
      wholeReals: this.#wholeReals.tally(),
      infinities: this.#infinities.tally(),
      minReal: this.#reals.count === 0 ? null : this.#minReal,
      maxReal: this.#reals.count === 0 ? null : this.#maxReal,
      julianDays: this.#julianDays.tally(),
      beyondDecimal: this.#beyondDecimal.tally(),
      maxDecimals: this.#decimals === null ? null : this.#maxDecimals,
      forms: new Map([...this.#forms].map(([form, count]) => [form, count.tally()])),
      maxCharacters: this.#maxCharacters,
      maxBytes: this.#maxBytes,
      nulTexts: this.#nulTexts.tally(),
      invalidUtf8: this.#invalidUtf8.tally(),
      blobs16: this.#blobs16.tally(),
      json: this.#json(),
    };
  }

  #json(): JsonCensus | null {
    if (!this.#isJson && (this.#invalidJson.count > 0 || this.#texts.count === 0)) return null;
    return {
      invalid: this.#invalidJson.tally(),
      beyondJsonb: this.#beyondJsonb.tally(),
      containers: this.#containers.tally(),
    };
  }

  #seeJson(value: string, key: KeyText): void {
    const trouble = jsonTrouble(value);
    if (trouble === 'invalid') this.#count(this.#invalidJson, key);
    else if (trouble === 'beyond-jsonb') this.#count(this.#beyondJsonb, key);
    if (trouble !== 'invalid' && /^\s*[[{]/.test(value)) this.#count(this.#containers, key);
  }

  #count(count: Count, key: KeyText): void {
    count.count += 1;
    if (count.keys.length < this.#examples) count.keys.push(key());
  }
}

class Count {
  count = 0;
  readonly keys: string[] = [];

  tally(): Tally {
    return { count: this.count, keys: [...this.keys] };
  }
}

/** SQLite makes integers of doubles in columns of INTEGER affinity, but never this one. */
const LOWEST = -(2n ** 63n);

const JULIAN_1900 = 2_415_020.5;
const JULIAN_2200 = 2_524_593.5;

/** 1973 to 3000 or so: 100 million seconds, 32 billion seconds. */
function magnitudeOf(value: number): Magnitude {
  if (value < 1e8) return 'other';
  if (value < 3.3e10) return 's';
  if (value < 1e11) return 'other';
  if (value < 3.3e13) return 'ms';
  if (value < 1e14) return 'other';
  if (value < 3.3e16) return 'us';
  return value >= 1e17 ? 'ns' : 'other';
}

function charactersOf(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0xdc00 || code > 0xdfff) count += 1;
  }
  return count;
}

function lower(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

function higher(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}
