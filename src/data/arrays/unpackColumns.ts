import type { Scratch } from '../../storage/scratch.js';
import { NumericArray } from './numericArray.js';
import { Spool } from './spool.js';

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
  const scratch = await makeScratch(bytes.byteLength - start);
  const spool = new Spool(await scratch.create('columns', {}));
  let skip = start;
  for await (const chunk of bytes.chunks()) {
    const skipped = Math.min(skip, chunk.length);
    skip -= skipped;
    await spool.append(chunk.subarray(skipped));
  }
  // As if they still stood where they did, for messages.
  const unpacked = await spool.finish({ name: bytes.name, unit: bytes.unit, origin: bytes.origin + start });
  return new NumericArray(array.name, array.shape, { ...array.stored, bytes: unpacked, start: 0 });
}
