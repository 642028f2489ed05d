import { dtypeBytes, readNumber } from '../../../src/arithmetic/dtype.js';
import { openDataset } from '../../../src/data/dataset.js';
import type { MemoryStorage } from '../../../src/storage/memoryStorage.js';
import type { PlainRows } from './originalReaders.js';

/** The rows of a part of a data set in memory, as numbers. */
export async function rowsIn(
  storage: MemoryStorage,
  folder: string,
  part: 'train' | 'test',
): Promise<PlainRows> {
  const dataset = await openDataset(storage, folder);
  const { layout, description } = dataset;
  await dataset.close();
  const bytes = storage.bytesOf(`${folder}/${part}.rows`);
  const view = new DataView(bytes.buffer);
  const { d, dtype, labelDtype, rowBytes, labelOffset } = layout;
  const rows = Array.from({ length: description.parts[part].n }, (_, row) => row * rowBytes);
  return {
    features: rows.map((at) =>
      Array.from({ length: d }, (_, j) => readNumber(view, at + j * dtypeBytes[dtype], dtype)),
    ),
    labels: rows.map((at) => readNumber(view, at + labelOffset, labelDtype)),
  };
}
