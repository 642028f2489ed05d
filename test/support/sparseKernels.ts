// Kernels of sparse rows beside those of the same rows stored dense.
import { dtypeBytes, readNumber } from '../../src/arithmetic/dtype.js';
import type { Dataset } from '../../src/data/dataset.js';
import type { SparseDataset } from '../../src/data/sparse/sparseDataset.js';
import { generateKernel } from '../../src/kernel/job/generateKernel.js';
import type { GenerateOptions } from '../../src/kernel/options.js';
import { readKernelDescription } from '../../src/kernel/store/kernelDescription.js';
import { slotBytes } from '../../src/kernel/store/tileLayout.js';
import { lowerTriangle, tileNumber } from '../../src/kernel/tiles/kernelMatrix.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import { jobContext, jobOptions } from './kernelTraining.js';

/** Generates a kernel and returns its lower triangle, row by row, with the plan. */
export async function storedEntries(data: Dataset | SparseDataset, changes: Partial<GenerateOptions>) {
  const storage = new MemoryStorage();
  const options = { ...jobOptions(), ...changes } as GenerateOptions;
  const { folder, n, plan } = await generateKernel(data, options, jobContext(storage).context);
  const description = (await readKernelDescription(storage, folder))!;
  const { tileSize, dtype } = description;
  const bytes = storage.bytesOf(`${folder}/tiles.bin`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const entries = new Float64Array((n * (n + 1)) / 2);
  for (const { row, column } of lowerTriangle(n, tileSize)) {
    const start = tileNumber({ row, column }) * slotBytes(description);
    for (let r = 0; r < tileSize && row * tileSize + r < n; r++) {
      for (let c = 0; c < tileSize; c++) {
        const [i, j] = [row * tileSize + r, column * tileSize + c];
        if (j <= i)
          entries[(i * (i + 1)) / 2 + j] = readNumber(
            view,
            start + (r * tileSize + c) * dtypeBytes[dtype],
            dtype,
          );
      }
    }
  }
  return { entries, n, plan };
}
