import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classes, jobContext, jobOptions } from '../../../test/support/kernelTraining.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { trainKernel } from '../trainKernel.js';
import { centersOf } from './planNystromJob.js';

test('a thousand centres, or all rows when they are fewer; more than there are rows are refused', () => {
  assert.equal(centersOf(3000, { centers: -1 }), 1000);
  assert.equal(centersOf(90, { centers: -1 }), 90);
  assert.equal(centersOf(90, { centers: 90 }), 90);
  assert.throws(() => centersOf(90, { centers: 91 }), {
    code: 'MLML_USAGE',
    message: '--centers=91: there are only 90 rows to learn from',
  });
});

test('fewer rows than centres by default are all taken', async () => {
  const storage = new MemoryStorage();
  const dataset = await classes(storage, 3, 'float32', 90);
  const { context } = jobContext(storage);
  const options = jobOptions({ kernel: 'rbf', sigma: 2, reg: [0.3] });
  const { model } = await trainKernel('nystrom', dataset, options, context);
  assert.equal(model.n, 90);
});
