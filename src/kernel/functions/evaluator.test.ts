import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadKernels } from '../../arithmetic/kernels.js';
import { rowLayout } from '../../data/rowLayout.js';
import { Arena } from '../../memory/arena.js';
import { Random } from '../../memory/random.js';
import { OneThread } from '../../threads/oneThread.js';
import { THREAD_SCRATCH_BYTES } from '../../threads/threads.js';
import { kernelTasks } from '../tasks/tasks.js';
import { EVALUATION_REGION, evaluatorRegions } from './evaluator.js';

test('packRows and evaluateBlock give the rbf kernel of two blocks of rows', () => {
  const [d, n] = [5, 37];
  const layout = rowLayout(d, 'float32');
  const geometry = {
    layout,
    multiply: new Float64Array(d).fill(2),
    add: new Float64Array(d).fill(1),
    mean: new Float64Array(d).fill(1),
    maxNorm: 10,
    maxCentredNorm: 10,
  };
  const kernel = { kind: 'rbf', lengthscale: 2 } as const;
  const arena = new Arena([
    { name: 'scratch', bytes: THREAD_SCRATCH_BYTES },
    ...evaluatorRegions(kernel, geometry, 'float32'),
    { name: 'rows', bytes: n * layout.rowBytes },
    { name: 'block', bytes: 1 << 16 },
    { name: 'tile', bytes: n * n * 4 },
  ]);
  const random = Random.of(1);
  const rows = arena.float32('rows').map(() => random.normal());
  arena.float32('rows').set(rows);
  const environment = {
    kernels: loadKernels(arena.memory, 'plain'),
    buffer: arena.buffer,
    thread: 0,
    scratch: arena.address('scratch'),
  };
  const evaluation = {
    kernel,
    geometry,
    dtype: 'float32' as const,
    constants: arena.address(EVALUATION_REGION),
  };
  const threads = new OneThread(kernelTasks(environment, { evaluation }));
  const block = arena.address('block');
  threads.add('packRows', arena.address('rows'), n, block, 48, 0);
  threads.add('evaluateBlock', block, 48, 0, n, block, 48, 0, n, arena.address('tile'), n);
  threads.run();
  const tile = arena.float32('tile');
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let f = 0; f < d; f++) sum += (2 * (rows[i * (d + 1) + f]! - rows[j * (d + 1) + f]!)) ** 2;
      assert.ok(Math.abs(tile[i * n + j]! - Math.exp(-sum / 8)) < 1e-6);
    }
  }
});
