import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  entryOf,
  packedBytesOf,
  randomRows,
  rbfReference,
  startEvaluation,
} from '../../../test/support/kernelRows.js';
import { CrossKernel, planCross } from './crossKernel.js';

const kernel = { kind: 'rbf', lengthscale: 1.5 } as const;

for (const [nA, nB, bytes, threads] of [
  [70, 205, 1e6, 1],
  [70, 205, 16_000, 2],
  [130, 33, 20_000, 3],
  [1, 205, 12_000, 1],
  [70, 1, 12_000, 1],
] as const) {
  test(`${nA} x ${nB} in ${bytes} bytes by ${threads} threads`, async (t) => {
    const [a, b] = [randomRows(nA, 12, 'uint8', 1), randomRows(nB, 12, 'uint8', 2)];
    const { layout } = a;
    const setup = { kernel, layout, dtype: 'float32' as const, threads };
    const packedBytes = packedBytesOf(setup);
    const sizes = { rows: nA, columns: nB, rowBytes: layout.rowBytes, dtype: setup.dtype, packedBytes };
    const plan = planCross(sizes, bytes);
    assert.ok(plan.bytes <= bytes);
    const { workspace, evaluator } = await startEvaluation(setup, plan.regions);
    t.after(() => workspace.threads.close());
    const cross = new CrossKernel({
      workspace,
      a,
      b,
      evaluator,
      rowBytes: layout.rowBytes,
      blockSize: plan.blockSize,
      dtype: setup.dtype,
    });
    const reference = rbfReference(a, b, 1.5);
    const seen = new Uint8Array(nA * nB);
    for await (const block of cross.blocks()) {
      for (let r = 0; r < block.rows; r++) {
        for (let c = 0; c < block.columns; c++) {
          const [i, j] = [block.firstRow + r, block.firstColumn + c];
          const value = entryOf(workspace.arena.buffer, block.address, r * block.stride + c, setup.dtype);
          assert.ok(Math.abs(value - reference(i, j)) < 3e-6);
          seen[i * nB + j]!++;
        }
      }
    }
    assert.ok(seen.every((times) => times === 1));
    assert.equal(a.rowsRead, nA);
    assert.ok(a.rowsRead + b.rowsRead <= plan.rowsRead);
    assert.equal(cross.bytesRead, (a.rowsRead + b.rowsRead) * layout.rowBytes);
    assert.equal(b.rowsRead > nB, plan.rowsRead > nA + nB);
    assert.equal(plan.rowsRead > nA + nB, nB === 205 && bytes === 16_000);
  });
}
