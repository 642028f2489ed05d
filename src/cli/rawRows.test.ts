import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCommand } from '../../test/support/fakeCommand.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { replaceFile } from '../storage/textFile.js';

async function withFile(bytes: number): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  await replaceFile(storage, 'rows', new Uint8Array(bytes));
  return storage;
}

test('raw row files, all given', async () => {
  const words = 'ssgd --train=a --n=10 --d=2 --test=b --nt=3 --k=3 --dtype=float32'.split(' ');
  const { raw, opened } = await fakeCommand(words);
  assert.deepEqual(raw, [
    { train: 'a', n: 10, d: 2, test: 'b', nt: 3, dtype: 'float32', task: 'classification', k: 3 },
  ]);
  assert.deepEqual(opened, []);
});

test('without --dtype the size of the file tells it', async () => {
  for (const [bytes, dtype] of [
    [30, 'uint8'],
    [120, 'float32'],
    [240, 'float64'],
  ] as const) {
    const { raw } = await fakeCommand(['ssgd', '--train=rows', '--n=10', '--d=2'], {
      storage: await withFile(bytes),
    });
    assert.equal(raw[0]!.dtype, dtype);
  }
});

/** Options, and what the labels then are. */
const tasks: readonly (readonly [string, 'classification' | 'regression', number])[] = [
  ['', 'classification', 10],
  ['--k=3', 'classification', 3],
  ['--one-hot', 'classification', 10],
  ['--one-hot=true --k=3', 'classification', 3],
  ['--k=1', 'regression', 1],
  ['--one-hot=false', 'regression', 1],
  ['--one-hot false --k=10', 'regression', 1],
  ['--k=1 --loss=huber', 'regression', 1],
  ['--k=1 --loss=logistic', 'classification', 2],
  ['--no-one-hot --loss=hinge', 'classification', 2],
];

for (const [options, task, k] of tasks) {
  test(`labels of raw rows with '${options}': ${task}, k = ${k}`, async () => {
    const words = ['ssgd', '--train=a', '--n=10', '--d=2', '--dtype=uint8'];
    const { raw } = await fakeCommand([...words, ...options.split(' ').filter((word) => word !== '')]);
    assert.deepEqual({ task: raw[0]!.task, k: raw[0]!.k }, { task, k });
  });
}

const bad: readonly (readonly [string, string, string])[] = [
  [
    'ssgd',
    'MLML_USAGE',
    'ssgd needs data: a file with --label=<column>, mnist, spam, cifar-10, digits, a data set folder, or --train=<path> with --n and --d',
  ],
  ['ssgd a b', 'MLML_USAGE', 'b: ssgd takes one data set; see mlml ssgd --help'],
  ['ssgd a --train=rows --n=10 --d=2', 'MLML_USAGE', 'a: give a data set or --train, not both'],
  ['ssgd --test=rows', 'MLML_USAGE', '--test=rows: ssgd needs --train=<path> with it'],
  ['ssgd --train=rows --d=2', 'MLML_USAGE', '--train=rows: raw rows need --n, the number of rows'],
  [
    'ssgd --train=rows --n=10',
    'MLML_USAGE',
    '--train=rows: raw rows need --d, the number of features in a row',
  ],
  [
    'ssgd --train=rows --n=10 --d=2 --test=rows',
    'MLML_USAGE',
    '--test=rows: needs --nt, the number of its rows',
  ],
  [
    'ssgd --train=rows --n=10 --d=2 --nt=5',
    'MLML_USAGE',
    '--nt=5: needs --test=<path>, the file with those rows',
  ],
  [
    'ssgd --train=rows --n=10 --d=2 --one-hot --k=1',
    'MLML_USAGE',
    '--one-hot: needs the number of classes; --k is 1, give at least 2',
  ],
  ['ssgd --train=gone --n=10 --d=2', 'MLML_NOT_FOUND', 'gone: no such file'],
  [
    'ssgd --train=rows --n=11 --d=2',
    'MLML_USAGE',
    'rows: 30 bytes are not 11 rows of 2 features and a label of any number type; check --n and --d and give --dtype',
  ],
  [
    'ssgd --train=rows --n=5 --d=2',
    'MLML_USAGE',
    'rows: its rows may be int16 or float16; check --n and --d and give --dtype',
  ],
];

for (const [line, code, message] of bad) {
  test(`mlml ${line} is refused`, async () => {
    const storage = await withFile(30);
    await assert.rejects(fakeCommand(line.split(' '), { storage }), { code, message });
    assert.deepEqual(storage.paths(), ['rows']);
  });
}
