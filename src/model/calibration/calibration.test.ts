import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand, threeClasses } from '../../../test/support/fakeCommand.js';
import { makeDataset } from '../../../test/support/tinyDataset.js';
import { Random } from '../../memory/random.js';
import type { LinearModel } from '../../ssgd/linearModel.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { readText, replaceFile } from '../../storage/textFile.js';
import { loadModel, readModelDescription } from '../loadModel.js';
import { probabilitiesOf } from '../probabilities.js';
import { saveModel } from '../saveModel.js';
import { calibrate } from './calibrate.js';
import { fitIsotonic, MOST_LEVELS } from './fitIsotonic.js';
import { fitSigmoid, type ScoreWalk } from './fitSigmoid.js';
import { saveCalibration } from './saveCalibration.js';

/** Scores from the highest down, with a row of the class or of the rest at each. */
const walkOf =
  (rows: readonly (readonly [score: number, own: boolean])[]): ScoreWalk =>
  async (visit) => {
    for (const [score, own] of [...rows].sort((a, b) => b[0] - a[0])) visit(score, own ? 1 : 0, own ? 0 : 1);
  };

test('pool adjacent violators: levels of the shares, rising', async () => {
  const rows = [
    [1, false],
    [2, true],
    [3, false],
    [4, false],
    [5, true],
    [6, true],
  ] as const;
  // 2, 3 and 4 are pooled: one of three.
  assert.deepEqual(await fitIsotonic(walkOf(rows)), {
    scores: [1, 2, 4, 5, 6],
    probabilities: [0, 1 / 3, 1 / 3, 1, 1],
  });
});

test('a curve of more levels than are kept is joined to fewer, and stays in order', async () => {
  // Shares that rise with every score: i of a million rows at score i.
  const count = 3 * MOST_LEVELS;
  const { scores, probabilities } = await fitIsotonic(async (visit) => {
    for (let i = count; i > 0; i--) visit(i, i, 1e6 - i);
  });
  assert.ok(scores.length <= 4 * MOST_LEVELS, `${scores.length}`);
  for (let i = 1; i < scores.length; i++) {
    assert.ok(scores[i]! > scores[i - 1]!);
    assert.ok(probabilities[i]! >= probabilities[i - 1]!);
    assert.ok(Math.abs(probabilities[i]! - scores[i]! / 1e6) < 1e-5);
  }
});

test('a sigmoid finds the curve that rows were drawn from', async () => {
  const random = Random.of(5, 5);
  const rows = Array.from({ length: 20_000 }, () => {
    const score = 100 * random.normal();
    const p = 1 / (1 + Math.exp(-0.03 * score + 1));
    return [score, random.below(1e6) < p * 1e6] as const;
  });
  const { slope, intercept } = await fitSigmoid(walkOf(rows));
  assert.ok(Math.abs(slope + 0.03) < 0.002, `${slope}`);
  assert.ok(Math.abs(intercept - 1) < 0.06, `${intercept}`);
});

test('scores that say nothing, or all, leave finite sigmoids', async () => {
  const equal = [...Array.from({ length: 30 }, () => [7, false] as const), [7, true] as const];
  const { slope, intercept } = await fitSigmoid(walkOf(equal));
  const p = 1 / (1 + Math.exp(slope * 7 + intercept));
  // Of 31 rows one, with the targets of Platt: (30/32 + 2/3)/31 … between the shares.
  assert.ok(p > 0.03 && p < 0.1, `${p}`);
  const separate = Array.from({ length: 40 }, (_, i) => [i, i >= 20] as const);
  const apart = await fitSigmoid(walkOf(separate));
  assert.ok(Number.isFinite(apart.slope) && apart.slope < 0 && Number.isFinite(apart.intercept));
});

const line: LinearModel = {
  task: 'classification',
  loss: 'hinge',
  d: 1,
  k: 1,
  scaling: { name: 'none', multiply: Float64Array.of(1), add: Float64Array.of(0) },
  weights: Float64Array.of(1),
  intercept: new Float64Array(1),
  classNames: ['no', 'yes'],
  fingerprint: 'f',
};
const rows = { features: [[-2], [-1], [0], [1], [2], [3]], labels: [0, 0, 1, 0, 1, 1] };
const options = { bufferBytes: 1e5, nthreads: 1, scratchFolder: '/scratch', fingerprint: 'f' } as const;

test('a calibrated model keeps its curves, and they are checked when it is loaded', async () => {
  const storage = new MemoryStorage();
  const dataset = await makeDataset({ train: rows }, storage);
  for (const method of ['sigmoid', 'isotonic'] as const) {
    const calibration = await calibrate(storage, line, dataset.train, { ...options, method });
    assert.equal(calibration.rows, 6);
    const path = `/${method}`;
    await saveModel(storage, path, line);
    await saveCalibration(storage, path, calibration);
    // Again: it replaces the one that is there.
    await saveCalibration(storage, path, calibration);
    const loaded = await loadModel(storage, path);
    assert.deepEqual(loaded.calibration, calibration);
    await saveModel(storage, `${path}-copy`, loaded);
    const fields = async (folder: string) => ({
      ...(await readModelDescription(storage, folder)),
      checksum: '',
    });
    assert.deepEqual(await fields(`${path}-copy`), await fields(path));
    const p = new Float64Array(2);
    let last = 0;
    for (const score of [-5, -1, 0.25, 1, 9]) {
      probabilitiesOf(loaded, Float64Array.of(score), 0, p);
      assert.ok(p[1]! >= last && p[1]! <= 1 && Math.abs(p[0]! + p[1]! - 1) < 1e-15);
      last = p[1]!;
    }
    const description = JSON.parse(await readText(storage, `${path}/model.json`));
    delete description.checksum;
    const curve = description.calibration.curves[0];
    for (const [field, changed] of [
      ['calibration.method', { ...calibration, method: 'magic' }],
      ['calibration.rows', { ...calibration, rows: 0 }],
      ['calibration.curves', { ...calibration, curves: [] }],
      ['calibration.curves', { ...calibration, curves: [{ ...curve, slope: null, scores: [2, 1] }] }],
    ] as const) {
      await replaceFile(
        storage,
        `${path}/model.json`,
        JSON.stringify({ ...description, calibration: changed }),
      );
      await assert.rejects(loadModel(storage, path), (error: Error) =>
        error.message.includes(`field '${field}'`),
      );
    }
  }
});

test('rows of one class, values, and too little memory are refused', async () => {
  const storage = new MemoryStorage();
  const dataset = await makeDataset({ k: 2, train: { ...rows, labels: [0, 0, 0, 0, 0, 0] } }, storage);
  const given = { ...options, method: 'sigmoid' } as const;
  await assert.rejects(calibrate(storage, line, dataset.train, given), {
    code: 'MLML_BAD_DATA',
    message: 'no row is of class 1 (yes): probabilities need rows of each class',
  });
  await assert.rejects(
    calibrate(storage, { ...line, task: 'regression', loss: 'ridge' }, dataset.train, given),
    {
      code: 'MLML_USAGE',
    },
  );
  await assert.rejects(calibrate(storage, line, dataset.train, { ...given, bufferBytes: 300 }), {
    code: 'MLML_BUDGET_TOO_SMALL',
  });
});

test('mlml calibrate keeps curves in the model, or makes a new one', async () => {
  const storage = new MemoryStorage();
  await saveModel(storage, 'm', { ...threeClasses, loss: 'hinge' });
  await assert.rejects(fakeCommand(['predict', 'm', 'digits', '--proba'], { storage }), {
    code: 'MLML_USAGE',
    message: /mlml calibrate/,
  });
  const made = await fakeCommand(['calibrate', 'm', 'digits', '--method=isotonic', '--out=c'], { storage });
  assert.equal(
    made.stdout,
    'c: gives probabilities, by isotonic curves fitted on 2 rows of part test of tiny\n',
  );
  assert.equal((await loadModel(storage, 'm')).calibration, undefined);
  assert.equal((await loadModel(storage, 'c')).calibration!.method, 'isotonic');
  const told = JSON.parse((await fakeCommand(['calibrate', 'm', 'digits', '--json'], { storage })).stdout);
  assert.deepEqual(Object.keys(told), ['model', 'dataset', 'part', 'rows', 'method', 'seconds']);
  assert.equal((await loadModel(storage, 'm')).calibration!.method, 'sigmoid');
  const { stdout } = await fakeCommand(['predict', 'm', 'digits', '--proba'], { storage });
  assert.match(stdout, /^row,class,name,p0,p1,p2\n0,2,"up, high",0\.\d+,0\.\d+,0\.\d+\n/);
  assert.match(
    (await fakeCommand(['info', 'm'], { storage })).stdout,
    /^calibrated {2}sigmoid curves fitted on 2 rows$/m,
  );
  const exported = await fakeCommand(['export', 'm', '--json', '--out=m.json'], { storage });
  assert.equal(exported.stderr, '');
  assert.equal(JSON.parse(await readText(storage, 'm.json')).calibration.method, 'sigmoid');
});
