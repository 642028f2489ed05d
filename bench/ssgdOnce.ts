/**
 * One training run in this process, for bench/ssgd.ts: `ssgdOnce.js FOLDER LOSS BUFFER_MB BATCH`. Prints JSON: the
 * seconds of training alone (no test rows are scored meanwhile), then the test accuracy, and the peak memory.
 */
import { join } from 'node:path';
import { openDataset } from '../src/data/dataset.js';
import { evaluateModel } from '../src/ssgd/evaluate.js';
import { defaultOptions, type LossName } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { peakResidentBytes } from '../src/storage/peakMemory.js';

const [folder, loss, megabytes, batch] = process.argv.slice(2) as [string, LossName, string, string];
const dataset = await openDataset(nodeStorage, folder);
const options = {
  ...defaultOptions,
  loss,
  bufferBytes: Number(megabytes) * 1e6,
  ...(batch === '' ? {} : { batch: Number(batch) }),
};
const context = { storage: nodeStorage, scratchFolder: join(folder, '..') };
const { seconds, model } = await train('ssgd', { ...dataset, test: dataset.test.first(0) }, options, context);
const { accuracy } = await evaluateModel(model, dataset.test, options);
await dataset.close();
console.log(JSON.stringify({ seconds, accuracy, peakRssBytes: peakResidentBytes() }));
