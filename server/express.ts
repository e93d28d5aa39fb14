import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Router } from 'express';
import type { Response } from 'express';
import type { Crossfade } from '../adapter/crossfade.ts';
import { messageOf } from '../adapter/errors.ts';
import { STAGES } from '../adapter/stage.ts';
import type { Store } from '../adapter/store.ts';
import { divergenceHtml, noComparisonHtml } from '../compare/divergence-html.ts';
import type { DivergenceReport } from '../compare/divergence.ts';
import type { ComparisonSchedule } from './comparison-schedule.ts';

export { ComparisonSchedule, scheduleComparisons } from './comparison-schedule.ts';
export type { ComparisonScheduleOptions, ComparisonScheduleStatus, ScheduledResult } from './comparison-schedule.ts';

/** What {@link crossfadeRoutes} may be given besides. */
export interface RouteOptions {
  /** The schedule of comparisons of this process, to be shown in the status. */
  readonly comparisons?: ComparisonSchedule;
}

/** How long a database may take to answer whether it is there, in ms: a probe must not hang with it. */
const PING_LIMIT_MS = 2_000;
/** Past comparisons on the page of the last one. */
const SHOWN_RUNS = 60;

/**
 * Routes to mount in an Express 5 application: `app.use(crossfadeRoutes(crossfade))`.
 *
 * - `GET /metrics`: every metric of `crossfade.metrics`, in Prometheus's text format.
 * - `GET /healthz`: 200 as long as the process answers at all.
 * - `GET /readyz`: 200 when the store that takes the writes and one that can answer reads are reachable, else 503 with
 *   the reasons. Reads of a secondary that is away go to the primary, so that alone makes nothing unready.
 * - `GET /crossfade/status`: the `Status` as JSON.
 * - `GET /crossfade/comparison`: the last comparison as a page, with those before it; `/crossfade/comparison.json`: the
 *   report itself (`report.schema.json`), or 404 before there is one. Neither holds values of rows beside their keys.
 * - `GET /crossfade`: a page to watch during a cutover. It only looks, and needs nothing from outside.
 *
 * None of them needs a body parser, and none shows a row's values or a connection string. They are meant for operators:
 * mount them behind whatever keeps the public out.
 */
export function crossfadeRoutes(crossfade: Crossfade, { comparisons }: RouteOptions = {}): Router {
  const router = Router();
  const page = statusPage();

  router.get('/metrics', async (_request, response) => {
    response.set('Content-Type', crossfade.metrics.contentType).send(await crossfade.metrics.metrics());
  });

  router.get('/healthz', (_request, response) => {
    response.json({ status: 'alive', uptimeSeconds: Math.round(process.uptime()) });
  });

  router.get('/readyz', async (_request, response) => {
    const { reasons, notes } = await readiness(crossfade);
    if (reasons.length === 0) response.json({ status: 'ready', notes });
    else response.status(503).set('Retry-After', '1').json({ status: 'not ready', reasons, notes });
  });

  router.get('/crossfade/status', async (_request, response) => {
    try {
      const status = await crossfade.status();
      notCached(response).json(
        comparisons === undefined ? status : { ...status, comparisonSchedule: comparisons.status() },
      );
    } catch (error) {
      const hint = 'see GET /readyz for which database does not answer';
      response
        .status(503)
        .set('Retry-After', '1')
        .json({ error: { code: 'STATUS_UNKNOWN', message: messageOf(error), hint } });
    }
  });

  router.get('/crossfade/comparison', async (_request, response) => {
    await answerKept(response, async () => {
      const report = await lastReport(crossfade);
      const history = await crossfade.records.comparisons.list({ limit: SHOWN_RUNS });
      const html = report === undefined ? noComparisonHtml() : divergenceHtml(report, { history });
      const policy = `default-src 'none'; img-src data:; style-src ${digest(html, 'style')}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`;
      response.set('Content-Security-Policy', policy).type('html').send(html);
    });
  });

  router.get('/crossfade/comparison.json', async (_request, response) => {
    await answerKept(response, async () => {
      const report = await lastReport(crossfade);
      const hint = 'run: crossfade compare';
      if (report !== undefined) response.json(report);
      else response.status(404).json({ error: { code: 'NOT_COMPARED', message: 'there is no comparison yet', hint } });
    });
  });

  router.get('/crossfade', (_request, response) => {
    notCached(response).set('Content-Security-Policy', page.policy).type('html').send(page.html);
  });

  return router;
}

/** Comparisons are kept in PostgreSQL, which may be away. */
async function answerKept(response: Response, answer: () => Promise<void>): Promise<void> {
  notCached(response);
  try {
    await answer();
  } catch (error) {
    const hint = 'see GET /readyz for which database does not answer';
    response
      .status(503)
      .set('Retry-After', '1')
      .json({ error: { code: 'COMPARISON_UNKNOWN', message: messageOf(error), hint } });
  }
}

async function lastReport(crossfade: Crossfade): Promise<DivergenceReport | undefined> {
  const kept = await crossfade.records.comparisons.lastReport();
  return kept === undefined ? undefined : (JSON.parse(kept) as DivergenceReport);
}

function notCached(response: Response): Response {
  return response.set('Cache-Control', 'no-store');
}

/** Why the API cannot serve everything at the moment, and what it serves in another way than usual. */
async function readiness(crossfade: Crossfade): Promise<{ reasons: string[]; notes: string[] }> {
  const { stage } = crossfade.cutover;
  const { writes, reads } = STAGES[stage];
  const reasons: string[] = [];
  const notes: string[] = [];
  if (!(await isReachable(crossfade.stores[writes]))) {
    reasons.push(`${writes}, which takes the writes in stage ${stage}, cannot be reached`);
  }
  if (reads !== writes && !(await isReachable(crossfade.stores[reads]))) {
    notes.push(`${reads}, which answers the reads in stage ${stage}, cannot be reached; ${writes} answers them`);
  }
  return { reasons, notes };
}

async function isReachable(store: Store): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), PING_LIMIT_MS);
  });
  const answered = store.ping().then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The page with the table of stages in it, and a policy that lets it run its own script and style and nothing else. */
function statusPage(): { html: string; policy: string } {
  const html = readFileSync(pagePath(), 'utf8').replace('"{{stages}}"', () => JSON.stringify(STAGES));
  const policy = [
    "default-src 'none'",
    'img-src data:',
    `script-src ${digest(html, 'script')}`,
    `style-src ${digest(html, 'style')}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; ');
  return { html, policy };
}

/** The file lies beside this one's source, whether this runs from there or from the build in `dist`. */
function pagePath(): URL {
  const beside = new URL('status-page.html', import.meta.url);
  return existsSync(beside) ? beside : new URL('../../server/status-page.html', import.meta.url);
}

/** The digest by which a content security policy allows an inline element. */
function digest(html: string, tag: 'script' | 'style'): string {
  const content = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(html)?.[1];
  if (content === undefined) throw new Error(`the status page has no <${tag}>`);
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}
