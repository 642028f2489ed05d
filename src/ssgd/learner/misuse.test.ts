import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporaryFolder.js';
import { clouds, makeDataset } from '../../../test/support/tinyDataset.js';
import { openDataset } from '../../data/dataset.js';
import { importDataset } from '../../data/import/importDataset.js';
import { LARGEST_ARENA } from '../../memory/arena.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { nodeStorage } from '../../storage/nodeStorage.js';
import { defaultOptions } from '../options.js';
import { planTraining, train } from '../train.js';
import { openLearner } from './linearLearner.js';
import { planLearner } from './planLearner.js';

/** As from a program whose types nobody checks. */
const any = <T>(value: unknown) => value as T;

describe('what no type has kept out is one usage error', () => {
  test('options of a learner', async () => {
    const cases: readonly [unknown, RegExp][] = [
      [undefined, /^openLearner takes an object of options/],
      [null, /^openLearner takes an object of options/],
      [784, /^openLearner takes an object of options/],
      [{}, /^d=undefined: a learner needs d/],
      [
        { d: 2, k: 2, bufferBites: 1e6 },
        /^bufferBites: is not an option of openLearner; did you mean bufferBytes\?$/,
      ],
      [{ d: 2, k: 2, holdout: 0.1 }, /^holdout: is not an option of openLearner; they are d, k, task, /],
      [{ d: 2, k: 2, toString: 1 }, /^toString: is not an option/],
      [{ d: 2, k: 2, reg: 1e39 }, /^--reg=1e\+39: the penalty of a row, /],
      [{ d: 2, k: 2, loss: 'cubic' }, /^--loss=cubic: must be one of/],
      [{ d: 2, k: 2, classWeight: { 0: 1 } }, /^classWeight \{"0":1\}: must be text: balanced, or 0:1,1:5/],
      [{ d: 2, k: 2, classWeight: 5 }, /^classWeight 5: must be text/],
      [{ d: 2, k: 2, init: 'x' }, /^init: is the text 'x'; give a linear model, such as loadModel or train/],
      [{ d: 2, k: 2, init: {} }, /^init: is an object; give a linear model/],
      [{ d: 2, k: 2, like: 'x' }, /^like: is the text 'x'; give the description of a data set/],
      [
        { like: await makeDataset({ train: clouds(20, 2, 2) }) },
        /^like: is a data set; give the description/,
      ],
      [{ d: 2, k: 2, classNames: 'ab' }, /^classNames: is the text 'ab'; give an array with the name/],
      [{ d: 2, k: 2, classNames: [1, 2] }, /^classNames: is an object; give an array/],
      [{ d: 2, k: 2, reg: null }, /^reg: is null; leave it out, or give it a value$/],
      [{ d: 2, k: 2, onEvent: 5 }, /^onEvent: is the number 5; give a function$/],
      [{ d: 2, k: 2, weighted: 'no' }, /^weighted: is the text 'no'; give true or false$/],
    ];
    for (const [options, message] of cases)
      await assert.rejects(openLearner(any(options)), { name: 'MlmlError', code: 'MLML_USAGE', message });
  });

  test('rows of a learner', async () => {
    const learner = await openLearner({ d: 2, k: 2 });
    const weighted = await openLearner({ d: 2, k: 2, weighted: true });
    const x = Float32Array.of(1, 2);
    const cases: readonly [() => unknown, RegExp][] = [
      [() => learner.partialFit(any(undefined)), /^rows to learn from are \{ x, y \}: .*, not undefined$/],
      [() => learner.partialFit(any({ y: [1] })), /^x: is undefined; features are a Float32Array,/],
      [() => learner.partialFit(any({ x: [1, 2], y: [1] })), /^x: is of type Array; features are/],
      [() => learner.partialFit(any({ x })), /^y: is undefined; give an array with the label of each row$/],
      [() => learner.partialFit(any({ x, y: 1 })), /^y: is a number; give an array/],
      [() => weighted.partialFit(any({ x, y: [1], weights: 2 })), /^weights: is a number; give an array/],
      [() => learner.predict(any(undefined)), /^x: is undefined; features are/],
      [() => learner.scores(any([1, 2])), /^x: is of type Array/],
    ];
    for (const [job, message] of cases)
      assert.throws(job, { name: 'MlmlError', code: 'MLML_USAGE', message });
    assert.equal(learner.samples + weighted.samples, 0);
  });

  test('what training is given', async () => {
    const dataset = await makeDataset({ train: clouds(20, 2, 2) });
    const context = { storage: new MemoryStorage(), scratchFolder: '/s' };
    const options = (more: object) => ({ ...defaultOptions, ...more });
    const cases: readonly [readonly unknown[], RegExp][] = [
      [
        [dataset, defaultOptions],
        /^context: is undefined; give \{ storage: nodeStorage, scratchFolder: 'scratch' \}$/,
      ],
      [[dataset, defaultOptions, {}], /^context\.storage: is undefined; give \{/],
      [
        [dataset, defaultOptions, { storage: context.storage }],
        /^context\.scratchFolder: is undefined; give \{/,
      ],
      [
        [dataset, defaultOptions, { ...context, onEvent: 5 }],
        /^context\.onEvent: is the number 5; give a function$/,
      ],
      [
        [dataset, defaultOptions, { ...context, init: 'x' }],
        /^context\.init: is the text 'x'; give a linear model/,
      ],
      [
        [dataset, defaultOptions, { ...context, signal: 5 }],
        /^context\.signal: is the number 5; give the signal/,
      ],
      [
        [dataset, defaultOptions, { ...context, checkpoint: 'x' }],
        /^context\.checkpoint: is the text 'x'; give \{/,
      ],
      [[dataset], /^options: is undefined; give \{ \.\.\.defaultOptions, … \}$/],
      [[undefined, defaultOptions, context], /^dataset: is undefined; give an open data set/],
      [['mnist', defaultOptions, context], /^dataset: is the text 'mnist'; give an open data set/],
      [[dataset, options({ classWeight: { 0: 1 } }), context], /^classWeight \{"0":1\}: must be text/],
      [[dataset, options({ classWeight: 5 }), context], /^classWeight 5: must be text/],
      [[dataset, options({ reg: null }), context], /^--reg=null: must be a number at least 0$/],
      [[dataset, options({ sweep: { reg: 1 } }), context], /^sweep: give an object with an array of values/],
      [[dataset, options({ bias: 'no' }), context], /^bias: is the text 'no'; give true or false$/],
    ];
    for (const [given, message] of cases) {
      const job = train('ssgd', ...any<[typeof dataset, typeof defaultOptions, typeof context]>(given));
      await assert.rejects(job, { name: 'MlmlError', code: 'MLML_USAGE', message });
    }
    assert.throws(() => planTraining('ssgd', any(dataset), defaultOptions), {
      code: 'MLML_USAGE',
      message: /^description: is a data set; give the description of a data set, dataset\.description$/,
    });
  });

  test('a data set that has been closed', async (t) => {
    const storage = nodeStorage;
    const folder = temporaryFolder(t);
    const file = await importDataset(storage, 'digits', { out: join(folder, 'digits'), n: 20 });
    assert.ok(file);
    const dataset = await openDataset(storage, join(folder, 'digits'));
    await dataset.close();
    for (const verb of ['ssgd', 'sgd', 'closed', 'gd'] as const)
      await assert.rejects(train(verb, dataset, defaultOptions, { storage, scratchFolder: folder }), {
        code: 'MLML_USAGE',
        message: /: has been closed; close a data set only when all that works on it has ended$/,
      });
  });

  test('a verb of training', async () => {
    const dataset = await makeDataset({ train: clouds(20, 2, 2) });
    const error = {
      code: 'MLML_USAGE',
      message: /^sggd: is no verb of training; use closed, gd, sgd, ssgd, hsgd$/,
    };
    const context = { storage: new MemoryStorage(), scratchFolder: '/s' };
    await assert.rejects(train(any('sggd'), dataset, defaultOptions, context), error);
    assert.throws(() => planTraining(any('sggd'), dataset.description, defaultOptions), error);
  });
});

test('what does not fit is refused before anything is made for it', async () => {
  const before = process.memoryUsage();
  for (const [size, code] of [
    [{ d: 1e9, k: 2 }, 'MLML_USAGE'],
    [{ d: 1e15, k: 2 }, 'MLML_USAGE'],
    [{ d: 2, k: 1e9 }, 'MLML_USAGE'],
  ] as const) {
    await assert.rejects(openLearner({ ...size, bufferBytes: 1e12 * size.d }), {
      code,
      message: /memory ends at 4 GiB/,
    });
    await assert.rejects(openLearner({ ...size, bufferBytes: 1e9 }), { code: 'MLML_BUDGET_TOO_SMALL' });
  }
  const { heapTotal, external, arrayBuffers } = process.memoryUsage();
  const grown =
    heapTotal + external + arrayBuffers - before.heapTotal - before.external - before.arrayBuffers;
  assert.ok(grown < 50e6, `${grown} bytes`);
});

test('the arrays beside the arena are counted', async () => {
  const [d, k] = [500_000, 2];
  const learner = await openLearner({ d, k, batch: 1, bufferBytes: 1e12 });
  assert.ok(learner.plannedPeakBytes <= LARGEST_ARENA);
  const before = process.memoryUsage();
  const small = await openLearner({ d, k, batch: 1, bufferBytes: 1e8 });
  const after = process.memoryUsage();
  // Shared memory, which is the arena, is not in these.
  const beside = after.arrayBuffers - before.arrayBuffers + after.heapTotal - before.heapTotal;
  const counted = planLearner({
    d,
    k,
    task: 'classification',
    dtype: 'float32',
    weighted: false,
    batch: 1,
    options: { ...defaultOptions, bufferBytes: 1e8 },
  }).regions.find(({ name }) => name === 'outside')!.bytes;
  assert.ok(beside <= counted + 1e6, `${beside} of ${counted} bytes`);
  assert.ok(small.plannedPeakBytes <= 1e8);
});
