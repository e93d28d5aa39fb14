import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { CrossfadeError, messageOf } from '../../adapter/errors.ts';
import { placeText } from '../finding.ts';
import type { Finding, Place } from '../finding.ts';

/** What a baseline file holds of one finding: enough to know it again when lines have moved. */
interface KnownFinding {
  readonly code: string;
  /** As a report writes it, without the line. */
  readonly place: string;
  /** Of the statement, as hexadecimal digits; missing if it is about none. */
  readonly statement?: string;
}

/** Findings that somebody has looked at and lets be. */
export class Baseline {
  readonly #known: ReadonlySet<string>;

  private constructor(known: ReadonlySet<string>) {
    this.#known = known;
  }

  /**
   * Reads a baseline file.
   *
   * @throws CrossfadeError `CONFIG_INVALID` when it cannot be read, or is something else.
   */
  static read(file: string): Baseline {
    let value: unknown;
    try {
      value = JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
      throw invalid(file, messageOf(error), error);
    }
    if (!isBaseline(value)) throw invalid(file, 'it is no baseline of version 1');
    return new Baseline(new Set(value.findings.map(keyOf)));
  }

  /** Whether a finding, at all its places, was there when the baseline was written. */
  knows(finding: Finding): boolean {
    return recordsOf(finding).every((record) => this.#known.has(keyOf(record)));
  }
}

/**
 * Writes the findings that count into a baseline file, sorted so that two of them can be compared.
 *
 * @throws CrossfadeError `CONFIG_INVALID` when it cannot be written.
 */
export function writeBaseline(file: string, findings: readonly Finding[]): void {
  const records = new Map(
    findings
      .filter(({ severity }) => severity !== 'note')
      .flatMap(recordsOf)
      .map((record) => [keyOf(record), record]),
  );
  const sorted = [...records].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
  try {
    writeFileSync(file, `${JSON.stringify({ version: 1, findings: sorted }, null, 2)}\n`);
  } catch (error) {
    throw new CrossfadeError('CONFIG_INVALID', `could not write the baseline "${file}": ${messageOf(error)}`, {
      hint: 'check the path and its permissions',
      cause: error,
    });
  }
}

function recordsOf({ code, place, places = [], statement }: Finding): readonly KnownFinding[] {
  return [place, ...places].map((one) => ({
    code,
    place: placeText(withoutLine(one)),
    ...(statement === undefined ? {} : { statement: digest(statement) }),
  }));
}

function withoutLine(place: Place): Place {
  const { line: _, ...rest } = place;
  return rest;
}

function digest(statement: string): string {
  return createHash('sha256').update(statement).digest('hex').slice(0, 16);
}

function keyOf({ place, code, statement }: KnownFinding): string {
  return JSON.stringify([place, code, statement ?? null]);
}

function isBaseline(value: unknown): value is { readonly findings: readonly KnownFinding[] } {
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1) return false;
  return 'findings' in value && Array.isArray(value.findings) && value.findings.every(isKnownFinding);
}

function isKnownFinding(value: unknown): value is KnownFinding {
  if (typeof value !== 'object' || value === null || !('code' in value) || !('place' in value)) return false;
  return typeof value.code === 'string' && typeof value.place === 'string';
}

function invalid(file: string, found: string, cause?: unknown): CrossfadeError {
  return new CrossfadeError('CONFIG_INVALID', `the baseline "${file}" cannot be used: ${found}`, {
    hint: 'write it with --write-baseline, or leave --baseline out',
    cause,
  });
}
