import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { fakeCommand, fakeTrain } from '../../test/support/fakeCommand.js';
import { fakeKernels } from '../../test/support/fakeKernels.js';
import { assertGolden } from '../../test/support/golden.js';
import { MlmlError } from '../errors.js';
import type { KernelJobs, KrrPick } from '../kernel/jobs.js';
import { FaultyStorage } from '../storage/faultyStorage.js';
import { lockFolder } from '../storage/lock.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { writeState } from '../storage/stateFile.js';
import { readJson, readText, replaceFile } from '../storage/textFile.js';
import type { Training } from './services.js';

const words = ['ssgd', 'digits', '--out=mine', '--seed=7'];

const runOf = async (storage: MemoryStorage) =>
  (await readJson(storage, 'mine/run.json')) as Record<string, unknown>;

/** A run that was stopped in the middle, with a state in its folder. */
async function stopped(storage = new MemoryStorage()): Promise<MemoryStorage> {
  const stop = async () => {
    throw new MlmlError('MLML_INTERRUPTED', 'stopped by SIGINT');
  };
  await assert.rejects(fakeCommand(words, { storage, train: stop }), {
    code: 'MLML_INTERRUPTED',
    message: 'stopped by SIGINT; to go on: mlml resume mine',
  });
  const progress = { done: 12_000, total: 30_000, unit: 'rows' };
  await writeState(storage, 'mine/checkpoint/state-0', { key: 'k', sequence: 3, header: {}, progress }, {});
  return storage;
}

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

test('a run whose error going on cannot mend is not gone on with; another command begins anew there', async () => {
  const storage = new MemoryStorage();
  const diverge = async () => {
    throw new MlmlError('MLML_DIVERGED', 'the loss exploded; give a smaller --eta0');
  };
  await assert.rejects(fakeCommand([...words, '--eta0=9'], { storage, train: diverge }), {
    code: 'MLML_DIVERGED',
  });
  const state = { key: 'k', sequence: 3, header: {}, progress: { done: 1, total: 3, unit: 'rows' } };
  await writeState(storage, 'mine/checkpoint/state-0', state, {});
  const failed = await runOf(storage);
  const { stdout } = await fakeCommand(['info', 'mine'], { storage });
  assert.match(stdout, /^status +failed: MLML_DIVERGED: the loss exploded; give a smaller --eta0$/m);
  assert.doesNotMatch(stdout, /to go on|saved|resume/);
  assert.equal(
    JSON.parse((await fakeCommand(['info', 'mine', '--json'], { storage })).stdout).resumable,
    undefined,
  );
  await assert.rejects(fakeCommand(['resume', 'mine'], { storage }), {
    code: 'MLML_DIVERGED',
    message:
      'mine: this run ended in an error that going on would meet again: the loss exploded; give a smaller --eta0; ' +
      'give its command with other options, which with --out=mine --resume begins anew there',
  });
  const other = [...words, '--eta0=0.1'];
  await assert.rejects(fakeCommand(other, { storage }), {
    code: 'MLML_EXISTS',
    message:
      'mine: exists already; it is a run that failed (MLML_DIVERGED): add --resume to begin anew in its place, or remove it',
  });
  assert.deepEqual(await runOf(storage), failed, 'nothing was touched');
  const log = failed['log'] as string;
  let states: readonly string[] | undefined;
  await fakeCommand([...other, '--resume'], {
    storage,
    train: async (...args) => {
      states = await storage.list('mine/checkpoint');
      return await fakeTrain(...args);
    },
  });
  assert.deepEqual(states, [], 'the states are of the other command');
  const run = await runOf(storage);
  assert.deepEqual(
    [run['status'], run['error'], run['command']],
    ['done', undefined, [...other, '--resume']],
  );
  const events = (await readText(storage, 'mine/events.jsonl')).trimEnd().split('\n');
  assert.deepEqual(
    [events[0], events.at(-1)].map((line) => JSON.parse(line!).type),
    ['start', 'end'],
  );
  assert.equal(events.filter((line) => JSON.parse(line).type === 'end').length, 1);
  // Nothing that cannot be made again is gone.
  assert.notEqual(run['log'], log);
  assert.notEqual(await storage.status(log), undefined);
});

test('what a failure says against the disk, or against mlml, is gone on from', async () => {
  for (const code of ['MLML_IO', 'MLML_DISK_FULL', 'MLML_CHECKSUM', 'MLML_INTERNAL'] as const) {
    const storage = new MemoryStorage();
    const fail = async () => {
      throw new MlmlError(code, 'it went wrong');
    };
    await assert.rejects(fakeCommand(words, { storage, train: fail }), { code });
    assert.match((await fakeCommand(['info', 'mine'], { storage })).stdout, /^to go on +mlml resume mine$/m);
    await assert.rejects(fakeCommand(words, { storage }), {
      code: 'MLML_EXISTS',
      message:
        /^mine: exists already; it is a run of this command that .*: add --resume to go on with it, or remove it$/,
    });
    await fakeCommand(['resume', 'mine'], { storage });
    assert.equal((await runOf(storage))['status'], 'done');
  }
});

test('a disk with too little room for scratch is refused before there is a run', async () => {
  class SmallDisk extends MemoryStorage {
    free = 19;
    override async freeBytes(): Promise<number> {
      return this.free;
    }
  }
  const storage = new SmallDisk();
  const refused = async () =>
    await assert.rejects(fakeCommand(words, { storage }), {
      code: 'MLML_DISK_FULL',
      message: /^\.: needs 0\.00 MB of scratch space/,
    });
  await refused();
  assert.deepEqual(
    storage.paths().filter((path) => !path.startsWith('data/')),
    [],
  );
  storage.free = 20;
  await fakeCommand(words, { storage });
  assert.equal((await runOf(storage))['status'], 'done');
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

test('runs that begin in the same second have logs of their own', async () => {
  for (const more of [[], ['--resume']]) {
    const storage = new MemoryStorage();
    await fakeCommand(['ssgd', 'digits', '--out=first'], { storage });
    const outs = ['a', 'b', 'c'];
    await Promise.all(
      outs.map((out) => fakeCommand(['ssgd', 'digits', `--out=${out}`, ...more], { storage })),
    );
    const logs = await Promise.all(
      outs.map(async (out) => ((await readJson(storage, `${out}/run.json`)) as { log: string }).log),
    );
    assert.equal(new Set(logs).size, 3);
    for (const log of logs) assert.match(await readText(storage, log), /^2000,/m);
    assert.equal((await storage.list('logs/ssgd')).length, 4);
  }
});

test('folders made for scratch files go when they are empty, also after a kill', async () => {
  const line = [...words, '--scratch=deep/er'];
  const use =
    (end: 'ends' | 'fails' | 'is kept'): Training['train'] =>
    async (...args) => {
      const { storage, scratchFolder } = args[3];
      await (await storage.create(`${scratchFolder}/rows`)).close();
      if (end !== 'is kept') await storage.remove(`${scratchFolder}/rows`);
      if (end !== 'ends') throw new MlmlError('MLML_IO', 'stopped');
      return await fakeTrain(...args);
    };
  const storage = new MemoryStorage();
  await fakeCommand(line, { storage, train: use('ends') });
  assert.equal(await storage.status('deep'), undefined);
  await storage.remove('mine');
  await assert.rejects(fakeCommand(line, { storage, train: use('fails') }), { code: 'MLML_IO' });
  assert.equal(await storage.status('deep'), undefined);
  await storage.remove('mine');
  // What is kept for those who go on keeps its folder, until they end.
  await assert.rejects(fakeCommand(line, { storage, train: use('is kept') }), { code: 'MLML_IO' });
  assert.deepEqual(await storage.list('deep/er'), ['rows']);
  await fakeCommand([...line, '--resume'], { storage, train: use('ends') });
  assert.equal(await storage.status('deep'), undefined);
  await storage.remove('mine');
  // A folder of the user stays.
  await storage.makeFolder('deep/er');
  await fakeCommand(line, { storage, train: use('ends') });
  assert.deepEqual(await storage.list('deep'), ['er']);
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
