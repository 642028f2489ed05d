// MNIST by `closed` (ridge, reg 0.1, intercept) beside scikit-learn's Ridge(solver='cholesky') on the same rows,
// where python3 has scikit-learn. Each run is a process of its own; medians of the runs.
//   MLML_DATA=<folder of the original files> node dist/bench/closed.js [runs]
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bestBuild } from '../src/arithmetic/kernels.js';
import { openDataset } from '../src/data/dataset.js';
import { scalingOf } from '../src/ssgd/closed/fit.js';
import { planClosed } from '../src/ssgd/closed/planClosed.js';
import { solveClosed } from '../src/ssgd/closed/solveClosed.js';
import { defaultOptions } from '../src/ssgd/options.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { mnist, testAccuracy } from '../test/support/solverDatasets.js';

/** What one process reports. */
interface Run {
  readonly seconds: number;
  readonly accuracy: number;
  readonly baselineMegabytes: number;
  readonly peakMegabytes: number;
}

const PEER = `
import json, re, sys, time
import numpy as np
from sklearn.linear_model import Ridge
peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) * 1024 / 1e6
baseline = peak()
rows = lambda part: np.memmap(sys.argv[1] + '/' + part + '.rows', np.uint8, 'r').reshape(-1, 785)
start = time.perf_counter()
train = rows('train')
model = Ridge(alpha=0.1, solver='cholesky').fit(train[:, :784] / 255, np.eye(10)[train[:, 784]])
seconds = time.perf_counter() - start
test = rows('test')
right = model.predict(test[:, :784] / 255).argmax(1) == test[:, 784]
print(json.dumps(dict(seconds=seconds, accuracy=right.mean(), baselineMegabytes=baseline, peakMegabytes=peak())))
`;

/** Peak resident memory of this process image (getrusage would count the parent's, kept over exec). */
function peakMegabytes(): number {
  const line = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  return line === null ? Number.NaN : (Number(line[1]) * 1024) / 1e6;
}

async function runOurs(folder: string, bufferBytes: number): Promise<Run> {
  const baselineMegabytes = peakMegabytes();
  const dataset = await openDataset(nodeStorage, folder);
  const options = { ...defaultOptions, bufferBytes };
  const start = performance.now();
  const plan = planClosed(dataset.description, options);
  const fit = await solveClosed(plan, dataset, options, { storage: nodeStorage });
  const seconds = (performance.now() - start) / 1e3;
  const peak = peakMegabytes();
  const accuracy = await testAccuracy(dataset, fit, scalingOf(dataset.description, options));
  await dataset.close();
  return { seconds, accuracy, baselineMegabytes, peakMegabytes: peak };
}

function runProcess(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Run | undefined {
  const { status, stdout } = spawnSync(command, args, { env: { ...process.env, ...env }, encoding: 'utf8' });
  return status === 0 ? (JSON.parse(stdout) as Run) : undefined;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function report(name: string, runs: readonly Run[]): void {
  const middle = (pick: (run: Run) => number) => median(runs.map(pick));
  console.log(
    `${name.padEnd(48)} ${middle((run) => run.seconds).toFixed(2)} s   ` +
      `peak ${middle((run) => run.peakMegabytes).toFixed(0)} MB ` +
      `(${middle((run) => run.peakMegabytes - run.baselineMegabytes).toFixed(0)} above its start)   ` +
      `accuracy ${middle((run) => run.accuracy).toFixed(4)}`,
  );
}

async function main(): Promise<void> {
  const data = process.env['MLML_DATA'];
  if (data === undefined) {
    console.log('closed: MLML_DATA is not set; it names the folder with the original MNIST files');
    return;
  }
  const runs = Number(process.argv[2] ?? 5);
  const folder = join(tmpdir(), `mlml-bench-closed-${process.pid}`);
  await (await mnist(data, folder)).close();
  const script = fileURLToPath(import.meta.url);
  const jobs: [string, () => Run | undefined][] = [];
  for (const buffer of ['10e6', '2e6']) {
    const name = `mlml closed, --buffer=${Number(buffer) / 1e6}, 1 thread, ${bestBuild()}`;
    jobs.push([name, () => runProcess(process.execPath, [script, '--run', folder, buffer])]);
  }
  for (const threads of ['1', '2']) {
    const env = { OMP_NUM_THREADS: threads, OPENBLAS_NUM_THREADS: threads };
    const name = `scikit-learn Ridge(solver='cholesky'), ${threads} thread${threads === '1' ? '' : 's'}`;
    jobs.push([name, () => runProcess('/usr/bin/python3', ['-c', PEER, folder], env)]);
  }
  try {
    // Interleaved, so that a slow moment of the machine meets all of them.
    const results = jobs.map((): Run[] => []);
    for (let run = 0; run < runs; run++) {
      for (const [i, [, start]] of jobs.entries()) {
        const result = start();
        if (result !== undefined) results[i]!.push(result);
      }
    }
    for (const [i, [name]] of jobs.entries()) {
      if (results[i]!.length > 0) report(name, results[i]!);
      else console.log(`${name}: not available here`);
    }
  } finally {
    await nodeStorage.remove(folder);
  }
}

const [mode, folder, buffer] = process.argv.slice(2);
if (mode === '--run') console.log(JSON.stringify(await runOurs(folder!, Number(buffer))));
else await main();
