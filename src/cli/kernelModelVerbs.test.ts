import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand, threeClasses } from '../../test/support/fakeCommand.js';
import { fakeKernelModel } from '../../test/support/fakeKernels.js';
import { loadModel } from '../model/loadModel.js';
import { saveModel } from '../model/saveModel.js';
import { MemoryStorage } from '../storage/memoryStorage.js';

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
