import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linearTargets, makeDataset } from '../../test/support/tinyDataset.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { defaultOptions, type TrainOptions, type Verb } from './options.js';
import { train } from './train.js';
import { worseThanMean } from './worseThanMean.js';

const evaluation = (r2: number) => ({ rows: 9, loss: 1, rmse: 1, r2 });

test('only models of regression that are clearly worse are spoken of, by the test rows first', () => {
  const say = (verb: Verb, figures: Parameters<typeof worseThanMean>[1]) =>
    worseThanMean(verb, figures, defaultOptions);
  assert.equal(say('ssgd', { test: { rows: 9, loss: 1e9, accuracy: 0 } }), undefined);
  assert.equal(say('ssgd', {}), undefined);
  assert.equal(say('ssgd', { test: evaluation(-0.01) }), undefined);
  assert.equal(say('ssgd', { test: evaluation(0.5), train: evaluation(-1) }), undefined);
  assert.match(
    say('ssgd', { test: evaluation(-3.2384) })!,
    /r2 is -3\.24 on the test rows; try more --epochs/,
  );
  assert.match(
    say('sgd', { heldOut: evaluation(-1) })!,
    /on the held-out rows; try more --iters \(now 5000\)/,
  );
  assert.match(
    worseThanMean('ssgd', { test: evaluation(-1) }, defaultOptions, 'the verb gd')!,
    /on the test rows; try the verb gd$/,
  );
  assert.match(say('closed', { train: evaluation(-1) })!, /on the training rows; try a smaller --reg$/);
});

test('runs tell it, with a remedy', async () => {
  const { features, labels } = linearTargets(400, 3);
  const far = { features, labels: labels.map((label) => label + 100) };
  const dataset = await makeDataset({ task: 'regression', train: far, test: far });
  const warningsOf = async (verb: Verb, options: Partial<TrainOptions>) => {
    const messages: string[] = [];
    const onEvent = (event: { type: string; message?: string }) => {
      if (event.type === 'warning') messages.push(event.message!);
    };
    const context = { storage: new MemoryStorage(), scratchFolder: '/scratch', onEvent };
    await train(verb, dataset, { ...defaultOptions, ...options }, context);
    return messages;
  };
  assert.deepEqual(await warningsOf('ssgd', {}), []);
  assert.match(
    (await warningsOf('closed', { bias: false })).join(),
    /try an intercept \(without --no-bias\) or/,
  );
  const slow = await warningsOf('ssgd', { eta0: 1e-9 });
  assert.match(
    slow.join(),
    /more --epochs \(now 3\), another --eta0 \(now 1e-9\) or --eta0=auto, the verb closed or/,
  );
});
