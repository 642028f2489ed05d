/**
 * What saving states costs: seconds of training with `--checkpoint-every` of one second against none, runs alternating, the
 * median of the ratios. The default interval is thirty seconds: a thirtieth of it, or less where `2 %` is what holds saves back.
 * `npm run bench -- checkpoints [--runs=3] [--every=1]`; originals come from $MLML_DATA or the network, else `digits` is used.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argument, medianOf, printTable } from './support/report.js';
import { runMlml } from './support/runMlml.js';

const folder = mkdtempSync(join(tmpdir(), 'mlml-checkpoints-'));
const runs = argument('runs', 3);
const every = argument('every', 1);

function imported(name: string): string {
  try {
    runMlml(folder, ['import', name, `--out=${name}`, '--quiet']);
    return name;
  } catch {
    console.log(`${name}: not available here; digits instead`);
    runMlml(folder, ['import', 'digits', `--out=${name}`, '--quiet']);
    return name;
  }
}

interface Cost {
  readonly seconds: number;
  /** States saved. */
  readonly saves: number;
}

let made = 0;

function cost(words: readonly string[], interval: string): Cost {
  const { stdout, stderr } = runMlml(folder, [
    ...words,
    `--checkpoint-every=${interval}`,
    '--json',
    `--out=run-${made++}`,
  ]);
  const { seconds } = JSON.parse(stdout) as { seconds: number };
  return { seconds, saves: [...stderr.matchAll(/ (saved|checkpoint) after /g)].length };
}

try {
  const [mnist, cifar] = [imported('mnist'), imported('cifar-10')];
  const jobs: readonly (readonly string[])[] = [
    ['ssgd', mnist, '--epochs=60', '--buffer=5'],
    ['ssgd', mnist, '--epochs=60', '--buffer=100'],
    ['ssgd', cifar, '--epochs=16', '--buffer=20'],
    ['sgd', mnist, '--iters=100000', '--buffer=60'],
    ['gd', cifar, '--iters=60', '--buffer=200'],
    ['closed', cifar, '--buffer=200'],
    ['closed', mnist, '--buffer=2'],
    ['cg', mnist, '--n=4000', '--sigma=5', '--reg=1e-2', '--buffer=20'],
  ];
  const table = [['job', 'seconds, none saved', `seconds, each ${every} s`, 'states', 'ratio']];
  for (const words of jobs) {
    const pairs = Array.from({ length: runs }, () => ({
      without: cost(words, '0'),
      saving: cost(words, `${every}s`),
    }));
    const ratios = pairs.map(({ without, saving }) => saving.seconds / without.seconds);
    table.push([
      words.join(' '),
      medianOf(pairs.map(({ without }) => without.seconds)).toFixed(2),
      medianOf(pairs.map(({ saving }) => saving.seconds)).toFixed(2),
      String(medianOf(pairs.map(({ saving }) => saving.saves))),
      `${medianOf(ratios).toFixed(3)} (${ratios
        .map((ratio) => ratio.toFixed(3))
        .sort()
        .join(' ')})`,
    ]);
  }
  printTable('Cost of saving states', table);
} finally {
  rmSync(folder, { recursive: true });
}
