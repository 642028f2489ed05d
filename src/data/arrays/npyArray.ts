import { ByteReader } from '../import/byteReader.js';
import type { ByteSource } from './byteSource.js';
import { readNpyHeader } from './npyHeader.js';
import { NumericArray } from './numericArray.js';

/** The array in the bytes of a NumPy file; its header is read and compared with their number. */
export async function npyArray(bytes: ByteSource): Promise<NumericArray> {
  const reader = new ByteReader(bytes.chunks(), bytes.name, bytes.unit, bytes.origin);
  try {
    const { type, fortranOrder, shape, start } = await readNpyHeader(bytes.name, (target, what) =>
      reader.read(target, what),
    );
    return new NumericArray(bytes.name, shape, { bytes, start, type, columnOrder: fortranOrder });
  } finally {
    await reader.close();
  }
}
