import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { fakeCommand, fakeTrain } from '../../test/support/fakeCommand.js';
import { fakeKernels } from '../../test/support/fakeKernels.js';
import { runOf, stopped, words } from '../../test/support/stoppedRun.js';
import { MlmlError } from '../errors.js';
import type { KernelJobs } from '../kernel/jobs.js';
import { FaultyStorage } from '../storage/faultyStorage.js';
import { lockFolder } from '../storage/lock.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { replaceFile } from '../storage/textFile.js';
import type { Training } from './services.js';

test('a run that is complete is reported again, and nothing is trained', async () => {
  const storage = new MemoryStorage();
  const first = await fakeCommand([...words, '--json'], { storage });
  const train = async () => assert.fail('trained again');
  // A process that was killed while it removed its states.
  await (await storage.create(`mine/.mlml-removed-${hostname()}-999999999-1-0/state-0`)).close();
  await (await storage.create('mine/checkpoint/state-1')).close();
  for (const again of [
    [...words, '--resume', '--json'],
    ['resume', 'mine', '--json'],
  ]) {
    const { stdout } = await fakeCommand(again, { storage, train });
    assert.deepEqual(JSON.parse(stdout), JSON.parse(first.stdout));
  }
  assert.deepEqual(await storage.list('mine'), ['events.jsonl', 'model', 'run.json']);
  const { stdout } = await fakeCommand(['resume', 'mine'], { storage, train });
  assert.equal(stdout, (await fakeCommand(words, { storage: new MemoryStorage() })).stdout);
});

test('a complete run in a folder that may only be read is reported again', async () => {
  const cause = Object.assign(new Error('read-only'), { code: 'EROFS' });
  const disk = (storage: MemoryStorage) =>
    new FaultyStorage(storage, ({ kind, path }) => {
      if (['create', 'write', 'rename', 'remove'].includes(kind) && path.startsWith('mine/'))
        throw new MlmlError('MLML_IO', `${path}: read-only`, { cause });
    });
  const again = [...words, '--resume'];
  const storage = new MemoryStorage();
  await fakeCommand(words, { storage });
  const { stdout } = await fakeCommand(again, { storage, disk });
  assert.match(stdout, /^run +mine$/m);
  await assert.rejects(fakeCommand(again, { storage: await stopped(), disk }), { code: 'MLML_IO' });
});

test('a complete run whose model is gone or damaged is an error that says what to do', async () => {
  const breakIt: Record<string, (storage: MemoryStorage) => Promise<unknown>> = {
    MLML_NOT_FOUND: (storage) => storage.remove('mine/model'),
    MLML_BAD_FILE: (storage) => replaceFile(storage, 'mine/model/weights.bin', 'short'),
    MLML_CHECKSUM: async (storage) => {
      const bytes = storage.bytesOf('mine/model/weights.bin');
      bytes[3]! ^= 1;
      await replaceFile(storage, 'mine/model/weights.bin', bytes);
    },
  };
  for (const [code, damage] of Object.entries(breakIt)) {
    const { storage } = await fakeCommand(words);
    await damage(storage);
    for (const again of [
      [...words, '--resume'],
      ['resume', 'mine'],
    ])
      await assert.rejects(fakeCommand(again, { storage }), {
        code,
        message:
          /^mine: this run is complete, but its model can no longer be used: mine\/model.*; put mine\/model back from a copy, or remove mine and give the command again to train it anew$/,
      });
  }
});

test('a command that meets a complete run of its own is told of --resume, another is not', async () => {
  for (const line of ['ssgd digits --out=mine', 'cg digits --out=mine']) {
    const { storage } = await fakeCommand(line.split(' '));
    const refused = async (again: string, advice: string) =>
      await assert.rejects(fakeCommand(again.split(' '), { storage }), {
        code: 'MLML_EXISTS',
        message: `mine: exists already; ${advice}`,
      });
    await refused(
      `${line} --quiet`,
      'it is a complete run of this command: add --resume to be told its result again, or remove it',
    );
    await refused(`${line} --seed=9`, 'remove it or give another --out');
    const lock = await lockFolder(storage, 'mine', 'writer');
    await refused(
      line,
      `process ${process.pid} on ${hostname()} works on this run; wait until it has ended, or give another --out`,
    );
    await lock.release();
  }
});

test('a run of kernels on numbers is reported again in the same words', async () => {
  const kernels: Partial<KernelJobs> = {
    trainKernel: async (...args) => ({ ...(await fakeKernels.trainKernel(...args)), leaveOneOut: 4.5 }),
  };
  const line = ['cg', 'digits', '--out=mine'];
  const { storage, stdout } = await fakeCommand(line, { kernels, task: 'regression' });
  assert.match(stdout, /rmse 4\.500 \(by leaving/);
  assert.equal((await fakeCommand([...line, '--resume'], { storage, task: 'regression' })).stdout, stdout);
});

test('a complete run whose states cannot be removed stays complete, and is told again', async () => {
  const storage = new MemoryStorage();
  const train: Training['train'] = async (...args) => {
    const end = async (states: string) => {
      if (states === 'remove') throw new MlmlError('MLML_IO', 'mine/checkpoint: removing failed (EIO)');
    };
    args[3].checkpoint?.onDone?.(end, 'mine/checkpoint');
    return await fakeTrain(...args);
  };
  await assert.rejects(fakeCommand(words, { storage, train }), { code: 'MLML_IO' });
  assert.equal((await runOf(storage))['status'], 'done');
  const again = await fakeCommand(['resume', 'mine'], {
    storage,
    train: async () => assert.fail('trained again'),
  });
  assert.match(again.stdout, /^run +mine$/m);
});

test('files that others put into the folder of a run are no hindrance, and stay', async () => {
  const storage = await stopped();
  for (const name of ['predictions.csv', 'notes.tmp']) await replaceFile(storage, `mine/${name}`, 'theirs');
  await (await storage.create('mine/run.json.tmp-1')).close();
  await assert.rejects(fakeCommand(words, { storage }), { code: 'MLML_EXISTS', message: /add --resume/ });
  await fakeCommand(['resume', 'mine'], { storage });
  await fakeCommand([...words, '--resume'], { storage, train: async () => assert.fail('trained again') });
  const left = await storage.list('mine');
  assert.deepEqual(left, ['events.jsonl', 'model', 'notes.tmp', 'predictions.csv', 'run.json']);
  // A description of something else makes no run.
  await replaceFile(storage, 'thesis/run.json', '{"format":"diary"}');
  await replaceFile(storage, 'thesis/thesis.txt', 'theirs');
  await assert.rejects(fakeCommand(['ssgd', 'digits', '--out=thesis', '--resume'], { storage }), {
    code: 'MLML_EXISTS',
  });
});
