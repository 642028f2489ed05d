import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand, fakeTrain } from '../../test/support/fakeCommand.js';
import { fakeKernels } from '../../test/support/fakeKernels.js';
import { assertGolden } from '../../test/support/golden.js';
import { runOf, stopped, words } from '../../test/support/stoppedRun.js';
import { MlmlError } from '../errors.js';
import type { KernelJobs, KrrPick } from '../kernel/jobs.js';
import { lockFolder } from '../storage/lock.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { replaceFile } from '../storage/textFile.js';

test('--resume starts afresh where there is nothing, and where a run was killed before it had begun', async () => {
  const storage = new MemoryStorage();
  const { stdout } = await fakeCommand([...words, '--resume'], { storage });
  assert.match(stdout, /^run +mine$/m);
  assert.equal((await runOf(storage))['status'], 'done');
  for (const leave of [
    async (disk: MemoryStorage) => await disk.makeFolder('mine'),
    async (disk: MemoryStorage) => await (await disk.create('mine/run.json')).close(),
  ]) {
    const disk = new MemoryStorage();
    await leave(disk);
    await fakeCommand([...words, '--resume'], { storage: disk });
    assert.equal((await runOf(disk))['status'], 'done');
  }
});

test('--resume goes on with an unfinished run and keeps its start; resume does the same', async () => {
  for (const again of [
    [...words, '--resume', '--quiet'],
    ['resume', 'mine', '--quiet'],
  ]) {
    const storage = await stopped();
    const before = await runOf(storage);
    let folder: string | undefined;
    await fakeCommand(again, {
      storage,
      train: async (...args) => {
        folder = args[3].checkpoint?.folder;
        return await fakeTrain(...args);
      },
    });
    const run = await runOf(storage);
    assert.equal(run['status'], 'done');
    assert.equal(run['error'], undefined);
    assert.equal(run['started'], before['started']);
    assert.equal(folder, 'mine/checkpoint');
  }
});

test('another command for the folder of a run is refused; all differences are named', async () => {
  const storage = await stopped();
  const refused = async (line: string, message: RegExp) => {
    await assert.rejects(fakeCommand(line.split(' '), { storage }), { code: 'MLML_MISMATCH', message });
  };
  await refused('sgd digits --out=mine --seed=7 --resume', /the verb "ssgd", not "sgd"/);
  await refused(
    'ssgd digits --out=mine --epochs=9 --buffer=2 --resume',
    /^mine: is a run of another command: it has (?=.*--seed 7, not 0)(?=.*--epochs 3, not 9)(?=.*--buffer \(in bytes\) 10000000, not 2000000).*; give that command, or another --out$/,
  );
  await refused('ssgd mnist --out=mine --seed=7 --resume', /the data \["digits"\], not \["mnist"\]/);
  // The data behind the same name.
  const run = await runOf(storage);
  const dataset = { ...(run['dataset'] as object), fingerprint: 'other' };
  await replaceFile(storage, 'mine/run.json', JSON.stringify({ ...run, dataset }));
  await refused(
    `${words.join(' ')} --resume`,
    /^mine: the data have changed since: their fingerprint was other, now it is [0-9a-f]{32}; give it/,
  );
});

test('what is only shown, or where scratch lies, makes no other command', async () => {
  const storage = await stopped();
  await fakeCommand(
    [...words, '--resume', '--json', '--scratch=s', '--nthreads=1', '--checkpoint-every=5s'],
    { storage },
  );
  assert.equal((await runOf(storage))['status'], 'done');
});

test('an unfinished run of hsgd keeps its number of threads, which its state is of', async () => {
  const hsgd = ['hsgd', 'digits', '--out=mine'];
  const begun = async (...more: string[]) => {
    const storage = new MemoryStorage();
    const stop = async () => {
      throw new MlmlError('MLML_INTERRUPTED', 'stopped by SIGINT');
    };
    await assert.rejects(fakeCommand([...hsgd, ...more], { storage, train: stop }), {
      code: 'MLML_INTERRUPTED',
    });
    return storage;
  };
  const threadsOf = async (storage: MemoryStorage, again: string[]) => {
    let threads: number | undefined;
    await fakeCommand(again, {
      storage,
      train: async (...args) => {
        threads = args[2].nthreads;
        return await fakeTrain(...args);
      },
    });
    return threads;
  };
  const given = await begun('--nthreads=57');
  await assert.rejects(fakeCommand([...hsgd, '--resume', '--nthreads=3'], { storage: given }), {
    code: 'MLML_MISMATCH',
    message: /it has --nthreads 57, not 3; give that command/,
  });
  assert.equal(await threadsOf(given, ['resume', 'mine']), 57);
  // Complete, it is told again whatever the number.
  await fakeCommand([...hsgd, '--resume', '--nthreads=3'], { storage: given, train: assert.fail });
  // The default of another machine.
  const other = await begun();
  const run = await runOf(other);
  const options = { ...(run['options'] as object), nthreads: 61 };
  await replaceFile(other, 'mine/run.json', JSON.stringify({ ...run, options }));
  assert.equal(await threadsOf(other, ['resume', 'mine']), 61);
});

test('a run that another process works on is MLML_BUSY', async () => {
  const storage = await stopped();
  const lock = await lockFolder(storage, 'mine', 'writer');
  for (const line of [
    [...words, '--resume'],
    ['resume', 'mine'],
  ])
    await assert.rejects(fakeCommand(line, { storage }), {
      code: 'MLML_BUSY',
      message: /^mine: process \d+ /,
    });
  const { stdout } = await fakeCommand(['info', 'mine'], { storage });
  assert.match(stdout, new RegExp(`^busy +process ${process.pid} works on it$`, 'm'));
  await lock.release();
  await fakeCommand([...words, '--resume'], { storage });
});

test('info says that a run can be gone on with, and how far it is', async () => {
  const storage = await stopped();
  await assertGolden('info-stopped.txt', (await fakeCommand(['info', 'mine'], { storage })).stdout);
  const told = JSON.parse((await fakeCommand(['info', 'mine', '--json'], { storage })).stdout);
  assert.deepEqual(told.resumable, {
    command: 'mlml resume mine',
    saved: { done: 12_000, total: 30_000, unit: 'rows' },
  });
  await storage.remove('mine/checkpoint');
  assert.match((await fakeCommand(['info', 'mine'], { storage })).stdout, /^saved +nothing yet$/m);
  await replaceFile(
    storage,
    'mine/events.jsonl',
    '{"time":1,"type":"checkpoint","pass":4}\n{"time":2,"type":"che',
  );
  assert.match((await fakeCommand(['info', 'mine'], { storage })).stdout, /^saved +after 4 passes$/m);
});

test('wrong uses say what is wrong', async () => {
  const storage = await stopped();
  await storage.makeFolder('empty');
  await (await storage.create('young/run.json')).close();
  await (await storage.create('thesis/thesis.txt')).close();
  const cases: readonly [string, string, RegExp][] = [
    ['ssgd digits --resume', 'MLML_USAGE', /^--resume: needs --out=<run folder>/],
    ['resume', 'MLML_USAGE', /^resume takes one run folder/],
    ['resume mine mine', 'MLML_USAGE', /^resume takes one run folder/],
    [
      'resume nowhere',
      'MLML_NOT_FOUND',
      /^nowhere: is no run: there is no run\.json; give the command of the run again/,
    ],
    ['resume empty', 'MLML_NOT_FOUND', /^empty: is no run/],
    ['resume young', 'MLML_NOT_FOUND', /^young: was killed before it had begun/],
    ['ssgd digits --out=thesis --resume', 'MLML_EXISTS', /^thesis: exists already/],
    ['ssgd digits --out=mine --seed=7', 'MLML_EXISTS', /add --resume to go on with it/],
    ['ssgd digits --checkpoint-every=5m', 'MLML_USAGE', /^--checkpoint-every=5m: must be/],
    ['resume mine --checkpoint-every=x', 'MLML_USAGE', /^--checkpoint-every=x: must be/],
    ['resume mine --epochs=9', 'MLML_USAGE', /^--epochs: is not an option of resume/],
  ];
  for (const [line, code, message] of cases)
    await assert.rejects(fakeCommand(line.split(' '), { storage }), { code, message }, line);
  await replaceFile(storage, 'young/run.json', '{"format":"mlml-run","version":99}');
  await assert.rejects(fakeCommand(['resume', 'young'], { storage }), { code: 'MLML_VERSION' });
});

test('resume keeps the words of the first command, with two-word options, its own --out and interval', async () => {
  const storage = new MemoryStorage();
  const train = async () => {
    throw new MlmlError('MLML_DISK_FULL', 'no room');
  };
  const first = [
    'ssgd',
    '--out',
    'mine',
    '--checkpoint-every',
    '7s',
    '--json',
    '--epochs',
    '4',
    '--',
    'digits',
  ];
  await assert.rejects(fakeCommand(first, { storage, train }), { code: 'MLML_DISK_FULL' });
  let every: unknown;
  const { stdout } = await fakeCommand(['resume', 'mine', '--checkpoint-every=90'], {
    storage,
    train: async (...args) => {
      every = args[3].checkpoint?.every;
      return await fakeTrain(...args);
    },
  });
  assert.deepEqual(every, { kind: 'rows', rows: 90 });
  assert.match(stdout, /^run +mine$/m);
  assert.equal(((await runOf(storage))['options'] as { epochs: number }).epochs, 4);
});

test('what krr picked is kept in the run: it trains by that, also when it goes on', async () => {
  const pick = { solver: 'bcd', stored: true } as const;
  const given: unknown[] = [];
  const kernels = (picked: KrrPick, fails: boolean): Partial<KernelJobs> => ({
    planKernelTraining: async (...args) => {
      given.push(args[3].pick);
      args[3].onPick?.(args[3].pick ?? picked);
      return await fakeKernels.planKernelTraining(...args);
    },
    trainKernel: async (...args) => {
      given.push(args[3].pick);
      if (fails) throw new MlmlError('MLML_INTERRUPTED', 'stopped');
      return await fakeKernels.trainKernel(...args);
    },
  });
  const storage = new MemoryStorage();
  await assert.rejects(
    fakeCommand(['krr', 'digits', '--out=mine'], { storage, kernels: kernels(pick, true) }),
    {
      code: 'MLML_INTERRUPTED',
    },
  );
  await fakeCommand(['resume', 'mine'], {
    storage,
    kernels: kernels({ solver: 'cg', stored: false }, false),
  });
  assert.deepEqual(given, [undefined, pick, pick, pick]);
});
