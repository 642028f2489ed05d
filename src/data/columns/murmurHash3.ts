import { scrambled } from '../../memory/scrambled.js';

const rotate = (value: number, by: number) => (value << by) | (value >>> (32 - by));

const mix = (word: number) => Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);

/** MurmurHash3 for x86, 32 bits (Appleby, 2011; public domain), of the first `length` bytes. */
export function murmurHash3(bytes: Uint8Array, length = bytes.length, seed = 0): number {
  let hash = seed;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    hash ^= mix(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    hash = (Math.imul(rotate(hash, 13), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]!;
  if (whole < length) hash ^= mix(tail);
  return scrambled(hash ^ length);
}
