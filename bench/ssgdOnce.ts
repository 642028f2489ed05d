/** One training run in this process, for bench/ssgd.ts: `ssgdOnce.js FOLDER LOSS BUFFER_MB BATCH`. Prints JSON. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDataset } from '../src/data/dataset.js';
import { defaultOptions, type LossName } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';

const [folder, loss, megabytes, batch] = process.argv.slice(2) as [string, LossName, string, string];
const dataset = await openDataset(nodeStorage, folder);
const options = {
  ...defaultOptions,
  loss,
  bufferBytes: Number(megabytes) * 1e6,
  ...(batch === '' ? {} : { batch: Number(batch) }),
};
const scratchFolder = join(folder, '..', `scratch-${process.pid}`);
const { seconds, test } = await train('ssgd', dataset, options, { storage: nodeStorage, scratchFolder });
await dataset.close();
const peak = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
console.log(JSON.stringify({ seconds, accuracy: test!.accuracy, peakRssBytes: Number(peak![1]) * 1024 }));
