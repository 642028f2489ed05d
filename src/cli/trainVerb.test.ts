import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fakeCommand, fakeTrain } from '../../test/support/fakeCommand.js';
import { assertGolden } from '../../test/support/golden.js';
import { MlmlError } from '../errors.js';
import { loadModel } from '../model/loadModel.js';
import type { Evaluation, Fate } from '../ssgd/events.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { readJson, readText } from '../storage/textFile.js';

const RUN = 'runs/ssgd-2026-01-31T12-34-56';
const CSV = 'logs/ssgd/run-2026-01-31T12-34-56.csv';

test('a run leaves run.json, events, the CSV log and the model', async () => {
  const { storage, stderr } = await fakeCommand([
    'ssgd',
    'digits',
    '--buffer=1',
    '--seed=7',
    '--loss=softmax',
  ]);
  const files = storage.paths().filter((path) => !path.startsWith('data/'));
  assert.deepEqual(files, [
    CSV,
    `${RUN}/events.jsonl`,
    `${RUN}/model/model.json`,
    `${RUN}/model/weights.bin`,
    `${RUN}/run.json`,
  ]);
  const run = JSON.parse(await readText(storage, `${RUN}/run.json`));
  assert.equal(run.format, 'mlml-run');
  assert.equal(run.version, 1);
  assert.equal(run.status, 'done');
  assert.deepEqual(run.command, ['ssgd', 'digits', '--buffer=1', '--seed=7', '--loss=softmax']);
  assert.equal(run.seed, 7);
  assert.equal(run.options.bufferBytes, 1e6);
  assert.equal(run.options.momentum, 0.9);
  assert.equal(run.versions.node, process.version);
  assert.equal(run.dataset.fingerprint.length, 32);
  assert.equal(run.plan.plannedPeakBytes, 512);
  assert.equal(run.started, '2026-01-31T12:34:56.000Z');
  assert.equal(run.log, CSV);
  assert.equal(run.result.test.accuracy, 0.5);
  assert.equal((await loadModel(storage, RUN)).loss, 'softmax');
  assert.match(stderr, /^digits has not been imported yet\ndownloading digits\nplan: ssgd on 2 features/);
});

test('the CSV log has the header of 2016 and a line for each log event', async () => {
  const { storage } = await fakeCommand(['ssgd', 'digits']);
  const lines = (await readText(storage, CSV)).split('\n');
  assert.equal(lines[0], 'i,Time,Loss,Train Accuracy,Test Accuracy');
  assert.match(lines[1]!, /^1000,0\.\d+,1\.25,0\.5,$/);
  assert.match(lines[2]!, /^2000,0\.\d+,0\.75,0\.75,0\.5$/);
  assert.equal(lines.length, 4);
});

test('every line of the events parses and has its time; the first is the start, the last the end', async () => {
  const { storage } = await fakeCommand(['ssgd', 'digits']);
  const lines = (await readText(storage, `${RUN}/events.jsonl`)).trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ type }) => type),
    ['start', 'plan', 'rate', 'progress', 'row', 'evaluation', 'end'],
  );
  for (const [i, { time }] of events.entries()) assert.ok(time >= (events[i - 1]?.time ?? 0));
  assert.equal(events[3].rssBytes, 50e6);
  assert.equal(events.at(-1).status, 'done');
});

test('--json: exactly one object with exactly the promised keys', async () => {
  const { stdout } = await fakeCommand(['ssgd', 'digits', '--json', '--quiet', '--subset=6']);
  assert.deepEqual(JSON.parse(stdout), {
    verb: 'ssgd',
    dataset: 'tiny',
    n: 6,
    d: 2,
    k: 3,
    epochs: 3,
    train: { loss: 0.5, accuracy: 0.9 },
    trainIs: 'running',
    test: { loss: 0.25, accuracy: 0.5 },
    holdout: null,
    bestEpoch: null,
    halvings: null,
    sweep: null,
    crossValidation: null,
    seconds: 0.5,
    samples: 30,
    samplesPerSecond: 60,
    bytesRead: 120,
    bytesWritten: 90,
    bufferBytes: 10e6,
    nthreads: 1,
    plannedPeakBytes: 512,
    peakRssBytes: 60e6,
    baselineRssBytes: 50e6,
    run: RUN,
    model: `${RUN}/model`,
  });
  assert.equal(stdout.trimEnd().split('\n').length, 1);
});

test('--json of a regression has rmse and r2, and null for a missing test set', async () => {
  const regression = { rows: 10, loss: 2, rmse: 2, r2: 0.5 };
  const { stdout } = await fakeCommand(['ssgd', 'digits', '--json'], {
    task: 'regression',
    train: async (...args) => ({ ...(await fakeTrain(...args)), train: regression, test: undefined }),
  });
  const { train, test } = JSON.parse(stdout);
  assert.deepEqual(train, { loss: 2, rmse: 2, r2: 0.5 });
  assert.equal(test, null);
});

test('what running figures of a regression do not tell is left out, in words and in --json', async () => {
  for (const [figures, words] of [
    [{ loss: 2, rmse: 2 }, 'loss 2.000, rmse 2.000'],
    [{ loss: 2 }, 'loss 2.000'],
  ] as const) {
    const train: typeof fakeTrain = async (...args) => ({
      ...(await fakeTrain(...args)),
      train: { rows: 10, ...figures },
    });
    const world = { task: 'regression', train } as const;
    const told = JSON.parse((await fakeCommand(['ssgd', 'digits', '--json'], world)).stdout);
    assert.deepEqual([told.train, told.trainIs], [figures, 'running']);
    const { stdout } = await fakeCommand(['ssgd', 'digits'], world);
    assert.match(stdout, new RegExp(`^train +${words} \\(while training, last epoch\\)$`, 'm'));
    assert.doesNotMatch(stdout, /NaN/);
  }
});

test('--json says what the training figures are', async () => {
  const trainIs = async (words: readonly string[], train: typeof fakeTrain = fakeTrain) =>
    JSON.parse((await fakeCommand([...words, '--json'], { train })).stdout).trainIs;
  assert.equal(await trainIs(['ssgd', 'digits']), 'running');
  assert.equal(await trainIs(['ssgd', 'digits', '--simulated']), 'evaluation');
  const none: typeof fakeTrain = async (...args) => ({ ...(await fakeTrain(...args)), train: undefined });
  assert.equal(await trainIs(['closed', 'digits'], none), null);
});

test('a subset larger than the rows, and threads that are not used, are warned of in one line each', async () => {
  const lines: readonly (readonly [string, readonly string[]])[] = [
    ['ssgd digits --subset=10 --nthreads=1', []],
    ['ssgd digits --subset=0', []],
    ['ssgd digits --subset=11', ['--subset=11: there are only 10 training rows; all are used']],
    [
      'gd digits --nthreads=3',
      ['--nthreads=3: 1 thread is used; more would not help, or have no room in --buffer'],
    ],
  ];
  for (const [line, warnings] of lines) {
    for (const words of [line, `plan ${line}`]) {
      const { stderr } = await fakeCommand([...words.split(' '), '--quiet'], { plan: { threads: 1 } });
      assert.equal(stderr, warnings.map((text) => `warning: ${text}\n`).join(''), words);
    }
  }
});

test('the summary on stdout, progress on stderr', async () => {
  const { stdout, stderr } = await fakeCommand(['ssgd', 'digits', '--buffer=1', '--simulated']);
  await assertGolden('train-stdout.txt', stdout);
  await assertGolden('train-stderr.txt', stderr);
});

test('--quiet leaves stderr empty, results stay', async () => {
  const { stdout, stderr } = await fakeCommand(['ssgd', 'digits', '--quiet']);
  assert.equal(stderr, '');
  assert.match(stdout, /^test {4}loss 0\.2500, accuracy 50\.00 %\n/);
});

test('--out is the run folder, the log lies beside it', async () => {
  const { storage } = await fakeCommand(['gd', 'digits', '--out=work/mine']);
  const made = storage.paths().filter((path) => path.startsWith('work/'));
  assert.ok(made.includes('work/mine/run.json'));
  assert.ok(made.includes('work/logs/gd/run-2026-01-31T12-34-56.csv'));
  await assert.rejects(fakeCommand(['gd', 'digits', '--out=work/mine'], { storage }), {
    code: 'MLML_EXISTS',
    message:
      'work/mine: exists already; it is a complete run of this command: add --resume to be told its result again, or remove it',
  });
});

test('--out in a folder named runs has its log beside that folder, as runs without --out', async () => {
  const { storage } = await fakeCommand(['gd', 'digits', '--out=work/runs/mine']);
  assert.ok(storage.paths().includes('work/logs/gd/run-2026-01-31T12-34-56.csv'));
});

test('two runs in the same second have folders and logs of their own', async () => {
  const { storage } = await fakeCommand(['ssgd', 'digits']);
  await fakeCommand(['ssgd', 'digits'], { storage });
  assert.ok(storage.paths().includes(`${RUN}-2/run.json`));
  assert.ok(storage.paths().includes('logs/ssgd/run-2026-01-31T12-34-56-2.csv'));
});

test('--logfreq=0 and closed write no CSV log', async () => {
  for (const words of [
    ['ssgd', 'digits', '--logfreq=0'],
    ['closed', 'digits'],
  ]) {
    const { storage, stdout } = await fakeCommand(words);
    assert.equal(
      storage.paths().some((path) => path.startsWith('logs/')),
      false,
    );
    assert.doesNotMatch(stdout, /^log/m);
  }
});

test('a failed run says so in run.json and events, and has no model', async () => {
  const storage = new MemoryStorage();
  const failing = fakeCommand(['ssgd', 'digits'], {
    storage,
    train: async () => {
      throw new MlmlError('MLML_DIVERGED', 'the loss is NaN');
    },
  });
  await assert.rejects(failing, { code: 'MLML_DIVERGED' });
  const run = (await readJson(storage, `${RUN}/run.json`)) as Record<string, unknown>;
  assert.equal(run['status'], 'failed');
  assert.deepEqual(run['error'], { code: 'MLML_DIVERGED', message: 'the loss is NaN' });
  assert.match(
    await readText(storage, `${RUN}/events.jsonl`),
    /"type":"end","status":"failed","error":"MLML_DIVERGED"\}\n$/,
  );
  assert.equal(await storage.status(`${RUN}/model`), undefined);
});

test('while it trains, run.json says running', async () => {
  const storage = new MemoryStorage();
  let status: unknown;
  await fakeCommand(['ssgd', 'digits'], {
    storage,
    train: async (...args) => {
      status = ((await readJson(storage, `${RUN}/run.json`)) as Record<string, unknown>)['status'];
      return await fakeTrain(...args);
    },
  });
  assert.equal(status, 'running');
});

test('a budget that is too small leaves no run folder', async () => {
  const storage = new MemoryStorage();
  await assert.rejects(fakeCommand(['ssgd', 'digits', '--buffer=100B'], { storage }), {
    code: 'MLML_BUDGET_TOO_SMALL',
  });
  assert.equal(
    storage.paths().some((path) => path.startsWith('runs')),
    false,
  );
});

test('scratch files go beside the run folder, or to --scratch', async () => {
  const folders: string[] = [];
  const train: typeof fakeTrain = async (verb, dataset, options, context) => {
    folders.push(context.scratchFolder);
    return await fakeTrain(verb, dataset, options, context);
  };
  await fakeCommand(['ssgd', 'digits'], { train });
  await fakeCommand(['ssgd', 'digits', '--scratch=/fast'], { train });
  assert.deepEqual(folders, [dirname(RUN), '/fast']);
});

test('options without effect are warned of, also when quiet', async () => {
  const { stderr } = await fakeCommand(['closed', 'digits', '--momentum=0.5', '--n=7', '--quiet']);
  assert.equal(
    stderr,
    'warning: --momentum has no effect on closed, only on gd, sgd, ssgd, hsgd\n' +
      'warning: --n=7 has no effect: data/digits has 10 train rows; use --subset for fewer, or --data-dir for another copy\n',
  );
});

test('names are opened with what was given', async () => {
  const { opened } = await fakeCommand(['ssgd', 'digits', '--n=10', '--data-dir=sets', '--dtype=float32']);
  assert.equal(opened[0]!.source, 'digits');
  const { n, dataDir, dtype } = opened[0]!.request;
  assert.deepEqual({ n, dataDir, dtype }, { n: 10, dataDir: 'sets', dtype: 'float32' });
});

test('a sweep: its table, its models in --json, its columns in the CSV log', async () => {
  const score = (accuracy: number): Evaluation => ({ rows: 10, loss: 1 - accuracy, accuracy });
  const train: typeof fakeTrain = async (verb, dataset, options, context) => {
    assert.deepEqual(options.sweep, { reg: [0.1, 100], loss: ['softmax', 'ridge'] });
    const result = await fakeTrain(verb, dataset, options, context);
    const line = { step: 3000, loss: 0.5, trainAccuracy: 0.5, testAccuracy: undefined };
    context.onEvent?.({ type: 'log', ...line, holdoutAccuracy: 0.75, model: 3 });
    const model = (
      number: number,
      loss: string,
      reg: number,
      fate: Fate,
      samples: number,
      accuracy?: number,
    ) => ({
      model: number,
      options: { loss, reg },
      fate,
      samples,
      heldOut: accuracy === undefined ? undefined : score(accuracy),
    });
    const sweep = [
      model(1, 'softmax', 100, 'trained', 30, 0.875),
      model(0, 'softmax', 0.1, 'stopped', 20, 0.75),
      model(2, 'ridge', 0.1, 'dropped', 12_345, 0.5),
      model(3, 'ridge', 100, 'diverged', 5),
    ];
    context.onEvent?.({ type: 'sweep', epoch: 1, samples: 30, models: sweep });
    return { ...result, heldOut: score(0.875), bestEpoch: 2, sweep };
  };
  const words = ['ssgd', 'digits', '--sweep', 'reg=0.1,100', 'loss=softmax,ridge'];
  const { stdout, stderr, storage } = await fakeCommand(words, { train });
  await assertGolden('sweep-stdout.txt', stdout);
  assert.match(
    stderr,
    /30 samples, 1 of 4 models training; best loss=softmax reg=100: accuracy 87\.50 % held out/,
  );
  const csv = (await readText(storage, CSV)).split('\n');
  assert.equal(csv[0], 'i,Time,Loss,Train Accuracy,Test Accuracy,Holdout Accuracy,Model');
  assert.match(csv[3]!, /^3000,0\.\d+,0\.5,0\.5,,0\.75,3$/);
  const { stdout: json } = await fakeCommand([...words, '--json', '--quiet'], { train });
  const { holdout, bestEpoch, sweep } = JSON.parse(json);
  assert.deepEqual(holdout, { loss: 0.125, accuracy: 0.875 });
  assert.equal(bestEpoch, 2);
  assert.deepEqual(sweep[2], {
    model: 2,
    options: { loss: 'ridge', reg: 0.1 },
    fate: 'dropped',
    holdout: { loss: 0.5, accuracy: 0.5 },
    samples: 12_345,
  });
  assert.equal(sweep[3].holdout, null);
});

test('--holdout has a column in the CSV log', async () => {
  const { storage } = await fakeCommand(['ssgd', 'digits', '--holdout=0.1']);
  const csv = (await readText(storage, CSV)).split('\n');
  assert.equal(csv[0], 'i,Time,Loss,Train Accuracy,Test Accuracy,Holdout Accuracy');
  assert.match(csv[1]!, /^1000,0\.\d+,1\.25,0\.5,,$/);
});
