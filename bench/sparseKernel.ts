/**
 * The RBF kernel of sparse rows, from disk inside a small buffer: of rows of a9a (123 features, 14 of them not 0), beside the same rows
 * stored dense, as floats and as bytes, and of made rows of 50 000 features, 70 of them not 0, the first much more often than the last;
 * against scikit-learn's rbf_kernel of csr matrices. Each run is a process of its own, all take turns, medians. "worked out" are the
 * tiles of `mlml generate`, dropped. Seconds are without the start of the process; ours contain starting threads and reading rows,
 * scikit-learn's only the call, which gives both triangles; processor seconds are those of all threads meanwhile.
 * `MLML_DATA=<folder> npm run bench -- sparseKernel [--runs=3] [--n=10000] [--buffer=16] [--threads=2]`
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/memory/random.js';
import type { Figures, Job } from './support/generateJob.js';
import { argument, medianOf, printTable } from './support/report.js';
import { command } from './support/runMlml.js';

const child = fileURLToPath(new URL('./support/generateJob.js', import.meta.url));
const peer = join(fileURLToPath(new URL('../..', import.meta.url)), 'bench/peers/rbf_kernel_sparse.py');
const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));
const [n, threads, runs] = [argument('n', 10_000), argument('threads', 2), argument('runs', 3)];
const bufferBytes = argument('buffer', 16) * 1e6;

/** Runs a program that prints one JSON object. */
function json(program: string, args: readonly string[]): Figures {
  const env = { ...process.env, OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) };
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env, cwd: folder });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed: ${stderr}`);
  return stdout === '' ? ({} as Figures) : JSON.parse(stdout);
}

function importText(text: string, out: string, ...options: string[]): string {
  json(process.execPath, [
    command,
    'import',
    text,
    `--out=${out}`,
    '--percentage=1',
    '--json',
    '--quiet',
    ...options,
  ]);
  return join(folder, out);
}

const python = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import sklearn']).status === 0,
);

function compare(title: string, text: string, d: number, sigma: number, sets: [string, string][]): void {
  const jobs: [string, () => Figures][] = [];
  for (const [name, data] of sets) {
    const job: Job = { data, n, sigma, threads, bufferBytes, scale: 'none' };
    jobs.push([`tiles of ${name}, worked out`, () => json(process.execPath, [child, JSON.stringify(job)])]);
    jobs.push([
      `mlml generate, ${name}`,
      () => {
        const options = [
          `--sigma=${sigma}`,
          `--subset=${n}`,
          '--sample=first',
          '--scale=none',
          '--kernels=kernels',
        ];
        const limits = [`--buffer=${bufferBytes / 1e6}`, `--nthreads=${threads}`, '--json', '--quiet'];
        const figures = json(process.execPath, [command, 'generate', data, ...options, ...limits]);
        rmSync(join(folder, 'kernels'), { recursive: true });
        return figures;
      },
    ]);
  }
  if (python === undefined) console.log('scikit-learn is not installed: no peer in this run');
  else
    jobs.push([
      'sklearn rbf_kernel, csr',
      () => json(python, [peer, text, String(n), String(d), String(sigma)]),
    ]);
  const figures = jobs.map((): Figures[] => []);
  for (let run = 0; run < runs; run++)
    for (const [i, [, measure]] of jobs.entries()) figures[i]!.push(measure());
  const of = (i: number, key: 'seconds' | 'processorSeconds' | 'peakRssBytes') =>
    medianOf(figures[i]!.map((figure) => figure[key] ?? Number.NaN));
  const last = jobs.length - 1;
  const table = [
    [
      'job',
      'seconds',
      'ratio',
      'processor s',
      'ratio',
      '10^6 entries/s',
      'peak RSS MB',
      'ratio',
      'largest difference',
    ],
  ];
  for (const [i, [name]] of jobs.entries()) {
    const ratio = (key: 'seconds' | 'processorSeconds' | 'peakRssBytes') =>
      python === undefined ? '-' : (of(i, key) / of(last, key)).toFixed(3);
    const theirs = figures[last]![0]!.entries ?? [];
    const differences = (figures[i]![0]!.entries ?? []).map((x, j) => Math.abs(x - theirs[j]!));
    table.push([
      name,
      of(i, 'seconds').toFixed(2),
      ratio('seconds'),
      shown(of(i, 'processorSeconds').toFixed(2)),
      shown(ratio('processorSeconds')),
      ((n * (n + 1)) / 2 / of(i, 'seconds') / 1e6).toFixed(0),
      (of(i, 'peakRssBytes') / 1e6).toFixed(0),
      ratio('peakRssBytes'),
      differences.length === 0 ? '-' : Math.max(...differences).toExponential(1),
    ]);
  }
  printTable(
    `${title}: ${n} x ${n}, sigma ${sigma}, float32 entries, ${threads} threads, buffer ${bufferBytes / 1e6} MB, median of ${runs}`,
    table,
  );
}

/** What is not told is no number. */
function shown(figure: string): string {
  return figure === 'NaN' ? '-' : figure;
}

/** Rows as LIBSVM text: feature j about as often as 1/(j + 20), so that about 70 of 50 000 are not 0. */
function writeMadeRows(path: string, d: number): void {
  const random = Random.of(7);
  const lines: string[] = [];
  for (let i = 0; i < n; i++) {
    const features = new Set<number>();
    for (let draw = 0; draw < 85; draw++)
      features.add(Math.floor(20 * ((d + 20) / 20) ** random.uniform()) - 20);
    const pairs = [...features]
      .sort((a, b) => a - b)
      .map((j) => `${j + 1}:${(random.uniform() / 4).toFixed(4)}`);
    lines.push(`${i % 2 === 0 ? '+1' : '-1'} ${pairs.join(' ')}`);
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
}

try {
  const a9a = join(process.env['MLML_DATA'] ?? 'data', 'libsvm', 'a9a');
  compare('a9a, 123 features', a9a, 123, 3, [
    ['sparse rows', importText(a9a, 'sparse')],
    ['dense floats', importText(a9a, 'floats', '--dense')],
    ['dense bytes', importText(a9a, 'bytes', '--dense', '--dtype=uint8')],
  ]);
  const made = join(folder, 'made.txt');
  writeMadeRows(made, 50_000);
  compare('made rows, 50 000 features', made, 50_000, 1, [
    ['sparse rows', importText(made, 'made', '--d=50000')],
  ]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
