/**
 * Three epochs of streaming SGD over MNIST's row file against scikit-learn's SGDClassifier.partial_fit over a
 * memory map of the same file, both in child processes, alternating, medians.
 * `npm run bench -- ssgd [--runs=5] [--buffer=10]`; MNIST comes from $MLML_DATA or the network, else `digits` is used.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importDataset } from '../src/data/import/importDataset.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { argument, medianOf, printTable } from './support.js';

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

function measure(command: string, args: readonly string[]): Figures {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  const wallSeconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
  return { ...JSON.parse(stdout), wallSeconds };
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
  const ours = join(root, 'dist/bench/ssgdOnce.js');
  const buffer = argument('buffer', 10);
  const jobs: [string, string, string[]][] = [
    [
      `mlml ssgd --loss=softmax --buffer=${buffer}`,
      process.execPath,
      [ours, out, 'softmax', String(buffer), ''],
    ],
    [`mlml ssgd --loss=softmax --buffer=1`, process.execPath, [ours, out, 'softmax', '1', '']],
    [`mlml ssgd --loss=ridge --buffer=${buffer}`, process.execPath, [ours, out, 'ridge', String(buffer), '']],
    ['mlml ssgd, one row a step, softmax', process.execPath, [ours, out, 'softmax', String(buffer), '1']],
  ];
  if (python !== undefined && existsSync(peerScript)) {
    const files = [train, String(parts.train.n), test, String(parts.test.n), String(d), '3'];
    jobs.push(['sklearn partial_fit, log loss', python, [peerScript, ...files, 'log_loss']]);
    jobs.push(['sklearn partial_fit, hinge', python, [peerScript, ...files, 'hinge']]);
  } else console.log('scikit-learn is not installed: no peer in this run');

  const runs = argument('runs', 5);
  const figures = jobs.map((): Figures[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [i, [, command, args]] of jobs.entries()) figures[i]!.push(measure(command, args));
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
