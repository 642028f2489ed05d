import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openDataset } from '../src/data/dataset.js';
import { importDataset } from '../src/data/import/importDataset.js';
import { defaultOptions, type TrainOptions, type Verb } from '../src/ssgd/options.js';
import { planStreaming } from '../src/ssgd/sgd/planStreaming.js';
import { trainStreaming } from '../src/ssgd/sgd/trainStreaming.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';

const dataDir = process.env['MLML_DATA'];
/** What hsgd may be worse than ssgd. */
const HALF_A_POINT = 0.005;

describe('hsgd without locks is as accurate as ssgd on real data', {
  skip: dataDir === undefined && 'MLML_DATA is not set',
}, () => {
  let folder = '';
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mlml-hogwild-'));
    for (const name of ['mnist', 'spam'])
      await importDataset(nodeStorage, name, { out: join(folder, name), dataDir: dataDir! });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function accuracyOf(verb: Verb, name: string, given: Partial<TrainOptions>, threads: number) {
    const dataset = await openDataset(nodeStorage, join(folder, name));
    const options = { ...defaultOptions, ...given, logfreq: 0 };
    const plan = planStreaming(verb, dataset.description, options, threads);
    assert.equal(plan.threads, threads);
    const context = { storage: nodeStorage, scratchFolder: join(folder, 'scratch') };
    const { train, test } = await trainStreaming(plan, dataset, options, context);
    await dataset.close();
    // The test part of spam has 690 rows, of which half a point is three: all rows count there.
    return options.simulated ? train!.accuracy! : test!.accuracy!;
  }

  for (const [name, options] of [
    ['mnist', { loss: 'softmax', bufferBytes: 4e6 }],
    ['spam', { loss: 'logistic', epochs: 30, simulated: true, batch: 8 }],
  ] as const) {
    test(name, async (t) => {
      const wanted = await accuracyOf('ssgd', name, options, 1);
      for (const threads of [2, 3]) {
        const found = await accuracyOf('hsgd', name, options, threads);
        t.diagnostic(`${threads} threads ${found}, ssgd ${wanted}`);
        assert.ok(found >= wanted - HALF_A_POINT, `${threads} threads: ${found}, ssgd ${wanted}`);
      }
    });
  }
});
