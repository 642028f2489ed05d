import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clouds, linearTargets, makeDataset, type TinyRows } from '../../../test/support/tinyDataset.js';
import type { Dtype } from '../../arithmetic/dtype.js';
import type { Dataset } from '../../data/dataset.js';
import type { Task } from '../../data/format.js';
import { RowFolds } from '../../data/rowFolds.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { evaluateModel } from '../evaluate.js';
import type { Evaluation, TrainEvent } from '../events.js';
import { defaultOptions, type TrainOptions } from '../options.js';
import { planTraining, train } from '../train.js';

const SEED = 3;

async function run(dataset: Dataset, options: Partial<TrainOptions>, storage = new MemoryStorage()) {
  const events: TrainEvent[] = [];
  const context = { storage, scratchFolder: '/scratch', onEvent: (event: TrainEvent) => events.push(event) };
  const given = {
    ...defaultOptions,
    scale: 'none',
    reg: 2,
    seed: SEED,
    bufferBytes: 2e6,
    ...options,
  } as const;
  return { ...(await train('closed', dataset, given, context)), events };
}

interface Given {
  readonly rows: TinyRows;
  readonly task: Task;
  readonly dtype: Dtype;
  readonly k?: number;
}

/** Fits the rows outside each fold alone, and compares with what --folds says. */
async function compareWithAlone(
  { rows, ...given }: Given,
  folds: number,
  options: Partial<TrainOptions>,
): Promise<void> {
  const open = (which: (row: number) => boolean) => {
    const chosen = <T>(all: readonly T[]) => all.filter((_, row) => which(row));
    return makeDataset({ ...given, train: { features: chosen(rows.features), labels: chosen(rows.labels) } });
  };
  const dataset = await open(() => true);
  const together = await run(dataset, { ...options, folds });
  const plain = await run(dataset, options);
  assertNear(together.model.weights, plain.model.weights, 1e-9);
  if (given.dtype === 'uint8' && options.classWeight === undefined)
    assert.deepEqual(together.model.weights, plain.model.weights, 'sums of bytes are exact');
  const { evaluations } = together.crossValidation![0]!;
  assert.equal(evaluations!.length, folds);
  const all = new RowFolds(folds, SEED);
  for (const [fold, found] of evaluations!.entries()) {
    const { model } = await run(await open((row) => all.foldOf(row) !== fold), options);
    const own = await open((row) => all.foldOf(row) === fold);
    const wanted = await evaluateModel(model, own.train, { bufferBytes: 1e6 });
    assert.equal(found.rows, wanted.rows);
    assert.equal(found.accuracy, wanted.accuracy);
    for (const name of ['loss', 'rmse', 'r2'] as const)
      if (wanted[name] !== undefined) assertNear([found[name]!], [wanted[name]], 1e-9);
  }
}

function assertNear(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  for (let i = 0; i < wanted.length; i++) {
    const limit = tolerance * Math.max(1, Math.abs(wanted[i]!));
    assert.ok(Math.abs(found[i]! - wanted[i]!) <= limit, `place ${i}: ${found[i]} is not ${wanted[i]}`);
  }
}

const asBytes = ({ features, labels }: TinyRows): TinyRows => ({
  labels,
  features: features.map((row) => row.map((x) => Math.max(0, Math.min(255, Math.round(30 * x + 100))))),
});

describe('each fold is judged by the fit of the other rows', () => {
  const three = clouds(1203, 9, 3, 1, 3);
  const classes = { rows: three, task: 'classification', dtype: 'float32' } as const;
  const targets = { rows: linearTargets(700, 7, 1, 2), task: 'regression', dtype: 'float64' } as const;
  const bytes = { rows: asBytes(three), task: 'classification', dtype: 'uint8', k: 3 } as const;

  test('three classes, floats', () => compareWithAlone(classes, 5, {}));
  test('no intercept', () => compareWithAlone(classes, 2, { bias: false }));
  test('targets, doubles', () => compareWithAlone(targets, 10, {}));
  test('targets without intercept', () => compareWithAlone(targets, 3, { bias: false, reg: 0 }));
  test('bytes, summed as integers', () => compareWithAlone(bytes, 4, { scale: 'unit' }));
  test('bytes without intercept', () => compareWithAlone(bytes, 3, { scale: 'unit', bias: false }));
  test('bytes as targets', () => {
    const rows = {
      features: bytes.rows.features,
      labels: bytes.rows.features.map((row) => row[3]! ^ row[4]!),
    };
    return compareWithAlone({ rows, task: 'regression', dtype: 'uint8', k: 1 }, 4, { scale: 'unit' });
  });
  test('rows and classes that weigh differently', () =>
    compareWithAlone({ ...bytes, rows: bytes.rows }, 3, { classWeight: '0:1,1:3,2:0.5', weightColumn: 4 }));
  test('as many folds as rows, and a hundred', async () => {
    await compareWithAlone({ ...targets, rows: linearTargets(12, 3) }, 12, {});
    await compareWithAlone({ ...targets, rows: linearTargets(230, 3) }, 100, {});
  });
  test('in blocks of a few rows, inside the least memory', async () => {
    const dataset = await makeDataset({ task: 'regression', train: linearTargets(300, 40) });
    const large = await run(dataset, { folds: 5 });
    const refused = await run(dataset, { folds: 5, bufferBytes: 1000 }).catch((error) => error);
    assert.equal(refused.code, 'MLML_BUDGET_TOO_SMALL');
    const words = /closed on 40 features x 1 column, 5 folds needs at least ([\d.]+) MB/.exec(
      refused.message,
    );
    const small = await run(dataset, { folds: 5, bufferBytes: 1e6 * Number(words![1]) });
    assert.ok(small.plan.plannedPeakBytes < large.plan.plannedPeakBytes);
    assert.deepEqual([small.epochs, large.epochs], [5, 1], 'one fold a pass, and all in one');
    const rmse = (evaluations: readonly Evaluation[]) => evaluations.map((each) => each.rmse!);
    assertNear(
      rmse(small.crossValidation![0]!.evaluations!),
      rmse(large.crossValidation![0]!.evaluations!),
      1e-10,
    );
  });
});

test('where the Gram matrices do not fit, no conjugate gradients: refused, with the budget that does', async () => {
  const { description } = await makeDataset({ train: clouds(50, 60, 2) });
  const plan = (options: Partial<TrainOptions>) =>
    planTraining('closed', description, { ...defaultOptions, bufferBytes: 50e3, ...options });
  assert.equal((plan({}) as unknown as { method: string }).method, 'cholesky');
  assert.throws(() => plan({ folds: 5 }), {
    code: 'MLML_BUDGET_TOO_SMALL',
    message: /5 folds needs at least 0\.\d+ MB/,
  });
});

test('a fold without which the equations are singular is named', async () => {
  // The second feature is there in one row alone.
  const features = Array.from({ length: 20 }, (_, i) => [i % 7, i === 11 ? 1 : 0]);
  const dataset = await makeDataset({
    task: 'regression',
    train: { features, labels: features.map(([x]) => x!) },
  });
  const fold = 1 + new RowFolds(4, SEED).foldOf(11);
  await assert.rejects(run(dataset, { reg: 0, folds: 4 }), {
    code: 'MLML_NOT_DEFINITE',
    message: new RegExp(`^without fold ${fold} of 4: closed: with --reg=0`),
  });
});

test('a label that is no class is named by its row', async () => {
  const dataset = await makeDataset({ train: clouds(40, 3, 2), dtype: 'float64' });
  const { rowBytes, labelOffset } = dataset.layout;
  const train = dataset.train.mended((bytes, rows) => {
    if (rows > 17)
      new DataView(bytes.buffer, bytes.byteOffset).setFloat64(17 * rowBytes + labelOffset, 5, true);
  });
  await assert.rejects(run({ ...dataset, train }, { folds: 3 }), {
    code: 'MLML_BAD_DATA',
    message: /training row 17: label 5/,
  });
});

test('folds in as many passes as there is room for: the same figures, of bytes to the bit', async () => {
  for (const [dtype, rows] of [
    ['uint8', asBytes(clouds(900, 50, 3, 1, 3))],
    ['float32', clouds(900, 50, 3, 1, 3)],
  ] as const) {
    const dataset = await makeDataset({ train: rows, dtype, k: 3 });
    const wanted = await run(dataset, { folds: 7, scale: 'unit' });
    const seen = new Set<number>();
    for (let bufferBytes = 60e3; bufferBytes < 600e3; bufferBytes += 10e3) {
      const options = { ...defaultOptions, folds: 7, bufferBytes };
      let passes: number;
      try {
        passes = planTraining('closed', dataset.description, options).passes;
      } catch {
        continue;
      }
      if (seen.has(passes)) continue;
      seen.add(passes);
      const { crossValidation, model, plan, epochs, bytesRead } = await run(dataset, {
        folds: 7,
        scale: 'unit',
        bufferBytes,
      });
      assert.ok(plan.plannedPeakBytes <= bufferBytes);
      assert.equal(epochs, passes);
      assert.equal(bytesRead, (passes + 1) * 900 * dataset.layout.rowBytes);
      assert.equal(bytesRead, plan.bytesRead);
      const losses = (each: typeof crossValidation) => each![0]!.evaluations!.map(({ loss }) => loss);
      assertNear(losses(crossValidation), losses(wanted.crossValidation), dtype === 'uint8' ? 0 : 1e-10);
      assertNear(model.weights, wanted.model.weights, dtype === 'uint8' ? 0 : 1e-10);
    }
    assert.deepEqual([...seen].sort(), [1, 2, 3, 4, 7], dtype);
  }
});

for (const [bufferBytes, saves] of [
  [150e3, 1],
  [40e3, 8],
] as const)
  test(`stopped and gone on with in ${bufferBytes} bytes: the same bits; what the run tells`, async () => {
    const storage = new MemoryStorage();
    const dataset = await makeDataset({ train: clouds(900, 30, 3, 1, 3), dtype: 'float32' }, storage);
    const options = { ...defaultOptions, folds: 5, bufferBytes, seed: SEED };
    const context = { storage, scratchFolder: '/scratch' };
    const whole = await train('closed', dataset, options, context);
    const wanted = [[...whole.model.weights], whole.crossValidation];
    let saved = 0;
    const stop = new AbortController();
    const events: TrainEvent[] = [];
    const every = { kind: 'time', milliseconds: 0 } as const;
    const checkpoint = { folder: '/states', every };
    const first = train('closed', dataset, options, {
      ...context,
      signal: stop.signal,
      checkpoint,
      onEvent: ({ type }) => type === 'checkpoint' && ++saved === saves && stop.abort(new Error('enough')),
    });
    await assert.rejects(first, { message: 'enough' });
    const onEvent = (event: TrainEvent) => events.push(event);
    const resumed = await train('closed', dataset, options, { ...context, checkpoint, onEvent });
    assert.deepEqual([[...resumed.model.weights], resumed.crossValidation], wanted);
    assert.ok(events.some(({ type }) => type === 'resumed'));
    const told = events.filter(({ type }) => type === 'folds');
    assert.deepEqual(told, [{ type: 'folds', folds: 5, models: resumed.crossValidation }]);
    assert.equal(resumed.bytesRead, (whole.epochs + 1) * 900 * dataset.layout.rowBytes);
    assert.equal(whole.epochs > 1, bufferBytes === 40e3);
  });
