import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Router } from 'express';
import type { Response } from 'express';
import type { Crossfade } from '../adapter/crossfade.ts';
import { messageOf } from '../adapter/errors.ts';
import { STAGES } from '../adapter/stage.ts';
import type { Status } from '../adapter/status.ts';

/** How long a database may take to answer a health question, in ms. */
const ANSWER_LIMIT_MS = 3_000;

/**
 * Routes to mount in an Express 5 application: `app.use(crossfadeRoutes(crossfade))`.
 *
 * - `GET /metrics`: every metric of `crossfade.metrics`, in Prometheus's text format.
 * - `GET /healthz`: 200 as long as the process answers at all.
 * - `GET /readyz`: 200 when the store that answers reads and the one that takes writes are reachable, else 503 with
 *   the reasons.
 * - `GET /crossfade/status`: the {@link Status} as JSON.
 * - `GET /crossfade`: a page to watch during a cutover. It only looks, and needs nothing from outside.
 *
 * None of them needs a body parser, and none shows a row's values or a connection string. They are meant for operators:
 * mount them behind whatever keeps the public out.
 */
export function crossfadeRoutes(crossfade: Crossfade): Router {
  const router = Router();
  const page = statusPage();

  router.get('/metrics', async (_request, response) => {
    response.set('Content-Type', crossfade.metrics.contentType).send(await crossfade.metrics.metrics());
  });

  router.get('/healthz', (_request, response) => {
    response.json({ status: 'alive', uptimeSeconds: Math.round(process.uptime()) });
  });

  router.get('/readyz', async (_request, response) => {
    const reasons = await unreadyReasons(crossfade);
    if (reasons.length === 0) response.json({ status: 'ready' });
    else response.status(503).set('Retry-After', '1').json({ status: 'not ready', reasons });
  });

  router.get('/crossfade/status', async (_request, response) => {
    try {
      notCached(response).json(await statusInTime(crossfade));
    } catch (error) {
      const hint = 'see GET /readyz for which database does not answer';
      response
        .status(503)
        .set('Retry-After', '1')
        .json({ error: { code: 'STATUS_UNKNOWN', message: messageOf(error), hint } });
    }
  });

  router.get('/crossfade', (_request, response) => {
    notCached(response).set('Content-Security-Policy', page.policy).type('html').send(page.html);
  });

  return router;
}

function notCached(response: Response): Response {
  return response.set('Cache-Control', 'no-store');
}

/** Why the API cannot serve everything at the moment; empty when it can. */
async function unreadyReasons(crossfade: Crossfade): Promise<string[]> {
  let status: Status;
  try {
    status = await statusInTime(crossfade);
  } catch (error) {
    return [`the status could not be told: ${messageOf(error)}`];
  }
  const { reads, reachable, stage } = status;
  const writes = STAGES[stage].writes;
  const reasons: string[] = [];
  if (!reachable[reads]) reasons.push(`${reads}, which answers the reads in stage ${stage}, cannot be reached`);
  if (!reachable[writes]) reasons.push(`${writes}, which takes the writes in stage ${stage}, cannot be reached`);
  return reasons;
}

/** The status, or an error after {@link ANSWER_LIMIT_MS}: a database that hangs must not hang the probe. */
async function statusInTime(crossfade: Crossfade): Promise<Status> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_LIMIT_MS} ms`)), ANSWER_LIMIT_MS);
  });
  try {
    return await Promise.race([crossfade.status(), late]);
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
