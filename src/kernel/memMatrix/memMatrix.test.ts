import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporaryFolder.js';
import { MlmlError } from '../../errors.js';
import { FaultyStorage } from '../../storage/faultyStorage.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { nodeStorage } from '../../storage/nodeStorage.js';
import type { Storage } from '../../storage/storage.js';
import { type TileDtype, tileDtypes } from '../functions/kernelFunction.js';
import { planMatrixProduct } from './matrixProduct.js';
import { iteratedRows } from './matrixSource.js';
import { MemMatrix, type NewMatrix } from './memMatrix.js';
import { planVectorProduct } from './vectorProduct.js';

type Dense = readonly (readonly number[])[];

/** Entries exact in float16, none the same in two neighbouring places. */
function dense(rows: number, columns: number, symmetric = false): Dense {
  const entry = (i: number, j: number) => ((i * 13 + j * 29 + ((i * j) % 7)) % 101) / 32 - 1.5;
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => (symmetric && j > i ? entry(j, i) : entry(i, j))),
  );
}

const transposed = (m: Dense): Dense => m[0]!.map((_, j) => m.map((row) => row[j]!));
const shifted = (m: Dense, lambda: number): Dense =>
  m.map((row, i) => row.map((x, j) => (i === j ? x + lambda : x)));
const product = (a: Dense, b: Dense): Dense => {
  const columns = transposed(b);
  return a.map((row) => columns.map((column) => row.reduce((sum, x, k) => sum + x * column[k]!, 0)));
};

/** The fixed part of the arena takes 280 kB: products then go in several passes and blocks. */
const SMALL = 315_000;

async function store(
  storage: Storage,
  folder: string,
  m: Dense,
  given: NewMatrix = {},
  bufferBytes = 2e6,
): Promise<MemMatrix> {
  return await MemMatrix.fromRows(storage, folder, iteratedRows(m.length, m[0]!.length, m), given, {
    bufferBytes,
  });
}

async function contentOf(matrix: MemMatrix): Promise<number[][]> {
  const rows: number[][] = [];
  for await (const row of matrix.rows()) rows.push([...row]);
  return rows;
}

function assertClose(found: Dense, expected: Dense, tolerance: number): void {
  assert.equal(found.length, expected.length);
  for (const [i, row] of expected.entries()) {
    assert.equal(found[i]!.length, row.length);
    for (const [j, x] of row.entries())
      assert.ok(Math.abs(found[i]![j]! - x) <= tolerance, `(${i}, ${j}): ${found[i]![j]} is not ${x}`);
  }
}

describe('round trips', () => {
  for (const dtype of tileDtypes) {
    for (const [rows, columns, symmetric] of [
      [70, 45, false],
      [45, 70, false],
      [1, 1, false],
      [70, 70, true],
    ] as const) {
      test(`${rows} x ${columns}, ${symmetric ? 'symmetric' : 'full'}, ${dtype}`, async () => {
        const m = dense(rows, columns, symmetric);
        const matrix = await store(new MemoryStorage(), '/m', m, { dtype, symmetric, tileSize: 32 });
        const views: [MemMatrix, Dense][] = [
          [matrix, m],
          [matrix.transpose(), transposed(m)],
          [matrix.transpose().transpose(), m],
        ];
        if (rows === columns)
          views.push([matrix.plusIdentity(0.5).transpose().plusIdentity(2), shifted(transposed(m), 2.5)]);
        for (const [view, expected] of views) {
          assert.deepEqual([view.rowCount, view.columnCount], [expected.length, expected[0]!.length]);
          assert.deepEqual(await contentOf(view), expected);
          for (const size of [1, 7, 32, 1000]) {
            const found: number[][] = [];
            for await (const { firstRow, rows: count, values } of view.rowBlocks(size)) {
              assert.equal(firstRow, found.length);
              for (let r = 0; r < count; r++)
                found.push([...values.subarray(r * view.columnCount, (r + 1) * view.columnCount)]);
            }
            assert.deepEqual(found, expected);
          }
          const found = expected.map((row) => row.map(() => Number.NaN));
          for await (const block of view.blocks())
            for (let r = 0; r < block.rows; r++)
              for (let c = 0; c < block.columns; c++)
                found[block.firstRow + r]![block.firstColumn + c] = block.values[r * block.columns + c]!;
          assert.deepEqual(found, expected);
          if (rows === columns)
            assert.deepEqual(
              [...(await view.diagonal())],
              expected.map((row, i) => row[i]!),
            );
        }
        await matrix.close();
      });
    }
  }

  test('on the real file system, opened again, within the least budget and chosen tiles', async (context) => {
    const folder = `${temporaryFolder(context)}/m`;
    const m = dense(200, 100);
    const made = await store(nodeStorage, folder, m, { dtype: 'float64' }, 400_000);
    await made.close();
    const again = await MemMatrix.open(nodeStorage, folder, { bufferBytes: 400_000 });
    assert.deepEqual(await contentOf(again), m);
    await again.close();
    assert.deepEqual(await nodeStorage.list(folder), ['matrix.json', 'tiles.bin', 'tiles.log']);
  });
});

test('the bytes are those of the worked example of docs/format.md', async () => {
  const storage = new MemoryStorage();
  const m = [
    [1, 0.5, 0.25],
    [0.5, 1, 0.5],
    [0.25, 0.5, 1],
  ];
  await (await store(storage, '/m', m, { symmetric: true, tileSize: 2 })).close();
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const tiles = storage.bytesOf('/m/tiles.bin');
  assert.equal(tiles.length, 3 * 4096);
  const starts = ['0000803f0000003f0000003f0000803f', '0000803e0000003f', '0000803f'];
  for (const [t, start] of starts.entries())
    assert.equal(hex(tiles.subarray(t * 4096, (t + 1) * 4096)), start.padEnd(2 * 4096, '0'));
  // Worked out bit by bit, by another program.
  const records = [
    '000000007bf9d4660100000022cfb028',
    '01000000b58986ce0100000050e4c0b8',
    '02000000d2e5cfc501000000621c4ca6',
  ];
  assert.equal(hex(storage.bytesOf('/m/tiles.log')), records.join(''));
});

test('two threads: the same bits as one', async (context) => {
  const folder = temporaryFolder(context);
  const m = dense(150, 150);
  await (await store(nodeStorage, `${folder}/m`, m, { tileSize: 64 })).close();
  const vectors = Float64Array.from({ length: 450 }, (_, i) => Math.sin(i));
  const results: unknown[] = [];
  for (const nthreads of [1, 2]) {
    const matrix = await MemMatrix.open(nodeStorage, `${folder}/m`, { nthreads });
    const squared = await matrix.dot(matrix.transpose(), `${folder}/squared-${nthreads}`);
    results.push([await matrix.dot(vectors, 3), await contentOf(squared)]);
    await squared.close();
    await matrix.close();
  }
  assert.deepEqual(results[1], results[0]);
});

describe('times vectors', () => {
  for (const dtype of tileDtypes) {
    for (const symmetric of [false, true]) {
      test(`${symmetric ? 'symmetric' : 'full'}, ${dtype}: as the plain sum, whole or in many passes`, async () => {
        const storage = new MemoryStorage();
        const columns = symmetric ? 70 : 45;
        const m = dense(70, columns, symmetric);
        await (await store(storage, '/m', m, { dtype, symmetric, tileSize: 32 })).close();
        for (const bufferBytes of [SMALL, 1e6]) {
          const matrix = await MemMatrix.open(storage, '/m', { bufferBytes });
          const views: [MemMatrix, Dense][] = [
            [matrix, m],
            [matrix.transpose(), transposed(m)],
          ];
          if (symmetric) views.push([matrix.plusIdentity(0.75), shifted(m, 0.75)]);
          for (const [view, expected] of views) {
            for (const width of [1, 2, 5, 20]) {
              const vectors = dense(view.columnCount, width);
              const found = await view.dot(Float64Array.from(vectors.flat()), width);
              const rows = Array.from({ length: view.rowCount }, (_, i) => [
                ...found.subarray(i * width, (i + 1) * width),
              ]);
              assertClose(rows, product(expected, vectors), 1e-11);
            }
          }
          await matrix.close();
        }
      });
    }
  }

  test('the plan takes as many vectors a pass as fit', () => {
    const shape = {
      rows: 1000,
      columns: 500,
      symmetric: false,
      tileSize: 128,
      dtype: 'float32' as TileDtype,
    };
    const slot = 128 * 128 * 4;
    assert.deepEqual(planVectorProduct(shape, 9, slot + 6 * 12_000), {
      width: 6,
      passes: 2,
      slotBytes: slot,
      bytes: slot + 6 * 12_000,
    });
    assert.deepEqual(planVectorProduct(shape, 9, 1e9), {
      width: 10,
      passes: 1,
      slotBytes: 32 * slot,
      bytes: 32 * slot + 10 * 12_000,
    });
    assert.equal(planVectorProduct(shape, 9, 0).width, 2);
  });
});

describe('times a matrix', () => {
  const symmetric = dense(50, 50, true);
  const wide = dense(50, 71);
  const cases: Record<string, [(s: MemMatrix, w: MemMatrix) => [MemMatrix, MemMatrix], Dense]> = {
    'full · fullᵀ': [(_, w) => [w, w.transpose()], product(wide, transposed(wide))],
    'fullᵀ · full': [(_, w) => [w.transpose(), w], product(transposed(wide), wide)],
    'symmetric · full': [(s, w) => [s, w], product(symmetric, wide)],
    'fullᵀ · symmetric': [(s, w) => [w.transpose(), s], product(transposed(wide), symmetric)],
    '(symmetric + λI) · symmetric': [
      (s) => [s.plusIdentity(1.25), s],
      product(shifted(symmetric, 1.25), symmetric),
    ],
    'symmetric · (symmetric + λI)': [
      (s) => [s, s.plusIdentity(-2)],
      product(symmetric, shifted(symmetric, -2)),
    ],
  };
  for (const [name, [factors, expected]] of Object.entries(cases)) {
    test(`${name}, tiles of two sizes, whole or in many blocks`, async () => {
      const bytesRead: number[] = [];
      for (const bufferBytes of [SMALL, 2e6]) {
        const storage = new MemoryStorage();
        await (
          await store(storage, '/s', symmetric, { symmetric: true, dtype: 'float16', tileSize: 16 })
        ).close();
        await (await store(storage, '/w', wide, { dtype: 'float32', tileSize: 32 })).close();
        const s = await MemMatrix.open(storage, '/s', { bufferBytes });
        const w = await MemMatrix.open(storage, '/w', { bufferBytes });
        const [left, right] = factors(s, w);
        const c = await left.dot(right, '/c', 'float64');
        assertClose(await contentOf(c), expected, 1e-10);
        const other = await left.dot(right, '/c32', 'float32');
        assert.equal(other.dtype, 'float32');
        assertClose(await contentOf(other), expected, 1e-4);
        bytesRead.push(s.bytesRead + w.bytesRead);
        for (const matrix of [c, other, s, w]) await matrix.close();
        assert.deepEqual(
          storage.paths().filter((path) => path.includes('.mlml-')),
          [],
        );
      }
      assert.ok(bytesRead[0]! > bytesRead[1]!, 'the small budget takes several blocks');
    });
  }

  test('plans keep to their bytes wherever the smallest does, and read less with more', () => {
    for (const n of [50, 3000, 60_000]) {
      const size = { rows: n, inner: n, columns: Math.ceil(n / 3), dtype: 'float32' as const };
      const slots = { left: 4096, right: 65536, leftTile: 512 };
      const least = planMatrixProduct(size, slots, 0).bytes;
      let block = 0;
      for (const bytes of [least, 2 * least, 20 * least, 1e9]) {
        const plan = planMatrixProduct(size, slots, bytes);
        assert.ok(plan.bytes <= bytes, `${plan.bytes} of ${bytes} for n = ${n}`);
        assert.ok(plan.block >= block);
        assert.equal(plan.block % plan.shape.tileSize, 0);
        block = plan.block;
      }
    }
  });

  test('numbers that do not fit the product are an error, and nothing stays', async () => {
    const storage = new MemoryStorage();
    const m = await store(storage, '/x/m', [[300, 300]], { dtype: 'float16' });
    await assert.rejects(m.dot(m.transpose(), '/x/c'), {
      code: 'MLML_BAD_DATA',
      message: /the product has 180000 in row 0, column 0, which does not fit float16/,
    });
    assert.equal(await storage.status('/x/c'), undefined);
    assert.deepEqual(await storage.list('/x'), ['m']);
    await m.close();
  });
});

describe('errors', () => {
  test('sizes, budgets and folders', async () => {
    const storage = new MemoryStorage();
    const m = await store(storage, '/m', dense(70, 45), { tileSize: 32 });
    await assert.rejects(m.dot(new Float64Array(44)), { code: 'MLML_USAGE', message: /has 45 columns/ });
    await assert.rejects(m.dot(m, '/c'), { code: 'MLML_USAGE', message: /70 x 45 times 70 x 45/ });
    await assert.rejects(m.dot(m.transpose(), '/m'), { code: 'MLML_EXISTS' });
    await assert.rejects(store(storage, '/m', dense(3, 3)), { code: 'MLML_EXISTS' });
    await assert.rejects(store(storage, '/n', dense(3, 2), { symmetric: true }), { code: 'MLML_USAGE' });
    assert.throws(() => m.plusIdentity(1), { code: 'MLML_USAGE', message: /70 x 45; it must be square/ });
    await assert.rejects(m.diagonal(), { code: 'MLML_USAGE' });
    await assert.rejects(m.rowBlocks(0).next(), { code: 'MLML_USAGE' });
    await m.close();
    await assert.rejects(MemMatrix.open(storage, '/nothing'), { code: 'MLML_NOT_FOUND' });
    await storage.makeFolder('/empty');
    await assert.rejects(MemMatrix.open(storage, '/empty'), {
      code: 'MLML_NOT_FOUND',
      message: /matrix\.json/,
    });
    await assert.rejects(MemMatrix.open(storage, '/m', { bufferBytes: 1000 }), {
      code: 'MLML_BUDGET_TOO_SMALL',
    });
    const tight = await MemMatrix.open(storage, '/m', { bufferBytes: 290_000 });
    const least = await tight.dot(new Float64Array(45 * 2), 2).then(
      () => 0,
      (error: MlmlError) => {
        assert.equal(error.code, 'MLML_BUDGET_TOO_SMALL');
        return Number(/at least ([0-9.]+) MB/.exec(error.message)![1]) * 1e6;
      },
    );
    await tight.close();
    if (least > 0) {
      const enough = await MemMatrix.open(storage, '/m', { bufferBytes: least });
      await enough.dot(new Float64Array(45 * 2), 2);
      await enough.close();
    }
  });

  test('numbers that are no numbers, do not fit or are not symmetric; rows too short, too few, too many', async () => {
    const storage = new MemoryStorage();
    const good = dense(40, 40, true);
    const changed = (i: number, j: number, value: number) =>
      good.map((row, r) => (r === i ? row.map((x, c) => (c === j ? value : x)) : row));
    const cases: [Dense, number, NewMatrix, RegExp][] = [
      [changed(3, 5, Number.NaN), 40, {}, /^row iterator: row 3, column 5: NaN is not a finite number$/],
      [changed(39, 39, 1e39), 40, {}, /row 39, column 39: 1e\+39 does not fit float32/],
      [changed(0, 0, 70_000), 40, { dtype: 'float16' }, /70000 does not fit float16/],
      [changed(7, 30, 0.11), 40, { symmetric: true }, /is not symmetric: row 7 differs from column 7/],
      [changed(30, 7, 0.11), 40, { symmetric: true, tileSize: 16 }, /is not symmetric: row 7/],
      [good.slice(1), 40, {}, /ended after 39 rows; the matrix is 40 x 40/],
      [[...good, good[0]!], 40, {}, /there are more than 40 rows/],
      [good.map((row, i) => (i === 9 ? row.slice(1) : row)), 40, {}, /row 9 has 39 numbers/],
    ];
    for (const [m, rows, given, message] of cases) {
      const source = iteratedRows(rows, 40, m);
      await assert.rejects(MemMatrix.fromRows(storage, '/m', source, given), {
        code: 'MLML_BAD_DATA',
        message,
      });
      assert.deepEqual(storage.paths(), []);
    }
  });

  test('a full disk or a kill at any operation leaves no matrix that is not whole', async () => {
    const m = dense(40, 40);
    for (let k = 0; ; k++) {
      const memory = new MemoryStorage();
      let seen = 0;
      let failed = false;
      const storage = new FaultyStorage(memory, ({ path }) => {
        if (seen++ < k) return;
        failed = true;
        throw new MlmlError('MLML_DISK_FULL', `${path}: the disk is full`);
      });
      const makeAndClose = async () => (await store(storage, '/m', m, { tileSize: 16 })).close();
      await makeAndClose().catch((error) => assert.equal(error.code, 'MLML_DISK_FULL'));
      if ((await memory.status('/m')) !== undefined) {
        for (const path of memory.paths()) if (path.includes('.mlml-')) await memory.remove(path);
        const matrix = await MemMatrix.open(memory, '/m');
        assert.deepEqual(await contentOf(matrix), m);
        await matrix.close();
      }
      if (!failed) break;
    }
  });

  test('a flipped bit is found', async () => {
    const storage = new MemoryStorage();
    await (await store(storage, '/m', dense(40, 40), { tileSize: 16 })).close();
    const bytes = storage.bytesOf('/m/tiles.bin');
    bytes[5 * 4096]! ^= 128;
    await (await storage.create('/m/tiles.bin')).write(bytes, 0);
    const matrix = await MemMatrix.open(storage, '/m');
    await assert.rejects(contentOf(matrix), {
      code: 'MLML_CHECKSUM',
      message: /tile 5 \(rows 16 to 31, columns 32 to 39\).*remove the folder and make the matrix anew/,
    });
    await matrix.close();
  });
});
