import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clouds, makeDataset } from '../../test/support/tinyDataset.js';
import { rowLayout } from '../data/rowLayout.js';
import { makeScaling } from '../data/scaling.js';
import { Arena } from '../memory/arena.js';
import { Random } from '../memory/random.js';
import { Scorer, scorerRegions } from './score.js';
import { startThreads } from './startThreads.js';

for (const [dtype, k] of [
  ['uint8', 10],
  ['float32', 7],
] as const) {
  test(`scores are the same bits with 1, 2, 3 and 5 threads: ${dtype}, k=${k}`, async () => {
    const d = 801;
    const rows = clouds(203, d, k);
    const features = rows.features.map((row) =>
      row.map((x) => Math.max(0, Math.min(255, Math.round(20 * x + 99)))),
    );
    const dataset = await makeDataset({ dtype, k, train: { features, labels: rows.labels } });
    const scaling = makeScaling('auto', dtype, dataset.description.statistics);
    const score = async (count: number, mostRows: number) => {
      const arena = new Arena(scorerRegions(rowLayout(d, dtype, dtype), k, 2e6, k, mostRows));
      const workspace = await startThreads(arena, count);
      const scorer = new Scorer(workspace, dataset.layout, k, scaling);
      const random = Random.of(5);
      for (let i = 0; i < scorer.weights.length; i++) scorer.weights[i] = random.normal();
      const all: number[] = [];
      for await (const block of scorer.blocks(dataset.train)) {
        assert.equal(block.firstRow * k, all.length);
        all.push(...block.scores.subarray(0, block.rows * k));
      }
      await workspace.threads.close();
      assert.equal(all.length, 203 * k);
      return new BigInt64Array(Float64Array.from(all).buffer);
    };
    const one = await score(1, 8);
    for (const [count, mostRows] of [
      [1, 64],
      [2, 64],
      [3, 64],
      [5, 64],
      [3, 8],
    ] as const)
      assert.deepEqual(await score(count, mostRows), one);
  });
}
