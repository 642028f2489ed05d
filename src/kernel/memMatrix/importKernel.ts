import { createHash } from 'node:crypto';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import type { Storage } from '../../storage/storage.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { startThreads } from '../startThreads.js';
import {
  describeKernel,
  type KernelData,
  type KernelDescription,
  kernelFolder,
  readKernelDescription,
  writeKernelDescription,
} from '../store/kernelDescription.js';
import { TileTable } from '../store/tileTable.js';
import { importTiles, planImport } from './importTiles.js';
import { makeMatrixFolder } from './matrixFolder.js';
import type { MatrixSource } from './matrixSource.js';
import { DEFAULT_BUFFER_BYTES, type MatrixOptions } from './matrixWorkspace.js';

/**
 * Stores a kernel matrix that was worked out elsewhere (kind `precomputed`), n x n and symmetric, beside the generated ones, and
 * returns its description; solvers then take its memId. `data` names the rows it belongs to, for their labels. The memId
 * depends on the stored numbers: the same matrix again is found there. `MLML_BAD_DATA` when it is not symmetric.
 */
export async function importKernel(
  storage: Storage,
  kernels: string,
  source: MatrixSource,
  given: {
    readonly data: KernelData;
    readonly scale: string;
    /** Default float32. */
    readonly dtype?: TileDtype;
  },
  options: MatrixOptions = {},
): Promise<KernelDescription> {
  const { rows: n, columns } = source;
  if (n !== columns)
    throw new MlmlError('MLML_BAD_DATA', `${source.name}: is ${n} x ${columns}; a kernel matrix is square`);
  const { data, scale, dtype = 'float32' } = given;
  const { bufferBytes = DEFAULT_BUFFER_BYTES, nthreads = 1, signal } = options;
  const size = { rows: n, columns, symmetric: true, dtype };
  const { shape, regions } = planImport(size, bufferBytes, nthreads);
  const workspace = await startThreads(new Arena(regions), nthreads, {});
  try {
    const table = TileTable.inArena(workspace.arena, 'matrix', shape);
    const folder = await makeMatrixFolder(storage, kernels, shape, workspace, table, {
      fill: (writer) => importTiles(source, shape, workspace, writer, signal),
      async describe(temporary) {
        const hash = createHash('sha256');
        for (let tile = 0; tile < table.tiles; tile++) hash.update(`${table.checksum(tile)} `);
        const identity = { n, dtype, kernel: { kind: 'precomputed' } as const, scale, data };
        const content = hash.digest('hex');
        const description = describeKernel(identity, shape.tileSize, content);
        await writeKernelDescription(storage, temporary, { ...description, state: 'complete' });
        return kernelFolder(kernels, description.memId);
      },
    });
    return (await readKernelDescription(storage, folder))!;
  } finally {
    await workspace.threads.close();
  }
}
