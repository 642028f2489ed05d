/**
 * What `--folds=5` costs against the same job without it, alternating: seconds of the clock and of the processor, which does not
 * count waiting. One run for each fold, on four fifths of the rows, and one on all would cost five times one.
 * `npm run bench -- folds [--runs=3] [--folds=5]`; MNIST comes from $MLML_DATA or the network, else `digits` is used; a9a from
 * $MLML_DATA, else that line is left out.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAnyDataset } from '../src/data/dataset.js';
import { defaultOptions, type TrainOptions, type Verb } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { argument, medianOf, printTable } from './support/report.js';
import { runMlml } from './support/runMlml.js';

const folder = mkdtempSync(join(tmpdir(), 'mlml-folds-bench-'));

function mlml(...args: string[]): void {
  runMlml(folder, [...args, '--quiet']);
}

/** Seconds of the clock and of the processor. */
async function cost(verb: Verb, data: string, options: Partial<TrainOptions>): Promise<[number, number]> {
  const dataset = await openAnyDataset(nodeStorage, data);
  const before = process.cpuUsage();
  const context = { storage: nodeStorage, scratchFolder: join(folder, 'scratch') };
  const { seconds } = await train(verb, dataset, { ...defaultOptions, nthreads: 1, ...options }, context);
  const { user, system } = process.cpuUsage(before);
  await dataset.close();
  return [seconds, (user + system) / 1e6];
}

/** The same rows with the label modulo 2. */
function oddAndEven(from: string, to: string): void {
  const { d, parts } = JSON.parse(readFileSync(join(from, 'dataset.json'), 'utf8'));
  const rows = readFileSync(join(from, parts.train.shards[0].file));
  for (let at = d; at < rows.length; at += d + 1) rows[at]! &= 1;
  const path = join(folder, 'odd.rows');
  writeFileSync(path, rows);
  mlml('import', path, `--n=${parts.train.n}`, `--d=${d}`, '--k=2', '--dtype=uint8', `--out=${to}`);
}

try {
  const folds = argument('folds', 5);
  const runs = argument('runs', 3);
  const at = (name: string) => join(folder, name);
  let name = 'mnist';
  try {
    mlml('import', name, `--out=${at('bytes')}`);
  } catch {
    name = 'digits';
    mlml('import', name, `--out=${at('bytes')}`);
  }
  mlml('import', name, '--dtype=float64', `--out=${at('doubles')}`);
  oddAndEven(at('bytes'), at('odd'));
  const cases: [string, Verb, string, Partial<TrainOptions>][] = [
    ['ssgd, 2 classes, bytes, logistic, 10 MB', 'ssgd', 'odd', { loss: 'logistic' }],
    ['ssgd, 2 classes, bytes, hinge, 1 MB', 'ssgd', 'odd', { loss: 'hinge', bufferBytes: 1e6 }],
    ['ssgd, 10 classes, bytes, softmax, 10 MB', 'ssgd', 'bytes', { loss: 'softmax' }],
    ['ssgd, 10 classes, doubles, softmax, 10 MB', 'ssgd', 'doubles', { loss: 'softmax' }],
    ['closed, 10 classes, bytes, 40 MB', 'closed', 'bytes', { bufferBytes: 40e6 }],
    ['closed, 10 classes, doubles, 40 MB', 'closed', 'doubles', { bufferBytes: 40e6 }],
  ];
  const a9a = join(process.env['MLML_DATA'] ?? '', 'libsvm', 'a9a');
  if (existsSync(a9a)) {
    mlml('import', a9a, `--out=${at('a9a')}`);
    cases.push(['ssgd, a9a (sparse), logistic, 10 MB', 'ssgd', 'a9a', { loss: 'logistic' }]);
  }
  // Code that is not optimised yet would be charged to the first case.
  await cost('ssgd', at('bytes'), { loss: 'softmax', folds });
  const table = [['job', 'without s', `${folds} folds s`, 'ratio', 'processor s', `${folds} folds`, 'ratio']];
  for (const [title, verb, data, options] of cases) {
    const without: [number, number][] = [];
    const folded: [number, number][] = [];
    for (let run = 0; run < runs; run++) {
      without.push(await cost(verb, at(data), options));
      folded.push(await cost(verb, at(data), { ...options, folds }));
    }
    const figures = ([0, 1] as const).flatMap((which) => {
      const [one, all] = [without, folded].map((costs) => medianOf(costs.map((each) => each[which])));
      return [one!.toFixed(2), all!.toFixed(2), (all! / one!).toFixed(2)];
    });
    table.push([title, ...figures]);
  }
  printTable(`${name}, 3 epochs (closed: one pass), ${folds} folds, medians of ${runs}`, table);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
