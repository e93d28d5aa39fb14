import { placeText } from '../finding.ts';
import type { Finding, Place, Severity } from '../finding.ts';

/** How many notes of one kind are spelled out in a text that is not asked to be verbose. */
const NOTES_SHOWN = 3;
/** How many of the places of one statement are spelled out beside the first. */
const PLACES_SHOWN = 3;
const STATEMENT_SHOWN = 160;

const HEADINGS: Readonly<Record<Severity, string>> = { rejection: 'Rejected', warning: 'Look at', note: 'Choices' };

/**
 * Findings as people read them: rejections, then warnings, then notes, of which only the first few of a kind are shown.
 *
 * @param options.verbose whether all notes are shown. @default false
 */
export function findingsText(findings: readonly Finding[], options: { readonly verbose?: boolean } = {}): string {
  const sections = (['rejection', 'warning', 'note'] as const).flatMap((severity) => {
    const own = findings.filter((finding) => finding.severity === severity);
    if (own.length === 0) return [];
    const lines =
      severity === 'note' && options.verbose !== true ? shortened(own) : own.map((finding) => findingText(finding));
    return [`${HEADINGS[severity]} (${own.length})\n${lines.join('\n')}`];
  });
  return sections.join('\n\n');
}

function findingText({ code, place, places = [], message, remedy, count, keys, statement }: Finding): string {
  const where = placeText(place);
  const rows = count === undefined ? '' : ` (${count} ${count === 1 ? 'row' : 'rows'}${keysText(keys)})`;
  const extent = statement === undefined ? rows : placesText(places);
  const lines = [`  ${where === '' ? '' : `${where}: `}${message}${extent} [${code}]`];
  if (statement !== undefined) lines.push(`    | ${excerpt(statement)}`);
  if (remedy !== undefined) lines.push(`    → ${remedy}`);
  return lines.join('\n');
}

/** As much of a statement as fits on a line of a report. */
function excerpt(statement: string): string {
  return statement.length > STATEMENT_SHOWN ? `${statement.slice(0, STATEMENT_SHOWN - 1)}…` : statement;
}

function placesText(places: readonly Place[]): string {
  if (places.length === 0) return '';
  const first = places.slice(0, PLACES_SHOWN).map((place) => placeText(place));
  const more = places.length - first.length;
  return ` (also ${first.join(', ')}${more === 0 ? '' : ` and ${more} more`})`;
}

function keysText(keys: readonly string[] | undefined): string {
  return keys === undefined || keys.length === 0 ? '' : `, such as ${keys.join(', ')}`;
}

function shortened(notes: readonly Finding[]): readonly string[] {
  const byCode = new Map<string, Finding[]>();
  for (const note of notes) {
    const own = byCode.get(note.code);
    if (own === undefined) byCode.set(note.code, [note]);
    else own.push(note);
  }
  return [...byCode.values()].flatMap((own) => {
    const shown = own.slice(0, NOTES_SHOWN).map((note) => findingText(note));
    const more = own.length - shown.length;
    return more === 0 ? shown : [...shown, `  … and ${more} more of this kind (--verbose shows them)`];
  });
}
