import { UsageError } from './terminal.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  kb: 1e3,
  kib: 2 ** 10,
  m: 1e6,
  mb: 1e6,
  mib: 2 ** 20,
  g: 1e9,
  gb: 1e9,
  gib: 2 ** 30,
};

/** What a person writes for an amount: `500`, `20k`, `10MB`, `1.5GiB`; `none` is `null`. */
export function quantity(flag: string, text: string): number | null {
  if (text.toLowerCase() === 'none') return null;
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*?)(?:\/s)?$/i.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit.toLowerCase()];
  const amount = Number(digits) * (factor ?? Number.NaN);
  if (amount > 0) return amount;
  throw new UsageError(`${flag} is "${text}"`, 'give a number above 0, such as 500, 20k or 10MB, or none for no limit');
}

/** An amount of bytes as people read it. */
export function bytesText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(0)} kB` : `${Math.round(bytes)} bytes`;
}

/** A time as people read it. */
export function durationText(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}
