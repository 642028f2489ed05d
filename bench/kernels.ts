/**
 * Speed of the kernels of streaming SGD, one thread, on data in memory: samples/s and GFLOP/s for each build.
 * `npm run bench -- kernels [--runs=5]`
 */
import { gather32Of, scalingBytes, writeScaling } from '../src/arithmetic/gather.js';
import { bestBuild, type KernelBuild, loadKernels } from '../src/arithmetic/kernels.js';
import { Arena } from '../src/memory/arena.js';
import { Random } from '../src/memory/random.js';
import { lossOf } from '../src/ssgd/losses/losses.js';
import { argument, median, printTable } from './support/report.js';

const d = 784;
const k = 10;
const rows = 2048;
const rowBytes = d + 1;

function samplesPerSecond(build: KernelBuild, m: number, runs: number, loss: 'ridge' | 'softmax'): number {
  const arena = new Arena([
    { name: 'rows', bytes: rows * rowBytes },
    { name: 'scaling', bytes: scalingBytes(d, d, 'uint8', 32) },
    { name: 'x', bytes: 4 * m * d },
    { name: 'scores', bytes: 4 * m * k },
    { name: 'labels', bytes: 8 * m },
    { name: 'w', bytes: 4 * k * d },
    { name: 'v', bytes: 4 * k * d },
    { name: 'intercept', bytes: 4 * k },
  ]);
  const kernels = loadKernels(arena.memory, build);
  const random = Random.of(1);
  const bytes = arena.uint8('rows');
  for (let i = 0; i < bytes.length; i++) bytes[i] = i % rowBytes === d ? random.below(k) : random.below(256);
  writeScaling(arena.buffer, arena.address('scaling'), d, 'uint8', 32, {
    multiply: new Float64Array(d).fill(1 / 255),
    add: new Float64Array(d).fill(-0.5),
  });
  const gather = gather32Of(kernels, 'uint8');
  const [row, scaling, x, w, v, scores, labels] = ['rows', 'scaling', 'x', 'w', 'v', 'scores', 'labels'].map(
    (name) => arena.address(name),
  ) as [number, number, number, number, number, number, number];
  const scoreView = arena.float32('scores');
  const labelView = arena.float64('labels');
  const { evaluate } = lossOf(loss);
  const intercept = arena.address('intercept');
  const pass = () => {
    for (let i = 0; i + m <= rows; i += m) {
      gather(row, rowBytes, 0, i, m, d, d, scaling, x);
      kernels.gatherLabels(row, rowBytes, d, 0, 1, 0, i, m, labels);
      kernels.scores32(x, m, d, w, k, intercept, scores);
      evaluate(scoreView, m, k, labelView, scoreView);
      kernels.momentumStep(x, m, d, 0, d, scores, k, w, v, 1 / m, 1e-6, 1e-4, 0.9);
    }
  };
  const passes = build === 'plain' ? 1 : 20;
  pass();
  return median(runs, () => {
    const start = performance.now();
    for (let p = 0; p < passes; p++) pass();
    return (passes * rows) / ((performance.now() - start) / 1000);
  });
}

const runs = argument('runs', 5);
const table: string[][] = [['kernels', 'loss', 'rows a step', 'samples/s', 'GFLOP/s']];
const builds: KernelBuild[] = bestBuild() === 'relaxed' ? ['plain', 'simd', 'relaxed'] : ['plain', 'simd'];
for (const build of builds) {
  for (const loss of ['ridge', 'softmax'] as const) {
    for (const m of build === 'plain' ? [32] : [1, 8, 32, 128]) {
      const speed = samplesPerSecond(build, m, runs, loss);
      table.push([build, loss, String(m), speed.toFixed(0), ((speed * 4 * d * k) / 1e9).toFixed(1)]);
    }
  }
}
printTable(
  `Streaming SGD step, d=${d}, k=${k}, momentum, bytes in memory, one thread, median of ${runs}`,
  table,
);
