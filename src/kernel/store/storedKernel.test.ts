import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  below,
  generateToy,
  KERNELS,
  openToy,
  toyEntry,
  toyIdentity,
} from '../../../test/support/matrixFixture.js';
import { temporaryFolder } from '../../../test/support/temporaryFolder.js';
import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { Storage } from '../../storage/storage.js';
import type { Workspace } from '../../threads/workspace.js';
import { type TileDtype, tileDtypes } from '../functions/kernelFunction.js';
import type { KernelMatrix, Tile } from '../tiles/kernelMatrix.js';
import { addKernelProduct } from '../tiles/multiply.js';
import { checkKernelFits, memIdOf, requireKernelDescription } from './kernelDescription.js';
import { planStoredKernel } from './storedKernelMatrix.js';
import { entriesOf } from './tileEntries.js';
import { slotBytes, tileFileBytes } from './tileLayout.js';

const places: Record<string, (context: TestContext) => Storage> = {
  memory: () => new MemoryStorage(),
  node: (context) => below(temporaryFolder(context)),
};

function assertTile(workspace: Workspace, tile: Tile): void {
  const entries = entriesOf(workspace.arena.buffer, tile.dtype);
  for (let r = 0; r < tile.rows; r++) {
    for (let c = 0; c < tile.columns; c++) {
      const found = entries.get(tile.address / dtypeBytes[tile.dtype] + r * tile.stride + c);
      assert.equal(found, toyEntry(tile.firstRow + r, tile.firstColumn + c));
    }
  }
}

async function assertWhole(workspace: Workspace, matrix: KernelMatrix): Promise<void> {
  let tiles = 0;
  for await (const tile of matrix.tiles()) {
    assertTile(workspace, tile);
    tiles++;
  }
  const rows = Math.ceil(matrix.n / matrix.tileSize);
  assert.equal(tiles, (rows * (rows + 1)) / 2);
}

for (const [place, make] of Object.entries(places)) {
  for (const dtype of tileDtypes) {
    test(`${place}, ${dtype}: what was written is read, pass after pass, with and without room for more`, async (context) => {
      const storage = make(context);
      const made = await generateToy(storage, toyIdentity(100, dtype));
      assert.equal(made.state, 'complete');
      for (const slots of [1, 2, 5, 7, 100]) {
        const { matrix, workspace } = await openToy(storage, made, 40_000 + slots * slotBytes(made));
        for (let pass = 0; pass < 3; pass++) await assertWhole(workspace, matrix);
        await matrix.close();
      }
    });
  }
}

test('diagonal and columns', async () => {
  const storage = new MemoryStorage();
  const made = await generateToy(storage, toyIdentity(100, 'float16'));
  const { matrix, workspace } = await openToy(storage, made);
  const diagonal = new Float64Array(100);
  await matrix.diagonal(diagonal);
  assert.deepEqual(
    [...diagonal],
    Array.from({ length: 100 }, (_, i) => toyEntry(i, i)),
  );
  const wanted = Uint32Array.of(99, 0, 33, 34, 5);
  const work = workspace.arena.float32('work').fill(7);
  await matrix.columns(wanted, workspace.arena.address('work'), 6);
  for (let i = 0; i < 100; i++) {
    const row = [...wanted].map((j) => toyEntry(i, j));
    assert.deepEqual([...work.subarray(6 * i, 6 * i + 6)], [...row, 7]);
  }
  await matrix.close();
});

test('products agree with the plain sum over both triangles', async () => {
  const storage = new MemoryStorage();
  const made = await generateToy(storage, toyIdentity(100));
  const { matrix, workspace } = await openToy(storage, made, 80_000);
  const work = workspace.arena.float64('work');
  const v = work.subarray(0, 200);
  for (let i = 0; i < 200; i++) v[i] = Math.sin(i);
  const address = workspace.arena.address('work');
  await addKernelProduct(matrix, workspace.threads, address, 2, address + 8 * 200);
  for (let i = 0; i < 100; i++) {
    for (let c = 0; c < 2; c++) {
      let sum = 0;
      for (let j = 0; j < 100; j++) sum += toyEntry(i, j) * v[2 * j + c]!;
      assert.ok(Math.abs(work[200 + 2 * i + c]! - sum) < 1e-12);
    }
  }
  await matrix.close();
});

test('tiles asked for in any order, twice, and left early', async () => {
  const storage = new MemoryStorage();
  const made = await generateToy(storage, toyIdentity(100));
  const { matrix, workspace } = await openToy(storage, made, 40_000 + 6 * slotBytes(made));
  const order = [
    [3, 1],
    [0, 0],
    [0, 0],
    [2, 2],
    [3, 1],
    [1, 0],
  ].map(([row, column]) => ({ row: row!, column: column! }));
  const seen: number[][] = [];
  for await (const tile of matrix.tiles(order)) {
    assertTile(workspace, tile);
    seen.push([tile.row, tile.column]);
  }
  assert.deepEqual(
    seen,
    order.map(({ row, column }) => [row, column]),
  );
  for await (const tile of matrix.tiles()) if (tile.row === 1) break;
  await assertWhole(workspace, matrix);
  const stop = new AbortController();
  await assert.rejects(async () => {
    for await (const tile of matrix.tiles(undefined, stop.signal))
      if (tile.row === 1) stop.abort(new Error('enough'));
  }, /enough/);
  await assert.rejects(async () => {
    for await (const _ of matrix.tiles()) await matrix.diagonal(new Float64Array(100));
  }, /while others are in use/);
  await assertWhole(workspace, matrix);
  await matrix.close();
});

test('tiles in memory are not read again', async () => {
  const storage = new MemoryStorage();
  const made = await generateToy(storage, toyIdentity(100));
  for (const slots of [3, 7, 10]) {
    const bytes = 40_000 + slots * slotBytes(made);
    const plan = planStoredKernel(made, bytes);
    const { matrix, workspace } = await openToy(storage, made, bytes);
    await assertWhole(workspace, matrix);
    assert.equal(matrix.bytesRead, tileFileBytes(made));
    await assertWhole(workspace, matrix);
    assert.equal(matrix.bytesRead, tileFileBytes(made) + plan.bytesPerPass);
    await matrix.close();
  }
});

test('the plan keeps to its bytes where one slot fits', () => {
  for (const n of [1, 100, 5000, 60_000]) {
    for (const tileSize of [16, 304, 1008]) {
      for (const dtype of ['float16', 'float64'] as TileDtype[]) {
        const shape = { rows: n, columns: n, symmetric: true, tileSize, dtype };
        const least = planStoredKernel(shape, 0);
        assert.equal(least.slots, 1);
        const smallest = least.regions.reduce((sum, { bytes }) => sum + bytes, 0) + 8192;
        for (const more of [0, 1e6, 5e7]) {
          const plan = planStoredKernel(shape, smallest + more);
          const bytes = plan.regions.reduce((sum, region) => sum + region.bytes, 0);
          assert.ok(bytes <= smallest + more, `${bytes} of ${smallest + more}`);
          assert.equal(plan.ring + plan.cached, plan.slots);
        }
      }
    }
  }
});

test('the memId is the same for the same kernel, and another for any other', () => {
  const toy = toyIdentity(100);
  const id = memIdOf(toy);
  assert.match(id, /^toy-rbf-100-[0-9a-f]{8}$/);
  assert.equal(memIdOf({ ...toy, data: { ...toy.data, path: 'elsewhere', subset: 100 } }), id);
  const others = [
    { ...toy, n: 99 },
    { ...toy, dtype: 'float16' as const },
    { ...toy, scale: 'none' },
    { ...toy, kernel: { kind: 'rbf' as const, lengthscale: 2.5 } },
    { ...toy, data: { ...toy.data, fingerprint: 'beef' } },
  ];
  assert.equal(new Set([id, ...others.map((other) => memIdOf(other))]).size, 6);
  assert.match(
    memIdOf({ ...toy, kernel: { kind: 'arc_cosine', depth: 1 }, data: { ...toy.data, name: '../a b' } }),
    /^a-b-arc-cosine-100-/,
  );
});

test('other rows, scaling or data are refused, with both fingerprints', async () => {
  const storage = new MemoryStorage();
  const made = await generateToy(storage, toyIdentity(100));
  const given = { name: 'toy', fingerprint: 'f00d', n: 100, scale: 'unit' };
  checkKernelFits(made, 'k', given);
  const wrong: [object, RegExp][] = [
    [{ name: 'spam', fingerprint: 'beef' }, /data set is toy with fingerprint f00d, not spam with beef/],
    [{ n: 99 }, /has 100 rows \(--subset\), not 99.*kernel f00d, data f00d/],
    [{ scale: 'none' }, /--scale=unit, not none.*kernel f00d, data f00d/],
  ];
  for (const [change, message] of wrong)
    assert.throws(() => checkKernelFits(made, 'k', { ...given, ...change }), {
      code: 'MLML_MISMATCH',
      message,
    });
});

test('a kernel that is not there, or not complete, says what to do', async () => {
  const storage = new MemoryStorage();
  await assert.rejects(requireKernelDescription(storage, KERNELS, 'toy'), { code: 'MLML_NOT_FOUND' });
  for (const bad of ['', '..', 'a/b', '.x'])
    await assert.rejects(requireKernelDescription(storage, KERNELS, bad), { code: 'MLML_USAGE' });
  const begun = await generateToy(storage, toyIdentity(100), { most: 4 });
  assert.equal(begun.state, 'incomplete');
  await assert.rejects(openToy(storage, begun), {
    code: 'MLML_NOT_FOUND',
    message: /not complete: 4 of 10 tiles are there; give the same generate command again, it goes on/,
  });
  // The tile size of the folder holds, whatever a later plan would choose.
  const made = await generateToy(storage, toyIdentity(100), { tileSize: 16 });
  assert.equal(made.tileSize, begun.tileSize);
  const { matrix, workspace } = await openToy(storage, made);
  await assertWhole(workspace, matrix);
  await matrix.close();
});
