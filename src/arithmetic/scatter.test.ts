import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../memory/random.js';
import { loadKernels, plainKernels } from './kernels.js';

const ORDER = 0x1000;
const BUCKETS = 0x2000;
const CURSORS = 0x3000;
const LIMITS = 0x3800;
const ROWS = 0x4000;
const SLOTS = 0x8000;
const SLOT_BYTES = 1000;

/** Rows, an order, bucket numbers and empty slots with room for `room` bytes, the same in every call. */
function setUp(rowBytes: number, rows: number, buckets: number, room: number) {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  const random = Random.of(5, rowBytes);
  for (let i = 0; i < rows * rowBytes; i++) bytes[ROWS + i] = random.below(256);
  for (let i = 0; i < rows; i++) {
    words[ORDER / 4 + i] = i;
    words[BUCKETS / 4 + i] = random.below(buckets);
  }
  random.shuffle(words, ORDER / 4, ORDER / 4 + rows);
  for (let b = 0; b < buckets; b++) {
    words[CURSORS / 4 + b] = SLOTS + b * SLOT_BYTES;
    words[LIMITS / 4 + b] = SLOTS + b * SLOT_BYTES + room;
  }
  return { memory, bytes, words };
}

for (const build of ['simd', 'relaxed'] as const) {
  test(`scatterRows, ${build}: as the plain version, with an order and without`, () => {
    for (const rowBytes of [1, 3, 16, 57]) {
      for (const order of [ORDER, 0]) {
        const plain = setUp(rowBytes, 40, 7, 300);
        const fast = setUp(rowBytes, 40, 7, 300);
        const scatter = (from: number) => {
          const args = [ROWS, rowBytes, order, BUCKETS, from, 40, CURSORS, LIMITS] as const;
          const stopped = plainKernels(plain.memory).scatterRows(...args);
          assert.equal(loadKernels(fast.memory, build).scatterRows(...args), stopped);
          assert.deepEqual(Buffer.from(fast.bytes), Buffer.from(plain.bytes));
          return stopped;
        };
        const stopped = scatter(5);
        assert.equal(stopped === 40, rowBytes < 57);
      }
    }
  });
}

test('scatterRows stops before a row whose slot is full and goes on from there', () => {
  const { memory, bytes, words } = setUp(4, 6, 1, 8);
  const kernels = plainKernels(memory);
  assert.equal(kernels.scatterRows(ROWS, 4, 0, BUCKETS, 0, 6, CURSORS, LIMITS), 2);
  assert.deepEqual(bytes.slice(SLOTS, SLOTS + 8), bytes.slice(ROWS, ROWS + 8));
  words[CURSORS / 4] = SLOTS;
  assert.equal(kernels.scatterRows(ROWS, 4, 0, BUCKETS, 2, 6, CURSORS, LIMITS), 4);
  assert.deepEqual(bytes.slice(SLOTS, SLOTS + 8), bytes.slice(ROWS + 8, ROWS + 16));
});
