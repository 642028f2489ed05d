import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openDataset } from '../src/data/dataset.js';
import { importDataset } from '../src/data/import/importDataset.js';
import { evaluate } from '../src/model/evaluation/evaluate.js';
import type { EvaluationReport } from '../src/model/evaluation/evaluationReport.js';
import type { LinearModel } from '../src/ssgd/linearModel.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { common, naiveBayes, nearestMean } from './support/meanModels.js';
import { root } from './support/root.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { makeDataset } from './support/tinyDataset.js';

const data = process.env['MLML_DATA'];
const skip = data === undefined && 'MLML_DATA is not set';

interface Figures {
  readonly accuracy: number;
  readonly precision: number[];
  readonly recall: number[];
  readonly f1: number[];
  readonly rows: number[];
  readonly macro: number[];
  readonly weighted: number[];
  readonly confusion: number[][];
  readonly rocAuc: number[];
  readonly averagePrecision: number[];
  readonly macroRocAuc?: number;
  readonly weightedRocAuc?: number;
  readonly logLoss?: number;
  readonly calibration?: {
    rows: number[];
    share: number[];
    probability: number[];
    expectedError: number;
    largestError: number;
  };
}

/** Made by test/reference/evaluation.py with scikit-learn. */
const reference = JSON.parse(readFileSync(join(root, 'test/reference/evaluation.json'), 'utf8')) as Record<
  string,
  Figures
> & { readonly regression: { rmse: number; mae: number; r2: number } };

function close(found: number | null | undefined, wanted: number, what: string, tolerance = 1e-10): void {
  assert.ok(Math.abs(found! - wanted) <= tolerance, `${what}: ${found}, scikit-learn has ${wanted}`);
}

/** Everything but the ranks. */
function compare(report: EvaluationReport, wanted: Figures): void {
  const { classes, macro, weighted, confusion, logLoss, calibration } = report.classification!;
  close(report.accuracy, wanted.accuracy, 'accuracy');
  assert.deepEqual(confusion, wanted.confusion);
  assert.deepEqual(
    classes.map(({ rows }) => rows),
    wanted.rows,
  );
  for (const [c, found] of classes.entries())
    for (const figure of ['precision', 'recall', 'f1'] as const)
      close(found[figure], wanted[figure][c]!, `${figure} of class ${c}`);
  for (const [i, figure] of (['precision', 'recall', 'f1'] as const).entries()) {
    close(macro[figure], wanted.macro[i]!, `macro ${figure}`);
    close(weighted[figure], wanted.weighted[i]!, `weighted ${figure}`);
  }
  if (wanted.logLoss === undefined) {
    assert.equal(logLoss, null);
    assert.equal(calibration, null);
    return;
  }
  close(logLoss, wanted.logLoss, 'log loss');
  const expected = wanted.calibration!;
  assert.deepEqual(
    calibration!.bins.map(({ rows }) => rows),
    expected.rows,
  );
  const used = calibration!.bins.filter(({ rows }) => rows > 0);
  for (const [i, bin] of used.entries()) {
    close(bin.share, expected.share[i]!, `share of bin ${i}`);
    close(bin.probability, expected.probability[i]!, `probability of bin ${i}`);
  }
  close(calibration!.expectedError, expected.expectedError, 'expected calibration error');
  close(calibration!.largestError, expected.largestError, 'largest calibration error');
}

/** The ranks, up to the error the report admits. */
function compareRanks(report: EvaluationReport, wanted: Figures): void {
  const { classes, macro, weighted, ranking } = report.classification!;
  const ranked = wanted.rocAuc.length === 1 ? [classes[1]!] : classes;
  const areaError = ranking.rocAucError + 1e-9;
  for (const [i, found] of ranked.entries()) {
    close(found.rocAuc, wanted.rocAuc[i]!, `roc auc ${i}`, areaError);
    close(
      found.averagePrecision,
      wanted.averagePrecision[i]!,
      `average precision ${i}`,
      ranking.averagePrecisionError + 1e-9,
    );
  }
  if (wanted.macroRocAuc !== undefined) close(macro.rocAuc, wanted.macroRocAuc, 'macro', areaError);
  if (wanted.weightedRocAuc !== undefined)
    close(weighted.rocAuc, wanted.weightedRocAuc, 'weighted', areaError);
}

test('MNIST: all figures are those of scikit-learn, whether scores are sorted in memory, on disk, or counted in bins', {
  skip,
}, async (t) => {
  const folder = temporaryFolder(t);
  await importDataset(nodeStorage, 'mnist', { out: join(folder, 'mnist'), dataDir: data! });
  const dataset = await openDataset(nodeStorage, join(folder, 'mnist'));
  t.after(() => dataset.close());
  const scratchFolder = join(folder, 'scratch');
  const model = await nearestMean(dataset, 'softmax');
  for (const [bufferBytes, method] of [
    [2e6, 'memory'],
    [5e5, 'scratch'],
    [1.5e5, 'histogram'],
  ] as const) {
    const options = { bufferBytes, scratchFolder, nthreads: 1 };
    const report = await evaluate(nodeStorage, model, dataset.test, options);
    const { ranking } = report.classification!;
    assert.equal(ranking.method, method);
    if (method === 'histogram') {
      const enough = { ...options, bufferBytes: ranking.exactBufferBytes };
      const exact = await evaluate(nodeStorage, model, dataset.test, enough);
      assert.equal(exact.classification!.ranking.method, 'scratch');
    }
    compare(report, reference['mnist']!);
    compareRanks(report, reference['mnist']!);
    assert.deepEqual(await nodeStorage.list(scratchFolder), []);
  }
  const hinge = await evaluate(nodeStorage, { ...model, loss: 'hinge' }, dataset.test, { bufferBytes: 2e6 });
  compare(hinge, reference['mnist of hinge']!);
  compareRanks(hinge, reference['mnist of hinge']!);
});

test('a9a: all figures are those of scikit-learn, with many equal scores', { skip }, async (t) => {
  const { dataset, model } = await naiveBayes(data!);
  const folder = temporaryFolder(t);
  for (const [bufferBytes, method] of [
    [1e6, 'memory'],
    [1e5, 'scratch'],
    [2e4, 'histogram'],
  ] as const) {
    const options = { bufferBytes, scratchFolder: join(folder, 'scratch'), nthreads: 1 };
    const report = await evaluate(nodeStorage, model, dataset.test, options);
    assert.equal(report.classification!.ranking.method, method);
    compare(report, reference['a9a']!);
    compareRanks(report, reference['a9a']!);
  }
});

describe('regression', () => {
  test('rmse, mae and r2 are those of scikit-learn', async () => {
    const numbers = Array.from({ length: 1000 }, (_, i) => i + 1);
    const features = numbers.map((i) => [9 * Math.sin(i) + Math.cos(7 * i)]);
    const rows = { features, labels: numbers.map((i) => 10 * Math.sin(i) + 3) };
    const dataset = await makeDataset({ task: 'regression', train: rows, test: rows });
    const one = Float64Array.of(1);
    const zero = new Float64Array(1);
    const scaling = { name: 'none', multiply: one, add: zero } as const;
    const model: LinearModel = {
      ...common,
      task: 'regression',
      loss: 'ridge',
      d: 1,
      k: 1,
      scaling,
      weights: one,
      intercept: zero,
    };
    const report = await evaluate(nodeStorage, model, dataset.test, { bufferBytes: 1e5 });
    assert.equal(report.classification, undefined);
    for (const figure of ['rmse', 'mae', 'r2'] as const)
      close(report[figure], reference.regression[figure], figure);
  });
});
