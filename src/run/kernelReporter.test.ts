import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeKernel, fakeKernelPlan } from '../../test/support/fakeKernels.js';
import type { KernelEvent } from '../kernel/events.js';
import { bestIndex, KernelReporter } from './kernelReporter.js';
import { ProgressReporter } from './progressReporter.js';

function progress(
  phase: Extract<KernelEvent, { type: 'progress' }>['phase'],
  done: number,
  total: number,
  bytes: number,
  epoch = 0,
): KernelEvent {
  return { type: 'progress', phase, done, total, epoch, bytesRead: bytes, bytesWritten: 0 };
}

/** Tells events, each at its time in milliseconds. */
function tell(
  story: readonly (readonly [number, KernelEvent])[],
  regularizations: readonly number[],
  isTTY: boolean,
  classification = true,
): string {
  let text = '';
  let now = 0;
  const stream = { isTTY, columns: 100, write: (piece: string) => (text = text + piece) };
  const progressReporter = new ProgressReporter({ stream, quiet: false, clock: () => now });
  const reporter = new KernelReporter(progressReporter, {
    kernelName: ({ kind }) => `<${kind}>`,
    classification,
    regularizations,
    notes: false,
  });
  for (const [time, event] of story) {
    now = time;
    reporter.event(event);
  }
  progressReporter.end();
  return text;
}

test('a job of several regularizations: the plan, the kernel, a line for each pass', () => {
  const text = tell(
    [
      [0, { type: 'plan', plan: fakeKernelPlan }],
      [10, { type: 'kernel', kernel: fakeKernel, reason: 'sigma as given' }],
      [20, { type: 'resumed', done: 3, total: 0 }],
      [30, { type: 'pass', pass: 4, residuals: [0.5, 0.25], exact: false, heldOut: [0.9, 0.95] }],
      [40, { type: 'checkpoint', pass: 4 }],
      [50, { type: 'pass', pass: 5, residuals: [1e-5, 2e-5], exact: true, heldOut: [0.96, 0.95] }],
      [60, { type: 'warning', message: 'the kernel is not definite' }],
      [
        70,
        { type: 'evaluation', part: 'test', epoch: 0, evaluation: { rows: 2, loss: 0.1, accuracy: 0.97 } },
      ],
    ],
    [1, 0.1],
    false,
  );
  assert.equal(
    text,
    'plan: kernel rbf of 10 rows x 2 features: 2.05 kB of 1.00 MB, 20 passes, reads 4.00 kB, scratch 800 bytes\n' +
      'kernel: <rbf> (sigma as given)\n' +
      'resumed: 3 done before\n' +
      '     time   pass    residual   held out   with reg\n' +
      '   0.03 s      4      0.5000    95.00 %        0.1\n' +
      '   0.04 s  checkpoint after pass 4\n' +
      '   0.05 s      5    2.000e-5    96.00 %          1  (computed afresh)\n' +
      'warning: the kernel is not definite\n' +
      '   0.07 s  test: loss 0.1000, accuracy 97.00 %\n',
  );
});

test('rmse of held-out rows is best where it is least; one regularization needs no column', () => {
  assert.equal(bestIndex([3, 1, 1, 2], false), 1);
  assert.equal(bestIndex([3, 1, 3, 2], true), 0);
  const text = tell(
    [[0, { type: 'pass', pass: 1, residuals: [0.5], exact: false, heldOut: [4.5] }]],
    [1],
    false,
    false,
  );
  assert.equal(text, '     time   pass    residual       rmse\n   0.00 s      1      0.5000      4.500\n');
});

test('the bar tells the phase, MB/s, tiles a second and the time left; each pass starts afresh', () => {
  const clear = '\r\u001b[K';
  const text = tell(
    [
      [0, progress('generate', 0, 66, 0)],
      [1000, progress('generate', 6, 66, 20_000_000)],
      [2000, progress('solve', 0, 66, 20_000_000)],
      [4000, progress('solve', 33, 66, 60_000_000)],
      [5000, progress('solve', 66, 66, 100_000_000)],
      [5001, progress('solve', 0, 66, 100_000_000, 1)],
      [6001, progress('solve', 22, 66, 140_000_000, 1)],
    ],
    [1],
    true,
  );
  const shown = text.split(clear).map((line) => line.replace(/^\[.*\] {2}/, ''));
  assert.deepEqual(shown, [
    '',
    'generate 9 %  20.0 MB/s  6.0 tiles/s  10.0 s left',
    'solve pass 1 0 %',
    'solve pass 1 50 %  20.0 MB/s  2.00 s left in this pass',
    'solve pass 1 100 %  26.7 MB/s  0.00 s left in this pass',
    'solve pass 2 33 %  40.0 MB/s  2.00 s left in this pass',
    '',
  ]);
});
