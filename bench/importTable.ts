/**
 * Import of a CSV file of numbers: both passes, means, statistics, checksums, hashes and the writing of the data set. Beside it
 * plain reading of the file, numpy.loadtxt and Python's csv module with float(), in the same run, alternating, medians. Seconds
 * of the processor are those of all threads of a process, which a busy machine changes least.
 * `npm run bench -- importTable [--megabytes=200] [--runs=3] [--digits=6]`; with --digits=17 numbers are written in full.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importTableFiles } from '../src/data/table/importTableFiles.js';
import { Random } from '../src/memory/random.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { argument } from './support/report.js';
import { compareJobs, type Figures, type Job, measure, readPlain, writeLines } from './support/textJobs.js';

const COLUMNS = 20;
const root = fileURLToPath(new URL('../..', import.meta.url));
const python = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import numpy']).status === 0,
);
const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));
const path = join(folder, 'numbers.csv');
const digits = argument('digits', 6);

function writeNumbers(bytes: number): void {
  const random = Random.of(1);
  const number = () =>
    digits >= 17 ? String(random.normal()) : String(Number(random.normal().toPrecision(digits)));
  const lines = Array.from({ length: 1000 }, () => Array.from({ length: COLUMNS + 1 }, number).join(','));
  writeLines(path, `${Array.from({ length: COLUMNS }, (_, i) => `x${i}`).join(',')},y`, lines, bytes);
}

async function importNumbers(): Promise<void> {
  const out = join(folder, 'set');
  await importTableFiles(nodeStorage, path, { out, label: 'y', bufferBytes: 32e6 });
  rmSync(out, { recursive: true });
}

function peer(way: string): Figures {
  const { status, stdout, stderr } = spawnSync(python!, [join(root, 'bench/peers/load_csv.py'), way, path], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

try {
  writeNumbers(argument('megabytes', 200) * 1e6);
  const jobs: Job[] = [
    ['mlml import', () => measure(importNumbers)],
    ['plain reading', () => measure(() => readPlain(path))],
  ];
  if (python === undefined) console.log('numpy is not installed: no peer in this run');
  else
    for (const way of ['numpy', 'csv'])
      jobs.push([way === 'numpy' ? 'numpy.loadtxt' : 'csv.reader and float()', () => peer(way)]);
  // Compiled code is what a long import runs.
  await importNumbers();
  await compareJobs(path, `${COLUMNS + 1} columns, numbers of ${digits} digits`, jobs, argument('runs', 3));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
