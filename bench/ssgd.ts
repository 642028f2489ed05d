/**
 * Three epochs of streaming SGD over MNIST's row file against scikit-learn's SGDClassifier.partial_fit over a
 * memory map of the same file, both in child processes, alternating, medians. Seconds of training are measured inside
 * each process, without its start and without scoring: the data set trained on has no test rows, the model is scored
 * afterwards.
 * `npm run bench -- ssgd [--runs=5] [--buffer=10]`; MNIST comes from $MLML_DATA or the network, else `digits` is used.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importDataset } from '../src/data/import/importDataset.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { argument, medianOf, printTable } from './support/report.js';

interface Figures {
  /** Training alone, measured inside the process. */
  readonly seconds: number;
  /** With process start and evaluation. */
  readonly wallSeconds: number;
  readonly accuracy: number;
  readonly peakRssBytes: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const python = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import sklearn']).status === 0,
);

const command = join(root, 'dist/bundle/cli/main.js');

/** Runs a program that prints one JSON object. */
function json(program: string, args: readonly string[]): Record<string, unknown> {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed: ${stderr}`);
  return JSON.parse(stdout);
}

/** The peer: prints its figures itself. */
function measurePeer(args: readonly string[]): Figures {
  const start = performance.now();
  const figures = json(python!, args) as unknown as Figures;
  return { ...figures, wallSeconds: (performance.now() - start) / 1000 };
}

let runNumber = 0;

/** `mlml ssgd` on the training rows alone, then `mlml evaluate` on the test rows. */
function measureOurs(trainOnly: string, whole: string, options: readonly string[]): Figures {
  const run = join(folder, `run-${runNumber++}`);
  const start = performance.now();
  const args = ['ssgd', trainOnly, `--out=${run}`, '--json', '--quiet', ...options];
  const { seconds, peakRssBytes } = json(process.execPath, [command, ...args]) as unknown as Figures;
  const wallSeconds = (performance.now() - start) / 1000;
  const scored = json(process.execPath, [command, 'evaluate', run, whole, '--json', '--quiet']);
  const accuracy = (scored as { accuracy: number }).accuracy;
  return { seconds, peakRssBytes, wallSeconds, accuracy };
}

/** The same training rows in a data set without test rows. */
function withoutTest(whole: string): string {
  const copy = join(folder, 'train-only');
  mkdirSync(copy);
  const description = JSON.parse(readFileSync(join(whole, 'dataset.json'), 'utf8'));
  const { train } = description.parts;
  description.parts.test = { n: 0, shards: [] };
  writeFileSync(join(copy, 'dataset.json'), JSON.stringify(description));
  for (const { file, checksums } of train.shards) {
    symlinkSync(join(whole, file), join(copy, file));
    symlinkSync(join(whole, checksums), join(copy, checksums));
  }
  return copy;
}

const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));
try {
  const out = join(folder, 'mnist');
  let name = 'mnist';
  let dataset = await importDataset(nodeStorage, 'mnist', { out }).catch(() => undefined);
  if (dataset === undefined) {
    name = 'digits';
    dataset = await importDataset(nodeStorage, 'digits', { out });
  }
  const { d, parts } = dataset;
  const train = join(out, parts.train.shards[0]!.file);
  const test = join(out, parts.test.shards[0]!.file);
  const peerScript = join(root, 'bench/peers/sgd_classifier.py');
  const buffer = argument('buffer', 10);
  const trainOnly = withoutTest(out);
  const ours =
    (...options: string[]) =>
    () =>
      measureOurs(trainOnly, out, options);
  const jobs: [string, () => Figures][] = [
    // The peer visits chunks in random order and shuffles inside them: block_shuffle does the same.
    [
      'mlml ssgd --loss=softmax --algo=block_shuffle --buffer=4',
      ours('--loss=softmax', '--algo=block_shuffle', '--buffer=4'),
    ],
    [`mlml ssgd --loss=softmax --buffer=${buffer}`, ours('--loss=softmax', `--buffer=${buffer}`)],
    [
      'mlml ssgd --loss=softmax --algo=block_shuffle --buffer=1',
      ours('--loss=softmax', '--algo=block_shuffle', '--buffer=1'),
    ],
    ['mlml ssgd --loss=softmax --buffer=1', ours('--loss=softmax', '--buffer=1')],
    [
      `mlml ssgd --loss=softmax --reshuffle=once --buffer=${buffer}`,
      ours('--loss=softmax', '--reshuffle=once', `--buffer=${buffer}`),
    ],
    [`mlml ssgd --loss=ridge --buffer=${buffer}`, ours('--loss=ridge', `--buffer=${buffer}`)],
    ['mlml ssgd --loss=softmax --batch=1', ours('--loss=softmax', `--buffer=${buffer}`, '--batch=1')],
  ];
  if (python !== undefined && existsSync(peerScript)) {
    const files = [train, String(parts.train.n), test, String(parts.test.n), String(d), '3'];
    for (const [loss, chunk] of [
      ['log_loss', '10000'],
      ['log_loss', '1000'],
      ['hinge', '1000'],
    ] as const) {
      const title = `sklearn partial_fit, ${loss}, chunks of ${chunk} rows`;
      jobs.push([title, () => measurePeer([peerScript, ...files, loss, chunk])]);
    }
  } else console.log('scikit-learn is not installed: no peer in this run');

  const runs = argument('runs', 5);
  const figures = jobs.map((): Figures[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [i, [, measure]] of jobs.entries()) figures[i]!.push(measure());
  }
  const of = (i: number, key: keyof Figures) => medianOf(figures[i]!.map((figure) => figure[key]));
  const peer = jobs.findIndex(([title]) => title.startsWith('sklearn'));
  const table = [['job', 'training s', 'ratio', 'process s', 'test accuracy', 'peak RSS MB', 'ratio']];
  for (const [i, [title]] of jobs.entries()) {
    const ratio = (key: keyof Figures) => (peer < 0 ? '-' : (of(i, key) / of(peer, key)).toFixed(3));
    table.push([
      title,
      of(i, 'seconds').toFixed(3),
      ratio('seconds'),
      of(i, 'wallSeconds').toFixed(2),
      of(i, 'accuracy').toFixed(4),
      (of(i, 'peakRssBytes') / 1e6).toFixed(0),
      ratio('peakRssBytes'),
    ]);
  }
  printTable(
    `3 epochs over ${name}, ${parts.train.n} rows of ${d} bytes, median of ${runs}; ratios to the first peer`,
    table,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
