import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clouds, linearTargets, makeDataset } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { defaultOptions, type TrainOptions } from '../options.js';
import { planTraining, train } from '../train.js';
import { unconverged } from './unconverged.js';

async function warnings(dataset: Dataset, options: Partial<TrainOptions>) {
  const messages: string[] = [];
  const context = { storage: new MemoryStorage(), scratchFolder: '/scratch' };
  const result = await train(
    'gd',
    dataset,
    { ...defaultOptions, ...options },
    { ...context, onEvent: (event) => event.type === 'warning' && messages.push(event.message) },
  );
  return { messages, model: result.model };
}

test('gd that ends far from a minimum says so, with what to do', async () => {
  const { features, labels } = linearTargets(200, 4);
  const large = { features, labels: labels.map((label) => 1e5 * label) };
  const dataset = await makeDataset({ task: 'regression', train: large, test: large });
  const { messages } = await warnings(dataset, { loss: 'huber', iters: 300 });
  assert.equal(messages.length, 1);
  assert.match(
    messages[0]!,
    /^gd has not converged: after 300 iterations the gradient is \d+ % of the first, and the objective per row, \d.* at the start, is \d.*; give more --iters, .*the verb ssgd or --loss=ridge \(huber counts errors beyond 1/,
  );
  assert.deepEqual((await warnings(dataset, { loss: 'ridge', iters: 300 })).messages, []);
  const few = await warnings(dataset, { loss: 'ridge', iters: 2, eta0: 1e-6 });
  assert.match(few.messages[0]!, /give more --iters, a larger --eta0 or --eta0=auto or the verb closed$/);
});

test('a start at the minimum, and a usual run, give no warning', async () => {
  const dataset = await makeDataset({ train: clouds(300, 4, 3) });
  for (const loss of ['ridge', 'softmax', 'logistic'] as const) {
    const first = await warnings(dataset, { loss, reg: 10 });
    assert.deepEqual(first.messages, [], loss);
    const context = { storage: new MemoryStorage(), scratchFolder: '/scratch', init: first.model };
    const onEvent = (event: { type: string }) => assert.notEqual(event.type, 'warning');
    await train('gd', dataset, { ...defaultOptions, loss, reg: 10, iters: 20 }, { ...context, onEvent });
  }
});

test('the bounds', () => {
  const options = { ...defaultOptions, loss: 'softmax' } as const;
  const at = { converged: false, iterations: 100, first: 2, late: 1, objective: 1, residual: 0.05 };
  assert.equal(unconverged(at, options), undefined);
  assert.match(unconverged({ ...at, late: 1.02 }, options)!, / 5 % of the first/);
  assert.match(unconverged({ ...at, residual: 0.2 }, options)!, /20 % of the first/);
  assert.equal(unconverged({ ...at, residual: 0.005, late: 1.5 }, options), undefined);
  assert.equal(unconverged({ ...at, residual: 1, first: 1 + 1e-9 }, options), undefined, 'rounding');
  assert.equal(unconverged({ ...at, residual: 1, converged: true }, options), undefined);
});

test('gd that streams for want of memory says what budget would make it one pass', async () => {
  const rows = clouds(50, 200, 3);
  const { description } = await makeDataset({ train: rows });
  const options = { ...defaultOptions, bufferBytes: 2e5, reg: 1 };
  const { hint, notes, passes } = planTraining('gd', description, options);
  assert.ok(passes > 1);
  const [, megabytes] = /^with --buffer=([\d.]+) or more, one pass would do$/.exec(hint!)!;
  assert.ok(notes.includes(hint!));
  const enough = planTraining('gd', description, { ...options, bufferBytes: 1e6 * Number(megabytes) });
  assert.equal(enough.passes, 1);
  assert.equal(enough.hint, undefined);
  assert.equal(planTraining('gd', description, { ...options, loss: 'softmax' }).hint, undefined);
  assert.match(planTraining('closed', description, options).hint!, /one pass would do$/);
});
