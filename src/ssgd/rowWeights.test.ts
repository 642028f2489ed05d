import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeDataset, type TinyRows } from '../../test/support/tinyDataset.js';
import { plainKernels } from '../arithmetic/kernels.js';
import type { DatasetDescription } from '../data/format.js';
import { Arena } from '../memory/arena.js';
import { defaultOptions, type TrainOptions } from './options.js';
import { readRowWeights, weightColumnOf, weightingOf } from './rowWeights.js';

const rows: TinyRows = {
  features: [0.5, 2, 0, 1, 3, 4].map((weight, i) => [i, weight, -1]),
  labels: [0, 0, 0, 2, 2, 0],
};

async function description(changes: Partial<DatasetDescription> = {}): Promise<DatasetDescription> {
  return { ...(await makeDataset({ k: 3, train: rows })).description, ...changes };
}

const given = (changes: Partial<TrainOptions>) => ({ ...defaultOptions, ...changes });

describe('classes', () => {
  const weights = async (classWeight: string, changes: Partial<DatasetDescription> = {}) => {
    const weighting = weightingOf(await description(changes), given({ classWeight }));
    return weighting && Array.from(weighting.classWeights!);
  };

  test('balanced is n/(k·n_c), over the classes that occur', async () => {
    assert.deepEqual(await weights('balanced'), [6 / (2 * 4), 1, 6 / (2 * 2)]);
  });

  test('numbers and names', async () => {
    assert.deepEqual(await weights('0:0.5,2:4'), [0.5, 1, 4]);
    assert.deepEqual(await weights('1:0'), [1, 0, 1]);
    const names = { classNames: ['ham', 'a:b', '0'] };
    assert.deepEqual(await weights('ham:3, a:b:2e1,0:7', names), [3, 20, 7]);
    assert.equal(await weights('none'), undefined);
  });

  test('what makes no sense is a usage error', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['heavy', /'heavy' is not <class>:<weight>; write balanced or 0:1,1:5/],
      ['0:', /'0:' is not <class>:<weight>/],
      [':3', /':3' is not/],
      ['', /'' is not/],
      ['0:1,,1:1', /'' is not/],
      ['3:1', /there is no class '3'; tiny has classes 0 to 2/],
      ['-1:1', /there is no class '-1'/],
      ['spam:1', /there is no class 'spam'/],
      ['0:1,0:2', /class '0' has two weights/],
      ['0:-1', /'-1' is no weight/],
      ['0:NaN', /'NaN' is no weight/],
      ['0:Infinity', /'Infinity' is no weight/],
      ['0:0,2:0', /no training row would count/],
    ];
    for (const [text, message] of cases) {
      await assert.rejects(weights(text), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'MLML_USAGE');
        assert.match(error.message, message);
        return error.message.startsWith(`--class-weight=${text}: `);
      });
    }
    await assert.rejects(weights('balanced', { task: 'regression' }), { message: /regression.* no classes/ });
    await assert.rejects(
      weights('0:1', { classNames: ['a', 'b', 'c'] }).then(() =>
        weights('d:1', { classNames: ['a', 'b', 'c'] }),
      ),
      {
        message: /has the classes a, b, c/,
      },
    );
  });
});

describe('a column', () => {
  test('is checked against the statistics', async () => {
    const data = await description();
    assert.deepEqual(weightingOf(data, given({ weightColumn: 1 })), { classWeights: undefined, column: 1 });
    assert.deepEqual(weightColumnOf(given({ weightColumn: 1 })), { weightColumn: 1 });
    assert.deepEqual(weightColumnOf(given({})), {});
    const cases: readonly (readonly [number, Partial<DatasetDescription>, RegExp])[] = [
      [3, {}, /tiny has the features 0 to 2/],
      [2, {}, /feature 2 goes down to -1; weights are at least 0/],
      [0, { d: 1 }, /no other feature/],
      [1, { statistics: { ...data.statistics, max: [5, 0, -1] } }, /feature 1 is 0 in every row/],
    ];
    for (const [weightColumn, changes, message] of cases) {
      assert.throws(() => weightingOf({ ...data, ...changes }, given({ weightColumn })), {
        code: 'MLML_USAGE',
        message,
      });
    }
  });

  test('weights are read in the order of a block, into the middle of a batch, times those of classes', async () => {
    const dataset = await makeDataset({ k: 3, dtype: 'float32', train: rows });
    const { layout } = dataset;
    const arena = new Arena([
      { name: 'rows', bytes: 6 * layout.rowBytes },
      { name: 'order', bytes: 4 * 6 },
      { name: 'weights', bytes: 8 * 6 },
    ]);
    await dataset.train.readRows(arena.uint8('rows'), 0, 6);
    arena.uint32('order').set([5, 4, 3, 2, 1, 0]);
    const weights = arena.float64('weights');
    const labels = Float64Array.of(9, 2, 2, 0, 9, 9);
    const weighting = { classWeights: Float64Array.of(10, 1, 100), column: 1 };
    const block = { base: arena.address('rows'), order: arena.address('order') };
    readRowWeights(plainKernels(arena.memory), weighting, layout, block, 1, 3, labels, weights, 1);
    assert.deepEqual([...weights], [0, 300, 100, 0, 0, 0]);
    const onlyClasses = { ...weighting, column: undefined };
    readRowWeights(plainKernels(arena.memory), onlyClasses, layout, block, 1, 3, labels, weights, 1);
    assert.deepEqual([...weights], [0, 100, 100, 10, 0, 0]);
  });
});
