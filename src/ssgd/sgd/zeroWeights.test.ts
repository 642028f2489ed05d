// Rows of weight 0 before those that count: in a stream, and in the calls of a learner.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clouds, makeDataset, type TinyRows } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { TrainEvent } from '../events.js';
import { openLearner } from '../learner/linearLearner.js';
import { defaultOptions, type TrainOptions, type Verb } from '../options.js';
import { train } from '../train.js';

async function run(verb: Verb, dataset: Dataset, options: Partial<TrainOptions>) {
  const events: TrainEvent[] = [];
  const storage = new MemoryStorage();
  const onEvent = (event: TrainEvent) => void events.push(event);
  const context = { storage, scratchFolder: '/scratch', onEvent };
  const result = await train(verb, dataset, { ...defaultOptions, algo: 'none', ...options }, context);
  return { ...result, events };
}

/** Feature 3 is the weight: 0 for the first half of the rows. */
function weightless(n: number): TinyRows {
  const { features, labels } = clouds(n, 3, 2);
  return { features: features.map((row, i) => [...row, i < n / 2 ? 0 : 1]), labels };
}

/** All rows of class 0 first. */
function sorted(n: number): TinyRows {
  const { features, labels } = clouds(n, 3, 3);
  const order = labels.map((_, i) => i).sort((a, b) => labels[a]! - labels[b]!);
  return { features: order.map((i) => features[i]!), labels: order.map((i) => labels[i]!) };
}

describe('rows of weight 0 come first', () => {
  for (const [verb, nthreads] of [
    ['ssgd', 1],
    ['sgd', 1],
    ['hsgd', 1],
    ['hsgd', 2],
  ] as const) {
    test(`${verb}, ${nthreads} threads: no divergence, and the rows that count are learnt`, async () => {
      // In memory at once, and in blocks of which the first hold no row that counts.
      for (const bufferBytes of verb === 'sgd' ? [4e6] : [4e6, 6e4]) {
        const weighted = await makeDataset({ train: weightless(4000), dtype: 'float32' });
        const shared = { nthreads, bufferBytes, loss: 'logistic' } as const;
        for (const eta0 of ['auto', 0.01] as const) {
          const one = await run(verb, weighted, { ...shared, eta0, weightColumn: 3 });
          assert.ok(
            one.test === undefined && one.train!.loss < 0.45,
            `${bufferBytes} ${eta0}: ${one.train!.loss}`,
          );
          assert.ok(!one.events.some(({ type }) => type === 'warning'));
        }
        const classes = await makeDataset({ train: sorted(4000), dtype: 'float32' });
        const other = await run(verb, classes, {
          ...shared,
          loss: 'softmax',
          classWeight: '0:0',
          simulated: true,
        });
        assert.ok(!other.events.some(({ type }) => type === 'warning'));
        assert.ok(other.train!.accuracy! > 0.5, `${other.train!.accuracy}`);
      }
    });
  }

  test('the automatic rate is measured on rows that count', async () => {
    const { features, labels } = weightless(4000);
    const half = { features: features.slice(2000), labels: labels.slice(2000) };
    const options = { weightColumn: 3, loss: 'logistic', batch: 16, bias: false, scale: 'none' } as const;
    const rateOf = async (rows: TinyRows) => {
      const { events } = await run('ssgd', await makeDataset({ train: rows, dtype: 'float32' }), options);
      const rates = events.filter((event) => event.type === 'rate');
      assert.equal(rates.length, 1);
      return rates[0]!.eta0;
    };
    const [all, counting] = [await rateOf({ features, labels }), await rateOf(half)];
    assert.ok(Math.abs(all / counting - 1) < 1e-3, `${all}, ${counting}`);
  });

  test('a learner whose first calls hold no row that counts', async () => {
    const { features, labels } = clouds(4000, 3, 2);
    for (const eta0 of ['auto', 0.05] as const) {
      const events: TrainEvent[] = [];
      const onEvent = (event: TrainEvent) => void events.push(event);
      const learner = await openLearner({ d: 3, k: 2, loss: 'logistic', weighted: true, eta0, onEvent });
      const call = (from: number, weight: number) => {
        const x = Float32Array.from(features.slice(from, from + 500).flat());
        return learner.partialFit({
          x,
          y: labels.slice(from, from + 500),
          weights: new Array(500).fill(weight),
        });
      };
      for (let i = 0; i < 4; i++) call(500 * i, 0);
      assert.ok(learner.model().weights.every((weight) => weight === 0));
      for (let i = 4; i < 8; i++) call(500 * i, 1);
      assert.ok(call(0, 1).accuracy! > 0.85);
      assert.equal(events.filter(({ type }) => type === 'rate').length, 1);
      assert.ok(!events.some(({ type }) => type === 'warning'));
    }
  });

  test('a model to start from stays as it is', async () => {
    const dataset = await makeDataset({ train: clouds(400, 3, 2) });
    const { model } = await run('ssgd', dataset, { loss: 'logistic' });
    const learner = await openLearner({ init: model, weighted: true, average: true });
    const { features, labels } = clouds(100, 3, 2);
    learner.partialFit({ x: Float32Array.from(features.flat()), y: labels, weights: new Array(100).fill(0) });
    const after = learner.model();
    for (const [j, weight] of model.weights.entries())
      assert.ok(Math.abs(after.weights[j]! - weight) < 1e-6, `${after.weights[j]} ${weight}`);
  });
});
