import type { SqliteSchema, SqliteView } from '../sqlite/schema.ts';
import type { CatalogTable } from '../translate/catalog.ts';
import { POSTGRES_NAME } from '../translate/sql-type.ts';
import { translateSelect } from '../translate/translate-select.ts';
import { Untranslatable } from '../translate/translation.ts';
import type { QueryTranslation } from '../translate/translation.ts';
import type { PlannedView } from './plan.ts';
import type { Planning } from './planning.ts';

/**
 * The views, each after those it reads. A view joins the catalog with the types its columns got, for others to read.
 *
 * @param define adds a table to the catalog that views are translated against.
 */
export function planViews(
  planning: Planning,
  schema: SqliteSchema,
  define: (view: CatalogTable) => void,
): readonly PlannedView[] {
  const waiting = new Map(schema.views.map((view) => [view.name.toLowerCase(), view]));
  const planned: PlannedView[] = [];
  const plan = (view: SqliteView): void => {
    waiting.delete(view.name.toLowerCase());
    for (const name of tablesIn(view.select)) {
      const other = waiting.get(name.toLowerCase());
      if (other !== undefined) plan(other);
    }
    const query = translated(planning, view);
    if (query === null) return;
    planned.push({ name: view.name, columns: view.columns, select: query.sql });
    define({
      name: view.name,
      columns: view.columns.map((name, index) => {
        const { type, origin } = query.columns[index] ?? { type: 'null' as const };
        return {
          name,
          type,
          postgresType: POSTGRES_NAME[type],
          collation: origin?.collation?.name ?? 'BINARY',
          notNull: false,
          ...(origin === undefined ? {} : { origin }),
        };
      }),
    });
  };
  for (const view of schema.views) if (waiting.has(view.name.toLowerCase())) plan(view);
  return planned;
}

function translated(planning: Planning, view: SqliteView): QueryTranslation | null {
  const place = { view: view.name };
  const omissible = `view:${view.name}` as const;
  if (planning.isOmitted(omissible, place)) return null;
  try {
    const query = translateSelect(view.select, { catalog: planning.catalog });
    planning.remark(place, query.remarks);
    planning.usesPack ||= query.usesPack;
    return query;
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    planning.reject({ code: error.code, place, message: error.message, remedy: error.remedy }, omissible);
    return null;
  }
}

/** Every name that a query may mean a table by. */
function tablesIn(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(tablesIn);
  if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return [];
  return [...(isQualifiedName(node) ? [node.objName.text] : []), ...Object.values(node).flatMap(tablesIn)];
}

function isQualifiedName(node: object): node is { readonly objName: { readonly text: string } } {
  return 'type' in node && node.type === 'QualifiedName';
}
