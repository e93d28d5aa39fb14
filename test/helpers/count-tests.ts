/**
 * How many tests passed and failed, read from the summary with which AVA ends what it prints. Uncaught exceptions,
 * unhandled rejections, failed hooks and tests that timed out count as failed.
 */
export function countTests(output: string): { readonly passed: number; readonly failed: number } {
  // Titles and logs of tests may look like a summary: only what follows the last rule across the page is one.
  const rules = [...output.matchAll(/^ {2}[─-]$/gm)].map(({ index }) => index);
  const summary = output.slice(rules.at(-1) ?? output.length);
  const ticks = output.slice(0, rules[0]).match(/^ {2}[✔√] (?!\[expected fail\])/gm)?.length ?? 0;
  const sum = (pattern: RegExp): number =>
    [...summary.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  return {
    // A run with failures does not say how many passed.
    passed: sum(/^ {2}(\d+) tests? passed/gm) || ticks,
    failed: sum(
      /^ {2}(\d+) (?:tests? failed|hooks? failed|uncaught exceptions?|unhandled rejections?|tests? remained pending)/gm,
    ),
  };
}
