import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KERNELS, openToy } from '../../../test/support/matrixFixture.js';
import { halfToNumber, numberToHalf } from '../../arithmetic/dtype.js';
import { Random } from '../../memory/random.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { entriesOf } from '../store/tileEntries.js';
import { importKernel } from './importKernel.js';
import { planImport } from './importTiles.js';
import { iteratedRows, type MatrixSource, npyMatrix, rawMatrix } from './matrixSource.js';

async function put(storage: MemoryStorage, path: string, bytes: Uint8Array): Promise<void> {
  await (await storage.create(path)).write(bytes, 0);
}

async function numbersOf(source: MatrixSource): Promise<number[]> {
  const numbers: number[] = [];
  for await (const piece of source.numbers()) numbers.push(...Array.from(piece));
  return numbers;
}

// numpy.save of numpy.array([[0.5, -2], [3, 65504], [1, 0]], '<f2'), numpy 2.
const NPY = Buffer.from(
  '934e554d5059010076007b276465736372273a20273c6632272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028332c2032292c207d' +
    '20'.repeat(58) +
    '0a003800c00042ff7b003c0000',
  'hex',
);

test('a NumPy file', async () => {
  const storage = new MemoryStorage();
  await put(storage, '/m.npy', NPY);
  const source = await npyMatrix(storage, '/m.npy');
  assert.deepEqual([source.rows, source.columns], [3, 2]);
  assert.deepEqual(await numbersOf(source), [0.5, -2, 3, 65504, 1, 0]);
  const changed = (from: string, to: string) =>
    Buffer.from(NPY.toString('latin1').replace(from, to), 'latin1');
  const cases: [Uint8Array, RegExp][] = [
    [changed('<f2', '<c8'), /numbers of type '<c8'; it must be one of bool, int8 /],
    [changed('False', 'True '), /Fortran order/],
    [changed('(3, 2)', '(3,)  '), /has shape \(3\); a matrix is needed/],
    [changed('(3, 2)', '(4, 2)'), undefined as unknown as RegExp],
    [Buffer.from('PK, certainly not NumPy'), /is not a NumPy file/],
  ];
  for (const [bytes, message] of cases) {
    await put(storage, '/bad.npy', bytes);
    if (message !== undefined)
      await assert.rejects(npyMatrix(storage, '/bad.npy'), { code: 'MLML_BAD_FILE', message });
    else
      await assert.rejects(numbersOf(await npyMatrix(storage, '/bad.npy')), {
        code: 'MLML_BAD_FILE',
        message: /has 140 bytes; 4 x 2 float16 numbers from byte 128 end at byte 144/,
      });
  }
});

test('a raw file, longer than one piece', async () => {
  const storage = new MemoryStorage();
  const numbers = Float64Array.from({ length: 3 * 7000 }, (_, i) => i / 3);
  await put(storage, '/raw', new Uint8Array(numbers.buffer));
  const source = rawMatrix(storage, '/raw', { rows: 3, columns: 7000, dtype: 'float64' });
  assert.deepEqual(await numbersOf(source), [...numbers]);
  await assert.rejects(numbersOf(rawMatrix(storage, '/raw', { rows: 3, columns: 7001, dtype: 'float64' })), {
    code: 'MLML_BAD_FILE',
    message: /has 168000 bytes; 3 x 7001 float64 numbers/,
  });
});

test('entries of float16 are those of the reference, in both directions', () => {
  const buffer = new ArrayBuffer(2 * 65536);
  const halves = new Uint16Array(buffer);
  const entries = entriesOf(buffer, 'float16');
  for (let bits = 0; bits < 65536; bits++) {
    halves[bits] = bits;
    assert.ok(Object.is(entries.get(bits), halfToNumber(bits)), `${bits}`);
  }
  const random = Random.of(4);
  for (let i = 0; i < 50_000; i++) {
    const value = random.normal() * 2 ** (random.below(50) - 30);
    // Halfway cases and their neighbours too.
    const tie = (halfToNumber(i % 0x7c00) + halfToNumber((i % 0x7c00) + 1)) / 2;
    for (const x of [value, Math.fround(value), tie, -tie, Math.fround(tie * (1 + 2 ** -23))]) {
      entries.set(0, x);
      assert.equal(halves[0], numberToHalf(x), `${x}`);
    }
  }
});

test('the plan of an import keeps to its budget, and names the least that works', () => {
  for (const columns of [10, 5000, 60_000]) {
    const size = { rows: columns, columns, symmetric: true, dtype: 'float32' as const };
    for (const budget of [1e6, 1e7, 1e9]) {
      try {
        const { regions, shape } = planImport(size, budget, 2);
        assert.ok(regions.reduce((sum, { bytes }) => sum + bytes, 0) <= budget);
        assert.ok(shape.tileSize >= 16);
      } catch (error) {
        const least = Number(/at least ([0-9.]+) MB/.exec((error as Error).message)![1]) * 1e6;
        assert.ok(least > budget);
        assert.ok(planImport(size, least, 2).shape.tileSize <= 32);
      }
    }
  }
});

test('a kernel worked out elsewhere is stored beside the others, once', async () => {
  const storage = new MemoryStorage();
  const rows = Array.from({ length: 70 }, (_, i) =>
    Array.from({ length: 70 }, (_, j) => Math.exp(-((i - j) ** 2) / 50)),
  );
  const data = { name: 'toy', path: 'data/toy', fingerprint: 'f00d', subset: 70 };
  const store = (m: number[][]) =>
    importKernel(storage, KERNELS, iteratedRows(70, 70, m), { data, scale: 'none', dtype: 'float64' });
  const made = await store(rows);
  assert.match(made.memId, /^toy-precomputed-70-[0-9a-f]{8}$/);
  assert.equal(made.state, 'complete');
  assert.equal((await store(rows)).created, made.created);
  assert.equal((await storage.list(KERNELS)).length, 1);
  const other = await store(rows.map((row) => row.map((x) => x / 2)));
  assert.notEqual(other.memId, made.memId);
  const { matrix, workspace } = await openToy(storage, made);
  await matrix.columns(Uint32Array.of(69, 3), workspace.arena.address('work'), 2);
  const work = workspace.arena.float32('work');
  for (let i = 0; i < 70; i++)
    assert.deepEqual(
      [...work.subarray(2 * i, 2 * i + 2)],
      [69, 3].map((j) => Math.fround(rows[i]![j]!)),
    );
  await matrix.close();
  await assert.rejects(importKernel(storage, KERNELS, iteratedRows(2, 3, []), { data, scale: 'none' }), {
    code: 'MLML_BAD_DATA',
    message: /is 2 x 3; a kernel matrix is square/,
  });
  rows[5]![6] = 2;
  await assert.rejects(store(rows), { code: 'MLML_BAD_DATA', message: /is not symmetric/ });
});
