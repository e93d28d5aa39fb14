import test from 'ava';
import { countTests } from './helpers/count-tests.ts';

test('the summary after the last rule counts, not what a test printed', (t) => {
  const output = '  ✔ one\n    ℹ 7 tests failed\n  7 tests passed\n  ─\n\n  12 tests passed\n';
  t.deepEqual(countTests(output), { passed: 12, failed: 0 });
});

test('everything that AVA calls a failure counts as failed', (t) => {
  const summary = [
    '1 hook failed',
    '2 tests failed',
    '1 test skipped',
    '3 unhandled rejections',
    '1 uncaught exception',
    '4 tests remained pending after a timeout',
  ];
  t.deepEqual(countTests(`  ─\n  ─\n\n  ${summary.join('\n  ')}\n`), { passed: 0, failed: 11 });
});

test('the ticks count where a failure keeps the summary from saying what passed', (t) => {
  const output =
    '  ✔ one\n  ✘ [fail]: two\n  ✔ file › three (1.2s)\n  ─\n\n  two\n  ✔ no test\n  ─\n\n  1 test failed\n';
  t.deepEqual(countTests(output), { passed: 2, failed: 1 });
});

test('an output without a summary has no tests', (t) => {
  t.deepEqual(countTests('\n  ✘ no test files found\n'), { passed: 0, failed: 0 });
});
