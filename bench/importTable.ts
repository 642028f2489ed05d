/**
 * Import of a CSV file of numbers: both passes, means, statistics, checksums, hashes and the writing of the data set. Beside it
 * plain reading of the file, numpy.loadtxt and Python's csv module with float(), in the same run, alternating, medians. Seconds
 * of the processor are those of all threads of a process, which a busy machine changes least.
 * `npm run bench -- importTable [--megabytes=200] [--runs=3] [--digits=6]`; with --digits=17 numbers are written in full.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importTableFiles } from '../src/data/table/importTableFiles.js';
import { Random } from '../src/memory/random.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { argument, medianOf, printTable } from './support/report.js';

interface Figures {
  readonly seconds: number;
  readonly processorSeconds: number;
}

const COLUMNS = 20;
const root = fileURLToPath(new URL('../..', import.meta.url));
const python = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import numpy']).status === 0,
);
const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));
const path = join(folder, 'numbers.csv');
const digits = argument('digits', 6);

/** A thousand lines again and again, so that making them takes no time. */
function writeNumbers(bytes: number): void {
  const random = Random.of(1);
  const number = () =>
    digits >= 17 ? String(random.normal()) : String(Number(random.normal().toPrecision(digits)));
  const lines = Array.from({ length: 1000 }, () => Array.from({ length: COLUMNS + 1 }, number).join(','));
  const block = Buffer.from(`${lines.join('\n')}\n`);
  const file = openSync(path, 'w');
  writeSync(file, `${Array.from({ length: COLUMNS }, (_, i) => `x${i}`).join(',')},y\n`);
  for (let written = 0; written < bytes; written += block.length) writeSync(file, block);
  closeSync(file);
}

async function measure(work: () => Promise<void> | void): Promise<Figures> {
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, processorSeconds: (user + system) / 1e6 };
}

async function importNumbers(): Promise<void> {
  const out = join(folder, 'set');
  await importTableFiles(nodeStorage, path, { out, label: 'y', bufferBytes: 32e6 });
  rmSync(out, { recursive: true });
}

function readPlain(): void {
  const buffer = new Uint8Array(256 * 1024);
  const file = openSync(path, 'r');
  while (readSync(file, buffer) > 0);
  closeSync(file);
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
  const megabytes = statSync(path).size / 1e6;
  const jobs: [string, () => Promise<Figures> | Figures][] = [
    ['mlml import', () => measure(importNumbers)],
    ['plain reading', () => measure(readPlain)],
  ];
  if (python === undefined) console.log('numpy is not installed: no peer in this run');
  else
    for (const way of ['numpy', 'csv'])
      jobs.push([way === 'numpy' ? 'numpy.loadtxt' : 'csv.reader and float()', () => peer(way)]);
  // Compiled code is what a long import runs.
  await importNumbers();
  const figures = jobs.map((): Figures[] => []);
  for (let run = 0; run < argument('runs', 3); run++)
    for (const [i, [, work]] of jobs.entries()) figures[i]!.push(await work());
  const table = [['job', 'seconds', 'processor s', 'MB/s', 'MB/s of a processor']];
  for (const [i, [name]] of jobs.entries()) {
    const seconds = medianOf(figures[i]!.map((each) => each.seconds));
    const processor = medianOf(figures[i]!.map((each) => each.processorSeconds));
    table.push([
      name,
      seconds.toFixed(2),
      processor.toFixed(2),
      (megabytes / seconds).toFixed(0),
      (megabytes / processor).toFixed(0),
    ]);
  }
  printTable(`${megabytes.toFixed(0)} MB of ${COLUMNS + 1} columns, numbers of ${digits} digits`, table);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
