import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classOf } from '../ssgd/evaluate.js';
import type { LinearModel } from '../ssgd/linearModel.js';
import { FaultyStorage } from '../storage/faultyStorage.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { fileSink } from './byteSink.js';

import { npyHeader } from './npyWriter.js';
import { type PredictionOptions, type ScoreBlock, writePredictions } from './writePredictions.js';

function model(changes: Partial<LinearModel>): LinearModel {
  return {
    task: 'classification',
    loss: 'softmax',
    d: 1,
    k: 3,
    scaling: { name: 'none', multiply: Float64Array.of(1), add: Float64Array.of(0) },
    weights: new Float64Array(3),
    intercept: new Float64Array(3),
    classNames: [],
    fingerprint: '',
    ...changes,
  };
}

/** The scores in blocks of two rows, in one array that is reused. */
async function* blocksOf(rows: readonly (readonly number[])[]): AsyncGenerator<ScoreBlock> {
  const k = rows[0]!.length;
  const scores = new Float64Array(2 * k);
  for (let firstRow = 0; firstRow < rows.length; firstRow += 2) {
    const block = rows.slice(firstRow, firstRow + 2);
    scores.set(block.flat());
    yield { scores, rows: block.length, firstRow };
  }
}

async function written(
  given: LinearModel,
  rows: readonly (readonly number[])[],
  options: PredictionOptions,
): Promise<Uint8Array> {
  const storage = new MemoryStorage();
  await writePredictions(given, rows.length, blocksOf(rows), await fileSink(storage, 'out/p'), options);
  assert.deepEqual(storage.paths(), ['out/p']);
  return storage.bytesOf('out/p');
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const scores = [
  [0.5, 2, -1],
  [3, 3, 1],
  [-2, -3, -1],
];

test('the class is the column with the largest score, the first of equals; with one column, its sign', () => {
  assert.equal(classOf(Float64Array.of(9, 1, 3, 3), 1, 3), 1);
  assert.equal(classOf(Float64Array.of(-1, -3), 0, 2), 0);
  assert.equal(classOf(Float64Array.of(0), 0, 1), 0);
  assert.equal(classOf(Float64Array.of(1e-300), 0, 1), 1);
});

test('CSV of classes, whose names are left out when they are their numbers', async () => {
  const numbered = model({ classNames: ['0', '1', '2'] });
  assert.equal(text(await written(numbered, scores, { format: 'csv' })), 'row,class\n0,1\n1,0\n2,2\n');
  assert.equal(text(await written(model({}), scores, { format: 'csv' })), 'row,class\n0,1\n1,0\n2,2\n');
});

test('CSV of classes with names, quoted when needed', async () => {
  const named = model({ classNames: ['plain', 'a,b', 'say "x"'] });
  assert.equal(
    text(await written(named, scores, { format: 'csv' })),
    'row,class,name\n0,1,"a,b"\n1,0,plain\n2,2,"say ""x"""\n',
  );
});

test('CSV of a regression keeps every digit', async () => {
  const regression = model({ task: 'regression', loss: 'ridge', k: 1 });
  assert.equal(
    text(await written(regression, [[0.1], [-1e-7]], { format: 'csv' })),
    'row,value\n0,0.1\n1,-1e-7\n',
  );
});

test('probabilities: softmax, also of huge scores', async () => {
  const rows = [
    [Math.log(1), Math.log(2), Math.log(1)],
    [1000, 1000, -1000],
  ];
  const lines = text(await written(model({}), rows, { format: 'csv', proba: true })).split('\n');
  assert.equal(lines[0], 'row,class,p0,p1,p2');
  const first = lines[1]!.split(',').slice(2).map(Number);
  for (const [c, p] of [0.25, 0.5, 0.25].entries()) assert.ok(Math.abs(first[c]! - p) < 1e-15);
  assert.equal(lines[2], '1,0,0.5,0.5,0');
});

test('probabilities: logistic with one column and with several', async () => {
  const binary = model({ loss: 'logistic', k: 1 });
  const one = text(await written(binary, [[0], [1000], [-1000]], { format: 'csv', proba: true }));
  assert.equal(one, 'row,class,p0,p1\n0,0,0.5,0.5\n1,1,0,1\n2,0,1,0\n');
  const several = model({ loss: 'logistic' });
  const lines = text(
    await written(
      several,
      [
        [0, 0, -1000],
        [-1000, -1000, -1000],
      ],
      { format: 'csv', proba: true },
    ),
  );
  assert.equal(lines, `row,class,p0,p1,p2\n0,0,0.5,0.5,0\n1,0,${1 / 3},${1 / 3},${1 / 3}\n`);
});

test('probabilities of a model that has none are refused, and no file is left', async () => {
  const storage = new MemoryStorage();
  const sink = await fileSink(storage, 'p');
  await assert.rejects(
    writePredictions(model({ loss: 'hinge' }), 1, blocksOf([[1, 2, 3]]), sink, {
      format: 'csv',
      proba: true,
    }),
    { code: 'MLML_USAGE', message: /--proba: a model of loss hinge/ },
  );
  assert.deepEqual(storage.paths(), []);
});

test('the npy header is that of NumPy, byte for byte', () => {
  const dictionary = "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }";
  const header = npyHeader('<i4', [3]);
  assert.equal(header.length, 128);
  assert.deepEqual([...header.slice(0, 10)], [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  assert.equal(text(header.slice(10)), `${dictionary.padEnd(117)}\n`);
  const matrix = text(npyHeader('<f8', [10_000_000_000, 10]).slice(10));
  assert.ok(matrix.startsWith("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000, 10), }"));
});

test('npy of classes: int32 after the header', async () => {
  const bytes = await written(model({}), scores, { format: 'npy' });
  assert.deepEqual(bytes.slice(0, 128), npyHeader('<i4', [3]));
  assert.deepEqual([...bytes.slice(128)], [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
});

test('npy of values and of probabilities: float64', async () => {
  const regression = model({ task: 'regression', loss: 'ridge', k: 1 });
  const values = await written(regression, [[0.1], [-7]], { format: 'npy' });
  assert.deepEqual(values.slice(0, 128), npyHeader('<f8', [2]));
  assert.deepEqual(new Float64Array(values.slice(128).buffer), Float64Array.of(0.1, -7));
  const binary = model({ loss: 'logistic', k: 1 });
  const table = await written(binary, [[0], [1000]], { format: 'npy', proba: true });
  assert.deepEqual(table.slice(0, 128), npyHeader('<f8', [2, 2]));
  assert.deepEqual(new Float64Array(table.slice(128).buffer), Float64Array.of(0.5, 0.5, 0, 1));
});

test('more rows than fit the buffer arrive whole, in both formats', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => [i % 7 === 0 ? 1 : -1]);
  const binary = model({ loss: 'logistic', k: 1 });
  const classes = new Int32Array((await written(binary, rows, { format: 'npy' })).slice(128).buffer);
  assert.equal(classes.length, rows.length);
  assert.ok(classes.every((value, i) => value === (i % 7 === 0 ? 1 : 0)));
  const lines = text(await written(binary, rows, { format: 'csv' })).split('\n');
  assert.equal(lines.length, rows.length + 2);
  assert.equal(lines.at(-2), '19999,1');
});

test('a failed write or an interruption removes the temporary file and keeps the old one', async () => {
  const memory = new MemoryStorage();
  await writePredictions(model({}), 3, blocksOf(scores), await fileSink(memory, 'p'), { format: 'csv' });
  const before = memory.bytesOf('p');
  const full = new FaultyStorage(memory, ({ kind }) => {
    if (kind === 'write') throw new Error('full');
  });
  await assert.rejects(
    writePredictions(model({}), 3, blocksOf(scores), await fileSink(full, 'p'), { format: 'npy' }),
    /full/,
  );
  const signal = AbortSignal.abort(new Error('stopped'));
  const sink = await fileSink(memory, 'p');
  await assert.rejects(
    writePredictions(model({}), 3, blocksOf(scores), sink, { format: 'csv', signal }),
    /stopped/,
  );
  assert.deepEqual(memory.paths(), ['p']);
  assert.deepEqual(memory.bytesOf('p'), before);
});
