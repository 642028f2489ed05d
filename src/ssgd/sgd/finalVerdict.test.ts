import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rareDatasets } from '../../../test/support/rareRows.js';
import { clouds, linearTargets, makeDataset } from '../../../test/support/tinyDataset.js';
import type { Dataset } from '../../data/dataset.js';
import type { SparseDataset } from '../../data/sparse/sparseDataset.js';
import type { MlmlError } from '../../errors.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { Evaluation, TrainEvent } from '../events.js';
import { defaultOptions, type TrainOptions, type Verb } from '../options.js';
import { train } from '../train.js';
import { finalVerdict } from './finalVerdict.js';
import type { StepModel } from './runParts.js';
import type { Trainee } from './trainee.js';

async function run(verb: Verb, dataset: Dataset | SparseDataset, options: Partial<TrainOptions>) {
  const events: TrainEvent[] = [];
  const storage = new MemoryStorage();
  const result = await train(
    verb,
    dataset,
    { ...defaultOptions, logfreq: 0, ...options },
    { storage, scratchFolder: '/scratch', onEvent: (event) => events.push(event) },
  );
  assert.deepEqual(storage.paths(), [], 'scratch is left');
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event] : []));
  return { ...result, events, warnings };
}

/** A rate at which the usual rows are learnt and the two rare ones are thrown farther each time they come: no window of the watch is bad. */
const throwsRareRows = { scale: 'standard', eta0: 0.03, momentum: 0, batch: 8 } as const;

describe('a run that ended in a divergence', () => {
  for (const kind of ['dense', 'sparse'] as const) {
    test(`${kind}: fails when only rare rows show it, and says what to do`, async () => {
      const dataset = (await rareDatasets())[kind];
      await assert.rejects(run('ssgd', dataset, throwsRareRows), (error: MlmlError) => {
        assert.equal(error.code, 'MLML_DIVERGED');
        assert.match(
          error.message,
          /^training diverged and did not recover: the loss of a training row is [\d.e+]+, and was 2\.01 before training; give --eta0=auto, or an --eta0 far below 0\.03$/,
        );
        return true;
      });
    });

    test(`${kind}: such a model of a sweep is out, the others go on`, async () => {
      const dataset = (await rareDatasets())[kind];
      const sweep = { eta0: [0.032, 0.001, 0.031] };
      const { sweep: table, warnings } = await run('ssgd', dataset, { ...throwsRareRows, sweep });
      assert.deepEqual(
        table!.map(({ fate, options, samples }) => [fate, options['eta0'], samples]),
        [
          ['trained', 0.001, 6480],
          ['diverged', 0.031, 6480],
          ['diverged', 0.032, 6480],
        ],
      );
      assert.deepEqual(warnings, []);
      const all = run('ssgd', dataset, { ...throwsRareRows, sweep: { eta0: [0.032, 0.031] } });
      await assert.rejects(all, { code: 'MLML_DIVERGED' });
    });
  }

  test('weights that are no numbers after the last step of an epoch are no bad data', async () => {
    const dataset = await makeDataset({
      task: 'regression',
      train: linearTargets(64, 4),
      test: linearTargets(9, 4),
    });
    // One step an epoch: nothing is seen before the model is scored.
    const options = { eta0: 1e38, batch: 64, momentum: 0, epochs: 2 } as const;
    await assert.rejects(run('ssgd', dataset, options), { code: 'MLML_DIVERGED' });
    const sweep = { eta0: [1e38, 0.1] };
    const { sweep: table } = await run('ssgd', dataset, { ...options, batch: 32, holdout: 0.5, sweep });
    assert.deepEqual(
      table!.map(({ fate }) => fate),
      ['trained', 'diverged'],
    );
  });

  test('one that recovered says so, and how the rate was lowered', async () => {
    // The first rows, on which the rate is measured, are far shorter than the others.
    const { features, labels } = clouds(6000, 8, 4);
    const growing = features.map((row, i) => (i < 1500 ? row.map((x) => x / 1e4) : row));
    const dataset = await makeDataset({ train: { features: growing, labels } });
    const options = { algo: 'none', scale: 'none', bias: false, reg: 0 } as const;
    const { warnings, halvings } = await run('ssgd', dataset, options);
    assert.ok(halvings! > 0);
    const { message } = warnings.at(-1)!;
    assert.match(
      message,
      /^training recovered from (a divergence|\d+ divergences), with the learning rate halved (once|\d+ times), to [\d.e-]+: the loss of a training row is 0\.\d+, and was 0\.5 before training$/,
    );
    const weighted = await run('ssgd', dataset, { ...options, classWeight: 'balanced' });
    assert.match(weighted.warnings.at(-1)!.message, /^training recovered from .* halved .*, to [\d.e-]+$/);
  });

  test('a healthy run says nothing, also with test rows unlike those trained on', async () => {
    const rows = linearTargets(600, 4);
    const far = { features: rows.features, labels: rows.labels.map((label) => 1e6 * label) };
    const dataset = await makeDataset({ task: 'regression', train: rows, test: far });
    const { warnings, halvings } = await run('ssgd', dataset, {});
    assert.equal(halvings, 0);
    assert.deepEqual(
      warnings.filter(({ message }) => /diverge|recover/.test(message)),
      [],
    );
  });
});

describe('the verdict', () => {
  /** A model whose loss on the training rows is `loss`, `start` with the weights before training, and first rows had `first`. */
  function fake(given: {
    loss: number;
    start: number;
    first: number;
    running?: number;
    risen?: boolean;
    halvings?: number;
  }) {
    let started = false;
    const model = {
      instead: async (write: () => void, judge: () => Promise<unknown>) => {
        write();
        return await judge();
      },
    } as unknown as StepModel;
    const trainee = {
      model,
      halvings: given.halvings ?? 0,
      eta0: 0.5,
      options: { eta0: 'auto' },
      watch: { first: given.first, rise: 3, isRisen: given.risen ?? false },
      epochLoss: { meanLoss: given.running ?? given.loss },
      heldOut: undefined,
      writeStart: () => {
        started = true;
      },
    } as unknown as Trainee;
    let judged = 0;
    const judge = async (): Promise<Evaluation[]> => {
      judged++;
      return [{ rows: 1, loss: started ? given.start : given.loss }];
    };
    return { trainee, judge, told: () => judged };
  }

  test('rows are read only where there is doubt', async () => {
    const { trainee, judge, told } = fake({ loss: 1, start: 2, first: 2 });
    const failures = await finalVerdict([trainee], { judge, weighted: false, test: undefined });
    assert.deepEqual([failures.size, told()], [0, 0]);
  });

  test('first rows that are unlike the others are not what the end is measured by', async () => {
    for (const [start, failed] of [
      [50, 0],
      [10, 1],
    ] as const) {
      const { trainee, judge, told } = fake({ loss: 100, start, first: 1 });
      const failures = await finalVerdict([trainee], { judge, weighted: false, test: undefined });
      assert.deepEqual([failures.size, told()], [failed, 2], `start ${start}`);
    }
  });

  test('a bad test part alone is a reason to look, not to fail', async () => {
    const { trainee, judge, told } = fake({ loss: 1, start: 2, first: 2 });
    const test = { rows: 3, loss: 1e9 };
    const failures = await finalVerdict([trainee], { judge, weighted: false, test });
    assert.deepEqual([failures.size, told()], [0, 1]);
  });

  test('of rows that have weights the last windows decide', async () => {
    for (const risen of [false, true]) {
      const { trainee, judge, told } = fake({ loss: 100, start: 1, first: 1, risen });
      const failures = await finalVerdict([trainee], { judge, weighted: true, test: undefined });
      assert.deepEqual([failures.size, told()], [risen ? 1 : 0, 0]);
      if (risen)
        assert.match([...failures.values()][0]!.message, /the loss of the last rows was far above 1,/);
    }
  });
});
