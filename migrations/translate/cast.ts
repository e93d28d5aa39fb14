import type { Affinity, Expr } from '../sqlite/schema.ts';
import { asAny, asNumber, asReal, asText, asValue, typeParameter, wide } from './convert.ts';
import type { Emission } from './emission.ts';
import { constantFragment, valueOf } from './fragment.ts';
import type { Fragment } from './fragment.ts';
import { numberOfPrefix } from './numeric-text.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

/** CAST, which never fails in SQLite: https://sqlite.org/lang_expr.html#cast_expressions */
export function translateCast(ast: Extract<Expr, { type: 'CastExpr' }>, setting: Setting): Fragment {
  const operand = translateNode(ast.expr, setting);
  const affinity = affinityOf(ast.typeName?.name ?? '');
  return { ...castFragment(operand, affinity, setting.emission), affinity, collation: operand.collation };
}

/** https://sqlite.org/datatype3.html#determination_of_column_affinity */
export function affinityOf(typeName: string): Affinity {
  const name = typeName.toUpperCase();
  if (name.includes('INT')) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/.test(name)) return 'TEXT';
  if (name.includes('BLOB') || name === '') return 'BLOB';
  if (/REAL|FLOA|DOUB/.test(name)) return 'REAL';
  return 'NUMERIC';
}

function castFragment(fragment: Fragment, affinity: Affinity, emission: Emission): Fragment {
  if (fragment.constant?.kind === 'null') return fragment;
  const value = asValue(fragment);
  switch (affinity) {
    case 'INTEGER':
      return castInteger(value, emission);
    case 'REAL':
      return castReal(value, emission);
    case 'TEXT':
      if (value.type === 'blob') return valueOf(`${emission.pack('cast_text')}(${value.sql})`, 'text');
      return { ...asText(typeParameter(value, 'text', emission), emission) };
    case 'BLOB': {
      const typed = typeParameter(value, 'blob', emission);
      if (typed.type === 'blob') return typed;
      return valueOf(`${emission.pack('cast_blob')}(${asAny(typed, emission)})`, 'blob');
    }
    case 'NUMERIC':
      return castNumeric(value, emission);
  }
}

function castInteger(value: Fragment, emission: Emission): Fragment {
  const typed = typeParameter(value, 'integer', emission);
  if (typed.type === 'integer' && typed.isMixed !== true) return typed;
  if (typed.type === 'boolean') return wide(valueOf(`${typed.sql}::integer`, 'integer'));
  if (typed.constant?.kind === 'text') {
    const digits = /^\s*[+-]?\d+/.exec(typed.constant.value)?.[0].trim() ?? '0';
    const whole = numberOfPrefix(digits);
    if (whole.kind === 'integer') return constantFragment(whole);
  }
  const argument = typed.type === 'real' ? typed.sql : asAny(typed, emission);
  return valueOf(`${emission.pack('cast_integer')}(${argument})`, 'integer', { isWide: true });
}

function castReal(value: Fragment, emission: Emission): Fragment {
  const typed = typeParameter(value, 'real', emission);
  if (typed.type === 'integer' || typed.type === 'numeric' || typed.type === 'real' || typed.type === 'boolean') {
    const { isMixed: _, ...real } = asReal(asNumber(typed, emission));
    return real;
  }
  return valueOf(`${emission.pack('cast_real')}(${asAny(typed, emission)})`, 'real');
}

function castNumeric(value: Fragment, emission: Emission): Fragment {
  const typed = typeParameter(value, 'numeric', emission);
  // Numbers are left as they are: a real does not become an integer here.
  if (['integer', 'real', 'numeric'].includes(typed.type)) return typed;
  if (typed.type === 'boolean') return valueOf(`${typed.sql}::integer`, 'integer');
  if (typed.type === 'text' || typed.type === 'any') {
    return valueOf(`${emission.pack('cast_numeric')}(${asAny(typed, emission)})`, 'any');
  }
  throw new Untranslatable('cast', `CAST of ${typed.type} AS NUMERIC`, 'cast it to INTEGER, REAL or TEXT');
}
