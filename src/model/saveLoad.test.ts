import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MlmlError } from '../errors.js';
import type { LinearModel } from '../ssgd/linearModel.js';
import { FaultyStorage } from '../storage/faultyStorage.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { replaceFile } from '../storage/textFile.js';
import { loadModel } from './loadModel.js';
import { saveModel } from './saveModel.js';

const small: LinearModel = {
  task: 'classification',
  loss: 'logistic',
  d: 2,
  k: 1,
  scaling: { name: 'standard', multiply: Float64Array.of(2, 0.5), add: Float64Array.of(-1, 0) },
  weights: Float64Array.of(1.5, -Number.MIN_VALUE),
  intercept: Float64Array.of(0.1),
  classNames: ['no', 'yes'],
  fingerprint: 'abc',
};

/** More numbers than are written at once. */
const large: LinearModel = {
  ...small,
  task: 'regression',
  loss: 'huber',
  d: 20_000,
  scaling: {
    name: 'none',
    multiply: new Float64Array(20_000).fill(1),
    add: Float64Array.from({ length: 20_000 }, (_, j) => -j / 3),
  },
  weights: Float64Array.from({ length: 20_000 }, (_, j) => Math.sin(j)),
  classNames: [],
};

const missing = { fill: 0.5, indicator: true };
const fromTable: LinearModel = {
  ...small,
  columns: {
    features: [{ column: 'rooms', kind: 'number', missing }],
    label: { column: 'sold', kind: 'class' },
    id: 'house',
  },
};

for (const [name, model] of Object.entries({ small, large, fromTable })) {
  test(`a ${name} model comes back bit for bit, also from its run folder`, async () => {
    const storage = new MemoryStorage();
    await saveModel(storage, 'runs/a/model', model);
    assert.deepEqual(await loadModel(storage, 'runs/a/model'), model);
    assert.deepEqual(await loadModel(storage, 'runs/a'), model);
    assert.deepEqual(storage.paths(), ['runs/a/model/model.json', 'runs/a/model/weights.bin']);
  });
}

test('the layout of the weights file is the documented one', async () => {
  const storage = new MemoryStorage();
  await saveModel(storage, 'm', small);
  const view = new DataView(storage.bytesOf('m/weights.bin').buffer);
  const numbers = Array.from({ length: 7 }, (_, i) => view.getFloat64(8 * i, true));
  assert.deepEqual(numbers, [1.5, -Number.MIN_VALUE, 0.1, 2, 0.5, -1, 0]);
});

test('a folder that is there already is kept', async () => {
  const storage = new MemoryStorage();
  await saveModel(storage, 'm', small);
  await assert.rejects(saveModel(storage, 'm', large), { code: 'MLML_EXISTS' });
  assert.deepEqual(await loadModel(storage, 'm'), small);
});

for (const kind of ['create', 'write', 'sync', 'rename'] as const) {
  test(`a disk that fails to ${kind} leaves nothing behind`, async () => {
    const memory = new MemoryStorage();
    const faulty = new FaultyStorage(memory, (operation) => {
      if (operation.kind === kind) throw new MlmlError('MLML_DISK_FULL', 'full');
    });
    await assert.rejects(saveModel(faulty, 'm', small), { code: 'MLML_DISK_FULL' });
    assert.deepEqual(memory.paths(), []);
    assert.equal(await memory.status('m'), undefined);
  });
}

/** A change to `model.json`, the code it raises and a word of the message. */
const damages: readonly (readonly [Record<string, unknown>, string, string])[] = [
  [{ format: 'other' }, 'MLML_BAD_FILE', '\'format\' is "other"'],
  [{ version: 3 }, 'MLML_VERSION', 'newer'],
  [{ version: 2 }, 'MLML_BAD_FILE', "field 'version' is 2; expected 1"],
  [{ version: 'one' }, 'MLML_BAD_FILE', "'version'"],
  [{ kind: 'kernel' }, 'MLML_BAD_FILE', "'kernel' is undefined"],
  [{ task: 'clustering' }, 'MLML_BAD_FILE', "'task'"],
  [{ loss: 'zero' }, 'MLML_BAD_FILE', "'loss'"],
  [{ scaling: 'auto' }, 'MLML_BAD_FILE', "'scaling'"],
  [{ d: 0 }, 'MLML_BAD_FILE', "'d' is 0"],
  [{ d: 3 }, 'MLML_BAD_FILE', "'weights.bytes' is 56; expected 80, from the sizes"],
  [{ d: 2 ** 50 }, 'MLML_BAD_FILE', 'a size that can be stored'],
  [{ k: 1.5 }, 'MLML_BAD_FILE', "'k' is 1.5"],
  [{ classNames: [1] }, 'MLML_BAD_FILE', "'classNames'"],
  [{ fingerprint: 1 }, 'MLML_BAD_FILE', "'fingerprint'"],
  [{ weights: undefined }, 'MLML_BAD_FILE', "'weights.file'"],
  [{ weights: { file: '../x', bytes: 56, sha256: '' } }, 'MLML_BAD_FILE', 'without folders'],
  [{ weights: { file: 'weights.bin', bytes: 56, sha256: 'x' } }, 'MLML_BAD_FILE', "'weights.sha256'"],
  [{ weights: { file: 'weights.bin', bytes: 56, sha256: '0'.repeat(64) } }, 'MLML_CHECKSUM', 'm/weights.bin'],
  [{ weights: { file: 'gone.bin', bytes: 56, sha256: '0'.repeat(64) } }, 'MLML_NOT_FOUND', 'gone.bin'],
];

for (const [change, code, word] of damages) {
  test(`model.json with ${JSON.stringify(change)} is refused`, async () => {
    const storage = new MemoryStorage();
    await saveModel(storage, 'm', small);
    const description = JSON.parse(new TextDecoder().decode(storage.bytesOf('m/model.json')));
    await replaceFile(
      storage,
      'm/model.json',
      JSON.stringify({ ...description, checksum: undefined, ...change }),
    );
    await assert.rejects(
      loadModel(storage, 'm'),
      (error) => error instanceof MlmlError && error.code === code && error.message.includes(word),
    );
  });
}

test('a weights file that is cut, over-long or has one flipped bit is refused', async () => {
  const storage = new MemoryStorage();
  await saveModel(storage, 'm', small);
  const bytes = storage.bytesOf('m/weights.bin');
  const flipped = bytes.slice();
  flipped[20]! ^= 1;
  for (const [content, code] of [
    [bytes.slice(0, 55), 'MLML_BAD_FILE'],
    [new Uint8Array(57), 'MLML_BAD_FILE'],
    [flipped, 'MLML_CHECKSUM'],
  ] as const) {
    await replaceFile(storage, 'm/weights.bin', content);
    await assert.rejects(loadModel(storage, 'm'), { code });
  }
});

test('a stored number that is not finite is refused with its byte offset', async () => {
  const storage = new MemoryStorage();
  await saveModel(storage, 'm', { ...small, intercept: Float64Array.of(Number.NaN) });
  await assert.rejects(loadModel(storage, 'm'), {
    code: 'MLML_BAD_FILE',
    message: 'm/weights.bin: the number at byte 16 is not finite',
  });
});

test('a folder without a model is named', async () => {
  await assert.rejects(loadModel(new MemoryStorage(), 'nowhere'), {
    code: 'MLML_NOT_FOUND',
    message: 'nowhere: is not a model folder or a run folder with a model (there is no model.json in it)',
  });
});
