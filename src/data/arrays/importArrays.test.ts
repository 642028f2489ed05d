import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { npyFile, npzFile } from '../../../test/support/arrayFiles.js';
import {
  D,
  type Files,
  imported,
  joined,
  N,
  wanted,
  whole,
  X,
  y,
} from '../../../test/support/arrayImports.js';
import { idxLabels, matlabFile, matlabMatrix } from '../../../test/support/originalFiles.js';
import type { ImportOptions } from '../import/importOptions.js';

test('features and labels of NumPy files: two files, a column, an archive, any way they are stored', async () => {
  const x8 = npyFile('<f8', [N, D], X);
  const labels = npyFile('<i8', [N], y);
  const ways: [Files, string, Partial<ImportOptions>][] = [
    [{ 'X.npy': x8, 'y.npy': labels }, 'X.npy', { labels: '/in/y.npy' }],
    [{ 'X.npy': x8, 'y.npy': npyFile('>i2', [1, N], y) }, 'X.npy', { labels: '/in/y.npy' }],
    [
      { 'X.npy': npyFile('<f8', [N, D], X, { fortranOrder: true }), 'y.npy': npyFile('<f4', [N, 1], y) },
      'X.npy',
      { labels: '/in/y.npy' },
    ],
    [{ 'all.npy': npyFile('>f8', [N, D + 1], joined) }, 'all.npy', {}],
    [{ 'all.npy': npyFile('<f8', [N, D + 1], joined, { version: 2 }) }, 'all.npy', { labelColumn: 3 }],
    [{ 'both.npz': npzFile({ X: x8, y: labels }, {}) }, 'both.npz', {}],
    [
      { 'both.npz': npzFile({ X: x8, y: labels }, { deflated: true, zip64: true, descriptor: true }) },
      'both.npz',
      {},
    ],
    [
      { 'both.npz': npzFile({ a: x8, b: labels }, { deflated: true }) },
      'both.npz',
      { features: 'a', labels: 'b' },
    ],
    [
      {
        'x.npz': npzFile(
          { X: npyFile('<f8', [N, D], X, { fortranOrder: true }), y: labels },
          { deflated: true },
        ),
      },
      'x.npz',
      {},
    ],
    [
      { 'x.npz': npzFile({ X: npyFile('<f8', [N, D], X, { fortranOrder: true }), y: labels }, {}) },
      'x.npz',
      {},
    ],
    [{ 'x.npz': npzFile({ one: npyFile('<f8', [N, D + 1], joined) }, {}) }, 'x.npz', { labelColumn: -1 }],
    [{ 'x.npz': npzFile({ X: x8 }, {}), 'y.npy': labels }, 'x.npz', { labels: '/in/y.npy' }],
  ];
  for (const [files, source, options] of ways) {
    const { train, description } = await imported(files, source, { ...whole, ...options });
    const name = `${source} ${JSON.stringify(options)}`;
    assert.deepEqual(train, wanted, name);
    assert.deepEqual(description.classNames, ['-2', '7'], name);
    assert.deepEqual(description.classCounts, [40, 20], name);
    assert.deepEqual(
      [description.dtype, description.labelDtype, description.d],
      ['float64', 'float64', D],
      name,
    );
    assert.equal(description.source.files.length, Object.keys(files).length, name);
  }
  const first = joined.map((_, i) => (i % 4 === 0 ? joined[i + 3]! : joined[i - 1]!));
  for (const labelColumn of [0, -4]) {
    const { train } = await imported({ 'all.npy': npyFile('<f8', [N, 4], first) }, 'all.npy', {
      ...whole,
      labelColumn,
    });
    assert.deepEqual(train, wanted);
  }
});

test('every number type of NumPy', async () => {
  const small = [0, 1, 1, 0, 1, 0];
  const stored: [string, string][] = [
    ['|b1', 'uint8'],
    ['|u1', 'uint8'],
    ['|i1', 'int8'],
    ['<i2', 'int16'],
    ['>i2', 'int16'],
    ['<u2', 'float32'],
    ['>u2', 'float32'],
    ['<i4', 'float64'],
    ['>u4', 'float64'],
    ['<i8', 'float64'],
    ['>u8', 'float64'],
    ['<f2', 'float16'],
    ['>f2', 'float16'],
    ['<f4', 'float32'],
    ['>f4', 'float32'],
    ['=f8', 'float64'],
  ];
  for (const [descr, dtype] of stored) {
    const { description, train } = await imported({ 'a.npy': npyFile(descr, [3, 2], small) }, 'a.npy', whole);
    assert.equal(description.dtype, dtype, descr);
    assert.deepEqual(
      train,
      [
        [0, 1],
        [1, 0],
        [1, 0],
      ],
      descr,
    );
    const float = await imported({ 'a.npy': npyFile(descr, [3, 2], small) }, 'a.npy', {
      ...whole,
      dtype: 'float32',
    });
    assert.deepEqual(float.train, train, descr);
  }
  const large = npyFile('<i8', [2, 2], [2 ** 60, 0, -(2 ** 53), 1]);
  assert.deepEqual((await imported({ 'a.npy': large }, 'a.npy', whole)).train, [
    [2 ** 60, 0],
    [-(2 ** 53), 1],
  ]);
  const odd = npyFile('<u8', [2, 2], [2n ** 60n + 1n, 0n, 1n, 1n]);
  await assert.rejects(imported({ 'a.npy': odd }, 'a.npy', whole), {
    code: 'MLML_BAD_DATA',
    message: /a.npy: byte 128: this uint64 is beyond 2\^53/,
  });
  await assert.rejects(
    imported({ 'a.npy': npyFile('<f4', [2, 2], [300, 0, 1, 1]) }, 'a.npy', { ...whole, dtype: 'uint8' }),
    {
      code: 'MLML_BAD_DATA',
      message: /a.npy: byte 128, row 0: feature 0 is 300, which does not fit uint8/,
    },
  );
});

test('the rows are divided at random, every class in proportion, by seed', async () => {
  const files = { 'a.npy': npyFile('<f8', [N, 4], joined) };
  const one = await imported(files, 'a.npy', { percentage: 0.7, seed: 5 });
  assert.deepEqual(one.description.classCounts, [28, 14]);
  assert.equal(one.test.length, 18);
  const sorted = (rows: number[][]) => rows.toSorted((a, b) => a[0]! - b[0]!);
  assert.deepEqual(sorted([...one.train, ...one.test]), wanted);
  const again = await imported(files, 'a.npy', { percentage: 0.7, seed: 5 });
  assert.equal(again.description.fingerprint, one.description.fingerprint);
  const other = await imported(files, 'a.npy', { percentage: 0.7, seed: 6 });
  assert.notEqual(other.description.fingerprint, one.description.fingerprint);
  const few = await imported(files, 'a.npy', { percentage: 0.7, seed: 5, n: 10 });
  assert.deepEqual(few.train, one.train.slice(0, 10));
  assert.equal(few.test.length, 18);
});

test('test rows of their own: of the same archive, or another file', async () => {
  const part = (from: number, to: number) => ({
    x: npyFile('<f4', [to - from, D], X.slice(from * D, to * D)),
    y: npyFile('|i1', [to - from], y.slice(from, to)),
  });
  const [a, b] = [part(0, 45), part(45, N)];
  const archive = npzFile({ x_train: a.x, y_train: a.y, x_test: b.x, y_test: b.y }, { deflated: true });
  const inOne = await imported({ 'mine.npz': archive }, 'mine.npz');
  assert.deepEqual([inOne.train, inOne.test], [wanted.slice(0, 45), wanted.slice(45)]);
  assert.equal(inOne.description.name, 'mine');
  const files = { 'X.npy': a.x, 'y.npy': a.y, 'Xt.npy': b.x, 'yt.npy': b.y };
  const inFour = await imported(files, 'X.npy', {
    labels: '/in/y.npy',
    testFile: '/in/Xt.npy',
    testLabels: '/in/yt.npy',
  });
  assert.equal(inFour.description.fingerprint, inOne.description.fingerprint);
  const two = { 'a.npz': npzFile({ X: a.x, y: a.y }, {}), 'b.npz': npzFile({ X: b.x, y: b.y }, {}) };
  const inTwo = await imported(two, 'a.npz', { testFile: '/in/b.npz' });
  assert.equal(inTwo.description.fingerprint, inOne.description.fingerprint);
  await assert.rejects(imported(two, 'a.npz', { testFile: '/in/b.npz', percentage: 0.5 }), {
    code: 'MLML_USAGE',
  });
  // A class that only the test rows have is one.
  const rare = npzFile({ X: b.x, y: npyFile('|i1', [15], y.slice(45).fill(9, 3, 4)) }, {});
  const third = await imported({ ...two, 'b.npz': rare }, 'a.npz', { testFile: '/in/b.npz' });
  assert.deepEqual(
    [third.description.classNames, third.description.classCounts],
    [
      ['-2', '7', '9'],
      [30, 15, 0],
    ],
  );
});

test('what labels are: few whole numbers are classes, anything else is a target, an option decides', async () => {
  const file = (labels: readonly number[]) => ({
    'a.npy': npyFile(
      '<f8',
      [labels.length, 2],
      labels.flatMap((label, i) => [i, label]),
    ),
  });
  const many = Array.from({ length: 42 }, (_, i) => i >> 1);
  const cases: [readonly number[], Partial<ImportOptions>, string, number, RegExp][] = [
    [many.slice(0, 40), {}, 'classification', 20, /taken for classes, being 20 different whole numbers/],
    [many, {}, 'regression', 1, /taken for numbers, having more than 20/],
    [many, { task: 'classification' }, 'classification', 21, /^$/],
    [many.slice(0, 40), { task: 'regression' }, 'regression', 1, /^$/],
    [[0, 1, 0.5, 1], {}, 'regression', 1, /^$/],
    [[0.25, 0.5, 0.25], { task: 'classification' }, 'classification', 2, /^$/],
  ];
  for (const [labels, options, task, k, notice] of cases) {
    const given = { ...whole, labelColumn: 1, ...options };
    const { description, notices, train } = await imported(file(labels), 'a.npy', given);
    assert.deepEqual([description.task, description.k], [task, k]);
    assert.match(notices.join('\n'), notice);
    const expected =
      task === 'regression' ? labels : labels.map((label) => description.classNames.indexOf(String(label)));
    assert.deepEqual(
      train.map((row) => row[1]),
      expected,
    );
  }
  await assert.rejects(imported(file([3, 3, 3]), 'a.npy'), {
    code: 'MLML_BAD_DATA',
    message: /a.npy, column 1: the label is 3 in every row/,
  });
});

test('the last column is taken for the labels with a notice, where none is named', async () => {
  const { notices } = await imported(
    { 'a.npy': npyFile('<f8', [2, 3], [1, 2, 0.5, 3, 4, 0.7]) },
    'a.npy',
    whole,
  );
  assert.deepEqual(notices, [
    'the labels are /in/a.npy, column 2, the last; --labels=<file> or --label-column=<number> says otherwise',
  ]);
});

test('NaN and infinities: refused with their place, read as 0, or left out', async () => {
  const values = [1, 0, Number.NaN, 1, 3, 0, Infinity, 1, 5, 0, 6, 1];
  const file = { 'a.npy': npyFile('<f4', [6, 2], values) };
  await assert.rejects(imported(file, 'a.npy', whole), {
    code: 'MLML_BAD_DATA',
    message: /a.npy: byte 136, row 1: feature 0: NaN is not a finite number; --on-nan=zero/,
  });
  const zero = await imported(file, 'a.npy', { ...whole, onNan: 'zero' });
  assert.deepEqual(
    zero.train.map((row) => row[0]),
    [1, 0, 3, 0, 5, 6],
  );
  assert.match(zero.warnings.join(), /2 values in 2 rows read as 0/);
  const skip = await imported(file, 'a.npy', { ...whole, onNan: 'skip' });
  assert.deepEqual(
    skip.train.map((row) => row[0]),
    [1, 3, 5, 6],
  );
  const unlabelled = { 'a.npy': npyFile('<f4', [6, 2], values.with(5, Number.NaN)) };
  for (const onNan of ['error', 'zero'] as const) {
    const first = { 'a.npy': npyFile('<f4', [3, 2], [1, 0, 2, Number.NaN, 3, 1]) };
    await assert.rejects(imported(first, 'a.npy', { ...whole, onNan }), {
      code: 'MLML_BAD_DATA',
      message: /byte 140, row 1: the label NaN is not a finite number; --on-nan=skip leaves such rows out/,
    });
  }
  assert.equal((await imported(unlabelled, 'a.npy', { ...whole, onNan: 'skip' })).train.length, 3);
});

test('idx files of any shape and type, gzip or not', async () => {
  const idx = (type: number, shape: number[], bytes: Uint8Array) => {
    const header = new Uint8Array(4 + 4 * shape.length);
    header.set([0, 0, type, shape.length]);
    for (const [i, size] of shape.entries()) new DataView(header.buffer).setUint32(4 + 4 * i, size);
    return new Uint8Array(Buffer.concat([header, bytes]));
  };
  const images = idx(
    8,
    [4, 2, 3],
    Uint8Array.from({ length: 24 }, (_, i) => i),
  );
  const labels = idxLabels([3, 5, 5, 3]);
  const expected = Array.from({ length: 4 }, (_, i) => [
    ...Array.from({ length: 6 }, (_, j) => 6 * i + j),
    i === 1 || i === 2 ? 1 : 0,
  ]);
  for (const zipped of [false, true]) {
    const end = zipped ? '.gz' : '';
    const bytes = (plain: Uint8Array) => (zipped ? new Uint8Array(gzipSync(plain)) : plain);
    const files = { [`i-idx3-ubyte${end}`]: bytes(images), [`l-idx1-ubyte${end}`]: bytes(labels) };
    const { train, description } = await imported(files, `i-idx3-ubyte${end}`, {
      ...whole,
      labels: `/in/l-idx1-ubyte${end}`,
    });
    assert.deepEqual(train, expected);
    assert.deepEqual(description.image, { height: 2, width: 3, channels: 1 });
  }
  const floats = new Uint8Array(Buffer.from(Float32Array.of(0.5, 1, -2, 0).buffer).swap32());
  const { train } = await imported({ 'a.idx': idx(13, [2, 2], floats) }, 'a.idx', whole);
  assert.deepEqual(train, [
    [0.5, 1],
    [-2, 0],
  ]);
});

test('MATLAB files: any names, any class, compressed or not', async () => {
  const column = Array.from({ length: N * D }, (_, i) => X[(i % N) * D + Math.floor(i / N)]!);
  for (const compressed of [false, true]) {
    const elements = [
      matlabMatrix('Feats', N, D, column),
      matlabMatrix('other', 1, 1, [3]),
      matlabMatrix('L', N, 1, y),
    ];
    const file = { 'a.mat': matlabFile(elements, compressed) };
    const { train, description } = await imported(file, 'a.mat', {
      ...whole,
      features: 'Feats',
      labels: 'L',
    });
    assert.deepEqual(train, wanted);
    assert.equal(description.dtype, 'float64');
    await assert.rejects(imported(file, 'a.mat', { features: 'feats', labels: 'L' }), {
      code: 'MLML_USAGE',
      message: /--features=feats: .*a.mat has no such array; did you mean Feats\?/,
    });
    await assert.rejects(imported(file, 'a.mat'), {
      code: 'MLML_USAGE',
      message: /it holds Feats, other, L$/,
    });
  }
  const usual = matlabFile([matlabMatrix('X', N, D, column), matlabMatrix('y', 1, N, y)], true);
  assert.deepEqual((await imported({ 'a.mat': usual }, 'a.mat', whole)).train, wanted);
});
