import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand } from '../../test/support/fakeCommand.js';
import { fakeKernels } from '../../test/support/fakeKernels.js';
import { assertGolden } from '../../test/support/golden.js';
import { MlmlError } from '../errors.js';
import type { KernelTrainOptions } from '../kernel/options.js';
import { defaultKernelOptions } from '../kernel/options.js';
import { loadModel } from '../model/loadModel.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { readJson, readText, replaceFile } from '../storage/textFile.js';
import { defaultThreads } from '../threads/defaultThreads.js';

const nthreads = defaultThreads();
const CG = 'runs/cg-2026-01-31T12-34-56';

/** Runs a line and returns what the solver was called with. */
async function solved(line: string) {
  const calls: { solver: string; options: KernelTrainOptions; scratch: string }[] = [];
  const run = await fakeCommand(line.split(' '), {
    kernels: {
      trainKernel: async (solver, dataset, options, context) => {
        calls.push({ solver, options, scratch: context.scratchFolder });
        return await fakeKernels.trainKernel(solver, dataset, options, context);
      },
    },
  });
  assert.equal(calls.length, 1);
  return { ...run, ...calls[0]! };
}

test('without options a solver has its defaults, all processors, and the folder of runs for checkpoints', async () => {
  const { solver, options, scratch } = await solved('cg digits');
  assert.equal(solver, 'cg');
  assert.deepEqual(options, { ...defaultKernelOptions, nthreads });
  assert.equal(scratch, 'runs');
});

test('given options replace defaults and nothing else', async () => {
  const { options, scratch } = await solved(
    'bcd digits --kernel=matern --sigma=2 --nu=2.5 --reg=1,0.1 --block=auto --rank=auto --tile=64 --buffer=1 ' +
      '--nthreads=3 --dtype=float64 --subset=7 --sample=first --scale=none --tol=1e-3 --patience=2 --holdout=0.2 --passes=4 ' +
      '--seed=5 --kernels=k --scratch=/fast --centers=9 --epochs=2 --eta0=0.5 --momentum=0 --simulated --copy-rows --no-refit',
  );
  assert.deepEqual(options, {
    bufferBytes: 1e6,
    kernel: 'matern',
    sigma: 2,
    nu: 2.5,
    scale: 'none',
    subset: 7,
    sample: 'first',
    seed: 5,
    kernels: 'k',
    reg: [1, 0.1],
    tol: 1e-3,
    patience: 2,
    holdout: 0.2,
    refit: false,
    passes: 4,
    rank: -1,
    block: 0,
    centers: 9,
    epochs: 2,
    eta0: 0.5,
    momentum: 0,
    dtype: 'float64',
    tile: 64,
    simulated: true,
    nthreads: 3,
  } satisfies KernelTrainOptions);
  assert.equal(scratch, '/fast');
});

test('a stored kernel brings its rows, scale and number type along; what is given goes before', async () => {
  for (const line of ['cg digits --memId=digits-rbf-1a2b', 'closed digits --memid digits-rbf-1a2b']) {
    const { options } = await solved(line);
    const { memId, subset, sample, scale, dtype } = options;
    assert.deepEqual(
      { memId, subset, sample, scale, dtype },
      { memId: 'digits-rbf-1a2b', subset: 8, sample: 'first', scale: 'unit', dtype: 'float16' },
    );
  }
  const { options } = await solved('cg digits --memId=digits-rbf-1a2b --subset=5 --scale=none');
  assert.equal(options.subset, 5);
  assert.equal(options.scale, 'none');
});

test('closed and ssgd are kernel jobs with --memId, and linear ones without', async () => {
  assert.equal((await solved('closed digits --memId=digits-rbf-1a2b')).solver, 'closed');
  assert.equal((await solved('ssgd digits --memId=digits-rbf-1a2b --epochs=5')).options.epochs, 5);
  const { stdout } = await fakeCommand(['closed', 'digits', '--json']);
  assert.equal(JSON.parse(stdout).samples, 30);
});

test('options without effect are warned of, also when quiet', async () => {
  const lines = [
    [
      'closed digits --memId=digits-rbf-1a2b --loss=softmax --sigma=3 --patience=4 --quiet',
      [
        '--sigma has no effect with --memId: the stored kernel is as it was generated',
        '--patience has no effect on closed, only on ssgd, cg, bcd, krr',
        '--loss has no effect on a kernel (--memId)',
      ],
    ],
    ['bcd digits --rank=5 --quiet', ['--rank has no effect on bcd, only on cg, krr']],
    [
      'generate digits --kernel=rbf --reg=0.1 --quiet',
      ['--reg has no effect on generate: regularization is applied when solving'],
    ],
  ] as const;
  for (const [line, warnings] of lines) {
    const { stderr } = await fakeCommand(line.split(' '));
    assert.equal(stderr, warnings.map((text) => `warning: ${text}\n`).join(''));
  }
});

test('the number type of kernel entries is none of the data set, --n of digits is', async () => {
  const { opened } = await fakeCommand(['generate', 'digits', '--dtype=float64', '--n=10', '--seed=3']);
  assert.deepEqual(
    Object.keys(opened[0]!.request).filter((name) => !name.startsWith('on') && name !== 'signal'),
    ['n'],
  );
});

test('a kernel run leaves run.json, events, the CSV log and the model', async () => {
  const { storage } = await fakeCommand(['cg', 'digits', '--reg=1,0.1', '--seed=7']);
  const files = storage.paths().filter((path) => !path.startsWith('data/'));
  const csv = 'logs/cg/run-2026-01-31T12-34-56.csv';
  assert.deepEqual(files, [
    csv,
    `${CG}/events.jsonl`,
    `${CG}/model/model.json`,
    `${CG}/model/weights.bin`,
    `${CG}/run.json`,
  ]);
  const run = (await readJson(storage, `${CG}/run.json`)) as Record<string, never>;
  assert.equal(run['status'], 'done');
  assert.equal(run['seed'], 7);
  assert.deepEqual(run['options'], {
    ...defaultKernelOptions,
    nthreads,
    reg: [1, 0.1],
    seed: 7,
    logfreq: 1,
    copyRows: false,
  });
  assert.equal(run['plan']['passes'], 20);
  assert.equal(run['result']['solver'], 'cg');
  const events = (await readText(storage, `${CG}/events.jsonl`)).trimEnd().split('\n');
  assert.deepEqual(
    events.map((line) => JSON.parse(line).type),
    ['start', 'plan', 'kernel', 'progress', 'pass', 'checkpoint', 'pass', 'evaluation', 'end'],
  );
  const lines = (await readText(storage, csv)).trimEnd().split('\n');
  assert.equal(lines[0], 'i,Time,Loss,Train Accuracy,Test Accuracy');
  assert.match(lines[1]!, /^1,0\.\d+,0\.2,,$/);
  assert.match(lines[2]!, /^2,0\.\d+,0\.00001,,$/);
  assert.match(lines[3]!, /^2,0\.\d+,0\.00001,,0\.5$/);
  assert.equal(lines.length, 4);
  const model = await loadModel(storage, CG);
  assert.ok('coefficients' in model && model.regularization === 0.1);
});

test('--logfreq thins the CSV log out; 0 leaves it out', async () => {
  const { storage } = await fakeCommand(['cg', 'digits', '--logfreq=2']);
  assert.equal((await readText(storage, 'logs/cg/run-2026-01-31T12-34-56.csv')).split('\n').length, 4);
  const none = await fakeCommand(['cg', 'digits', '--logfreq=0']);
  assert.equal(
    none.storage.paths().some((path) => path.startsWith('logs')),
    false,
  );
  assert.doesNotMatch(none.stdout, /^log/m);
});

test('the summary of several regularizations on stdout, passes on stderr', async () => {
  const { stdout, stderr } = await fakeCommand(
    'cg digits --reg=1,0.1,0.01 --simulated --buffer=1 --nthreads=2'.split(' '),
  );
  await assertGolden('cg-stdout.txt', stdout);
  await assertGolden('cg-stderr.txt', stderr);
});

test('closed tells leave-one-out figures, krr its reasons before and after', async () => {
  const closed = await fakeCommand('closed digits --memId=digits-rbf-1a2b --nthreads=1'.split(' '));
  await assertGolden('kernel-closed-stdout.txt', closed.stdout);
  const krr = await fakeCommand('krr digits --nthreads=1'.split(' '));
  await assertGolden('krr-stdout.txt', krr.stdout);
  assert.match(krr.stderr, /^ {2}- tiles of 16 x 16$/m);
  assert.doesNotMatch(closed.stderr, /^ {2}- /m);
});

test('--json of a solver: exactly one object with exactly the promised keys', async () => {
  const { stdout, stderr } = await fakeCommand(
    'krr digits --json --quiet --nthreads=2 --subset=6'.split(' '),
  );
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), {
    verb: 'krr',
    solver: 'cg',
    dataset: 'tiny',
    n: 6,
    d: 2,
    k: 3,
    memId: null,
    kernel: { kind: 'rbf', lengthscale: 5 },
    regularization: 0.1,
    regularizations: [{ regularization: 0.1, residual: 1e-5 }],
    leaveOneOut: null,
    passes: 2,
    residual: 1e-5,
    stopped: 'tolerance',
    reasons: ['10 rows are few'],
    train: null,
    test: { loss: 0.25, accuracy: 0.5 },
    seconds: 0.5,
    bytesRead: 120,
    bytesWritten: 90,
    bufferBytes: 10e6,
    nthreads: 2,
    plannedPeakBytes: 2048,
    peakRssBytes: 60e6,
    baselineRssBytes: 50e6,
    run: 'runs/krr-2026-01-31T12-34-56',
    model: 'runs/krr-2026-01-31T12-34-56/model',
  });
  assert.equal(stdout.trimEnd().split('\n').length, 1);
});

test('a failed kernel run says so, and a budget that is too small leaves no trace', async () => {
  const storage = new MemoryStorage();
  const trainKernel = async () => {
    throw new MlmlError('MLML_NOT_DEFINITE', 'the kernel is indefinite');
  };
  await assert.rejects(fakeCommand(['cg', 'digits'], { storage, kernels: { trainKernel } }), {
    code: 'MLML_NOT_DEFINITE',
  });
  const run = (await readJson(storage, `${CG}/run.json`)) as Record<string, unknown>;
  assert.equal(run['status'], 'failed');
  const small = new MemoryStorage();
  await assert.rejects(fakeCommand(['cg', 'digits', '--buffer=100B'], { storage: small }), {
    code: 'MLML_BUDGET_TOO_SMALL',
  });
  assert.equal(
    small.paths().some((path) => /^(runs|logs)/.test(path)),
    false,
  );
});

test('the command of an unfinished run can be given again with the same --out; others are refused', async () => {
  const words = ['cg', 'digits', '--out=mine'];
  const unfinished = async (change: object) => {
    const { storage } = await fakeCommand(words);
    const { result, ended, ...run } = (await readJson(storage, 'mine/run.json')) as Record<string, unknown>;
    await storage.remove('mine/model');
    await replaceFile(storage, 'mine/run.json', JSON.stringify({ ...run, status: 'running', ...change }));
    await replaceFile(storage, 'mine/events.jsonl', 'old\n');
    return storage;
  };
  const again = async (storage: MemoryStorage) => {
    await fakeCommand(words, { storage });
    assert.doesNotMatch(await readText(storage, 'mine/events.jsonl'), /old/);
    assert.equal(((await readJson(storage, 'mine/run.json')) as Record<string, unknown>)['status'], 'done');
  };
  await again(await unfinished({}));
  // What is only shown otherwise is the same command.
  await again(await unfinished({ command: [...words, '--quiet', '--json=false'] }));
  // As is where the run lies, however it is written.
  const elsewhere = ['cg', '--out', '/elsewhere/mine', 'digits', '--checkpoint-every', '5s', '--resume'];
  await again(await unfinished({ command: elsewhere }));
  // A process that has got the number of the dead one is none that works on it.
  await again(await unfinished({ pid: process.ppid }));
  for (const code of ['MLML_INTERRUPTED', 'MLML_DISK_FULL'])
    await again(await unfinished({ status: 'failed', error: { code, message: '' } }));
  const refused = [
    { status: 'done' },
    { status: 'failed', error: { code: 'MLML_NOT_DEFINITE', message: '' } },
    { command: ['cg', 'digits', '--seed=1', '--out=mine'] },
  ];
  for (const change of refused) {
    const storage = await unfinished(change);
    await assert.rejects(fakeCommand(words, { storage }), { code: 'MLML_EXISTS' });
    assert.match(await readText(storage, 'mine/events.jsonl'), /old/);
  }
  const foreign = await unfinished({});
  await replaceFile(foreign, 'mine/thesis.txt', 'x');
  await foreign.remove('mine/run.json');
  await assert.rejects(fakeCommand(words, { storage: foreign }), { code: 'MLML_EXISTS' });
  // Linear training wants to be told.
  const linear = await unfinished({ verb: 'gd', command: ['gd', 'digits', '--out=mine'] });
  await assert.rejects(fakeCommand(['gd', 'digits', '--out=mine'], { storage: linear }), {
    code: 'MLML_EXISTS',
    message: /add --resume to go on with it/,
  });
});
