import type { Expr, Select } from '../sqlite/schema.ts';
import type { Emission } from './emission.ts';
import type { Fragment } from './fragment.ts';
import type { ScopeTable } from './scope.ts';
import { translateNode } from './translate-node.ts';
import type { Setting } from './translate-node.ts';
import { Untranslatable } from './translation.ts';

type Columns = Extract<Select['select'], { type: 'SelectFrom' }>['columns'];

export interface ResultColumn {
  readonly name: string;
  readonly fragment: Fragment;
  /** Where it was given one. */
  readonly alias?: string;
}

/** The columns of a result, with `*` and `table.*` written out, under SQLite's names for them. */
export function resultColumns(
  columns: Columns,
  tables: readonly ScopeTable[],
  setting: Setting,
): readonly ResultColumn[] {
  const grouped = (fragment: Fragment) => setting.scope.group?.column(fragment) ?? fragment;
  return columns.flatMap((column, index): ResultColumn[] => {
    switch (column.type) {
      case 'StarResultColumn':
        if (tables.length === 0) throw new Untranslatable('star', '* stands for no columns here', 'name columns');
        return tables.flatMap((table) =>
          table.columns
            .filter(({ isMerged }) => isMerged !== true)
            .map(({ name, fragment, mergedAs }) => ({ name, fragment: grouped(mergedAs ?? fragment) })),
        );
      case 'TableStarResultColumn': {
        const wanted = column.table.text.toLowerCase();
        const table = tables.find(({ name }) => name?.toLowerCase() === wanted);
        if (table === undefined)
          throw new Untranslatable('unknown-table', `there is no table "${column.table.text}" here`, 'check the name');
        return table.columns.map(({ name, fragment }) => ({ name, fragment: grouped(fragment) }));
      }
      case 'ExprResultColumn': {
        const fragment = translateNode(column.expr, setting);
        if (column.alias !== undefined)
          return [{ name: column.alias.name.text, fragment, alias: column.alias.name.text }];
        const name = isColumn(column.expr) ? fragment.column : undefined;
        return [{ name: name ?? sourceText(column.expr, index, setting.emission), fragment }];
      }
    }
  });
}

/** Whether it is a column and nothing else: a cast of one is not, even where it changes nothing. */
function isColumn(ast: Expr): boolean {
  switch (ast.type) {
    case 'Id':
    case 'NameExpr':
    case 'QualifiedExpr':
      return true;
    case 'CollateExpr':
      return isColumn(ast.expr);
    case 'ParenthesizedExpr':
      return ast.exprs.every(isColumn);
    default:
      return false;
  }
}

/** SQLite names the column of an expression by the expression's text. */
function sourceText({ span }: Expr, index: number, { source }: Emission): string {
  if (source === undefined) return `column${index + 1}`;
  return source.slice(span.offset, span.offset + span.length).trim();
}
