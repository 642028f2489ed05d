/**
 * Sixteen models from one stream of rows against one model: `ssgd` with a sweep of `reg` against `ssgd` with the same
 * held-out rows, alternating, with the scoring of held-out and test rows. Cases where the disk and the conversion of
 * rows are the limit, and cases where arithmetic is. Seconds of the processor as well as of the clock: the former do
 * not count waiting for the disk, nor for other processes of a busy machine.
 * `npm run bench -- sweep [--runs=3] [--models=16]`; MNIST comes from $MLML_DATA or the network, else `digits` is used.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataset } from '../src/data/dataset.js';
import { defaultOptions, type TrainOptions } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { argument, medianOf, printTable } from './support/report.js';
import { runMlml } from './support/runMlml.js';

const folder = mkdtempSync(join(tmpdir(), 'mlml-sweep-bench-'));

function mlml(...args: string[]): void {
  runMlml(folder, [...args, '--quiet']);
}

interface Cost {
  readonly wall: number;
  readonly processor: number;
}

async function cost(data: string, options: Partial<TrainOptions>): Promise<Cost> {
  const dataset = await openDataset(nodeStorage, data);
  const before = process.cpuUsage();
  const context = { storage: nodeStorage, scratchFolder: join(folder, 'scratch') };
  const { seconds } = await train('ssgd', dataset, { ...defaultOptions, nthreads: 1, ...options }, context);
  const { user, system } = process.cpuUsage(before);
  await dataset.close();
  return { wall: seconds, processor: (user + system) / 1e6 };
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
  // Three values to a power of ten.
  const sweep = { reg: Array.from({ length: models }, (_, i) => 0.01 * 10 ** (i / 3)) };
  const cases: [string, string, Partial<TrainOptions>, Partial<TrainOptions>][] = [
    ['2 classes, bytes, logistic, 10 MB', odd, { loss: 'logistic' }, {}],
    ['2 classes, bytes, hinge, 1 MB', odd, { loss: 'hinge', bufferBytes: 1e6 }, {}],
    ['10 classes, doubles, softmax, 10 MB', doubles, { loss: 'softmax' }, {}],
    ['10 classes, doubles, ridge, 10 MB', doubles, { loss: 'ridge' }, {}],
    ['10 classes, bytes, softmax, 10 MB, halving', bytes, { loss: 'softmax' }, { halving: true }],
    ['10 classes, bytes, softmax, 10 MB', bytes, { loss: 'softmax' }, {}],
    ['10 classes, bytes, ridge, 4 MB', bytes, { loss: 'ridge', bufferBytes: 4e6 }, {}],
  ];
  // Code that is not optimised yet would be charged to the first case.
  await cost(odd, { loss: 'logistic', sweep });
  await cost(bytes, { loss: 'softmax', sweep });
  const table = [
    ['job', '1 model s', `${models} models s`, 'ratio', 'processor s', `${models} models`, 'ratio'],
  ];
  for (const [title, data, options, more] of cases) {
    const one: Cost[] = [];
    const all: Cost[] = [];
    for (let run = 0; run < runs; run++) {
      one.push(await cost(data, { ...options, holdout: 0.1 }));
      all.push(await cost(data, { ...options, ...more, sweep }));
    }
    const figures = (['wall', 'processor'] as const).flatMap((key) => {
      const [single, together] = [one, all].map((costs) => medianOf(costs.map((each) => each[key])));
      return [single!.toFixed(2), together!.toFixed(2), (together! / single!).toFixed(2)];
    });
    table.push([title, ...figures]);
  }
  printTable(`3 epochs over ${name}, ${models} values of reg, medians of ${runs}`, table);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
