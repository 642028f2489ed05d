import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linearTargets, makeDataset } from '../../../test/support/tinyDataset.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { defaultOptions, type TrainOptions, type Verb } from '../options.js';
import { train } from '../train.js';
import { farLabels } from './farLabels.js';

const rows = 1024;

describe('labels far from 0', () => {
  test('are those that differ by less than a thousand steps of single precision', () => {
    const tell = (mean: number, deviation: number) =>
      farLabels('ssgd', 'ridge', [{ rows, mean, deviation, largest: Math.abs(mean) }]);
    assert.equal(tell(0, 0), undefined);
    assert.equal(tell(1e7, 0), undefined, 'all alike');
    assert.equal(tell(0, 1e-9), undefined);
    // Numbers from 2²³ to 2²⁴ lie 1 apart.
    assert.equal(tell(1e7, 1000), undefined);
    assert.match(
      tell(-1e7, 999)!.message,
      /^the labels lie far from 0: mean -1\.00e\+7, .* 999, .* lie 1\.00 apart/,
    );
    assert.equal(tell(NaN, NaN), undefined);
  });

  test('the number to subtract is round, and near enough', () => {
    const remedy = (mean: number, deviation: number) =>
      farLabels('sgd', 'ridge', [{ rows, mean, deviation, largest: mean }])!.remedy;
    assert.equal(
      remedy(1.700000000123e12, 1007),
      'the verb closed or gd, or subtract about 1700000000000 from the label',
    );
    assert.match(remedy(10_000_000.4, 3.2), /about 10000000 from/);
    assert.match(remedy(1234.56789, 0.0345), /about 1234.57 from/);
  });

  test('one of several outputs is named; huber has no closed solution', () => {
    const near = { rows, mean: 1, deviation: 1, largest: 4 };
    const far = { rows, mean: 1e9, deviation: 1, largest: 1e9 };
    const { message } = farLabels('ssgd', 'huber', [near, far, far])!;
    assert.match(message, /^label 2 of 3 lies far from 0 \(and 1 more\): .*; use the verb gd, or subtract/);
  });

  const run = async (verb: Verb, offset: number, options: Partial<TrainOptions> = {}) => {
    const { features, labels } = linearTargets(600, 3);
    const part = { features, labels: labels.map((label) => label + offset) };
    const dataset = await makeDataset({ task: 'regression', train: part, test: part });
    const messages: string[] = [];
    const onEvent = (event: { type: string; message?: string }) => {
      if (event.type === 'warning') messages.push(event.message!);
    };
    const context = { storage: new MemoryStorage(), scratchFolder: '/scratch', onEvent };
    const result = await train(verb, dataset, { ...defaultOptions, ...options }, context);
    assert.ok(!('labelRemedy' in result));
    return { messages, r2: result.test!.r2! };
  };

  for (const options of [{}, { eta0: 1e-3 }, { loss: 'huber' }] as const)
    test(`are told of at the start, ${JSON.stringify(options)}`, async () => {
      const { messages } = await run('ssgd', 1e9, options).catch((error) => assert.fail(error));
      assert.match(messages[0]!, /^the labels lie far from 0: mean 1\.00e\+9, /);
      assert.equal(messages.filter((message) => /far from 0/.test(message)).length, 1);
      const worse = messages.filter((message) => /worse than predicting/.test(message));
      for (const message of worse)
        assert.match(message, /; try the verb .*subtract about 100000000\d from the label$/);
    });

  test('are told of by hsgd with threads, and nothing is told of near ones', async () => {
    const { messages } = await run('hsgd', 1e9, { nthreads: 2 });
    assert.match(messages[0]!, /^the labels lie far from 0: .*; hsgd computes/);
    assert.deepEqual((await run('ssgd', 100)).messages, []);
  });

  test('closed and gd, which the warning names, learn them', async () => {
    for (const verb of ['closed', 'gd'] as const) {
      const { messages, r2 } = await run(verb, 1e9);
      assert.deepEqual(messages, []);
      assert.ok(r2 > 0.9, `${verb}: ${r2}`);
    }
  });
});
