import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakePlan } from '../../test/support/fakeCommand.js';
import type { TrainEvent } from '../ssgd/events.js';
import { ProgressReporter } from './progressReporter.js';

/** A training job as it is told, one event at each time in milliseconds. */
const story: readonly (readonly [number, TrainEvent])[] = [
  [0, { type: 'plan', plan: fakePlan }],
  [10, { type: 'rate', eta0: 0.00696, reason: 'from the largest eigenvalue' }],
  [20, progress('shuffle', 0, 60_000, 0, 0)],
  [1020, progress('shuffle', 30_000, 60_000, 20_000_000, 20_000_000)],
  [2020, progress('train', 0, 180_000, 40_000_000, 40_000_000)],
  [2030, { type: 'row', step: 1, samples: 32, epoch: 0, loss: 0.4508, learningRate: 0.00696 }],
  [2040, { type: 'row', step: 2, samples: 64, epoch: 0, loss: 0.00001234, learningRate: 0.0069 }],
  [2045, progress('train', 100, 180_000, 40_100_000, 40_000_000)],
  [8020, progress('train', 60_000, 180_000, 90_000_000, 80_000_000)],
  [8030, { type: 'warning', message: 'the rate was halved' }],
  [8100, { type: 'log', step: 1000, loss: 1, trainAccuracy: 0.5, testAccuracy: 0.5 }],
  [
    8200,
    { type: 'evaluation', part: 'test', epoch: 1, evaluation: { rows: 9, loss: 0.2, accuracy: 0.8567 } },
  ],
  [200_000, { ...progress('train', 60_001, 180_000, 90_000_000, 80_000_000), epoch: 1 }],
  [
    201_000,
    { type: 'evaluation', part: 'train', epoch: 0, evaluation: { rows: 9, loss: 20, rmse: 4.93, r2: 0.73 } },
  ],
];

function progress(
  phase: 'shuffle' | 'train',
  done: number,
  total: number,
  bytesRead: number,
  bytesWritten: number,
): Extract<TrainEvent, { type: 'progress' }> {
  return { type: 'progress', phase, done, total, epoch: 0, bytesRead, bytesWritten };
}

function tell(stream: { isTTY: boolean; columns?: number }, quiet = false): string {
  let text = '';
  let now = 0;
  const reporter = new ProgressReporter({
    stream: { ...stream, write: (piece) => (text = text + piece) },
    quiet,
    clock: () => now,
    memory: () => ({ usedBytes: 8_200_000, allowedBytes: 17e6 }),
  });
  for (const [time, event] of story) {
    now = time;
    reporter.event(event);
  }
  reporter.end();
  return text;
}

const header = '     time        step      samples epoch        loss       rate\n';
const plan =
  'plan: ssgd on 2 features x 3 classes: 512 bytes of 1.00 MB, 4 passes, reads 120 bytes, writes 90 bytes, scratch 30 bytes\n' +
  'rate: eta0 0.006960 (from the largest eigenvalue)\n';
const rows =
  '   2.03 s           1           32     1      0.4508   0.006960\n' +
  '   2.04 s           2           64     1    1.234e-5   0.006900\n';

test('elsewhere than on a terminal: plain timed lines, at most one in five seconds', () => {
  assert.equal(
    tell({ isTTY: false }),
    plan +
      header +
      rows +
      '   8.02 s  train epoch 1 33 %, 15.0 MB/s, 10 000 samples/s, 12.0 s left, RSS +8.20 MB of 17.0 MB\n' +
      'warning: the rate was halved\n' +
      '   8.20 s  test after epoch 1: loss 0.2000, accuracy 85.67 %\n' +
      ' 3:20 min  train epoch 2 33 %, 0.455 MB/s, 303 samples/s, 6:36 min left, RSS +8.20 MB of 17.0 MB\n' +
      ' 3:21 min  train: loss 20.00, rmse 4.930, r2 0.7300\n',
  );
});

test('on a terminal: one line redrawn, fitted to its width, cleared before other lines and at the end', () => {
  const clear = '\r\u001b[K';
  assert.equal(
    tell({ isTTY: true, columns: 90 }),
    plan +
      `${clear}[█████░░░░]  shuffle 50 %  40.0 MB/s  30 000 rows/s  1.00 s left  RSS +8.20 MB of 17.0 MB` +
      `${clear}[░░░░░░░░░░░░░░░░░░░░]  train epoch 1 0 %  RSS +8.20 MB of 17.0 MB` +
      clear +
      header +
      rows +
      `${clear}train epoch 1 33 %  15.0 MB/s  10 000 samples/s  12.0 s left  RSS +8.20 MB of 17.0 MB` +
      `${clear}warning: the rate was halved\n` +
      '   8.20 s  test after epoch 1: loss 0.2000, accuracy 85.67 %\n' +
      `${clear}train epoch 2 33 %  0.455 MB/s  303 samples/s  6:36 min left  RSS +8.20 MB of 17.0 MB` +
      `${clear} 3:21 min  train: loss 20.00, rmse 4.930, r2 0.7300\n`,
  );
});

test('on a narrow terminal the line is cut rather than broken', () => {
  for (const line of tell({ isTTY: true, columns: 30 }).split(/[\n\r]/)) {
    if (line.includes(' left')) assert.equal(line.length, 29 + '\u001b[K'.length);
  }
});

test('quiet: warnings only', () => {
  assert.equal(tell({ isTTY: true }, true), 'warning: the rate was halved\n');
});

test('a phase whose total is unknown shows a count and no bar', () => {
  let text = '';
  let now = 0;
  const stream = { isTTY: true, write: (piece: string) => (text = text + piece) };
  const reporter = new ProgressReporter({ stream, quiet: false, clock: () => now });
  now = 200;
  reporter.progress({ phase: 'download', done: 1_234_567, total: 0, bytesRead: 1_234_567, bytesWritten: 0 });
  assert.equal(text, '\r\u001b[Kdownload 1 234 567');
});

test('verbs without epochs count passes', () => {
  let text = '';
  const stream = { write: (piece: string) => (text = text + piece) };
  const reporter = new ProgressReporter({ stream, quiet: false, clock: () => 0 });
  const row = { type: 'row', samples: 100, epoch: 0, loss: 0.5, learningRate: 0 } as const;
  reporter.event({ ...row, step: 1, passes: 1 });
  reporter.event({ ...row, step: 2, epoch: 11, passes: 12 });
  const evaluation = { rows: 9, loss: 0.2, accuracy: 0.5 };
  reporter.event({ type: 'evaluation', part: 'test', epoch: 1, passes: 1, evaluation });
  reporter.event({ type: 'evaluation', part: 'test', epoch: 12, passes: 12, evaluation });
  assert.equal(
    text,
    '     time        step      samples passes        loss       rate\n' +
      '   0.00 s           1          100      1      0.5000      0.000\n' +
      '   0.00 s           2          100     12      0.5000      0.000\n' +
      '   0.00 s  test after 1 pass: loss 0.2000, accuracy 50.00 %\n' +
      '   0.00 s  test after 12 passes: loss 0.2000, accuracy 50.00 %\n',
  );
});
