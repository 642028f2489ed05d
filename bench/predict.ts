/**
 * Predictions of a CSV file of 40 numbers a row, from reading to the predictions in a file, beside plain reading of the file; and a full
 * evaluation of it with the scores sorted in memory, on disk, and counted, which read the same. Alternating, medians.
 * `npm run bench -- predict [--megabytes=100] [--runs=3]`
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeatureColumn } from '../src/data/columns/columnMapping.js';
import { openTable } from '../src/data/table/openTable.js';
import { Random } from '../src/memory/random.js';
import type { Model } from '../src/model/saveModel.js';
import { evaluateTable } from '../src/model/table/evaluateTable.js';
import { predictTable } from '../src/model/table/predictTable.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { argument, medianOf, printTable } from './support/report.js';

const D = 40;
const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));
const path = join(folder, 'numbers.csv');
const random = Random.of(2);
const missing = { fill: 0, indicator: false };
const features = Array.from(
  { length: D },
  (_, j): FeatureColumn => ({ column: `x${j}`, kind: 'number', missing }),
);
const model: Model = {
  task: 'classification',
  loss: 'logistic',
  d: D,
  k: 1,
  scaling: { name: 'none', multiply: new Float64Array(D).fill(1), add: new Float64Array(D) },
  weights: Float64Array.from({ length: D }, () => random.normal()),
  intercept: new Float64Array(1),
  classNames: ['0', '1'],
  fingerprint: '',
  columns: { features, label: { column: 'y', kind: 'class' }, id: 'id' },
};

/** A thousand lines again and again, so that making them takes no time. */
function writeRows(bytes: number): void {
  const lines = Array.from({ length: 1000 }, (_, i) => {
    const numbers = Array.from({ length: D }, () => random.normal().toFixed(5));
    return `${i},${numbers.join(',')},${random.below(2)}`;
  });
  const block = Buffer.from(`${lines.join('\n')}\n`);
  const file = openSync(path, 'w');
  writeSync(file, `id,${features.map(({ column }) => column).join(',')},y\n`);
  for (let written = 0; written < bytes; written += block.length) writeSync(file, block);
  closeSync(file);
}

async function measure(work: () => Promise<unknown>): Promise<{ seconds: number; processor: number }> {
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, processor: (user + system) / 1e6 };
}

async function predictRows(): Promise<void> {
  const source = await openTable(nodeStorage, path, { bufferBytes: 1e7 });
  await predictTable(nodeStorage, model, source, join(folder, 'p.csv'), {
    bufferBytes: 7.5e6,
    nthreads: 1,
    proba: true,
  });
}

async function evaluateRows(bufferBytes: number, method: string): Promise<void> {
  const source = await openTable(nodeStorage, path, { bufferBytes: 1e7 });
  const options = { bufferBytes, nthreads: 1, ...(method === 'scratch' ? { scratchFolder: folder } : {}) };
  const { classification } = await evaluateTable(nodeStorage, model, source, options);
  const used = classification!.ranking.method;
  if (used !== method) throw new Error(`${method} was meant, ${used} was used: choose other --megabytes`);
}

async function readPlain(): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  const file = openSync(path, 'r');
  while (readSync(file, buffer) > 0);
  closeSync(file);
}

try {
  writeRows(argument('megabytes', 100) * 1e6);
  const megabytes = statSync(path).size / 1e6;
  const jobs: [string, () => Promise<unknown>][] = [
    ['predict --proba, CSV to CSV', predictRows],
    ['evaluate, sorted in memory', () => evaluateRows(64e6, 'memory')],
    ['evaluate, sorted on disk', () => evaluateRows(4e6, 'scratch')],
    ['evaluate, counted', () => evaluateRows(1e6, 'histogram')],
    ['plain reading', readPlain],
  ];
  await predictRows();
  const figures = jobs.map((): { seconds: number; processor: number }[] => []);
  for (let run = 0; run < argument('runs', 3); run++)
    for (const [i, [, work]] of jobs.entries()) figures[i]!.push(await measure(work));
  const table = [['job', 'seconds', 'processor s', 'MB/s', 'MB/s of a processor']];
  for (const [i, [name]] of jobs.entries()) {
    const seconds = medianOf(figures[i]!.map((one) => one.seconds));
    const processor = medianOf(figures[i]!.map((one) => one.processor));
    table.push([
      name,
      seconds.toFixed(2),
      processor.toFixed(2),
      (megabytes / seconds).toFixed(0),
      (megabytes / processor).toFixed(0),
    ]);
  }
  printTable(`${megabytes.toFixed(0)} MB of ${D + 2} columns`, table);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
