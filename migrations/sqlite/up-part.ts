import { tokensOf } from './parser.ts';

/**
 * The marks that tools put into one file of both directions: `-- +goose Down`, `-- +migrate Down`, `-- migrate:down`,
 * `-- rambler down`, `-- @DOWN`, `-- Down`. A mark without a tool's name must stand alone, for it could be a sentence.
 */
const MARK =
  /^[ \t]*--+[ \t]*(?:(?:\+goose|\+migrate|rambler|migrate:|@)[ \t]*(up|down)\b[^\n]*|(up|down))[ \t]*-*[ \t]*\r?$/gim;
/** Drizzle's end of a statement: https://orm.drizzle.team/docs/drizzle-config-file#breakpoints. */
const BREAKPOINT = /-->[ \t]*statement-breakpoint/g;

/**
 * What a migration does, without what would undo it: the part of a file that is marked as its way up, or all of it where
 * nothing is marked. Everything else is blank, so that offsets and lines stay what they were.
 */
export function upPart(sql: string): string {
  const ended = sql.replace(BREAKPOINT, (mark) => `;${' '.repeat(mark.length - 1)}`);
  const marks = [...ended.matchAll(MARK)];
  if (marks.length === 0) return ended;
  const tokens = tokensOf(ended);
  const inToken = (offset: number): boolean =>
    tokens.some(({ span }) => span.offset < offset && offset < span.offset + span.length);
  const turns = marks
    .filter((mark) => !inToken(mark.index + mark[0].indexOf('-')))
    .map((mark) => ({ at: mark.index, up: (mark[1] ?? mark[2] ?? '').toLowerCase() === 'up' }));
  let text = '';
  // What stands before the first mark is meant for both ways, or is a comment.
  let up = true;
  let at = 0;
  for (const turn of [...turns, { at: ended.length, up: true }]) {
    const part = ended.slice(at, turn.at);
    text += up ? part : part.replace(/[^\n]/g, ' ');
    ({ at, up } = turn);
  }
  return text;
}
