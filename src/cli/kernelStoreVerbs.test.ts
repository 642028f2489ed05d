import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand } from '../../test/support/fakeCommand.js';
import { fakeKernelPlan, fakeKernels, storedKernels } from '../../test/support/fakeKernels.js';
import { assertGolden } from '../../test/support/golden.js';
import type { GenerateOptions } from '../kernel/options.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { replaceFile } from '../storage/textFile.js';
import { defaultThreads } from '../threads/defaultThreads.js';

const nthreads = defaultThreads();

test('generate tells what it made, the memId last', async () => {
  const line = 'generate digits --kernel=rbf --sigma=5 --dtype=float16 --buffer=1 --nthreads=2';
  const { stdout, stderr } = await fakeCommand(line.split(' '));
  await assertGolden('generate-stdout.txt', stdout);
  await assertGolden('generate-stderr.txt', stderr);
  assert.equal(stdout.trimEnd().split('\n').at(-1), 'digits-rbf-1a2b');
});

test('generate: options and JSON', async () => {
  let options: GenerateOptions | undefined;
  const { stdout } = await fakeCommand(
    'generate digits --kernel=polynomial --gamma=0.5 --degree=2 --coef0=-1 --json --kernels=k --tile=auto'.split(
      ' ',
    ),
    {
      kernels: {
        generateKernel: async (dataset, given, context) => {
          options = given;
          return await fakeKernels.generateKernel(dataset, given, context);
        },
      },
    },
  );
  assert.deepEqual(options, {
    bufferBytes: 10e6,
    kernel: 'polynomial',
    gamma: 0.5,
    degree: 2,
    coef0: -1,
    scale: 'auto',
    subset: 0,
    sample: 'random',
    seed: 0,
    kernels: 'k',
    dtype: 'float32',
    tile: 0,
    nthreads,
  });
  const result = JSON.parse(stdout);
  assert.deepEqual(
    Object.keys(result),
    (
      'memId folder dataset kernel n dtype tileSize tiles tilesMade bytes seconds bytesRead bytesWritten ' +
      'bufferBytes nthreads plannedPeakBytes peakRssBytes baselineRssBytes'
    ).split(' '),
  );
  assert.equal(result.memId, 'digits-rbf-1a2b');
  assert.equal(result.folder, 'k/digits-rbf-1a2b');
});

test('kernels lists, removes and verifies', async () => {
  const { stdout } = await fakeCommand(['kernels']);
  await assertGolden('kernels.txt', stdout);
  const json = JSON.parse((await fakeCommand(['kernels', '--json'])).stdout);
  assert.deepEqual(json, storedKernels);
  const none = await fakeCommand(['kernels', 'list', '--kernels=elsewhere'], {
    kernels: { listKernels: async () => [] },
  });
  assert.equal(none.stdout, 'elsewhere: no kernels; mlml generate makes one\n');

  const storage = new MemoryStorage();
  await replaceFile(storage, 'kernels/digits-rbf-1a2b/kernel.json', '{}');
  const removed = await fakeCommand(['kernels', 'rm', 'digits-rbf-1a2b'], { storage });
  assert.equal(removed.stdout, 'digits-rbf-1a2b: removed\n');
  assert.deepEqual(storage.paths(), []);

  const verified = await fakeCommand(['kernels', 'verify', 'digits-rbf-1a2b']);
  assert.equal(
    verified.stdout,
    'digits-rbf-1a2b: all 66 tiles, 12.3 MB, were read and are as they were written\n',
  );
  const part = await fakeCommand(['kernels', 'verify', 'spam-linear-3c4d']);
  assert.match(part.stdout, /: the 4 tiles made so far, /);
});

test('plan of kernel verbs, in words and as JSON, runs nothing', async () => {
  const { stdout, storage } = await fakeCommand('plan krr digits --buffer=1'.split(' '));
  await assertGolden('plan-krr.txt', stdout);
  assert.equal(
    storage.paths().some((path) => /^(runs|logs|kernels)/.test(path)),
    false,
  );
  const generate = await fakeCommand('plan --json generate digits --kernel=rbf --buffer=1'.split(' '));
  assert.deepEqual(JSON.parse(generate.stdout), { ...fakeKernelPlan, threads: 1 });
  const closed = await fakeCommand('plan closed digits --memId=digits-rbf-1a2b'.split(' '));
  assert.match(closed.stdout, /^closed on 10 rows\n/);
  const linear = await fakeCommand('plan closed digits'.split(' '));
  assert.match(linear.stdout, /^ssgd on 2 features/);
});
