/**
 * What more threads bring: rows a second and test loss and accuracy after each epoch of ssgd and hsgd, and seconds of
 * closed and gd, with 1 and more threads. Data in memory, so that the disk is no part of it; best of the runs, which
 * alternate.
 * `MLML_DATA=<folder of the original files> npm run bench -- threads [--threads=2] [--runs=3] [--epochs=3]`
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dataset, openDataset } from '../src/data/dataset.js';
import { DatasetWriter } from '../src/data/datasetWriter.js';
import { importDataset } from '../src/data/import/importDataset.js';
import { type Fit, problemSize } from '../src/ssgd/closed/fit.js';
import { planCholesky, planConjugateGradients } from '../src/ssgd/closed/planClosed.js';
import { solveClosed } from '../src/ssgd/closed/solveClosed.js';
import type { Evaluation } from '../src/ssgd/events.js';
import { planGd } from '../src/ssgd/gd/planGd.js';
import { solveGd } from '../src/ssgd/gd/solveGd.js';
import { defaultOptions, type TrainOptions, type Verb } from '../src/ssgd/options.js';
import { planStreaming } from '../src/ssgd/sgd/planStreaming.js';
import { trainStreaming } from '../src/ssgd/sgd/trainStreaming.js';
import { nodeStorage as storage } from '../src/storage/nodeStorage.js';
import { defaultThreads } from '../src/threads/defaultThreads.js';
import { argument, printTable } from './support/report.js';

const threads = argument('threads', defaultThreads());
const runs = argument('runs', 3);
const epochs = argument('epochs', 3);
const folder = mkdtempSync(join(tmpdir(), 'mlml-threads-'));
const context = { storage, scratchFolder: join(folder, 'scratch') };

/** a9a of LIBSVM, its 123 binary features as bytes. */
async function adult(data: string, out: string): Promise<void> {
  const d = 123;
  const form = { name: 'a9a', task: 'classification', d, k: 2, dtype: 'uint8' } as const;
  const writer = await DatasetWriter.create(storage, out, form);
  for (const [part, file] of [
    ['train', 'a9a'],
    ['test', 'a9a.t'],
  ] as const) {
    const lines = readFileSync(join(data, 'libsvm', file), 'utf8')
      .trim()
      .split('\n');
    const bytes = new Uint8Array(lines.length * (d + 1));
    for (const [row, line] of lines.entries()) {
      const [label, ...features] = line.trim().split(' ');
      for (const feature of features) bytes[row * (d + 1) + Number.parseInt(feature, 10) - 1] = 1;
      bytes[row * (d + 1) + d] = Number(label) > 0 ? 1 : 0;
    }
    await writer.append(part, bytes, lines.length);
  }
  await writer.finish({ description: 'LIBSVM a9a', files: [] });
}

async function open(name: string): Promise<Dataset | undefined> {
  const data = process.env['MLML_DATA'];
  const out = join(folder, name);
  try {
    if (name === 'a9a') {
      if (data === undefined || !existsSync(join(data, 'libsvm', 'a9a'))) return undefined;
      await adult(data, out);
    } else await importDataset(storage, name, { out, ...(data === undefined ? {} : { dataDir: data }) });
    return await openDataset(storage, out);
  } catch (error) {
    console.log(`${name}: not available here (${(error as Error).message.slice(0, 80)})`);
    return undefined;
  }
}

interface Curve {
  rowsPerSecond: number;
  readonly evaluations: Evaluation[];
}

async function trainOnce(verb: Verb, count: number, dataset: Dataset, options: TrainOptions): Promise<Curve> {
  const evaluations: Evaluation[] = [];
  const plan = planStreaming(verb, dataset.description, options, count);
  const start = performance.now();
  const { samples } = await trainStreaming(plan, dataset, options, {
    ...context,
    onEvent: (event) => event.type === 'evaluation' && evaluations.push(event.evaluation),
  });
  return { rowsPerSecond: samples / ((performance.now() - start) / 1000), evaluations };
}

async function curves(name: string, leastRows: number, given: Partial<TrainOptions>): Promise<void> {
  const dataset = await open(name);
  if (dataset === undefined) return;
  const options = { ...defaultOptions, bufferBytes: 200e6, epochs, logfreq: 0, ...given };
  const withoutTest = { ...dataset, test: dataset.test.first(0) };
  // Small sets are gone through more often, so that the start of the threads is no part of the figure.
  const timed = { ...options, epochs: Math.max(epochs, Math.ceil(leastRows / dataset.train.rows)) };
  const jobs = [
    { verb: 'ssgd', count: 1 },
    { verb: 'ssgd', count: threads },
    { verb: 'hsgd', count: threads },
  ] as const;
  const results = await Promise.all(jobs.map(async () => ({ rowsPerSecond: 0, evaluations: [] }) as Curve));
  for (const [i, { verb, count }] of jobs.entries()) {
    results[i]!.evaluations.push(...(await trainOnce(verb, count, dataset, options)).evaluations);
  }
  for (let run = 0; run < runs; run++) {
    for (const [i, { verb, count }] of jobs.entries()) {
      const { rowsPerSecond } = await trainOnce(verb, count, withoutTest, timed);
      results[i]!.rowsPerSecond = Math.max(results[i]!.rowsPerSecond, rowsPerSecond);
    }
  }
  const rows = jobs.map(({ verb, count }, i) => [
    verb,
    String(count),
    String(Math.round(results[i]!.rowsPerSecond / 1000)),
    (results[i]!.rowsPerSecond / results[0]!.rowsPerSecond).toFixed(2),
    ...results[i]!.evaluations.map(
      ({ loss, accuracy }) => `${loss.toFixed(4)} / ${((accuracy ?? 0) * 100).toFixed(2)} %`,
    ),
  ]);
  const { d, k } = dataset.description;
  const { batch } = planStreaming('ssgd', dataset.description, options).chosen;
  const head = [
    'verb',
    'threads',
    '1000 rows/s',
    'ratio',
    ...Array.from({ length: epochs }, (_, epoch) => `epoch ${epoch + 1}: test loss / accuracy`),
  ];
  printTable(`${name}: ${d} features, k = ${k}, ${options.loss}, ${batch} rows a step`, [head, ...rows]);
  await dataset.close();
}

async function solvers(): Promise<void> {
  const dataset = await open('digits');
  if (dataset === undefined) return;
  const options = { ...defaultOptions, nthreads: threads, bufferBytes: 20e6, iters: 300 };
  const size = problemSize(dataset.description, options, dataset.layout.rowBytes);
  const softmax = { ...options, loss: 'softmax', iters: 5, bufferBytes: 2e6 } as const;
  const jobs: readonly (readonly [string, (threads: number) => Promise<Fit>])[] = [
    [
      'closed, Cholesky',
      (t) => solveClosed({ ...planCholesky(size, options), threads: t }, dataset, options, context),
    ],
    [
      'closed, conjugate gradients, 2 MB',
      (t) => {
        const plan = planConjugateGradients(size, { bufferBytes: 2e6, nthreads: t });
        return solveClosed({ ...plan, threads: t }, dataset, options, context);
      },
    ],
    [
      'gd, Gram matrix, 300 iterations',
      (t) => solveGd({ ...planGd(dataset.description, options), threads: t }, dataset, options, context),
    ],
    [
      'gd, softmax, 5 iterations by passes',
      (t) => solveGd({ ...planGd(dataset.description, softmax), threads: t }, dataset, softmax, context),
    ],
  ];
  const rows: string[][] = [];
  for (const [name, solve] of jobs) {
    const seconds = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let run = 0; run < runs; run++) {
      for (const [i, count] of [1, threads].entries()) {
        const start = performance.now();
        await solve(count);
        seconds[i] = Math.min(seconds[i]!, (performance.now() - start) / 1000);
      }
    }
    rows.push([name, ...seconds.map((value) => value.toFixed(2)), (seconds[0]! / seconds[1]!).toFixed(2)]);
  }
  const { n } = dataset.description.parts.train;
  printTable(`digits, ${n} rows of 784 bytes`, [
    ['job', 'seconds, 1 thread', `${threads} threads`, 'ratio'],
    ...rows,
  ]);
  await dataset.close();
}

console.log(`load of the machine before: ${loadavg()[0]!.toFixed(1)}`);
/** `--only=mnist` leaves out the rest. */
const only = process.argv.find((word) => word.startsWith('--only='))?.slice('--only='.length);
const wanted = (name: string) => only === undefined || only === name;

try {
  if (wanted('mnist')) await curves('mnist', 300_000, { loss: 'softmax' });
  if (wanted('cifar-10')) await curves('cifar-10', 100_000, { loss: 'softmax' });
  if (wanted('spam')) await curves('spam', 4_000_000, { loss: 'logistic' });
  if (wanted('a9a')) await curves('a9a', 4_000_000, { loss: 'logistic', scale: 'none' });
  if (wanted('solvers')) await solvers();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\nload of the machine after: ${loadavg()[0]!.toFixed(1)}`);
