/**
 * Importing large tables: Parquet and SQL through DuckDB in a process of its own, and CSV through our own reader. Makes the files first
 * (kept with --keep), then runs `mlml import` on each, and samples the resident memory of all its processes together.
 *
 *   node dist/bench/databases.js [--parquet-gb=1] [--csv-gb=2] [--buffer=32] [--only=<word>] [--folder=<temporary folder>] [--keep]
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { command } from './support/runMlml.js';

const { values } = parseArgs({
  options: {
    'parquet-gb': { type: 'string', default: '1' },
    'csv-gb': { type: 'string', default: '2' },
    buffer: { type: 'string', default: '32' },
    only: { type: 'string', default: '' },
    folder: { type: 'string', default: tmpdir() },
    keep: { type: 'boolean', default: false },
  },
});
const folder = join(values.folder, 'mlml-bench-tables');
const parquet = join(folder, 'trips.parquet');
const groups = join(folder, 'groups.parquet');
const csv = join(folder, 'trips.csv');

/** 14 columns of trips by taxi: numbers of all kinds, words, times, missing values. About 80 bytes a row as Parquet, 150 as CSV. */
const rowsOf = (
  rows: number,
) => `SELECT i AS id, random() * 100 AS distance, random() AS a, random() AS b, random() AS c, random() AS d,
  random()::FLOAT AS e, (random() * 1000)::INTEGER AS zone, (i % 7)::TINYINT AS passengers, TIMESTAMP '2026-01-01' + INTERVAL (i) SECOND AS at,
  ['York', 'Bath', 'Wells', 'Stratford-upon-Avon'][1 + i % 4] AS town, CASE WHEN random() < 0.9 THEN (random() * 5)::DECIMAL(6, 2) END AS tip,
  random() < 0.5 AS flag, random() * 10 AS fare FROM range(${rows}) t(i)`;

/** In a process of its own, which does not count. */
function copyTo(path: string, rows: number, options: string): void {
  if (existsSync(path)) return;
  const script = `
    import { DuckDBInstance } from '@duckdb/node-api';
    const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '2GB' });
    const connection = await instance.connect();
    await connection.run('SELECT setseed(0.5)');
    await connection.run(process.argv[1]);`;
  const statement = `COPY (${rowsOf(rows)}) TO '${path}' (${options})`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, statement], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`making ${path} failed: ${stderr}`);
}

function residentOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Seconds of processor time so far. */
function processorOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Runs one import; resident memory is sampled every 20 ms. */
async function measure(name: string, source: string, bytes: number): Promise<string[]> {
  const out = join(folder, 'out');
  rmSync(out, { recursive: true, force: true });
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...[command, 'import', source, '--label=fare', '--drop=id', `--out=${out}`],
      ...[`--buffer=${values.buffer}`, '--quiet', '--json'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let printed = '';
  child.stdout!.on('data', (text) => {
    printed += text;
  });
  let [all, own, other] = [0, 0, 0];
  const processor = new Map<number, number>();
  const timer = setInterval(() => {
    const mine = residentOf(child.pid!);
    const others = childrenOf(child.pid!).reduce((sum, pid) => sum + residentOf(pid), 0);
    for (const pid of [child.pid!, ...childrenOf(child.pid!)])
      processor.set(pid, Math.max(processor.get(pid) ?? 0, processorOf(pid)));
    [all, own, other] = [Math.max(all, mine + others), Math.max(own, mine), Math.max(other, others)];
  }, 20);
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(timer);
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`${name}: ended with status ${status}`);
  const { n, nt } = JSON.parse(printed) as { n: number; nt: number };
  const mb = (value: number) => (value / 1e6).toFixed(0);
  return [
    name,
    mb(bytes),
    ((n + nt) / 1e6).toFixed(1),
    seconds.toFixed(1),
    mb(bytes / seconds),
    [...processor.values()].reduce((sum, value) => sum + value, 0).toFixed(1),
    mb(bytes / [...processor.values()].reduce((sum, value) => sum + value, 0)),
    mb(all),
    mb(own),
    mb(other),
  ];
}

mkdirSync(folder, { recursive: true });
const parquetRows = Math.round((Number(values['parquet-gb']) * 1e9) / 64.6);
const csvRows = Math.round((Number(values['csv-gb']) * 1e9) / 185.5);
const wanted = (name: string) => name.includes(values.only);
const jobs: readonly (readonly [string, string, string, () => void])[] = [
  ['Parquet', parquet, parquet, () => copyTo(parquet, parquetRows, 'FORMAT parquet')],
  [
    'Parquet, groups of 10⁶ rows',
    groups,
    groups,
    () =>
      copyTo(groups, Math.floor(parquetRows / 2), 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 1000000'),
  ],
  [
    'SQL over Parquet',
    `SELECT * FROM '${parquet}' WHERE distance > 10`,
    parquet,
    () => copyTo(parquet, parquetRows, 'FORMAT parquet'),
  ],
  ['CSV', csv, csv, () => copyTo(csv, csvRows, 'FORMAT csv')],
  ['SQL over CSV', `SELECT * FROM '${csv}'`, csv, () => copyTo(csv, csvRows, 'FORMAT csv')],
];
const table = [
  [
    'source',
    'MB',
    '10⁶ rows',
    'seconds',
    'MB/s',
    'CPU s, all processes',
    'MB per CPU s',
    'peak RSS MB, all processes',
    'mlml',
    'DuckDB',
  ],
];
for (const [name, source, file, make] of jobs) {
  if (!wanted(name)) continue;
  make();
  table.push(await measure(name, source, statSync(file).size));
  console.error(table.at(-1)!.join('  '));
}
if (!values.keep) rmSync(folder, { recursive: true, force: true });
for (const row of table) console.log(`| ${row.join(' | ')} |`);
