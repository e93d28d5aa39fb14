import fc from 'fast-check';

const randomColumn = fc.constantFrom('id', 'i', 'j', 'r', 's', 'n', 'p', 'f', 'd', 'b', 'w', 't.s', 'rowid');

const randomLiteral = fc.constantFrom(
  ...`0 1 -1 2 5 7 42 100 1.0 2.5 -0.5 1e3 0.1 9007199254740993 NULL TRUE FALSE x'616263' x'' x'00ff'`.split(' '),
  ...`||abc|ABC|1|5| 5|5.0|1e2|12abc|é|%|a%|_b%|[a-c]*|-3`.split('|').map((text) => `'${text}'`),
);

/** SQL expressions of SQLite's over the columns of the table `t` of translated-tables.ts: any that SQLite accepts. */
export const randomExpression: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => {
  const any = tie('any');
  const of = (...parts: readonly (string | fc.Arbitrary<string>)[]) =>
    fc
      .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
      .map((words) => words.join(' '));
  const call = (name: string, ...args: readonly (string | fc.Arbitrary<string>)[]) =>
    of(`${name}(`, ...args.flatMap((arg, index) => (index === 0 ? [arg] : [',', arg])), ')');
  const compared = fc.constantFrom('=', '==', '<>', '!=', '<', '<=', '>', '>=', 'IS', 'IS NOT', 'IS NOT DISTINCT FROM');
  const computed = fc.constantFrom('+', '-', '*', '/', '%', '||', '&', '|', '<<', '>>');
  return {
    any: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'expression' },
      fc.oneof({ weight: 3, arbitrary: randomColumn }, { weight: 2, arbitrary: randomLiteral }),
      of('(', any, compared, any, ')'),
      of('(', any, computed, any, ')'),
      of('(', any, fc.constantFrom('AND', 'OR'), any, ')'),
      of('(', any, fc.constantFrom('IS NULL', 'IS NOT NULL', 'IS TRUE', 'IS NOT FALSE', 'COLLATE NOCASE'), ')'),
      of('(', fc.constantFrom('NOT', '-', '+', '~'), any, ')'),
      of('(', any, fc.constantFrom('BETWEEN', 'NOT BETWEEN'), any, 'AND', any, ')'),
      of('(', any, fc.constantFrom('IN', 'NOT IN'), '(', any, ',', any, ')', ')'),
      of('(', any, fc.constantFrom('LIKE', 'NOT LIKE', 'GLOB'), any, ')'),
      of('CASE WHEN', any, 'THEN', any, 'ELSE', any, 'END'),
      of('CASE', any, 'WHEN', any, 'THEN', any, 'WHEN', any, 'THEN', any, 'END'),
      of('CAST(', any, 'AS', fc.constantFrom('INTEGER', 'REAL', 'TEXT', 'NUMERIC', 'BLOB', 'VARCHAR(5)'), ')'),
      call('coalesce', any, any),
      call('nullif', any, any),
      call('iif', any, any, any),
      fc
        .constantFrom('length', 'lower', 'upper', 'trim', 'abs', 'typeof', 'hex', 'quote', 'round', 'sign', 'unicode')
        .chain((name) => call(name, any)),
      fc
        .constantFrom('max', 'min', 'instr', 'substr', 'ifnull', 'ltrim', 'like', 'glob')
        .chain((name) => call(name, any, any)),
      call('substr', any, any, any),
      call('replace', any, any, any),
      call('max', any, any, any),
    ),
  };
}).any;
