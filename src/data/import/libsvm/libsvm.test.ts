import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { put } from '../../../../test/support/originalFiles.js';
import { plainLibsvm, randomText, storedSparse } from '../../../../test/support/sparseRows.js';
import { MlmlError } from '../../../errors.js';
import { Random } from '../../../memory/random.js';
import { MemoryStorage } from '../../../storage/memoryStorage.js';
import { openDataset } from '../../dataset.js';
import { verifyDataset } from '../../verify.js';
import { importDataset } from '../importDataset.js';
import type { ImportOptions } from '../importOptions.js';
import { LibsvmReader, longestLine, looksLikeLibsvm } from './libsvmReader.js';

const encode = (text: string) => new TextEncoder().encode(text);

async function* pieces(text: string, length: number) {
  const bytes = encode(text);
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function read(text: string, length = 1 << 16) {
  const reader = new LibsvmReader(pieces(text, length), 'file', longestLine(1e6));
  const rows = [];
  do {
    while (reader.next()) {
      const { label, nonzeros, indices, values } = reader;
      const pairs = Array.from({ length: nonzeros }, (_, i) => [indices[i]!, values[i]!]);
      rows.push({ label, pairs });
    }
  } while (await reader.more());
  return rows;
}

async function importText(text: string | Uint8Array, options: Partial<ImportOptions> = {}, name = 'data') {
  const storage = new MemoryStorage();
  await put(storage, `/${name}`, typeof text === 'string' ? encode(text) : text);
  const before = storage.paths();
  try {
    const description = await importDataset(storage, `/${name}`, { out: '/out', percentage: 1, ...options });
    await verifyDataset(storage, '/out');
    return { storage, description };
  } catch (error) {
    assert.deepEqual(storage.paths(), before, 'a failed import left files behind');
    throw error;
  }
}

const spaces = fc.constantFrom(' ', '  ', '\t');
const numbers = fc.oneof(
  fc.integer({ min: -999, max: 999 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e20, max: 1e20 }).map(String),
  fc.constantFrom('+1', '.5', '3.', '1e-7', '1E5', '0', '-0', '0.1234567890123456789', '123456789012345678'),
);
const row = fc
  .tuple(
    numbers,
    fc.uniqueArray(fc.nat(300), { maxLength: 12 }),
    fc.array(numbers, { minLength: 12, maxLength: 12 }),
    spaces,
    fc.constantFrom('', ' ', ' # a 1:2', '\r'),
  )
  .map(([label, indices, values, space, end]) => {
    const pairs = indices.sort((a, b) => a - b).map((index, i) => `${index}:${values[i]}`);
    return [label, ...pairs].join(space) + end;
  });
const lines = fc.array(
  fc.oneof({ weight: 8, arbitrary: row }, fc.constantFrom('', '# only', '  ', 'qid:1')),
  {
    maxLength: 8,
  },
);

describe('LIBSVM text', () => {
  test('is read as by splitting strings, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 40 }), fc.boolean(), async (given, length, ends) => {
        const text = given.join('\n') + (ends ? '\n' : '');
        const wanted = plainLibsvm(text);
        if (wanted === undefined) await assert.rejects(read(text, length), { code: 'MLML_BAD_DATA' });
        else assert.deepEqual(await read(text, length), wanted);
      }),
      { numRuns: 300 },
    );
  });

  test('has as many digits as doubles', async () => {
    const words = ['0.1', '123456789.123456', '0.000001234567', '1e22', '4.9e-324', '0.30000000000000004'];
    const rows = await read(words.map((word) => `1 1:${word}`).join('\n'));
    assert.deepEqual(
      rows.map(({ pairs }) => pairs[0]![1]),
      words.map(Number),
    );
  });

  const faults: readonly (readonly [string, RegExp])[] = [
    ['1 1:1\n1 3:1 2:1\n', /file: line 2: index 2 follows index 3/],
    ['1 1:1\n\n# no row\n1 3:1 3:1\n', /line 4: index 3 appears twice/],
    ['1 1:1\n1 x:1\n', /line 2: 'x:1' is not <index>:<value>/],
    ['1 1:1 2\n', /line 1: '2' is not/],
    ['1 1:1 2: 3:1\n', /line 1: the value of index 2 is '', not a number/],
    ['1 1:1e\n', /line 1: the value of index 1 is '1e', not a number/],
    ['1 1:1x2\n', /'1x2', not a number/],
    ['1 1:nan\n', /'nan', not a finite number/],
    ['1 1:1e999\n', /'1e999', not a finite number/],
    ['yes 1:1\n', /the label is 'yes', not a number/],
    ['1,2 1:1\n', /'1,2': a row has one label/],
    ['1 4294967297:1\n', /index 4294967297 is too large/],
    ['1 -1:1\n', /'-1:1' is not/],
    ['1 99999999999999999999:1\n', /is not <index>:<value>/],
  ];
  for (const [text, message] of faults) {
    test(`refuses ${JSON.stringify(text)}`, async () => {
      await assert.rejects(
        read(text),
        (error) =>
          error instanceof MlmlError && error.code === 'MLML_BAD_DATA' && message.test(error.message),
      );
    });
  }

  test('is told from other files by how it begins', () => {
    for (const text of ['1 1:2 3:4\n', '# c\n-1 qid:3 1:0.5\n', '+1 3:1 11:1', '2\n1 1:1\n'])
      assert.ok(looksLikeLibsvm(encode(text)), text);
    for (const text of ['a,b\n1,2\n', '', '1 2 3\n', '{"a":1}\n', '1\n2\n', '12:30 1:2\n', 'GET / 1:2\n'])
      assert.ok(!looksLikeLibsvm(encode(text)), text);
  });
});

describe('import of LIBSVM text', () => {
  test('a line is at most a sixteenth of the budget, wherever it is cut, and other lines count for nothing', async () => {
    const pairs = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}:0.5`).join(' ');
    const [short, long] = [`1 ${pairs(60_000)}`, `0 ${pairs(70_000)}`];
    const text = `0 1:1\n${short}\n`.repeat(3);
    const options = { bufferBytes: 16 * 600_000 };
    const { description } = await importText(text, options);
    assert.equal(description.parts.train.n, 6);
    assert.ok(short.length < 600_000 && long.length > 600_000);
    await assert.rejects(importText(`${text}# none\n${long}\n`, options), {
      code: 'MLML_BAD_DATA',
      message: /data: line 8: is longer than 600 kB; if it is a row, give a larger --buffer/,
    });
    await importText(`${text}${long}`, { bufferBytes: 16 * 800_000 });
  });

  test('classes are numbered in the order of their labels, indices from 0', async () => {
    const { storage, description } = await importText('+1 1:1 3:2\n-1 2:5\n-1\n+1 3:255 # end\n');
    const { d, k, dtype, classNames, classCounts, sparse, version, labelDtype } = description;
    assert.deepEqual(
      { d, k, dtype, classNames, classCounts, version, labelDtype },
      {
        d: 3,
        k: 2,
        dtype: 'uint8',
        classNames: ['-1', '1'],
        classCounts: [2, 2],
        version: 2,
        labelDtype: 'float64',
      },
    );
    assert.deepEqual(sparse!.train, {
      bytes: 4 * (3 + 2 + 1 + 3 + 1 + 1 + 3 + 3 + 1 + 1),
      nonzeros: 4,
      longestRow: 2,
    });
    assert.deepEqual(storedSparse(storage, '/out', 'train'), [
      {
        label: 1,
        pairs: [
          [0, 1],
          [2, 2],
        ],
      },
      { label: 0, pairs: [[1, 5]] },
      { label: 0, pairs: [] },
      { label: 1, pairs: [[2, 255]] },
    ]);
  });

  test('what the first rows do not show is found out in a second pass', async () => {
    const many = (line: string) => `${line}\n`.repeat(5000);
    const late = await importText(`${many('1 1:1')}2 0:0.5 1:7\n`);
    assert.equal(late.description.dtype, 'float32');
    assert.equal(late.description.d, 2);
    assert.deepEqual(late.description.classCounts, [5000, 1]);
    assert.deepEqual(storedSparse(late.storage, '/out', 'train').at(-1)!.pairs, [
      [0, 0.5],
      [1, 7],
    ]);
    assert.deepEqual(storedSparse(late.storage, '/out', 'train')[0]!.pairs, [[1, 1]]);
    const targets = await importText(`${many('1 1:1')}${many('2 1:1')}2.5 1:1\n`);
    assert.equal(targets.description.task, 'regression');
    assert.equal(storedSparse(targets.storage, '/out', 'train').at(-1)!.label, 2.5);
  });

  test('statistics are those of the same rows stored dense', async () => {
    const random = Random.of(3);
    const text = randomText(500, 40, 6, () => random.uniform());
    const { storage, description } = await importText(text);
    const dense = await importText(text, { dense: true });
    const { statistics } = dense.description;
    const features = new Float64Array(new Uint8Array(storage.bytesOf('/out/features.bin')).buffer);
    const rows = storedSparse(storage, '/out', 'train');
    for (const [i, figure] of (['mean', 'variance', 'min', 'max'] as const).entries()) {
      for (let j = 0; j < 40; j++) {
        const [found, wanted] = [features[40 * i + j]!, statistics[figure][j]!];
        assert.ok(
          Math.abs(found - wanted) <= 1e-7 * Math.max(1, Math.abs(wanted)),
          `${figure} ${j}: ${found} ${wanted}`,
        );
      }
    }
    for (let j = 0; j < 40; j++) {
      const count = rows.filter(({ pairs }) => pairs.some(([index]) => index === j)).length;
      assert.equal(features[160 + j], count);
    }
    assert.ok(Math.abs(description.statistics.maxRowNorm - statistics.maxRowNorm) < 1e-6);
    assert.deepEqual(description.classCounts, dense.description.classCounts);
  });

  test('dense rows hold the same numbers', async () => {
    const { storage, description } = await importText('1 1:1.5 3:2\n-1 2:5\n', { dense: true, d: 4 });
    assert.deepEqual([description.d, description.dtype, description.version], [4, 'float32', 1]);
    const floats = new Float32Array(new Uint8Array(storage.bytesOf('/out/train.rows')).buffer);
    assert.deepEqual([...floats], [1.5, 0, 2, 0, 1, 0, 5, 0, 0, 0]);
    await (await openDataset(storage, '/out')).close();
  });

  test('parts: by a file, by a share, cut by n', async () => {
    const storage = new MemoryStorage();
    await put(storage, '/a', encode('1 1:1\n2 2:1\n1 1:3\n'));
    await put(storage, '/b', gzipSync(encode('2 5:1\n')));
    await put(storage, '/b.gz', gzipSync(encode('2 5:1\n')));
    const both = await importDataset(storage, '/a', { out: '/both', testFile: '/b.gz', n: 2 });
    assert.deepEqual([both.parts.train.n, both.parts.test.n, both.d], [2, 1, 5]);
    await assert.rejects(importDataset(storage, '/a', { out: '/bad', testFile: '/b' }), {
      code: 'MLML_BAD_DATA',
    });
    await put(storage, '/many', encode('1 1:1\n2 2:1\n'.repeat(1000)));
    const shared = await importDataset(storage, '/many', { out: '/share', percentage: 0.7, seed: 5 });
    assert.ok(Math.abs(shared.parts.train.n - 1400) < 100, String(shared.parts.train.n));
    assert.equal(shared.parts.train.n + shared.parts.test.n, 2000);
    const again = await importDataset(storage, '/many', { out: '/again', percentage: 0.7, seed: 5 });
    assert.equal(again.fingerprint, shared.fingerprint);
  });

  test('gzip', async () => {
    const { storage } = await importText(gzipSync(encode('1 1:1\n2 2:1\n')), {}, 'data.gz');
    assert.equal(storedSparse(storage, '/out', 'train').length, 2);
  });

  test('the largest number of single precision, in the digits it is mostly written with', async () => {
    const { storage } = await importText('1 1:3.4028235e38\n2 2:0.5\n');
    assert.deepEqual(storedSparse(storage, '/out', 'train')[0]!.pairs, [[0, 2 ** 128 - 2 ** 104]]);
  });

  test('regression is asked for with k = 1', async () => {
    const { description, storage } = await importText('1 1:1\n2 2:1\n', { k: 1 });
    assert.equal(description.task, 'regression');
    assert.deepEqual(
      storedSparse(storage, '/out', 'train').map(({ label }) => label),
      [1, 2],
    );
  });

  test('NaN: refused, taken as 0, or its row left out', async () => {
    const text = '1 1:nan 2:1\n2 1:1\n';
    await assert.rejects(importText(text), { code: 'MLML_BAD_DATA' });
    const warnings: string[] = [];
    const options = { onWarning: (message: string) => warnings.push(message) };
    const zero = await importText(text, { onNan: 'zero', ...options });
    assert.deepEqual(storedSparse(zero.storage, '/out', 'train')[0]!.pairs, [[1, 1]]);
    await assert.rejects(importText(text, { onNan: 'skip', ...options }), /all labels are 2/);
    const skip = await importText(`${text}1 1:1\n`, { onNan: 'skip', ...options });
    assert.equal(skip.description.parts.train.n, 2);
    assert.ok(
      warnings.some((message) => /1 rows with NaN .* line 1, index 1/.test(message)),
      warnings.join(),
    );
  });

  const refused: readonly (readonly [string, Partial<ImportOptions>, RegExp])[] = [
    ['1 1:1\n2 9:1\n', { d: 5 }, /line 2: index 9 is beyond the 5 features/],
    ['1 1:1\n1 2:1\n', {}, /all labels are 1/],
    ['1 1:1\n2 1:1\n3 1:1\n', { k: 2 }, /--k=2: .* has 3 different labels/],
    ['1 1:1\n1.5 1:1\n', { k: 2 }, /not whole numbers/],
    ['1 1:300\n2 1:1\n', { dtype: 'uint8' }, /line 1: the value 300 does not fit uint8/],
    ['1 1:1\n2 1:1\n', { dtype: 'int16' }, /sparse rows hold values of uint8/],
    ['1 1:1e39\n2 1:1\n', {}, /does not fit float32/],
    ['1 1:1\n2 1:1\n', { d: 0 }, /--d=0/],
  ];
  for (const [text, options, message] of refused) {
    test(`refuses ${JSON.stringify(text)} with ${JSON.stringify(options)}`, async () => {
      await assert.rejects(importText(text, options), message);
    });
  }

  const folder = process.env['MLML_DATA'];
  test('a9a', { skip: folder === undefined ? 'MLML_DATA is not set' : false }, async () => {
    const text = readFileSync(`${folder}/libsvm/a9a`);
    const storage = new MemoryStorage();
    await put(storage, '/a9a', text);
    const description = await importDataset(storage, '/a9a', { out: '/out', percentage: 1 });
    // As scikit-learn's load_svmlight_file tells.
    assert.deepEqual(
      [description.parts.train.n, description.d, description.sparse!.train.nonzeros, description.classCounts],
      [32561, 123, 451592, [24720, 7841]],
    );
    const wanted = plainLibsvm(text.toString())!.map(({ label, pairs }) => ({
      label: label > 0 ? 1 : 0,
      pairs: pairs.map(([index, value]) => [index - 1, value]),
    }));
    assert.deepEqual(storedSparse(storage, '/out', 'train'), wanted);
  });
});
