import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand, threeClasses } from '../../test/support/fakeCommand.js';
import {
  fakeKernelModel,
  fakeKernelPlan,
  fakeKernels,
  storedKernels,
} from '../../test/support/fakeKernels.js';
import { assertGolden } from '../../test/support/golden.js';
import { MlmlError } from '../errors.js';
import type { GenerateOptions, KernelTrainOptions } from '../kernel/options.js';
import { defaultKernelOptions } from '../kernel/options.js';
import { loadModel } from '../model/loadModel.js';
import { saveModel } from '../model/saveModel.js';
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
      '--nthreads=3 --dtype=float64 --subset=7 --scale=none --tol=1e-3 --patience=2 --holdout=0.2 --passes=4 ' +
      '--seed=5 --kernels=k --scratch=/fast --centers=9 --epochs=2 --eta0=0.5 --momentum=0 --simulated --copy-rows --no-refit',
  );
  assert.deepEqual(options, {
    bufferBytes: 1e6,
    kernel: 'matern',
    sigma: 2,
    nu: 2.5,
    scale: 'none',
    subset: 7,
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
    const { memId, subset, scale, dtype } = options;
    assert.deepEqual(
      { memId, subset, scale, dtype },
      { memId: 'digits-rbf-1a2b', subset: 8, scale: 'unit', dtype: 'float16' },
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

async function withModels(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  await fakeCommand(['cg', 'digits', '--out=r'], { storage });
  await saveModel(storage, 'linear', threeClasses);
  return storage;
}

test('info, evaluate and predict take kernel models', async () => {
  const storage = await withModels();
  const { stdout } = await fakeCommand(['info', 'r/model'], { storage });
  assert.match(stdout, /^model {7}kernel \(r\/model\)\n/);
  assert.match(stdout, /^weights {5}10 rows x 3 scores, 288 bytes$/m);
  assert.match(stdout, /^rows {8}the first 10 of the training rows in .*data\/digits$/m);
  assert.match((await fakeCommand(['info', 'r', '--verify'], { storage })).stdout, /^everything was read/m);
  const evaluated = await fakeCommand(['evaluate', 'r', 'digits', '--nthreads=1'], { storage });
  assert.match(
    evaluated.stdout,
    /^tiny, 2 rows of part test: loss 0.2500, accuracy 50.00 %\nroc auc 0.7500,/,
  );
  const linear = await fakeCommand(['evaluate', 'linear', 'digits', '--nthreads=1'], { storage });
  assert.equal(linear.stderr, '');
  const predicted = await fakeCommand(['predict', 'r', 'digits'], { storage });
  assert.equal(predicted.stdout, 'row,class,name\n0,1,right\n1,1,right\n');
});

test('prune keeps the rows with the largest coefficients', async () => {
  const storage = await withModels();
  const { stdout, stderr } = await fakeCommand('prune r --keep=0.5 --out=half'.split(' '), { storage });
  assert.equal(stdout, 'half: 5 of 10 rows kept\n');
  // Of 1/30 to 30/30 the first 15 hold 120/465.
  assert.match(stderr, /^warning: the rows dropped hold 26 % of the coefficients/);
  const half = await loadModel(storage, 'half');
  assert.ok('coefficients' in half);
  assert.deepEqual([...half.rows.indices!], [5, 6, 7, 8, 9]);
  assert.deepEqual(half.coefficients, fakeKernelModel.coefficients.subarray(15));
  const json = await fakeCommand('prune r --tol=0 --out=all --json'.split(' '), { storage });
  assert.deepEqual(JSON.parse(json.stdout), {
    model: 'all',
    from: 'r',
    rows: 10,
    rowsBefore: 10,
    droppedShare: 0,
  });
  assert.equal(json.stderr, '');
});

/** Everything these verbs refuse, with its message. */
const bad: readonly (readonly [string, string, string])[] = [
  ['cgg digits', 'MLML_USAGE', 'cgg: there is no such verb; did you mean cg?'],
  [
    'cg',
    'MLML_USAGE',
    'cg needs data: a file with --label=<column>, mnist, spam, cifar-10, digits or a data set folder',
  ],
  ['generate a b', 'MLML_USAGE', 'b: generate takes one data set; see mlml generate --help'],
  [
    'cg digits --memId=digits-rbf-1a2c',
    'MLML_NOT_FOUND',
    'kernels/digits-rbf-1a2c: there is no such kernel; did you mean digits-rbf-1a2b?',
  ],
  [
    'ssgd digits --memId=xyz',
    'MLML_NOT_FOUND',
    'kernels/xyz: there is no such kernel; mlml kernels lists those that are there',
  ],
  [
    'plan bcd digits --memId=xyz',
    'MLML_NOT_FOUND',
    'kernels/xyz: there is no such kernel; mlml kernels lists those that are there',
  ],
  [
    'kernels rm spam-linear-3c4',
    'MLML_NOT_FOUND',
    'kernels/spam-linear-3c4: there is no such kernel; did you mean spam-linear-3c4d?',
  ],
  ...[
    'cg digits --memId=../x',
    'plan ssgd digits --memId=../x',
    'kernels rm ../x',
    'kernels verify ../x',
  ].map(
    (line) =>
      [line, 'MLML_USAGE', '../x: is not a name of a stored kernel; mlml kernels lists them'] as const,
  ),
  ['kernels rm', 'MLML_USAGE', 'kernels rm: needs a memId; mlml kernels lists them'],
  ['kernels verify a b', 'MLML_USAGE', 'b: kernels verify takes one memId'],
  ['kernels list a', 'MLML_USAGE', 'a: kernels list takes no memId'],
  ['kernels verfy a', 'MLML_USAGE', 'kernels verfy: there is no such action; did you mean verify?'],
  [
    'kernels xyzzy',
    'MLML_USAGE',
    'kernels xyzzy: there is no such action; write mlml kernels, or rm or verify and a memId',
  ],
  ['prune --keep=0.5 --out=p', 'MLML_USAGE', 'prune takes one model; see mlml prune --help'],
  ['prune r --keep=0.5', 'MLML_USAGE', 'prune: needs --out=<folder> for the new model'],
  [
    'prune r --out=p',
    'MLML_USAGE',
    'prune: give either --keep (a share of the rows) or --tol (a share of the largest coefficient)',
  ],
  [
    'prune r --keep=0.5 --out=linear',
    'MLML_EXISTS',
    'linear: exists already; remove it or give another name',
  ],
  [
    'prune linear --keep=0.5 --out=p',
    'MLML_USAGE',
    'linear: is a linear model; only kernel models have rows to drop',
  ],
  [
    'predict r digits --proba',
    'MLML_USAGE',
    '--proba: a model of loss ridge for classification gives no probabilities; fit them to its scores with mlml calibrate, or train with --loss=softmax or --loss=logistic',
  ],
];

for (const [line, code, message] of bad) {
  test(`mlml ${line} is refused`, async () => {
    const storage = await withModels();
    await assert.rejects(fakeCommand(line.split(' '), { storage }), { code, message });
  });
}

test('a memId where there are no kernels says how to make one', async () => {
  await assert.rejects(fakeCommand(['cg', 'digits', '--memId=a'], { noKernels: true }), {
    code: 'MLML_NOT_FOUND',
    message: 'kernels/a: there is no such kernel; make one with mlml generate',
  });
});
