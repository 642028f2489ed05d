import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand, fakePlan, makeDataset, threeClasses } from '../../test/support/fakeCommand.js';
import { assertGolden } from '../../test/support/golden.js';
import { saveModel } from '../model/saveModel.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { readText, replaceFile } from '../storage/textFile.js';
import { commandNames } from './optionSpec.js';

async function withModel(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  await saveModel(storage, 'm', threeClasses);
  return storage;
}

test('import names the folder it made', async () => {
  const { stdout, opened } = await fakeCommand([
    'import',
    'digits',
    '--n=10',
    '--data-dir=sets',
    '--percentage=0.7',
  ]);
  assert.match(stdout, /^data set {4}tiny \(sets\/digits\)\n/);
  assert.equal(opened[0]!.request.n, 10);
  assert.equal(opened[0]!.request.percentage, 0.7);
});

test('import of raw rows, and its JSON', async () => {
  const words = 'import some/rows.bin --n=10 --d=2 --k=3 --dtype=uint8 --json --quiet'.split(' ');
  const { stdout, stderr } = await fakeCommand(words);
  const result = JSON.parse(stdout);
  assert.deepEqual(Object.keys(result), 'dataset folder task n nt d k dtype fingerprint'.split(' '));
  assert.equal(result.folder, 'data/rows');
  assert.equal(stderr, '');
});

test('plan prints what a training line would do, in words and as JSON, and runs nothing', async () => {
  const { stdout, storage } = await fakeCommand(['plan', 'ssgd', 'digits', '--buffer=1']);
  await assertGolden('plan.txt', stdout);
  assert.equal(
    storage.paths().some((path) => /^(runs|logs)/.test(path)),
    false,
  );
  const json = await fakeCommand(['plan', '--json', 'ssgd', 'digits', '--buffer=1']);
  const { neededScratchBytes: _, ...told } = fakePlan;
  assert.deepEqual(JSON.parse(json.stdout), { ...told, threads: 1 });
});

test('plan of an import: from where, to where, how much', async () => {
  const { stdout, storage } = await fakeCommand([
    'plan',
    'import',
    'digits',
    '--n=1000',
    '--nt=10',
    '--json',
  ]);
  const plan = JSON.parse(stdout);
  assert.equal(plan.out, 'data/digits');
  assert.equal(plan.bytesWritten, 1010 * 785);
  assert.deepEqual(storage.paths(), []);
  const words = (await fakeCommand(['plan', 'import', 'mnist'])).stdout;
  assert.match(words, /^import mnist into data\/mnist\n/);
});

test('info describes a data set by name and by folder; --verify reads it', async () => {
  const storage = new MemoryStorage();
  await makeDataset(storage, 'data/tiny', 'classification');
  const { stdout } = await fakeCommand(['info', 'tiny'], { storage });
  await assertGolden('info-dataset.txt', stdout);
  assert.equal((await fakeCommand(['info', 'data/tiny'], { storage })).stdout, stdout);
  const { verified, stdout: checked } = await fakeCommand(['info', 'tiny', '--verify'], { storage });
  assert.deepEqual(verified, ['data/tiny']);
  assert.match(checked, /everything was read and is as it was written\n$/);
  const json = JSON.parse((await fakeCommand(['info', 'tiny', '--json'], { storage })).stdout);
  assert.equal(json.format, 'mlml-dataset');
});

test('info describes a model and a run', async () => {
  const storage = await withModel();
  await assertGolden('info-model.txt', (await fakeCommand(['info', 'm'], { storage })).stdout);
  await fakeCommand(['ssgd', 'digits', '--out=r'], { storage });
  await assertGolden('info-run.txt', (await fakeCommand(['info', 'r'], { storage })).stdout);
  assert.equal(JSON.parse((await fakeCommand(['info', 'r', '--json'], { storage })).stdout).status, 'done');
});

test('info --verify finds a damaged model', async () => {
  const storage = await withModel();
  await replaceFile(storage, 'm/weights.bin', new Uint8Array(8 * 13));
  await assert.rejects(fakeCommand(['info', 'm', '--verify'], { storage }), { code: 'MLML_CHECKSUM' });
});

test('info refuses runs of a newer version and damaged ones', async () => {
  const storage = new MemoryStorage();
  for (const [content, code] of [
    ['{"format":"mlml-run","version":2}', 'MLML_VERSION'],
    ['{"format":"mlml-run","version":1}', 'MLML_BAD_FILE'],
    ['{"format":"run"}', 'MLML_BAD_FILE'],
    ['null', 'MLML_BAD_FILE'],
    ['{', 'MLML_BAD_FILE'],
  ] as const) {
    await replaceFile(storage, 'r/run.json', content);
    await storage.makeFolder('r');
    await assert.rejects(fakeCommand(['info', 'r'], { storage }), { code });
  }
});

test('evaluate takes a model or a run', async () => {
  const storage = await withModel();
  const { stdout } = await fakeCommand(['evaluate', 'm', 'digits'], { storage });
  await assertGolden('evaluate.txt', stdout);
  const json = JSON.parse(
    (await fakeCommand(['evaluate', 'm', 'digits', '--json', '--part=train'], { storage })).stdout,
  );
  const report = 'classes macro weighted confusion logLoss calibration ranking'.split(' ');
  assert.deepEqual(Object.keys(json), [
    ...['model', 'dataset', 'part', 'rows', 'loss', 'accuracy'],
    ...report,
    'seconds',
  ]);
  assert.equal(json.part, 'train');
});

test('predict writes CSV to stdout, or to a file by its extension', async () => {
  const storage = await withModel();
  const { stdout } = await fakeCommand(['predict', 'm', 'digits'], { storage });
  assert.equal(stdout, 'row,class,name\n0,2,"up, high"\n1,0,none\n');
  const objects = await fakeCommand(['predict', 'm', 'digits', '--format=jsonl'], { storage });
  assert.equal(objects.stdout, '{"row":0,"class":2,"name":"up, high"}\n{"row":1,"class":0,"name":"none"}\n');
  const told = await fakeCommand(['predict', 'm', 'digits', '--out=p.csv'], { storage });
  assert.equal(told.stdout, 'p.csv: 2 predictions for part test of tiny\n');
  assert.equal(await readText(storage, 'p.csv'), stdout);
  const json = await fakeCommand(['predict', 'm', 'digits', '--out=p.npy', '--proba', '--json'], { storage });
  assert.deepEqual(Object.keys(JSON.parse(json.stdout)), [
    'model',
    'dataset',
    'part',
    'rows',
    'out',
    'seconds',
  ]);
  assert.match(new TextDecoder('latin1').decode(storage.bytesOf('p.npy')), /'<f8'.*\(2, 3\)/);
});

/** Everything these verbs refuse, with its message. */
const bad: readonly (readonly [string, string, string])[] = [
  ['sssgd mnist', 'MLML_USAGE', 'sssgd: there is no such verb; did you mean ssgd?'],
  ['xyzzy', 'MLML_USAGE', `xyzzy: there is no such verb; the verbs are ${commandNames.join(', ')}`],
  [
    '--buffer=1 ssgd',
    'MLML_USAGE',
    `--buffer=1: the verb comes first; the verbs are ${commandNames.join(', ')}`,
  ],
  ['help plam', 'MLML_USAGE', 'plam: there is no such verb; did you mean plan?'],
  ['import', 'MLML_USAGE', 'import needs mnist, spam, cifar-10, digits or a path; see mlml import --help'],
  ['import a b', 'MLML_USAGE', 'b: import takes one source; see mlml import --help'],
  [
    'plan',
    'MLML_USAGE',
    'plan: needs a command to plan, one of import, closed, gd, sgd, ssgd, hsgd, generate, cg, bcd, nystrom, krr',
  ],
  [
    'plan sgdd mnist',
    'MLML_USAGE',
    'plan sgdd: needs a command to plan, one of import, closed, gd, sgd, ssgd, hsgd, generate, cg, bcd, nystrom, krr; did you mean sgd?',
  ],
  ['info', 'MLML_USAGE', 'info takes one data set, model or run; see mlml info --help'],
  [
    'info nowhere',
    'MLML_NOT_FOUND',
    'nowhere: is no data set, model or run: a folder with dataset.json, model.json or run.json in it',
  ],
  ['evaluate m', 'MLML_USAGE', 'evaluate takes a model and a data set; see mlml evaluate --help'],
  ['predict m', 'MLML_USAGE', 'predict takes a model and a data set; see mlml predict --help'],
  [
    'predict nowhere digits',
    'MLML_NOT_FOUND',
    'nowhere: is not a model folder or a run folder with a model (there is no model.json in it)',
  ],
  [
    'predict m digits --out=p.txt',
    'MLML_USAGE',
    '--out=p.txt: must end in .csv, .jsonl, .npy or .parquet (or give --format), or be - for stdout',
  ],
  [
    'predict m digits --json',
    'MLML_USAGE',
    '--json: stdout cannot hold the predictions too; give --out=<file>',
  ],
  ['predict wide digits', 'MLML_BAD_DATA', 'tiny: has 2 features, the model was trained on 3'],
  [
    'predict values digits',
    'MLML_BAD_DATA',
    'tiny: is a data set of classification, the model is one of regression',
  ],
  ['predict two digits', 'MLML_BAD_DATA', 'tiny: has 3 classes, the model knows 2'],
  [
    'predict hinge digits --proba',
    'MLML_USAGE',
    '--proba: a model of loss hinge for classification gives no probabilities; fit them to its scores with mlml calibrate, or train with --loss=softmax or --loss=logistic',
  ],
];

for (const [line, code, message] of bad) {
  test(`mlml ${line} is refused`, async () => {
    const storage = await withModel();
    const one = new Float64Array(3);
    await saveModel(storage, 'wide', {
      ...threeClasses,
      d: 3,
      scaling: { name: 'none', multiply: one, add: one },
      weights: new Float64Array(9),
    });
    await saveModel(storage, 'values', {
      ...threeClasses,
      task: 'regression',
      k: 1,
      weights: new Float64Array(2),
      intercept: new Float64Array(1),
    });
    await saveModel(storage, 'two', {
      ...threeClasses,
      k: 1,
      weights: new Float64Array(2),
      intercept: new Float64Array(1),
    });
    await saveModel(storage, 'hinge', { ...threeClasses, loss: 'hinge' });
    await assert.rejects(fakeCommand(line.split(' '), { storage }), { code, message });
  });
}

test('a part without rows is refused with the other one named', async () => {
  const storage = await withModel();
  await fakeCommand(['evaluate', 'm', 'digits'], { storage });
  const description = JSON.parse(await readText(storage, 'data/digits/dataset.json'));
  description.parts.test = { n: 0, shards: [] };
  delete description.checksum;
  await replaceFile(storage, 'data/digits/dataset.json', JSON.stringify(description));
  await assert.rejects(fakeCommand(['evaluate', 'm', 'digits'], { storage }), {
    code: 'MLML_USAGE',
    message: '--part=test: data/digits has no such rows; use --part=train',
  });
});
