import { join } from 'node:path';
import { createCrossfade } from '../../adapter/index.ts';
import type { BackfillStatus, Crossfade, Logger, Quarantined } from '../../adapter/index.ts';
import { compareDatabases } from '../../compare/compare.ts';
import type { ComparisonReport } from '../../compare/report.ts';
import { auditData } from '../../migrations/audit/data.ts';
import type { Finding } from '../../migrations/finding.ts';
import { openSchemaSource } from '../../migrations/open-schema-source.ts';
import type { SchemaConfig } from '../../migrations/schema-config.ts';
import { applyPlan, tryPlan } from '../../migrations/schema.ts';
import type { Plan } from '../../migrations/schema.ts';
import { translateSource } from '../../migrations/translate-source.ts';
import type { Expectation, Phase, Rehearsal, RehearsedBackfill } from './rehearsal.ts';
import { takeSnapshot } from './snapshot.ts';
import { connectedTo, createdDatabase, embeddedPostgres } from './throw-away-postgres.ts';
import type { ThrowAwayPostgres } from './throw-away-postgres.ts';
import { bytesOf, makeWorkspace } from './workspace.ts';

/** How far a rehearsal has come. */
export interface RehearsalProgress {
  readonly phase: Phase;
  /** What it is at there, such as a table; empty when there is nothing to say. */
  readonly at: string;
  readonly rows: number;
  /** 0 when it is not known. */
  readonly of: number;
}

export interface RehearseOptions {
  /** The live SQLite file, which is only read. */
  readonly sqlite: string;
  /** A database of the server to rehearse on, which is only connected to. @default an embedded PostgreSQL */
  readonly postgres?: string | undefined;
  /** Where the temporary files go. @default the system's folder for such things, or, where that is too small, beside the file */
  readonly workFolder?: string | undefined;
  readonly schema?: SchemaConfig;
  readonly logger?: Logger;
  readonly onProgress?: (progress: RehearsalProgress) => void;
  /** Ends the rehearsal; everything is cleaned up before it rejects. */
  readonly signal?: AbortSignal;
}

/**
 * Does the whole move of rows once, from a snapshot of the live file to a PostgreSQL that is thrown away: audit,
 * schema, backfill, comparison. Leaves nothing behind, whatever happens but the process being killed.
 *
 * @throws CrossfadeError `DISK_TOO_SMALL`, `SQLITE_UNREADABLE`, `POSTGRES_RIGHTS`, and what the parts throw.
 */
export async function rehearse(options: RehearseOptions): Promise<Rehearsal> {
  const { sqlite, postgres, workFolder, signal = new AbortController().signal } = options;
  signal.throwIfAborted();
  const workspace = makeWorkspace({ sqlite, within: workFolder, holdsPostgres: postgres === undefined });
  let throwAway: ThrowAwayPostgres | undefined;
  try {
    throwAway = postgres === undefined ? await embeddedPostgres(workspace.folder) : await createdDatabase(postgres);
    return await new Run(options, { signal, folder: workspace.folder, postgres: throwAway }).run();
  } finally {
    try {
      await throwAway?.remove();
    } finally {
      workspace.remove();
    }
  }
}

interface Surroundings {
  readonly signal: AbortSignal;
  readonly folder: string;
  readonly postgres: ThrowAwayPostgres;
}

/** One rehearsal under way. */
class Run {
  readonly #options: RehearseOptions;
  readonly #in: Surroundings;
  readonly #snapshot: string;
  readonly #seconds: Partial<Record<Phase, number>> = {};

  constructor(options: RehearseOptions, surroundings: Surroundings) {
    this.#options = options;
    this.#in = surroundings;
    this.#snapshot = join(surroundings.folder, 'snapshot.sqlite');
  }

  async run(): Promise<Rehearsal> {
    const { signal, postgres } = this.#in;
    const { sqlite: path } = this.#options;
    const bytes = bytesOf(path);
    const snapshotBytes = await this.#timed('snapshot', () => takeSnapshot({ from: path, to: this.#snapshot, signal }));
    const { findings, plan, isMade } = await this.#schema();
    const keyless = findings.filter(({ code }) => code === 'no-key').map(({ place }) => place.table);
    const tables = plan.tables.map(({ name }) => name).filter((name) => !keyless.includes(name));
    const moved = isMade ? await this.#move(tables, snapshotBytes) : null;
    return {
      version: 1,
      outcome: outcomeOf(moved, { isWhole: keyless.length === 0 }),
      sqlite: { path, bytes, snapshotBytes },
      postgres: { kind: postgres.kind, version: postgres.version, bytes: await postgres.size() },
      seconds: this.#seconds,
      // Without keys: one may tell of a person.
      findings: findings.filter(({ severity }) => severity !== 'note').map((finding) => ({ ...finding, keys: [] })),
      backfill: moved?.backfill ?? null,
      comparison: moved?.comparison ?? null,
      expected: moved === null ? null : this.#expectation(),
    };
  }

  /**
   * What the rows and the schema have against the move; makes the schema unless something of it is rejected. Rows that
   * have no place in it are no reason to stop: copying shows what becomes of them.
   */
  async #schema(): Promise<{ findings: readonly Finding[]; plan: Plan; isMade: boolean }> {
    const { signal } = this.#in;
    const request = { ...this.#options.schema, kind: 'sqlite', path: this.#snapshot, signal } as const;
    const source = openSchemaSource(request);
    try {
      const onRows =
        (phase: Phase) =>
        ({ table, rows }: { table: string; rows: number }) =>
          this.#tell({ phase, at: table, rows, of: 0 });
      const translation = await this.#timed('schema', () =>
        translateSource(source, { ...request, onProgress: onRows('schema') }),
      );
      const { plan, kept, types } = translation;
      const aboutRows: Finding[] = [];
      await this.#timed('audit', async () => {
        const found = auditData(source.db, kept, types, { examples: 0, onProgress: onRows('audit'), signal });
        for await (const finding of found) aboutRows.push(finding);
      });
      const aboutSchema = [...translation.findings];
      await this.#timed('schema', () =>
        connectedTo(this.#in.postgres.url, async (client) => {
          aboutSchema.push(...(await tryPlan(client, plan)));
          if (!isRejected(aboutSchema)) aboutSchema.push(...(await applyPlan(client, plan)));
        }),
      );
      return { findings: [...aboutSchema, ...aboutRows], plan, isMade: !isRejected(aboutSchema) };
    } finally {
      source.close();
    }
  }

  async #move(tables: readonly string[], snapshotBytes: number): Promise<Moved> {
    const { signal, postgres } = this.#in;
    const crossfade = await createCrossfade({
      sqlite: this.#snapshot,
      postgres: postgres.url,
      tables: { include: tables },
      mirror: 'required',
      processName: 'crossfade rehearse',
      ...(this.#options.logger === undefined ? {} : { logger: this.#options.logger }),
    });
    try {
      const status = await this.#timed('backfill', () =>
        crossfade.backfill({
          signal,
          onProgress: ({ phase, busyWith, rowsCopied, rowsExpected }) =>
            this.#tell({ phase: 'backfill', at: busyWith ?? phase, rows: rowsCopied, of: rowsExpected ?? 0 }),
        }),
      );
      const backfill = await this.#backfill(crossfade, status, snapshotBytes);
      const comparison = await this.#timed('comparison', () =>
        compareDatabases(crossfade, {
          signal,
          maxDifferences: 0,
          onProgress: ({ table, rows, of }) => this.#tell({ phase: 'comparison', at: table, rows, of }),
        }),
      );
      return { backfill, comparison };
    } finally {
      await crossfade.close();
    }
  }

  async #backfill(crossfade: Crossfade, status: BackfillStatus, snapshotBytes: number): Promise<RehearsedBackfill> {
    const seconds = Math.max(0.001, this.#seconds.backfill ?? 0);
    const { quarantine } = await crossfade.stores.postgres.progress();
    return {
      rows: status.rowsCopied,
      tables: status.tables.map(({ table, rowsCopied }) => ({ table, rows: rowsCopied })),
      rowsPerSecond: status.rowsCopied / seconds,
      bytesPerSecond: snapshotBytes / seconds,
      quarantined: byReason(quarantine),
      brokenForeignKeys: status.brokenForeignKeys,
      notes: status.notes,
    };
  }

  #expectation(): Expectation {
    const { schema = 0, backfill = 0, comparison = 0 } = this.#seconds;
    const isEmbedded = this.#in.postgres.kind === 'embedded';
    return {
      seconds: schema + backfill + comparison,
      assumptions: [
        'schema, backfill and one full comparison, one after the other',
        'the machine has nothing else to do; beside traffic it takes longer, since the backfill slows down while the API suffers',
        isEmbedded
          ? 'PostgreSQL is as fast as the embedded one on this machine, and no network lies between; --postgres rehearses on your server'
          : 'PostgreSQL is as busy as it was during the rehearsal, which was on the same server',
      ],
    };
  }

  async #timed<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    this.#in.signal.throwIfAborted();
    this.#tell({ phase, at: '', rows: 0, of: 0 });
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.#seconds[phase] = (this.#seconds[phase] ?? 0) + (performance.now() - startedAt) / 1000;
    }
  }

  #tell(progress: RehearsalProgress): void {
    this.#options.onProgress?.(progress);
  }
}

interface Moved {
  readonly backfill: RehearsedBackfill;
  readonly comparison: ComparisonReport;
}

function isRejected(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'rejection');
}

/** `isWhole`: whether every table could be copied. */
function outcomeOf(moved: Moved | null, { isWhole }: { isWhole: boolean }): Rehearsal['outcome'] {
  if (moved === null) return 'findings';
  const { backfill, comparison } = moved;
  const isHeld = backfill.quarantined.length === 0 && backfill.brokenForeignKeys.length === 0;
  if (comparison.outcome === 'inconclusive') return 'inconclusive';
  return isWhole && isHeld && comparison.outcome === 'match' ? 'clean' : 'findings';
}

function byReason(quarantine: readonly Quarantined[]): RehearsedBackfill['quarantined'] {
  const counts = new Map<string, { table: string; reason: string; rows: number }>();
  for (const { table, reason } of quarantine) {
    const key = JSON.stringify([table, reason]);
    const entry = counts.get(key) ?? { table, reason, rows: 0 };
    entry.rows += 1;
    counts.set(key, entry);
  }
  return [...counts.values()].toSorted((a, b) => b.rows - a.rows);
}
