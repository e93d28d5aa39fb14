import type { Select } from '../sqlite/schema.ts';
import { boundInteger } from './bound.ts';
import { asInteger } from './call-pack.ts';
import { typeParameter } from './convert.ts';
import { numberOfText } from './numeric-text.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';

/** LIMIT and OFFSET: below zero, the one is no limit and the other none at all. */
export function translateLimit(limit: NonNullable<Select['limit']>, setting: Setting): string {
  const count = amount(limit.expr, setting);
  const skip = limit.offset === undefined ? undefined : amount(limit.offset, setting);
  const parts = [
    typeof count === 'bigint' ? (count < 0n ? '' : ` LIMIT ${count}`) : ` LIMIT NULLIF(GREATEST(${count}, -1), -1)`,
    skip === undefined || (typeof skip === 'bigint' && skip <= 0n)
      ? ''
      : ` OFFSET ${typeof skip === 'bigint' ? skip : `GREATEST(${skip}, 0)`}`,
  ];
  return parts.join('');
}

function amount(ast: NonNullable<Select['limit']>['expr'], setting: Setting): bigint | string {
  const fragment = translateNode(ast, setting);
  const { constant } = fragment;
  const number = constant?.kind === 'text' ? numberOfText(constant.value) : constant;
  if (number?.kind === 'integer') return number.value;
  const whole = boundInteger(fragment, setting.emission);
  if (whole !== undefined) return whole.sql;
  return asInteger(typeParameter(fragment, 'integer', setting.emission), setting.emission);
}
