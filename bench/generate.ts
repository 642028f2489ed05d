/**
 * The RBF kernel of 10 000 rows of MNIST and of CIFAR-10, from rows on disk inside a small buffer, against scikit-learn's
 * rbf_kernel of the same rows in memory. Each run is a process of its own, all take turns, medians. "bytes" are the
 * rows as they come, "float32" the same rows stored as floats. `mlml generate` leaves the kernel on disk; "worked out" are
 * the same tiles, dropped. Seconds are without the start of the process; ours contain starting threads and reading rows,
 * scikit-learn's only the call. 10^9 operations a second: 2·d for each entry of the lower triangle.
 * `MLML_DATA=<folder> npm run bench -- generate [--runs=3] [--n=10000] [--buffer=5] [--threads=2]`
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDataset } from '../src/data/dataset.js';
import { DatasetWriter } from '../src/data/datasetWriter.js';
import { importDataset } from '../src/data/import/importDataset.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import type { Figures, Job } from './support/generateJob.js';
import { argument, medianOf, printTable } from './support/report.js';

/** The first rows of a data set of bytes, divided by 255, as floats. */
async function writeFloats(from: string, n: number, to: string): Promise<void> {
  const dataset = await openDataset(nodeStorage, from);
  const { d, k, name } = dataset.description;
  const task = 'classification';
  const writer = await DatasetWriter.create(nodeStorage, to, { name, task, d, k, dtype: 'float32' });
  const bytes = new Uint8Array(dataset.layout.rowBytes);
  const floats = new Float32Array(d + 1);
  for (let i = 0; i < n; i++) {
    await dataset.train.readRows(bytes, i, 1);
    for (let j = 0; j < d; j++) floats[j] = bytes[j]! / 255;
    floats[d] = bytes[d]!;
    await writer.append('train', new Uint8Array(floats.buffer), 1);
  }
  await writer.finish(dataset.description.source);
  await dataset.close();
}

const command = fileURLToPath(new URL('../bundle/cli/main.js', import.meta.url));
const child = fileURLToPath(new URL('./support/generateJob.js', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a program that prints one JSON object. */
function json(program: string, args: readonly string[], threads: number): Figures {
  const set = { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) };
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, ...set },
  });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed: ${stderr}`);
  return JSON.parse(stdout);
}

const python = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import sklearn']).status === 0,
);

async function compare(set: string, sigma: number, folder: string): Promise<void> {
  const out = join(folder, set);
  await importDataset(nodeStorage, set, { out });
  const whole = await openDataset(nodeStorage, out);
  const n = Math.min(argument('n', 10_000), whole.train.rows);
  const { d } = whole.description;
  await whole.close();
  const floats = `${out}-float32`;
  await writeFloats(out, n, floats);
  const threads = argument('threads', 2);
  const bufferBytes = argument('buffer', 5) * 1e6;
  const workOut = (data: string) => () => {
    const job: Job = { data, n, sigma, threads, bufferBytes };
    return json(process.execPath, [child, JSON.stringify(job)], threads);
  };
  const toDisk = (data: string, scale: string) => () => {
    const kernels = join(folder, 'kernels');
    const options = [`--sigma=${sigma}`, `--subset=${n}`, `--scale=${scale}`, `--kernels=${kernels}`];
    const limits = [`--buffer=${bufferBytes / 1e6}`, `--nthreads=${threads}`, '--json', '--quiet'];
    const figures = json(process.execPath, [command, 'generate', data, ...options, ...limits], threads);
    rmSync(kernels, { recursive: true });
    return figures;
  };
  const jobs: [string, () => Figures][] = [
    ['tiles of bytes, worked out', workOut(out)],
    ['mlml generate, bytes', toDisk(out, 'unit')],
    ['tiles of float32, worked out', workOut(floats)],
    ['mlml generate, float32', toDisk(floats, 'none')],
  ];
  if (python === undefined) console.log('scikit-learn is not installed: no peer in this run');
  else {
    const script = join(root, 'bench/peers/rbf_kernel.py');
    const args = [script, join(floats, 'train.rows'), String(n), String(d), String(sigma)];
    jobs.push(['sklearn rbf_kernel, float32', () => json(python, args, threads)]);
  }
  const runs = argument('runs', 3);
  const figures = jobs.map((): Figures[] => []);
  for (let run = 0; run < runs; run++)
    for (const [i, [, measure]] of jobs.entries()) figures[i]!.push(measure());
  const of = (i: number, key: 'seconds' | 'peakRssBytes') =>
    medianOf(figures[i]!.map((figure) => figure[key]));
  const peer = python === undefined ? -1 : jobs.length - 1;
  const table = [['job', 'seconds', 'ratio', '10^9 op/s', 'peak RSS MB', 'ratio', 'largest difference']];
  for (const [i, [title]] of jobs.entries()) {
    const ratio = (key: 'seconds' | 'peakRssBytes') =>
      peer < 0 ? '-' : (of(i, key) / of(peer, key)).toFixed(3);
    const theirs = peer < 0 ? [] : figures[peer]![0]!.entries!;
    const differences = (figures[i]![0]!.entries ?? []).map((x, j) => Math.abs(x - theirs[j]!));
    const largest = differences.length === 0 ? Number.NaN : Math.max(...differences);
    table.push([
      title,
      of(i, 'seconds').toFixed(2),
      ratio('seconds'),
      ((n * (n + 1) * d) / of(i, 'seconds') / 1e9).toFixed(0),
      (of(i, 'peakRssBytes') / 1e6).toFixed(0),
      ratio('peakRssBytes'),
      Number.isNaN(largest) ? '-' : largest.toExponential(1),
    ]);
  }
  printTable(
    `${set}: ${n} x ${n}, ${d} features, sigma ${sigma}, float32 entries, ${threads} threads, buffer ${bufferBytes / 1e6} MB, median of ${runs}`,
    table,
  );
}

const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));
try {
  await compare('mnist', 5, folder);
  await compare('cifar-10', 12, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
