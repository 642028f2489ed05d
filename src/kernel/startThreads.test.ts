import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { plainGeometry } from '../../test/support/kernelRows.js';
import { root } from '../../test/support/root.js';
import { bestBuild, compileKernels, type KernelBuild } from '../arithmetic/kernels.js';
import { rowLayout } from '../data/rowLayout.js';
import { Arena } from '../memory/arena.js';
import { ThreadPool } from '../threads/threadPool.js';
import { THREAD_SCRATCH_BYTES } from '../threads/threads.js';
import { customKernel } from './functions/customKernel.js';
import { evaluatorRegions } from './functions/evaluator.js';
import { mainEnvironment, startThreads, threadRegions } from './startThreads.js';
import { kernelTasks } from './tasks/tasks.js';

const N = 64;
const regions = [...threadRegions(3), { name: 'tile', bytes: N * N * 8 }, { name: 'v', bytes: N * 16 }];

/** target += ones · ones in strips; every thread's calls use its scratch. */
function multiply(arena: Arena, threads: Awaited<ReturnType<typeof startThreads>>['threads']): number[] {
  arena.float64('tile').fill(1);
  arena.float64('v').fill(1);
  const target = arena.address('tile') + (N - 1) * N * 8;
  arena.float64('tile').fill(0, (N - 1) * N);
  for (let strip = 0; strip < 8; strip++)
    threads.add(
      'addTileProduct',
      arena.address('tile'),
      2,
      N,
      4,
      N,
      arena.address('v'),
      2,
      target + strip * 64,
    );
  threads.run();
  return [...arena.float64('tile').subarray((N - 1) * N)];
}

for (const build of ['plain', 'simd', 'relaxed'] as KernelBuild[]) {
  const skip = build === 'relaxed' && bestBuild() !== 'relaxed' && 'this engine has no fused multiply-add';
  test(`threads bind the ${build} build to the arena`, { skip }, async () => {
    for (const count of [1, 2, 3]) {
      const arena = new Arena(regions);
      const { threads } = await startThreads(arena, count, {}, build);
      try {
        assert.equal(threads.count, count);
        assert.deepEqual(multiply(arena, threads), new Array(N).fill(N));
      } finally {
        await threads.close();
      }
    }
  });
}

test('the worker of the bundle works as that of the library', async () => {
  const worker = join(root, 'dist', 'bundle', 'cli', 'kernelWorker.js');
  assert.ok(existsSync(worker));
  const arena = new Arena(regions);
  const { kernels } = await startThreads(arena, 1, {});
  const tasks = kernelTasks(mainEnvironment(arena, kernels), {});
  const scratch = arena.address('thread scratch');
  const setup = {
    ...{ memory: arena.memory, module: compileKernels() },
    ...{ scratch, scratchBytes: THREAD_SCRATCH_BYTES, tasks: {} },
  };
  const threads = await ThreadPool.start({ count: 3, worker: new URL(`file://${worker}`), setup, tasks });
  try {
    assert.deepEqual(multiply(arena, threads), new Array(N).fill(N));
  } finally {
    await threads.close();
  }
});

test('a kernel with a custom function is evaluated by the main thread alone', async () => {
  const kernel = customKernel('zero', (_x, _y, _rows, _columns, _d, target) => target.fill(0));
  const geometry = plainGeometry(rowLayout(3, 'float32'));
  const arena = new Arena([...regions, ...evaluatorRegions(kernel, geometry, 'float32')]);
  const evaluation = { kernel, geometry, dtype: 'float32' as const, constants: arena.address('evaluation') };
  const { threads } = await startThreads(arena, 3, { evaluation });
  assert.equal(threads.count, 1);
});

test('a process ends although its threads were not closed', () => {
  const program = `
    import { startThreads, threadRegions } from '${new URL('./startThreads.js', import.meta.url).href}';
    import { Arena } from '${new URL('../memory/arena.js', import.meta.url).href}';
    await startThreads(new Arena(threadRegions(2)), 2, {});
    console.log('started');`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.deepEqual([status, stdout, stderr], [0, 'started\n', '']);
});
