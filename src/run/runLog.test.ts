import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { readText } from '../storage/textFile.js';
import { runPaths } from './runFolder.js';
import { type LogMark, RunLog } from './runLog.js';

const paths = runPaths('runs/r');
const csvPath = 'logs/r.csv';

/** A log whose clock is set by hand; `run` names it. */
function world(storage = new MemoryStorage()) {
  const clock = { ms: 0 };
  const options = (run = 'r') => ({ csv: csvPath, clock: () => clock.ms, memory: () => 1, run });
  const line = (step: number) =>
    ({ type: 'log', step, loss: step / 10, trainAccuracy: 0.5, testAccuracy: undefined }) as const;
  const csv = async () => (await readText(storage, csvPath)).split('\n').slice(1, -1);
  const events = async () =>
    (await readText(storage, paths.events))
      .split('\n')
      .slice(0, -1)
      .map((text) => JSON.parse(text) as Record<string, unknown>);
  return { storage, clock, options, line, csv, events };
}

async function killedAfterMark() {
  const w = world();
  const log = await RunLog.create(w.storage, paths, w.options());
  w.clock.ms = 2000;
  log.record(w.line(1));
  log.record({ type: 'warning', message: 'kept' });
  const mark = await log.mark();
  w.clock.ms = 5000;
  log.record(w.line(2));
  log.record({ type: 'warning', message: 'lost' });
  await log.close();
  return { ...w, mark };
}

test('a log goes on behind its mark: later lines are cut off, time is time worked', async () => {
  const { storage, clock, options, line, csv, events, mark } = await killedAfterMark();
  clock.ms = 100_000;
  const log = RunLog.waiting(storage, paths, options());
  log.record({ type: 'warning', message: 'before it is known where it goes on' });
  assert.equal((await csv()).length, 2);
  clock.ms = 101_000;
  await log.goOn(mark);
  clock.ms = 102_500;
  log.record(line(2));
  await log.goOn(undefined);
  await log.close();
  assert.deepEqual(await csv(), ['1,2,0.1,0.5,', '2,3.5,0.2,0.5,']);
  assert.deepEqual(
    (await events()).map(({ time, message }) => [time, message]),
    [
      [2, 'kept'],
      [2, 'before it is known where it goes on'],
    ],
  );
});

test('without a mark, or with that of another run, it begins anew', async () => {
  for (const run of ['r', 'other']) {
    const { storage, options, line, csv, events, mark } = await killedAfterMark();
    const log = RunLog.waiting(storage, paths, options(run));
    await log.goOn(run === 'r' ? undefined : mark);
    log.record(line(7));
    await log.close();
    assert.deepEqual([(await csv()).length, await events()], [1, []]);
  }
});

test('a run that fails before it goes on leaves the log as it was', async () => {
  const { storage, options, csv } = await killedAfterMark();
  const log = RunLog.waiting(storage, paths, options());
  log.record({ type: 'end', status: 'failed', error: 'MLML_BUSY' });
  await log.close();
  assert.equal((await csv()).length, 2);
});

test('a file that was removed, or has lost its end, begins anew with a warning', async () => {
  const { storage, options, line, csv, events, mark } = await killedAfterMark();
  await storage.remove(csvPath);
  const log = RunLog.waiting(storage, paths, options());
  await log.goOn(mark);
  log.record(line(3));
  await log.close();
  assert.equal((await readText(storage, csvPath)).split('\n')[0], 'i,Time,Loss,Train Accuracy,Test Accuracy');
  assert.equal((await csv()).length, 1);
  assert.match(
    String((await events()).at(-1)?.['message']),
    /logs\/r\.csv: has 0 bytes; \d+ had been written .* begins anew/,
  );
});

test('a mark says where the files stand on the disk', async () => {
  const { storage, mark } = await killedAfterMark();
  const { eventBytes, csvBytes, ...rest }: LogMark = mark;
  assert.deepEqual(rest, { run: 'r', seconds: 2 });
  assert.equal(
    new TextDecoder().decode(storage.bytesOf(csvPath).subarray(0, csvBytes)).split('\n').length,
    3,
  );
  assert.match(new TextDecoder().decode(storage.bytesOf(paths.events).subarray(0, eventBytes)), /kept"\}\n$/);
});
