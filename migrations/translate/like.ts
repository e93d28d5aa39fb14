import type { Expr } from '../sqlite/schema.ts';
import { callPack } from './call-pack.ts';
import { asText } from './convert.ts';
import { logical } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

/** LIKE, GLOB, REGEXP and MATCH: https://sqlite.org/lang_expr.html#the_like_glob_regexp_match_and_extract_operators */
export function translateLike(ast: Extract<Expr, { type: 'LikeExpr' }>, setting: Setting): Fragment {
  if (ast.op === 'Regexp' || ast.op === 'Match') {
    throw new Untranslatable(
      ast.op.toLowerCase(),
      `${ast.op.toUpperCase()} is whatever the application has made of it`,
      ast.op === 'Match' ? "use PostgreSQL's text search" : 'use the operator ~ of PostgreSQL, whose patterns differ',
    );
  }
  const text = translateNode(ast.lhs, setting);
  const pattern = translateNode(ast.rhs, setting);
  const escape = ast.escape === undefined ? undefined : translateNode(ast.escape, setting);
  const match = matchText(ast.op === 'Like' ? 'like' : 'glob', { text, pattern, escape }, setting);
  return ast.not ? logical(`(NOT ${match.sql})`) : match;
}

interface Match {
  readonly text: Fragment;
  readonly pattern: Fragment;
  readonly escape: Fragment | undefined;
}

/** Whether a text is as a pattern says; blobs are never, in builds that are made so, and are refused. */
export function matchText(name: 'like' | 'glob', { text, pattern, escape }: Match, setting: Setting): Fragment {
  // The SQLite of better-sqlite3 is built so: https://sqlite.org/compile.html#like_doesnt_match_blobs
  if (setting.emission.running !== undefined && text.type === 'blob') {
    return logical(`(CASE WHEN ${text.sql} IS NOT NULL THEN false END)`);
  }
  const parts = [pattern, text, ...(escape === undefined ? [] : [escape])].map((part) =>
    part.type === 'any' ? part : asText(part, setting.emission),
  );
  // As a function, it takes the pattern first.
  return logical(callPack(name, parts, setting).sql);
}
