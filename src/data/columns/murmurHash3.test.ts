import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmurHash3 } from './murmurHash3.js';

test('the values of the published test vectors', () => {
  const text = (word: string) => new TextEncoder().encode(word);
  const cases: readonly (readonly [Uint8Array, number, number])[] = [
    [text(''), 0, 0],
    [text(''), 1, 0x514e28b7],
    [text(''), 0xffffffff, 0x81f16f39],
    [Uint8Array.of(0xff, 0xff, 0xff, 0xff), 0, 0x76293b50],
    [Uint8Array.of(0x21, 0x43, 0x65, 0x87), 0, 0xf55b516b],
    [Uint8Array.of(0x21, 0x43, 0x65, 0x87), 0x5082edee, 0x2362f9de],
    [Uint8Array.of(0x21, 0x43, 0x65), 0, 0x7e4a8634],
    [Uint8Array.of(0x21, 0x43), 0, 0xa0f7b07a],
    [Uint8Array.of(0x21), 0, 0x72661cf4],
    [text('Hello, world!'), 0x9747b28c, 0x24884cba],
    [text('The quick brown fox jumps over the lazy dog'), 0x9747b28c, 0x2fa826cd],
  ];
  for (const [bytes, seed, expected] of cases)
    assert.equal(murmurHash3(bytes, bytes.length, seed), expected, Buffer.from(bytes).toString('hex'));
});

test('only the first bytes count', () => {
  assert.equal(murmurHash3(Uint8Array.of(0x21, 0x43, 0x65), 2), 0xa0f7b07a);
});
