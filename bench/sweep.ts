/**
 * Sixteen models from one stream of rows against one model: `ssgd --sweep reg=…` against `ssgd --holdout=0.1`, in child
 * processes, alternating; seconds of training measured inside each, with the scoring of held-out and test rows. Cases
 * where the disk and the conversion of rows are the limit, and cases where arithmetic is.
 * `npm run bench -- sweep [--runs=3] [--models=16]`; MNIST comes from $MLML_DATA or the network, else `digits` is used.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { argument, medianOf, printTable } from './support/report.js';

const command = fileURLToPath(new URL('../bundle/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mlml-sweep-bench-'));

function mlml(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args, '--quiet'], {
    encoding: 'utf8',
    cwd: folder,
  });
  if (status !== 0) throw new Error(`mlml ${args.join(' ')} failed: ${stderr}`);
  return stdout;
}

let runNumber = 0;

function seconds(args: readonly string[]): number {
  const out = join(folder, `run-${runNumber++}`);
  const { seconds: taken } = JSON.parse(mlml(...args, `--out=${out}`, '--json'));
  rmSync(out, { recursive: true });
  return taken;
}

/** The same rows with the label modulo 2: a problem of two classes, whose models have one column. */
function oddAndEven(from: string, to: string): void {
  const { d, parts } = JSON.parse(readFileSync(join(from, 'dataset.json'), 'utf8'));
  const rows = readFileSync(join(from, parts.train.shards[0].file));
  for (let at = d; at < rows.length; at += d + 1) rows[at]! &= 1;
  const path = join(folder, 'odd.rows');
  writeFileSync(path, rows);
  mlml('import', path, `--n=${parts.train.n}`, `--d=${d}`, '--k=2', '--dtype=uint8', `--out=${to}`);
}

/** Values of reg, three to a power of ten. */
function regularizations(count: number): string {
  return Array.from({ length: count }, (_, i) => (0.01 * 10 ** (i / 3)).toPrecision(2)).join(',');
}

try {
  const models = argument('models', 16);
  const runs = argument('runs', 3);
  const [bytes, doubles, odd] = ['bytes', 'doubles', 'odd'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  let name = 'mnist';
  try {
    mlml('import', name, `--out=${bytes}`);
  } catch {
    name = 'digits';
    mlml('import', name, `--out=${bytes}`);
  }
  mlml('import', name, '--dtype=float64', `--out=${doubles}`);
  oddAndEven(bytes, odd);
  const sweep = ['--sweep', `reg=${regularizations(models)}`];
  const cases: [string, string[], string[]][] = [
    ['2 classes, bytes, logistic, 10 MB', ['ssgd', odd, '--loss=logistic'], sweep],
    ['2 classes, bytes, hinge, 1 MB', ['ssgd', odd, '--loss=hinge', '--buffer=1'], sweep],
    ['10 classes, doubles, softmax, 10 MB', ['ssgd', doubles, '--loss=softmax'], sweep],
    ['10 classes, doubles, ridge, 10 MB', ['ssgd', doubles, '--loss=ridge'], sweep],
    [
      '10 classes, bytes, softmax, 10 MB, halving',
      ['ssgd', bytes, '--loss=softmax'],
      [...sweep, '--halving'],
    ],
    ['10 classes, bytes, softmax, 10 MB', ['ssgd', bytes, '--loss=softmax'], sweep],
    ['10 classes, bytes, ridge, 4 MB', ['ssgd', bytes, '--loss=ridge', '--buffer=4'], sweep],
  ];
  const table = [['job', '1 model s', `${models} models s`, 'ratio', `1 model x ${models} s`]];
  for (const [title, args, grid] of cases) {
    const one: number[] = [];
    const all: number[] = [];
    for (let run = 0; run < runs; run++) {
      one.push(seconds([...args, '--holdout=0.1']));
      all.push(seconds([...args, ...grid]));
    }
    const [single, together] = [medianOf(one), medianOf(all)];
    table.push([
      title,
      single.toFixed(2),
      together.toFixed(2),
      (together / single).toFixed(2),
      (models * single).toFixed(1),
    ]);
  }
  printTable(`3 epochs over ${name}, ${models} values of reg, medians of ${runs}`, table);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
