import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { below, generateToy, KERNELS, openToy, toyIdentity } from '../../../test/support/matrixFixture.js';
import { put } from '../../../test/support/originalFiles.js';
import { temporaryFolder } from '../../../test/support/temporaryFolder.js';
import { MlmlError } from '../../errors.js';
import { FaultyStorage } from '../../storage/faultyStorage.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { KernelEvent } from '../events.js';
import { listKernels, planVerify, removeKernel, verifyKernel } from './storeList.js';

test('kernels are listed with their state', async (context) => {
  const storage = below(temporaryFolder(context));
  assert.deepEqual(await listKernels(storage, KERNELS), []);
  const whole = await generateToy(storage, toyIdentity(90), { tileSize: 32 });
  const begun = await generateToy(storage, toyIdentity(40, 'float16'), { most: 1, tileSize: 32 });
  await storage.makeFolder(`${KERNELS}/something else`);
  const { matrix } = await openToy(storage, whole);
  const [first, second, ...others] = await listKernels(storage, KERNELS);
  assert.deepEqual(others, []);
  assert.deepEqual(first, {
    memId: begun.memId,
    folder: join(KERNELS, begun.memId),
    kernel: { kind: 'rbf', lengthscale: 2 },
    n: 40,
    tileSize: 32,
    dtype: 'float16',
    scale: 'unit',
    bytes: 4096,
    tiles: 3,
    tilesDone: 1,
    complete: false,
    dataset: { name: 'toy', fingerprint: 'f00d', subset: 0 },
    busy: false,
  });
  assert.deepEqual(
    [second!.memId, second!.tilesDone, second!.complete, second!.busy, second!.bytes],
    [whole.memId, 6, true, true, 6 * 4096],
  );
  await matrix.close();
});

test('damaged descriptions name the field; newer ones ask for an update', async () => {
  const memory = new MemoryStorage();
  const { memId, ...rest } = await generateToy(memory, toyIdentity(90), { tileSize: 32 });
  const path = join(KERNELS, memId, 'kernel.json');
  const cases: [object, string, RegExp][] = [
    [{ format: 'mlml-model' }, 'MLML_BAD_FILE', /field 'format' is "mlml-model"; expected "mlml-kernel"/],
    [{ version: 2 }, 'MLML_VERSION', /version 2 is newer/],
    [{ version: 'x' }, 'MLML_BAD_FILE', /field 'version'/],
    [{ tileSize: 0 }, 'MLML_BAD_FILE', /field 'tileSize' is 0; expected a whole number from 1 to 16384/],
    [{ rows: 1.5 }, 'MLML_BAD_FILE', /field 'rows'/],
    [{ columns: 91 }, 'MLML_BAD_FILE', /field 'columns' is 91; expected 90, as many as rows/],
    [{ symmetric: false }, 'MLML_BAD_FILE', /field 'symmetric'/],
    [{ dtype: 'int8' }, 'MLML_BAD_FILE', /field 'dtype'/],
    [{ kernel: 'rbf' }, 'MLML_BAD_FILE', /field 'kernel'/],
    [{ scale: 1 }, 'MLML_BAD_FILE', /field 'scale'/],
    [{ state: 'done' }, 'MLML_BAD_FILE', /field 'state'/],
    [{ data: { name: 'x', path: 'x', subset: 0 } }, 'MLML_BAD_FILE', /field 'data\.fingerprint'/],
    [{ data: { name: 'x', path: 'x', fingerprint: 'x' } }, 'MLML_BAD_FILE', /field 'data\.subset'/],
  ];
  for (const [change, code, message] of cases) {
    const text = JSON.stringify({ memId, ...rest, ...change });
    await (await memory.create(path)).write(new TextEncoder().encode(text), 0);
    await assert.rejects(listKernels(memory, KERNELS), { code, message });
  }
  await (await memory.create(path)).write(new TextEncoder().encode('{"for'), 0);
  await assert.rejects(listKernels(memory, KERNELS), { code: 'MLML_BAD_FILE', message: /is not JSON/ });
  await removeKernel(memory, KERNELS, memId);
  assert.deepEqual(await listKernels(memory, KERNELS), []);
});

test('removing: all of it, never while in use, never another folder', async () => {
  const memory = new MemoryStorage();
  const made = await generateToy(memory, toyIdentity(90), { tileSize: 32 });
  const { matrix } = await openToy(memory, made);
  await assert.rejects(removeKernel(memory, KERNELS, made.memId), {
    code: 'MLML_BUSY',
    message: /is reading/,
  });
  await matrix.close();
  const before = memory.paths();
  for (const [memId, code] of [
    ['..', 'MLML_USAGE'],
    ['other', 'MLML_NOT_FOUND'],
    ['nothing', 'MLML_NOT_FOUND'],
  ] as const) {
    await (await memory.create(join(KERNELS, 'other', 'file'))).close();
    await assert.rejects(removeKernel(memory, KERNELS, memId), { code });
    assert.deepEqual(memory.paths(), [join(KERNELS, 'other', 'file'), ...before].sort());
  }
  await memory.remove(join(KERNELS, 'other'));
  await removeKernel(memory, KERNELS, made.memId);
  assert.deepEqual(memory.paths(), []);
});

test('a remove killed anywhere leaves the kernel whole or gone', async () => {
  for (let k = 0; ; k++) {
    const memory = new MemoryStorage();
    const made = await generateToy(memory, toyIdentity(90), { tileSize: 32 });
    let seen = 0;
    let dead = false;
    const storage = new FaultyStorage(memory, () => {
      if (seen++ < k) return;
      dead = true;
      throw new MlmlError('MLML_IO', 'killed');
    });
    await removeKernel(storage, KERNELS, made.memId).catch((error) => assert.match(String(error), /killed/));
    const [left] = await listKernels(memory, KERNELS);
    if (left !== undefined) {
      assert.equal(left.complete, true);
      for (const path of memory.paths()) if (path.includes('.mlml-')) await memory.remove(path);
      await verifyKernel(memory, KERNELS, made.memId, { bufferBytes: 1e6 });
    }
    if (!dead) {
      assert.deepEqual(memory.paths(), []);
      assert.ok(k > 2);
      return;
    }
  }
});

test('verifying tells how far it is, keeps to its budget and can be stopped', async () => {
  const memory = new MemoryStorage();
  const made = await generateToy(memory, toyIdentity(90), { tileSize: 32, most: 5 });
  const events: KernelEvent[] = [];
  const onEvent = (event: KernelEvent) => void events.push(event);
  const verified = await verifyKernel(memory, KERNELS, made.memId, { bufferBytes: 1e5, onEvent });
  assert.equal(verified.tilesDone, 5);
  assert.equal(events.length, 5);
  assert.deepEqual(events[4], {
    type: 'progress',
    phase: 'verify',
    done: 5,
    total: 5,
    epoch: 0,
    bytesRead: 5 * 4096,
    bytesWritten: 0,
  });
  await assert.rejects(verifyKernel(memory, KERNELS, made.memId, { bufferBytes: 1000 }), {
    code: 'MLML_BUDGET_TOO_SMALL',
    message: /verifying toy-rbf-90-\w+ needs at least 0\.03 MB; --buffer is 0\.001 MB/,
  });
  assert.ok(planVerify(made).reduce((sum, { bytes }) => sum + bytes, 0) < 30_000);
  const signal = AbortSignal.abort(new Error('stop'));
  await assert.rejects(verifyKernel(memory, KERNELS, made.memId, { bufferBytes: 1e6, signal }), /stop/);
  assert.deepEqual(
    memory.paths().filter((path) => path.includes('.mlml-')),
    [],
  );
});

test('a description of quintillions of tiles is listed, not made room for', async () => {
  const memory = new MemoryStorage();
  const made = await generateToy(memory, toyIdentity(90), { tileSize: 32 });
  const claims = { ...made, rows: 2 ** 32, columns: 2 ** 32, tileSize: 1, kernel: { kind: 'precomputed' } };
  await put(
    memory,
    join(KERNELS, made.memId, 'kernel.json'),
    new TextEncoder().encode(JSON.stringify(claims)),
  );
  const [listed] = await listKernels(memory, KERNELS);
  assert.deepEqual([listed!.tilesDone, listed!.complete], [6, false]);
  await assert.rejects(verifyKernel(memory, KERNELS, made.memId, { bufferBytes: 1e6 }), {
    code: 'MLML_BUDGET_TOO_SMALL',
  });
});
