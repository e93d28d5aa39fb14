import { quote } from '../../adapter/postgres/sql.ts';
import { placeText } from '../finding.ts';
import type { Finding, Place } from '../finding.ts';
import type { SqliteExpression, SqliteTable } from '../sqlite/schema.ts';
import type { Catalog } from '../translate/catalog.ts';
import type { SqlType } from '../translate/sql-type.ts';
import { translateExpression } from '../translate/translate-expression.ts';
import type { Purpose } from '../translate/translate-expression.ts';
import { Untranslatable } from '../translate/translation.ts';
import type { Remark } from '../translate/translation.ts';
import { Names } from './names.ts';
import { Omissions } from './omissions.ts';
import type { Omissible } from './omissions.ts';

/** What {@link Planning.expression} takes. */
export interface ExpressionToPlan {
  readonly expression: SqliteExpression;
  readonly purpose: Purpose;
  readonly place: Place;
  /** How a configuration names what the expression belongs to, to leave it out. */
  readonly omissible: Omissible;
  /** The table whose columns it may name. */
  readonly table: SqliteTable;
  /** The type of the column it is assigned to. */
  readonly expected?: SqlType;
}

/** What all parts of a plan share while it is made: the names given out, the findings, what is to be left out. */
export class Planning {
  readonly catalog: Catalog;
  readonly names: Names;
  readonly omissions: Omissions;
  readonly findings: Finding[] = [];
  usesPack = false;

  constructor(settings: { catalog: Catalog; taken: Iterable<string>; omit: readonly string[] }) {
    this.catalog = settings.catalog;
    this.names = new Names(settings.taken);
    this.omissions = new Omissions(settings.omit);
  }

  /** Adds what a translation remarked, at its place. */
  remark(place: Place, remarks: readonly Remark[]): void {
    for (const remark of remarks) this.findings.push({ ...remark, place });
  }

  /**
   * Rejects something, or, where the configuration says so, leaves it out and says that.
   */
  reject(finding: Omit<Finding, 'severity'>, omissible: Omissible): void {
    if (this.omissions.has(omissible)) {
      this.findings.push({
        severity: 'warning',
        code: 'left-out',
        place: finding.place,
        message: `left out, as configured (${finding.message})`,
      });
      return;
    }
    const leaveOut = `leave it out with omit: ["${omissible}"]`;
    const remedy = finding.remedy === undefined ? leaveOut : `${finding.remedy}, or ${leaveOut}`;
    this.findings.push({ ...finding, severity: 'rejection', remedy });
  }

  /** Whether the configuration leaves something out; if so that is said. */
  isOmitted(omissible: Omissible, place: Place): boolean {
    if (!this.omissions.has(omissible)) return false;
    this.findings.push({
      severity: 'warning',
      code: 'left-out',
      place,
      message: `${placeText(place)} is left out, as configured`,
    });
    return true;
  }

  /** The PostgreSQL SQL of an expression of the schema; null if it has none, which is then a finding. */
  expression({ expression, purpose, place, omissible, table, expected }: ExpressionToPlan): string | null {
    try {
      const columns = this.catalog.table(table.name);
      const translation = translateExpression(expression.ast, {
        catalog: this.catalog,
        purpose,
        ...(columns === undefined || purpose === 'default' ? {} : { table: columns }),
        ...(expected === undefined ? {} : { expected }),
      });
      if ((purpose === 'index' || purpose === 'where' || purpose === 'generated') && !translation.immutable) {
        const message = `\`${expression.sql}\` may change its result while its row stays as it is, which PostgreSQL refuses here`;
        this.reject({ code: 'not-immutable', place, message }, omissible);
        return null;
      }
      this.remark(place, translation.remarks);
      this.usesPack ||= translation.usesPack;
      return translation.sql;
    } catch (error) {
      if (!(error instanceof Untranslatable)) throw error;
      const message = `\`${expression.sql}\` has no translation: ${error.message}`;
      this.reject({ code: error.code, place, message, remedy: error.remedy }, omissible);
      return null;
    }
  }
}

/**
 * What a comparison, index or key under one of SQLite's collations looks at, of a text column that compares byte by byte.
 * PostgreSQL's `lower` folds ASCII letters only under the collation C, as NOCASE does.
 *
 * @returns null for a collation that SQLite has not built in.
 */
export function collated(column: string, collation: string): string | null {
  switch (collation.toUpperCase()) {
    case 'BINARY':
      return quote(column);
    case 'NOCASE':
      return `lower(${quote(column)})`;
    case 'RTRIM':
      return `rtrim(${quote(column)})`;
    default:
      return null;
  }
}
