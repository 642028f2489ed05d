import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader } from './byteReader.js';

const all = Uint8Array.from({ length: 100 }, (_, i) => i);

/** The bytes 0 to 99 in chunks of the given size, each overwriting the one before, as files give them. */
async function* chunks(size: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(size);
  for (let from = 0; from < all.length; from += size) {
    const piece = all.subarray(from, from + size);
    buffer.fill(255).set(piece);
    yield buffer.subarray(0, piece.length);
  }
  buffer.fill(255);
}

test('pieces of any size come out whole, whatever the chunks', async () => {
  for (const size of [1, 3, 7, 50, 100, 200]) {
    for (const step of [1, 2, 9, 64]) {
      const reader = new ByteReader(chunks(size), 'file');
      const found: number[] = [];
      const target = new Uint8Array(step);
      for (;;) {
        const length = await reader.readUpTo(target);
        found.push(...target.subarray(0, length));
        assert.equal(reader.position, found.length);
        if (length < step) break;
      }
      assert.deepEqual(found, [...all]);
      await reader.expectEnd();
    }
  }
});

test('prepared bytes survive the next chunk', async () => {
  for (const size of [1, 3, 7, 50, 100, 200]) {
    const reader = new ByteReader(chunks(size), 'file');
    for (let i = 0; i < 100; i++) {
      if (i % 10 === 0) await reader.prepare(15);
      assert.equal(reader.has(Math.min(5, 100 - i)), true);
      assert.equal(reader.byte('a byte'), i);
    }
    await reader.prepare(5);
    assert.throws(() => reader.byte('the last word'), {
      code: 'MLML_BAD_FILE',
      message: 'file: byte 100: the data end here, the last word is missing; the file is cut short',
    });
  }
});

test('ends that come too early or too late are named with their offset', async () => {
  const reader = new ByteReader(chunks(7), 'file', 'of the entry', 1000);
  await reader.skip(40, 'the head');
  await assert.rejects(reader.expectEnd(), {
    message: 'file: byte 1040 of the entry: the data should end here, but more bytes follow',
  });
  const found: number[] = [];
  for await (const piece of reader.pieces(30, 'the body')) found.push(...piece);
  assert.deepEqual(found, [...all.subarray(40, 70)]);
  await assert.rejects(reader.skip(31, 'the tail'), {
    message:
      'file: byte 1100 of the entry: the data end here, 1 bytes before the end of the tail; the file is cut short',
  });
  const other = new ByteReader(chunks(7), 'file');
  await assert.rejects(other.read(new Uint8Array(101), 'a block'), {
    code: 'MLML_BAD_FILE',
    message: 'file: byte 100: the data end here, inside a block (101 bytes from 0); the file is cut short',
  });
  const drained = new ByteReader(chunks(7), 'file');
  await drained.drain();
  assert.equal(drained.position, 100);
});
