import type { Call } from './measurement.ts';
import { positive } from './mistake.ts';
import { SAMPLE_ROWS } from './sample-file.ts';

/** How many rows the large table is to have, by a call's `--rows`. */
export function sampleRows({ given, isQuick }: Call<'rows'>): number {
  return positive('--rows', given('rows') ?? String(isQuick ? 2_000 : SAMPLE_ROWS));
}
