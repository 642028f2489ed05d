/**
 * Kernel ridge regression on real data through the command line, each job a process of its own: time from rows on disk to
 * the printed accuracy, passes, residual, test accuracy and peak resident memory against what is allowed.
 * `MLML_DATA=<folder of the original files> npm run bench -- kernelSolvers [--large=1]`; large: MNIST 60 000 and CIFAR-10.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { argument, printTable } from './support/report.js';

const command = fileURLToPath(new URL('../bundle/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));

function mlml(words: string): Record<string, unknown> {
  const args = [command, ...words.split(' '), '--json', '--quiet'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`mlml ${words}: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const table: string[][] = [
  ['job', 'seconds', 'passes', 'residual', 'test accuracy', 'above Node, MB', 'of --buffer, MB'],
];

function run(words: string): void {
  const result = mlml(words);
  const test = result['test'] as { accuracy?: number } | null;
  const number = (name: string) => Number(result[name]);
  table.push([
    words,
    number('seconds').toFixed(1),
    String(result['passes'] ?? ''),
    result['residual'] === undefined ? '' : number('residual').toExponential(1),
    test?.accuracy === undefined ? '' : `${(100 * test.accuracy).toFixed(2)} %`,
    ((number('peakRssBytes') - number('baselineRssBytes')) / 1e6).toFixed(0),
    (number('bufferBytes') / 1e6).toFixed(0),
  ]);
}

try {
  mlml('import mnist');
  if (argument('large', 0) === 0) {
    const { memId } = mlml('generate mnist --subset=10000 --sigma=5 --buffer=64');
    for (const verb of ['cg', 'bcd', 'closed', 'ssgd']) {
      const tolerance = verb === 'cg' || verb === 'bcd' ? ' --tol=1e-6' : '';
      run(`${verb} mnist --memId=${memId} --buffer=64${tolerance}`);
    }
    run('cg mnist --subset=10000 --sigma=5 --buffer=64 --tol=1e-6');
    run('nystrom mnist --subset=10000 --sigma=5 --buffer=64');
  } else {
    mlml('import cifar-10');
    run('krr mnist --sigma=5 --reg=0.06 --buffer=1000 --tol=1e-2 --dtype=float16');
    run('krr cifar-10 --sigma=12 --reg=0.1 --buffer=1000 --tol=1e-2 --dtype=float16');
    run('generate cifar-10 --kernel=RBF --dtype=float16 --buffer=100');
  }
  printTable('Kernel ridge regression through the command line, single runs', table);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
