import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Dataset } from '../src/data/dataset.js';
import { MlmlError } from '../src/errors.js';
import { generateKernel } from '../src/kernel/job/generateKernel.js';
import type { SolverName } from '../src/kernel/options.js';
import { evaluate } from '../src/model/evaluation/evaluate.js';
import type { Model } from '../src/model/saveModel.js';
import { scoreModel } from '../src/model/scoreModel.js';
import { writePredictions } from '../src/model/writePredictions.js';
import { defaultOptions, type TrainOptions, type Verb } from '../src/ssgd/options.js';
import { train } from '../src/ssgd/train.js';
import { MemoryStorage } from '../src/storage/memoryStorage.js';
import type { Storage } from '../src/storage/storage.js';
import { denseFit } from './support/denseLinear.js';
import { denseRidge, rowsOf } from './support/kernelRidge.js';
import { jobContext, jobOptions, trained } from './support/kernelTraining.js';
import { numberCases } from './support/numberCases.js';
import { clouds, makeDataset } from './support/tinyDataset.js';

const REG = 0.3;

function trainOptions(verb: Verb, changes: Partial<TrainOptions> = {}): TrainOptions {
  const passes = { iters: verb === 'gd' ? 2000 : 4000, epochs: 150 };
  return { ...defaultOptions, bufferBytes: 4e6, reg: REG, ...passes, ...changes };
}

async function trainLinear(
  storage: Storage,
  verb: Verb,
  dataset: Dataset,
  changes: Partial<TrainOptions> = {},
) {
  const warnings: string[] = [];
  const result = await train(verb, dataset, trainOptions(verb, changes), {
    storage,
    scratchFolder: '/scratch',
    onEvent: (event) => event.type === 'warning' && warnings.push(event.message),
  });
  return { ...result, warnings };
}

/** Scores of a part, a list for each row. */
async function scoresOf(storage: Storage, model: Model, dataset: Dataset, part: 'train' | 'test') {
  const all: number[][] = [];
  const options = { bufferBytes: 4e6, nthreads: 1 };
  for await (const { rows, scores } of scoreModel(storage, model, dataset[part], options)) {
    for (let i = 0; i < rows; i++) all.push(Array.from(scores.subarray(i * model.k, (i + 1) * model.k)));
  }
  return all;
}

function largest(rows: readonly (readonly number[])[], others: readonly (readonly number[])[]): number {
  let difference = 0;
  let size = 0;
  for (const [i, row] of rows.entries()) {
    for (const [c, value] of row.entries()) {
      difference = Math.max(difference, Math.abs(value - others[i]![c]!));
      size = Math.max(size, Math.abs(others[i]![c]!));
    }
  }
  return size === 0 ? difference : difference / size;
}

/** What is scored must be usable by predict and evaluate. */
async function useModel(storage: Storage, model: Model, dataset: Dataset): Promise<void> {
  for (const part of ['train', 'test'] as const) {
    const file = dataset[part];
    if (file.rows === 0) continue;
    const options = { bufferBytes: 4e6, nthreads: 1 };
    const evaluation = await evaluate(storage, model, file, options);
    assert.ok(Number.isFinite(evaluation.loss), `${part}: loss ${evaluation.loss}`);
    const quality = evaluation.accuracy ?? evaluation.rmse!;
    assert.ok(quality >= 0 && Number.isFinite(quality));
    const lines: string[] = [];
    const sink = {
      write: async (bytes: Uint8Array | string) => {
        lines.push(typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes));
      },
      finish: async () => {},
      discard: async () => {},
    };
    const blocks = scoreModel(storage, model, file, options);
    await writePredictions(model, file.rows, blocks, sink as never, { format: 'csv', file });
    const text = lines.join('').trimEnd().split('\n');
    assert.equal(text.length, file.rows + 1);
    assert.doesNotMatch(lines.join(''), /NaN|Infinity/);
  }
}

const tolerances: Readonly<Record<Verb, number>> = {
  closed: 1e-9,
  gd: 1e-6,
  sgd: 0.06,
  ssgd: 0.06,
  hsgd: 0.06,
};

describe('linear verbs give the ridge solution', () => {
  for (const given of numberCases) {
    for (const scale of ['standard', 'unit'] as const) {
      test(`${given.name}, scale ${scale}`, async () => {
        for (const verb of ['closed', 'gd', 'sgd', 'ssgd', 'hsgd'] as const) {
          const storage = new MemoryStorage();
          const dataset = await given.make(storage);
          const job = () => trainLinear(storage, verb, dataset, { scale });
          if (given.largeTargets && tolerances[verb] > 0.01) {
            await assert.rejects(job(), (error: MlmlError) => {
              assert.match(error.message, /too large for/);
              return error.code === 'MLML_DIVERGED' || error.code === 'MLML_BAD_DATA';
            });
            continue;
          }
          const { model } = await job();
          for (const part of ['train', 'test'] as const) {
            // What noise leaves of steps shows most where test rows lie far from the others.
            if (dataset[part].rows === 0 || (part === 'test' && tolerances[verb] > 0.01)) continue;
            const fit = await denseFit(dataset, scale, REG);
            const wanted = (await rowsOf(dataset, part, scale)).features.map(fit.score);
            const difference = largest(await scoresOf(storage, model, dataset, part), wanted);
            assert.ok(difference <= tolerances[verb], `${verb}, ${part}: scores differ by ${difference}`);
          }
          await useModel(storage, model, dataset);
        }
      });
    }
  }
});

describe('other losses end in a usable model', () => {
  for (const given of numberCases.filter((c) => !/target/.test(c.name))) {
    test(given.name, async () => {
      for (const loss of ['softmax', 'logistic', 'hinge', 'squared_hinge', 'huber'] as const) {
        for (const verb of ['gd', 'sgd', 'ssgd', 'hsgd'] as const) {
          const storage = new MemoryStorage();
          const dataset = await given.make(storage);
          const changes = { loss, epochs: 5, iters: 60 };
          const { model } = await trainLinear(storage, verb, dataset, changes);
          await useModel(storage, model, dataset);
        }
      }
    });
  }
});

describe('without scaling', () => {
  for (const given of numberCases) {
    test(given.name, async () => {
      for (const verb of ['closed', 'gd', 'ssgd'] as const) {
        const storage = new MemoryStorage();
        const dataset = await given.make(storage);
        const job = trainLinear(storage, verb, dataset, { scale: 'none', epochs: 5, iters: 60 });
        if (verb === 'ssgd' && (given.needsScaling || given.largeTargets)) {
          await assert.rejects(job, { message: /too large for .*single precision/ });
        } else {
          const result = await job.catch((error: MlmlError) => error);
          if (given.needsScaling && result instanceof MlmlError) {
            assert.match(result.message, /huge values|singular/);
          } else {
            if (result instanceof MlmlError) throw result;
            await useModel(storage, result.model, dataset);
          }
        }
      }
    });
  }
});

const solvers: readonly SolverName[] = ['cg', 'bcd', 'closed', 'ssgd', 'nystrom', 'krr'];

describe('kernel verbs give the dense solution', () => {
  for (const given of numberCases) {
    test(given.name, async () => {
      for (const solver of solvers) {
        const storage = new MemoryStorage();
        const dataset = await given.make(storage);
        const centers = Math.min(dataset.train.rows, 24);
        const options = { kernel: 'rbf', sigma: 2, reg: [REG], tile: 16, centers };
        const { result } = await trained(solver, storage, dataset, options);
        await useModel(storage, result.model, dataset);
        // The method of 2016 stops where its passes end.
        if (solver === 'ssgd') continue;
        const reference = await denseRidge(dataset, { kind: 'rbf', lengthscale: 2 }, REG);
        const wanted = await reference.scores('train');
        const difference = largest(await scoresOf(storage, result.model, dataset, 'train'), wanted);
        assert.ok(
          difference < (solver === 'nystrom' ? 2e-3 : 2e-5),
          `${solver}: scores differ by ${difference}`,
        );
      }
    });
  }

  test('equal rows have no median distance: the error says to give a sigma', async () => {
    for (const given of numberCases.filter((c) => c.equalRows)) {
      const storage = new MemoryStorage();
      const dataset = await given.make(storage);
      const { context } = jobContext(storage);
      const wanted = { code: 'MLML_USAGE', message: /no two different rows.*--sigma or --gamma/ };
      await assert.rejects(generateKernel(dataset, jobOptions(), context), wanted);
      await assert.rejects(trained('cg', storage, dataset, {}), wanted);
    }
  });
});

describe('refusals', () => {
  test('no training rows', async () => {
    const none = { features: [], labels: [] };
    const one = clouds(1, 3, 2);
    const job = makeDataset({ k: 2, train: { ...none, features: [[]] as never }, test: one });
    await assert.rejects(job, (error: Error) => error instanceof Error);
    const { DatasetWriter } = await import('../src/data/datasetWriter.js');
    const given = { name: 'none', task: 'classification', d: 3, k: 2, dtype: 'float32' } as const;
    const writer = await DatasetWriter.create(new MemoryStorage(), '/none', given);
    await assert.rejects(writer.finish({ description: '', files: [] }), {
      code: 'MLML_BAD_DATA',
      message: 'none: there is no training row',
    });
    await writer.discard();
    await assert.rejects(DatasetWriter.create(new MemoryStorage(), '/none', { ...given, k: 1 }), {
      code: 'MLML_USAGE',
      message: 'k=1: classification needs at least 2 classes',
    });
  });

  test('a batch larger than the data', async () => {
    const storage = new MemoryStorage();
    const dataset = await makeDataset({ k: 2, train: clouds(5, 3, 2) }, storage);
    for (const verb of ['sgd', 'ssgd', 'hsgd'] as const) {
      await assert.rejects(trainLinear(storage, verb, dataset, { batch: 6 }), {
        code: 'MLML_USAGE',
        message: /--batch=6: there are only 5 training rows/,
      });
    }
  });

  test('values too large to square are refused where they enter, and statistics stay numbers', async () => {
    const rows = clouds(5, 3, 2);
    const large = rows.features.map((row, i) => (i === 2 ? [row[0]!, 1e200, row[2]!] : row));
    await assert.rejects(makeDataset({ k: 2, train: { ...rows, features: large } }), {
      code: 'MLML_BAD_DATA',
      message: 'train row 2: feature 1: 1e+200 is too large: at most 1e+140 can be used',
    });
    const most = rows.features.map((row, i) => (i === 2 ? [row[0]!, -1e140, row[2]!] : row));
    const { description } = await makeDataset({ k: 2, train: { ...rows, features: most } });
    const { mean, variance, min, max, maxRowNorm } = description.statistics;
    for (const value of [...mean, ...variance, ...min, ...max, maxRowNorm]) assert.ok(Number.isFinite(value));
  });

  test('rows larger than the budget: the least that would do is named, and does', async () => {
    const wide = (storage: Storage) =>
      makeDataset({ k: 2, train: clouds(8, 4000, 2), test: clouds(4, 4000, 2, 2) }, storage);
    const runs: readonly (readonly [
      string,
      (storage: Storage, dataset: Dataset, bytes: number) => Promise<{ model: Model }>,
    ])[] = [
      ...(['closed', 'gd', 'sgd', 'ssgd', 'hsgd'] as const).map((verb) => {
        const run = (storage: Storage, dataset: Dataset, bufferBytes: number) =>
          trainLinear(storage, verb, dataset, { bufferBytes, epochs: 1, iters: 2 });
        return [verb, run] as const;
      }),
      ...(['cg', 'bcd', 'nystrom', 'krr'] as const).map((solver) => {
        const run = async (storage: Storage, dataset: Dataset, bufferBytes: number) =>
          (await trained(solver, storage, dataset, { bufferBytes, sigma: 90, centers: 4 })).result;
        return [solver, run] as const;
      }),
    ];
    for (const [verb, run] of runs) {
      const storage = new MemoryStorage();
      const dataset = await wide(storage);
      // A row has 32 008 bytes.
      const error: MlmlError = await run(storage, dataset, 20_000).then(
        () => assert.fail(`${verb} ran`),
        (thrown) => thrown,
      );
      assert.equal(error.code, 'MLML_BUDGET_TOO_SMALL', `${verb}: ${error.message}`);
      // krr measures speeds before it plans: it may name first what measuring needs, then what its solver does.
      const next = async (refusal: MlmlError, tries: number): Promise<{ model: Model }> => {
        const least = Number(/needs at least ([\d.]+) MB/.exec(refusal.message)?.[1]) * 1e6;
        assert.ok(least > 32_008, refusal.message);
        if (tries === 1) return await run(storage, dataset, least);
        return await run(storage, dataset, least).catch((thrown) => next(thrown, tries - 1));
      };
      const { model } = await next(error, verb === 'krr' ? 2 : 1);
      await useModel(storage, model, dataset);
    }
  });
});
