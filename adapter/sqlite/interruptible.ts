import { setImmediate as turn } from 'node:timers/promises';

/** Work in pieces, between which whoever runs it may do something else. */
export type Interruptible<T> = Generator<undefined, T, undefined>;

/** Does all of it at once. */
export function atOnce<T>(work: Interruptible<T>): T {
  for (;;) {
    const piece = work.next();
    if (piece.done === true) return piece.value;
  }
}

/** The event loop goes its way after so long. */
const SLICE_MS = 4;

/** Does all of it on the event loop, which goes its way every few milliseconds. */
export async function inTurns<T>(work: Interruptible<T>): Promise<T> {
  for (;;) {
    const end = slice(work);
    if (end !== null) return end.value;
    await turn();
  }
}

/** The same, unless it takes longer than `limitMs` of the event loop's time: then it is broken off, and this resolves to `null`. */
export async function inTurnsWithin<T>(limitMs: number, work: Interruptible<T>): Promise<T | null> {
  try {
    for (let leftMs = limitMs; leftMs > 0;) {
      const startedAt = performance.now();
      const end = slice(work);
      if (end !== null) return end.value;
      leftMs -= performance.now() - startedAt;
      await turn();
    }
    return null;
  } finally {
    // Closes what the work has opened; does nothing after its end.
    work.return(undefined as never);
  }
}

function slice<T>(work: Interruptible<T>): { readonly value: T } | null {
  const startedAt = performance.now();
  while (performance.now() - startedAt < SLICE_MS) {
    const piece = work.next();
    if (piece.done === true) return piece;
  }
  return null;
}
