import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trained } from '../../test/support/kernelTraining.js';
import { linearTargets, makeDataset } from '../../test/support/tinyDataset.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { type SolverName, solverNames } from './options.js';

/** Targets around an offset, which a kernel far narrower than the rows lie apart cannot carry over to other rows. */
async function warningsOf(
  solver: SolverName,
  offset: number,
  sigma: number,
  simulated = false,
): Promise<string[]> {
  const storage = new MemoryStorage();
  const rows = (count: number, seed: number) => {
    const { features, labels } = linearTargets(count, 5, seed, 0.5);
    return { features, labels: labels.map((label) => label + offset) };
  };
  const parts = { train: rows(90, 1), ...(simulated ? {} : { test: rows(40, 2) }) };
  const dataset = await makeDataset({ task: 'regression', dtype: 'float64', ...parts }, storage);
  const { result, warnings } = await trained(solver, storage, dataset, {
    kernel: 'rbf',
    sigma,
    tile: 32,
    reg: [0.3],
    simulated,
    tol: 1e-4,
  });
  const { r2 } = (result.test ?? result.train)!;
  const told = warnings().filter((message) => /worse than predicting/.test(message));
  assert.equal(told.length > 0, r2! < -0.02, `r2 ${r2}`);
  return told;
}

for (const solver of solverNames)
  test(`${solver} tells of a model that is worse than the mean`, async () => {
    const [message, ...more] = await warningsOf(solver, 1000, 0.05);
    assert.deepEqual(more, []);
    assert.match(
      message!,
      /^the model is worse than predicting the mean of the targets: r2 is -\S+ on the test rows; try /,
    );
    const generated = solver === 'closed' || solver === 'ssgd';
    assert.ok(
      message!.includes(
        generated ? 'try a kernel generated with another --sigma, ' : 'try another --sigma, ',
      ),
    );
    assert.match(
      message!,
      /another --reg \(now 0\.3\) or where the labels lie far from 0, labels with their mean subtracted/,
    );
  });

test('a model that is better is not spoken of; the training rows do where no others are', async () => {
  assert.deepEqual(await warningsOf('cg', 0, 2), []);
  assert.deepEqual(
    await warningsOf('cg', 1000, 0.05, true).then((all) => all.map((m) => /training rows/.test(m))),
    [true],
  );
});
