import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCli } from '../../test/support/cli.js';
import { fakeCommand, fakeTrain } from '../../test/support/fakeCommand.js';
import { assertGolden } from '../../test/support/golden.js';
import { temporaryFolder } from '../../test/support/temporaryFolder.js';
import { crossValidated } from '../ssgd/crossValidation.js';
import type { CrossValidatedModel, Evaluation } from '../ssgd/events.js';

const accuracies = (...values: number[]): Evaluation[] =>
  values.map((accuracy, i) => ({ rows: 1000 + i, loss: 1 - accuracy, accuracy }));

/** Runs a command whose training comes to these models. */
const commandWith = async (words: readonly string[], models: readonly CrossValidatedModel[]) => {
  const train: typeof fakeTrain = async (verb, dataset, options, context) => {
    assert.equal(options.folds, 3);
    return { ...(await fakeTrain(verb, dataset, options, context)), crossValidation: models };
  };
  return await fakeCommand(words, { train });
};

test('the folds of a model, their mean and deviation', async () => {
  const models = [crossValidated(0, {}, 'trained', accuracies(0.5, 0.75, 0.625))];
  const { stdout } = await commandWith(['ssgd', 'digits', '--folds=3', '--quiet'], models);
  await assertGolden('folds-stdout.txt', stdout);
  const { stdout: json } = await commandWith(['ssgd', 'digits', '--folds=3', '--quiet', '--json'], models);
  const [line] = JSON.parse(json).crossValidation;
  assert.deepEqual(Object.keys(line), ['model', 'options', 'fate', 'folds', 'mean', 'deviation']);
  assert.deepEqual(line.folds[1], { rows: 1001, loss: 0.25, accuracy: 0.75 });
  assert.deepEqual(line.mean, { loss: 0.375, accuracy: 0.625 });
  // Divided by the number of folds, as numpy.std does.
  assert.ok(Math.abs(line.deviation.accuracy - Math.sqrt(2 / 3) / 8) < 1e-15);
});

test('the models of a sweep, the best first; of a regression', async () => {
  const figures = (...values: number[]) =>
    values.map((rmse, i) => ({ rows: 10 + i, loss: rmse ** 2 / 2, rmse, r2: 1 - rmse / 10 }));
  const models = [
    crossValidated(1, { reg: 10 }, 'trained', figures(1, 2, 3)),
    crossValidated(0, { reg: 0.1 }, 'trained', figures(4, 4, 4)),
    crossValidated(2, { reg: 1000 }, 'diverged', undefined),
  ];
  const words = ['ssgd', 'digits', '--folds=3', '--sweep', 'reg=0.1,10,1000', '--quiet'];
  const { stdout } = await commandWith(words, models);
  await assertGolden('folds-sweep-stdout.txt', stdout);
  const { stdout: json } = await commandWith([...words, '--json'], models);
  const { crossValidation, sweep } = JSON.parse(json);
  assert.equal(sweep, null);
  assert.equal(crossValidation[2].mean, null);
  assert.equal(crossValidation[2].folds, null);
});

describe('the command', () => {
  test('leaves the folds with the run, where evaluate and info find them', async (t) => {
    const folder = temporaryFolder(t);
    const cli = (...words: string[]) => runCli(t, words, { cwd: folder });
    const trained = await cli(
      'ssgd',
      'digits',
      '--n=600',
      '--folds=3',
      '--out=r',
      '--epochs=1',
      '--quiet',
      '--json',
    );
    assert.equal(trained.status, 0, trained.stderr);
    const [line] = JSON.parse(trained.stdout).crossValidation;
    assert.deepEqual(
      line.folds.map(({ rows }: Evaluation) => rows),
      [200, 200, 200],
    );
    const share = `${(100 * line.mean.accuracy).toFixed(2)} %`;
    for (const model of ['r', 'r/model']) {
      const { stdout } = await cli('evaluate', model, 'digits', '--quiet');
      assert.ok(stdout.includes(`\n\nwhen it was trained, 3 folds: accuracy ${share} ± `), stdout);
    }
    const { stdout: json } = await cli('evaluate', 'r', 'digits', '--quiet', '--json');
    assert.deepEqual(JSON.parse(json).crossValidation, line);
    const info = await cli('info', 'r');
    assert.match(info.stdout, /^folds {7}3 folds: accuracy /m);
    const again = await cli(
      'ssgd',
      'digits',
      '--n=600',
      '--folds=3',
      '--out=r',
      '--epochs=1',
      '--quiet',
      '--resume',
    );
    assert.match(again.stdout, /^3 folds +rows +accuracy/, 'the run is done: its result is told again');
    const other = await cli(
      'ssgd',
      'digits',
      '--n=600',
      '--folds=4',
      '--out=r',
      '--epochs=1',
      '--quiet',
      '--resume',
    );
    assert.equal(other.status, 1);
    assert.match(other.stderr, /MLML_MISMATCH.*folds/);
  });

  const refused: readonly (readonly [string, RegExp])[] = [
    ['ssgd digits --n=600 --folds=1', /--folds=1: must be a whole number from 2 to 100/],
    ['ssgd digits --n=600 --folds=101', /--folds=101: must be a whole number of at least 0 and at most 100/],
    ['ssgd digits --n=600 --folds=20 --subset=10', /--folds=20: there are only 10 training rows/],
    ['sgd digits --n=600 --folds=5 --holdout=0.1', /--holdout=0.1: with --folds/],
    ['ssgd digits --n=600 --folds=5 --patience=2', /--patience=2: /],
    ['hsgd digits --folds=5', /--folds: is not an option of hsgd, but of closed, sgd, ssgd/],
    ['gd digits --folds=5', /--folds: is not an option of gd/],
    ['krr digits --folds=5', /--folds: is not an option of krr, but of closed, sgd, ssgd/],
    ['ssgd digits --memId=k --folds=5', /--folds=5: is for linear models/],
    ['plan ssgd digits --n=600 --folds=5 --buffer=0.1', /6 models of 10 outputs needs at least [\d.]+ MB/],
  ];
  test('what does not go together is one error', async (t) => {
    const folder = temporaryFolder(t);
    for (const [line, message] of refused) {
      const { status, stderr, stdout } = await runCli(t, line.split(' '), { cwd: folder });
      assert.ok(status === 2 || line.startsWith('plan'), `${line}: ${stderr}`);
      assert.match(stderr.trimEnd().split('\n').at(-1)!, message);
      assert.equal(stdout, '');
    }
  });
});
