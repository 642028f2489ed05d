import type { Scratch } from '../../storage/scratch.js';
import type { ByteSource } from './byteSource.js';
import { NumericArray } from './numericArray.js';

/** Bytes written at a time. */
const PIECE_BYTES = 256 * 1024;

/**
 * An array whose rows can be read: one that lies column by column in compressed bytes is unpacked to a scratch file, of as many
 * bytes as it has. Its checksum, where there is one, is compared on the way.
 */
export async function readable(
  array: NumericArray,
  makeScratch: (bytes: number) => Promise<Scratch>,
): Promise<NumericArray> {
  const { bytes, start } = array.stored;
  if (!array.isScattered) return array;
  if (bytes.readInto !== undefined) {
    if (bytes.hasChecksum === true) for await (const chunk of bytes.chunks()) void chunk;
    return array;
  }
  const byteLength = bytes.byteLength - start;
  const scratch = await makeScratch(byteLength);
  const file = await scratch.create('columns', {});
  const piece = new Uint8Array(Math.min(PIECE_BYTES, byteLength));
  let position = 0;
  let used = 0;
  let left = start;
  for await (const chunk of bytes.chunks()) {
    for (let from = Math.min(left, chunk.length); from < chunk.length; ) {
      const many = Math.min(piece.length - used, chunk.length - from);
      piece.set(chunk.subarray(from, from + many), used);
      from += many;
      used += many;
      if (used < piece.length) continue;
      await file.write(piece, position);
      position += used;
      used = 0;
    }
    left -= Math.min(left, chunk.length);
  }
  await file.write(piece.subarray(0, used), position);
  const unpacked: ByteSource = {
    name: bytes.name,
    unit: bytes.unit,
    // As if it still stood where it did, for messages.
    origin: bytes.origin + start,
    byteLength: position + used,
    async *chunks() {
      const chunk = new Uint8Array(piece.length);
      for (let at = 0; at < position + used; at += chunk.length) {
        const part = chunk.subarray(0, Math.min(chunk.length, position + used - at));
        await file.readInto(part, at);
        yield part;
      }
    },
    readInto: (target, at) => file.readInto(target, at),
  };
  return new NumericArray(array.name, array.shape, { ...array.stored, bytes: unpacked, start: 0 });
}
