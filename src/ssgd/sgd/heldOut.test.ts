import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openNumberedRows, orderOf, writeNumberedRows } from '../../../test/support/shuffleFixture.js';
import { clouds, linearTargets, makeDataset, type TinyRows } from '../../../test/support/tinyDataset.js';
import { loadKernels } from '../../arithmetic/kernels.js';
import type { Dataset } from '../../data/dataset.js';
import { KeptRows } from '../../data/keptRows.js';
import { RowSelection } from '../../data/rowSelection.js';
import type { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { evaluateModel } from '../evaluate.js';
import type { TrainEvent } from '../events.js';
import { defaultOptions, shuffleNames, type TrainOptions, type Verb } from '../options.js';
import { openRowStream } from '../shuffle/rowStream.js';
import { minimumShuffleBytes, planShuffle } from '../shuffle/shufflePlan.js';
import { train } from '../train.js';
import { HeldOutRows } from './heldOut.js';

async function run(verb: Verb, dataset: Dataset, options: Partial<TrainOptions>) {
  const events: TrainEvent[] = [];
  const storage = new MemoryStorage();
  const result = await train(
    verb,
    dataset,
    { ...defaultOptions, ...options },
    { storage, scratchFolder: '/scratch', onEvent: (event) => events.push(event) },
  );
  assert.deepEqual(storage.paths(), [], 'no scratch is left');
  return { ...result, events };
}

/** The rows of a selection's two sides, as data of their own. */
function split(rows: TinyRows, held: number, seed: number): { kept: TinyRows; held: TinyRows } {
  const selection = new RowSelection(rows.labels.length, held, seed);
  const side = (wanted: boolean) => {
    const numbers = rows.labels.map((_, row) => row).filter((row) => selection.isHeld(row) === wanted);
    return {
      features: numbers.map((row) => rows.features[row]!),
      labels: numbers.map((row) => rows.labels[row]!),
    };
  };
  return { kept: side(false), held: side(true) };
}

describe('held-out rows', () => {
  const rows = 3001;
  const rowBytes = 16;
  const selection = new RowSelection(rows, 300, 5);
  const kept = Array.from({ length: rows }, (_, row) => row).filter((row) => !selection.isHeld(row));
  for (const algo of shuffleNames) {
    for (const reshuffle of ['epoch', 'once'] as const) {
      test(`${algo}, ${reshuffle}: leaves them out of each epoch, gives all others once, in any memory`, async () => {
        const request = { algo, reshuffle, rows: selection.kept, rowBytes, epochs: 3 };
        const least = minimumShuffleBytes(request);
        for (const bytes of [least, 3 * least, 10 * rows * rowBytes]) {
          const storage = new MemoryStorage();
          await writeNumberedRows(storage, '/rows', rows, rowBytes);
          const file = await openNumberedRows(storage, '/rows', rows, rowBytes);
          const plan = planShuffle({ ...request, bytes });
          const arena = new Arena(plan.regions);
          const context = { storage, scratchFolder: '/scratch', seed: 5 };
          const view = new KeptRows(file, selection);
          const stream = await openRowStream(plan, view, arena, loadKernels(arena.memory), context);
          for (let epoch = 0; epoch < 3; epoch++) {
            const order = await orderOf(stream, epoch, arena, rowBytes);
            assert.deepEqual(
              order.sort((a, b) => a - b),
              kept,
            );
          }
          await stream.close();
          await file.close();
        }
      });
    }
  }

  test('are copied in order, all of them, through a small region', async () => {
    const storage = new MemoryStorage();
    await writeNumberedRows(storage, '/rows', rows, rowBytes);
    const file = await openNumberedRows(storage, '/rows', rows, rowBytes);
    const arena = new Arena([{ name: 'rows', bytes: 10 * rowBytes }]);
    const held = await HeldOutRows.copy(file, selection, arena, 'rows', {
      storage,
      scratchFolder: '/scratch',
    });
    const bytes = new Uint8Array(300 * rowBytes);
    await held.readRows(bytes, 0, 300);
    const numbers = Array.from(
      { length: 300 },
      (_, i) => bytes[i * rowBytes]! + 256 * bytes[i * rowBytes + 1]!,
    );
    assert.equal(held.rows, 300);
    assert.ok(numbers.every((row, i) => selection.isHeld(row) && row > (numbers[i - 1] ?? -1)));
    await held.close();
    assert.deepEqual(storage.paths(), ['/rows']);
  });

  test('training leaves them out and judges by them: the same bits as on data made of the others', async () => {
    const rows = clouds(1200, 6, 3, 1, 3);
    const { kept, held } = split(rows, 300, 4);
    // A given rate and no scaling, since scaling and centring go by the statistics of the whole part.
    const options: Partial<TrainOptions> = { loss: 'softmax', eta0: 0.01, scale: 'none', seed: 4, batch: 8 };
    const whole = await run('ssgd', await makeDataset({ train: rows }), { ...options, holdout: 0.25 });
    const alone = await run('ssgd', await makeDataset({ train: kept, test: held }), {
      ...options,
      holdout: 0,
    });
    assert.deepEqual(whole.model.weights, alone.model.weights);
    assert.deepEqual(whole.model.intercept, alone.model.intercept);
    assert.deepEqual(whole.heldOut, alone.test);
    assert.deepEqual(whole.train, alone.train);
    const [heldOut, tests] = [whole, alone].map(({ events }) =>
      events.filter(({ type }) => type === 'evaluation'),
    );
    assert.deepEqual(
      heldOut!.map((event) => ({ ...event, part: 'test' })),
      tests,
    );
  });

  test('regression, with sgd and in little memory', async () => {
    const rows = linearTargets(2000, 5);
    const { held } = split(rows, 200, 0);
    const dataset = await makeDataset({ task: 'regression', train: rows });
    const judge = await makeDataset({ task: 'regression', train: rows, test: held });
    for (const [verb, bufferBytes] of [
      ['sgd', 1e6],
      ['ssgd', 8e3],
      ['hsgd', 8e3],
    ] as const) {
      const { model, heldOut, samples, plan, bytesRead, bytesWritten } = await run(verb, dataset, {
        holdout: 0.1,
        bufferBytes,
        iters: 200,
      });
      assert.deepEqual(await evaluateModel(model, judge.test, { bufferBytes: 1e5 }), heldOut);
      assert.equal(heldOut!.rows, 200);
      if (verb !== 'sgd') assert.equal(samples, 3 * 1800);
      assert.equal(bytesRead, plan.bytesRead);
      assert.equal(bytesWritten, plan.bytesWritten);
    }
  });

  test('a share that leaves nothing on one side is refused', async () => {
    const dataset = await makeDataset({ train: clouds(4, 2, 2) });
    for (const [holdout, message] of [
      [0.1, /--holdout=0\.1: holds out 0 of 4 training rows/],
      [0.95, /--holdout=0\.95: must be a share from 0 to 0\.9/],
      [-0.1, /--holdout=-0\.1/],
      [Number.NaN, /--holdout=NaN/],
    ] as const) {
      await assert.rejects(run('ssgd', dataset, { holdout }), (error: MlmlError) => {
        assert.equal(error.code, 'MLML_USAGE');
        assert.match(error.message, message);
        return true;
      });
    }
    await assert.rejects(
      run('ssgd', dataset, { holdout: 0, patience: 1 }),
      /--patience=1: stops by what held-out/,
    );
  });
});

describe('patience', () => {
  for (const average of [false, true]) {
    test(`stops and keeps the weights of the best epoch (average: ${average})`, async () => {
      const rows = clouds(400, 20, 2, 3, 6);
      const { held } = split(rows, 80, 2);
      const dataset = await makeDataset({ train: rows, test: held });
      const options = { loss: 'logistic', reg: 0, seed: 2, average, holdout: 0.2 } as const;
      const given = { ...options, eta0: 0.05, schedule: 'constant' } as const;
      const { model, heldOut, bestEpoch, epochs, events, test, samples } = await run('ssgd', dataset, {
        ...given,
        epochs: 50,
        patience: 3,
      });
      assert.ok(epochs < 50 && bestEpoch === epochs - 3, `best ${bestEpoch} of ${epochs}`);
      assert.equal(samples, epochs * 320);
      // The test part of this data set is made of the held-out rows.
      assert.deepEqual(test, heldOut);
      assert.deepEqual(await evaluateModel(model, dataset.test, { bufferBytes: 1e5 }), heldOut);
      const judged = events.flatMap((event) =>
        event.type === 'evaluation' && event.part === 'holdout' ? [event.evaluation] : [],
      );
      assert.equal(judged.length, epochs);
      assert.deepEqual(judged[bestEpoch! - 1], heldOut);
      for (const other of judged) assert.ok(other.accuracy! <= heldOut!.accuracy!);
      const stopped = events.filter((event) => event.type === 'stopped');
      assert.deepEqual(stopped, [{ type: 'stopped', epoch: epochs, bestEpoch }]);
      if (average) return;
      // Training just as long as the best epoch gives the same weights.
      const short = await run('ssgd', dataset, { ...given, epochs: bestEpoch! });
      assert.deepEqual(short.model.weights, model.weights);
    });
  }

  test('that never runs out trains all epochs', async () => {
    const dataset = await makeDataset({ train: clouds(300, 4, 2) });
    const { epochs, bestEpoch } = await run('ssgd', dataset, { patience: 5, epochs: 4 });
    assert.equal(epochs, 4);
    assert.ok(bestEpoch! >= 1 && bestEpoch! <= 4);
  });
});
