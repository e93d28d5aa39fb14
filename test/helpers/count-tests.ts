/**
 * How many tests passed and failed, read from the summary with which AVA ends what it prints. Uncaught exceptions,
 * unhandled rejections, failed hooks and tests that timed out count as failed.
 */
export function countTests(output: string): { readonly passed: number; readonly failed: number } {
  // Titles and logs of tests may look like a summary: only what follows the last rule across the page is one.
  const summary = output.slice(Math.max(output.lastIndexOf('\n  ─'), output.lastIndexOf('\n  -\n')));
  const sum = (pattern: RegExp): number =>
    [...summary.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  return {
    passed: sum(/^ {2}(\d+) tests? passed/gm),
    failed: sum(
      /^ {2}(\d+) (?:tests? failed|hooks? failed|uncaught exceptions?|unhandled rejections?|tests? remained pending)/gm,
    ),
  };
}
