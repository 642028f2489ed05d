/**
 * Imports of arrays of other programs: NumPy .npy and .npz and MATLAB files of float32 features, with statistics, checksums and hashes, the
 * rows divided into training and test rows; beside them numpy (scipy) loading the file and saving its arrays again, and plain reading and
 * writing of as many bytes. In the same run, alternating, medians; all leave their output on the disk.
 * `npm run bench -- arrays [--rows=200000] [--columns=100] [--runs=3]`
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importDataset } from '../src/data/import/importDataset.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { argument } from './support/report.js';
import { compareJobs, type Figures, type Job, measure } from './support/textJobs.js';

const script = fileURLToPath(new URL('../../bench/peers/load_arrays.py', import.meta.url));
const python = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import numpy']).status === 0,
);
if (python === undefined) throw new Error('needs Python with numpy, which makes the files');
const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));

function run(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(python!, [script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script} failed: ${stderr}`);
  return stdout;
}

const importOf = (name: string, labels: object): Job => [
  `mlml import ${name}`,
  () =>
    measure(async () => {
      const out = join(folder, 'set');
      await importDataset(nodeStorage, join(folder, name), { out, ...labels });
      rmSync(out, { recursive: true });
    }),
];
const peerOf = (way: string, what: string): Job => [what, () => JSON.parse(run(way, folder)) as Figures];

function copyPlain(): void {
  const buffer = new Uint8Array(1 << 20);
  const [from, to] = [openSync(join(folder, 'X.npy'), 'r'), openSync(join(folder, 'copy'), 'w')];
  for (let read = readSync(from, buffer); read > 0; read = readSync(from, buffer))
    writeSync(to, buffer, 0, read);
  fsyncSync(to);
  closeSync(from);
  closeSync(to);
}

try {
  const [rows, columns] = [argument('rows', 200_000), argument('columns', 100)];
  run('make', folder, String(rows), String(columns));
  const labels = { labels: join(folder, 'y.npy') };
  const matlab = existsSync(join(folder, 'arrays.mat'));
  const jobs: Job[] = [
    importOf('X.npy', labels),
    peerOf('npy', 'numpy, load and save .npy'),
    importOf('arrays.npz', {}),
    peerOf('npz', 'numpy, load .npz, save .npy'),
    ...(matlab ? [importOf('arrays.mat', {}), peerOf('mat', 'scipy, load .mat, save .npy')] : []),
    ['plain reading and writing', () => measure(copyPlain)],
  ];
  for (const [, work] of jobs) await work();
  await compareJobs(join(folder, 'X.npy'), `${rows} rows of ${columns} features`, jobs, argument('runs', 3));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
