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
  const text = asText(translateNode(ast.lhs, setting), setting.emission);
  const pattern = asText(translateNode(ast.rhs, setting), setting.emission);
  const escape = ast.escape === undefined ? [] : [asText(translateNode(ast.escape, setting), setting.emission)];
  // As functions, the pattern comes first.
  const call = callPack(ast.op === 'Like' ? 'like' : 'glob', [pattern, text, ...escape], setting);
  return logical(ast.not ? `(NOT ${call.sql})` : call.sql);
}
