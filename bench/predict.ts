/**
 * Predictions of a CSV file of 40 numbers a row, from reading to the predictions in a file, beside plain reading of the file; and a full
 * evaluation of it with the scores sorted in memory, on disk, and counted, which read the same. Alternating, medians.
 * `npm run bench -- predict [--megabytes=100] [--runs=3]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeatureColumn } from '../src/data/columns/columnMapping.js';
import { openTable } from '../src/data/table/openTable.js';
import { Random } from '../src/memory/random.js';
import type { Model } from '../src/model/saveModel.js';
import { evaluateTable } from '../src/model/table/evaluateTable.js';
import { predictTable } from '../src/model/table/predictTable.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { argument } from './support/report.js';
import { compareJobs, type Job, measure, readPlain, writeLines } from './support/textJobs.js';

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

function writeRows(bytes: number): void {
  const lines = Array.from({ length: 1000 }, (_, i) => {
    const numbers = Array.from({ length: D }, () => random.normal().toFixed(5));
    return `${i},${numbers.join(',')},${random.below(2)}`;
  });
  writeLines(path, `id,${features.map(({ column }) => column).join(',')},y`, lines, bytes);
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

try {
  writeRows(argument('megabytes', 100) * 1e6);
  const jobs: Job[] = [
    ['predict --proba, CSV to CSV', () => measure(predictRows)],
    ['evaluate, sorted in memory', () => measure(() => evaluateRows(64e6, 'memory'))],
    ['evaluate, sorted on disk', () => measure(() => evaluateRows(4e6, 'scratch'))],
    ['evaluate, counted', () => measure(() => evaluateRows(1e6, 'histogram'))],
    ['plain reading', () => measure(() => readPlain(path))],
  ];
  await predictRows();
  await compareJobs(path, `${D + 2} columns`, jobs, argument('runs', 3));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
