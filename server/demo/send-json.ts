/** Longer than any write switch may take; an answer later than this is a failure. */
const LIMIT_MS = 15_000;

/**
 * Sends a request to the example API and returns the answer's JSON object (an empty one for 204).
 *
 * @throws Error when the status is not the expected one, with the API's error code.
 */
export async function sendJson(
  method: string,
  url: string,
  options: { expect: number; body?: unknown },
): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(LIMIT_MS),
    ...(options.body === undefined
      ? {}
      : { body: JSON.stringify(options.body), headers: { 'Content-Type': 'application/json' } }),
  });
  const text = await response.text();
  const answer = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  if (response.status !== options.expect) {
    const { code } = (answer['error'] ?? {}) as { code?: string };
    throw new Error(`${method} answered ${response.status} ${code ?? ''}`.trim());
  }
  return answer;
}
