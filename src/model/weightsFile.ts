import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { MlmlError } from '../errors.js';
import type { ReadableFile, Storage, WritableFile } from '../storage/storage.js';

export const WEIGHTS_FILE = 'weights.bin';
const NUMBERS_AT_ONCE = 8192;

/** Writes arrays of float64 one after the other, little-endian; returns the sha256 of the bytes. */
export async function writeNumbers(file: WritableFile, arrays: readonly Float64Array[]): Promise<string> {
  const hash = createHash('sha256');
  const view = new DataView(new ArrayBuffer(8 * NUMBERS_AT_ONCE));
  let position = 0;
  for (const array of arrays) {
    for (let from = 0; from < array.length; from += NUMBERS_AT_ONCE) {
      const count = Math.min(NUMBERS_AT_ONCE, array.length - from);
      for (let i = 0; i < count; i++) view.setFloat64(8 * i, array[from + i]!, true);
      const bytes = new Uint8Array(view.buffer, 0, 8 * count);
      hash.update(bytes);
      await file.write(bytes, position);
      position += bytes.length;
    }
  }
  return hash.digest('hex');
}

/**
 * Fills the arrays from a file written by `writeNumbers`. A wrong sha256 is `MLML_CHECKSUM`; a number that is
 * not finite is `MLML_BAD_FILE` with its byte offset.
 */
export async function readNumbers(
  file: ReadableFile,
  arrays: readonly Float64Array[],
  sha256: string,
): Promise<void> {
  const hash = createHash('sha256');
  const view = new DataView(new ArrayBuffer(8 * NUMBERS_AT_ONCE));
  let position = 0;
  let badAt = -1;
  for (const array of arrays) {
    for (let from = 0; from < array.length; from += NUMBERS_AT_ONCE) {
      const count = Math.min(NUMBERS_AT_ONCE, array.length - from);
      const bytes = new Uint8Array(view.buffer, 0, 8 * count);
      await file.readInto(bytes, position);
      hash.update(bytes);
      for (let i = 0; i < count; i++) {
        const number = view.getFloat64(8 * i, true);
        array[from + i] = number;
        if (badAt === -1 && !Number.isFinite(number)) badAt = position + 8 * i;
      }
      position += bytes.length;
    }
  }
  const found = hash.digest('hex');
  if (found !== sha256) {
    throw new MlmlError(
      'MLML_CHECKSUM',
      `${file.path}: the sha256 of its bytes is ${found}, not ${sha256}; the file is damaged, take another copy`,
    );
  }
  if (badAt !== -1) {
    throw new MlmlError('MLML_BAD_FILE', `${file.path}: the number at byte ${badAt} is not finite`);
  }
}

/** Writes and syncs a file of numbers; returns its sha256. */
export async function writeWeights(
  storage: Storage,
  folder: string,
  arrays: readonly Float64Array[],
): Promise<string> {
  const file = await storage.create(join(folder, WEIGHTS_FILE));
  try {
    const sha256 = await writeNumbers(file, arrays);
    await file.sync();
    return sha256;
  } finally {
    await file.close();
  }
}
