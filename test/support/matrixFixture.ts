import { join } from 'node:path';
import { dtypeBytes } from '../../src/arithmetic/dtype.js';
import { type KernelBuild, loadKernels } from '../../src/arithmetic/kernels.js';
import {
  type KernelDescription,
  type KernelIdentity,
  readKernelDescription,
} from '../../src/kernel/store/kernelDescription.js';
import {
  findOrDescribeKernel,
  KernelWriter,
  kernelWriterRegions,
} from '../../src/kernel/store/kernelWriter.js';
import { planStoredKernel, StoredKernelMatrix } from '../../src/kernel/store/storedKernelMatrix.js';
import { entriesOf } from '../../src/kernel/store/tileEntries.js';
import { extentOf, type MatrixShape, SLOT_ALIGN, slotBytes } from '../../src/kernel/store/tileLayout.js';
import { kernelTasks } from '../../src/kernel/tasks/tasks.js';
import { balancedTileSize } from '../../src/kernel/tiles/kernelMatrix.js';
import { Arena } from '../../src/memory/arena.js';
import type { Region } from '../../src/memory/plan.js';
import { nodeStorage } from '../../src/storage/nodeStorage.js';
import type { Storage } from '../../src/storage/storage.js';
import { OneThread } from '../../src/threads/oneThread.js';
import { THREAD_SCRATCH_BYTES } from '../../src/threads/threads.js';
import type { Workspace } from '../../src/threads/workspace.js';

export const KERNELS = '/kernels';

/** A workspace of one thread with these regions. */
export function workspaceOf(regions: readonly Region[], build: KernelBuild = 'plain'): Workspace {
  const arena = new Arena([...regions, { name: 'thread scratch', bytes: THREAD_SCRATCH_BYTES }]);
  const kernels = loadKernels(arena.memory, build);
  const scratch = arena.address('thread scratch');
  const threads = new OneThread(kernelTasks({ kernels, buffer: arena.buffer, thread: 0, scratch }, {}));
  return { arena, kernels, threads };
}

/** A kernel of n rows whose name is `toy`. */
export function toyIdentity(n: number, dtype: MatrixShape['dtype'] = 'float32'): KernelIdentity {
  return {
    n,
    dtype,
    kernel: { kind: 'rbf', lengthscale: 2 },
    scale: 'unit',
    data: { name: 'toy', path: 'data/toy', fingerprint: 'f00d', subset: 0 },
  };
}

/** An entry for every place, the same in both triangles, exact in float16. */
export function toyEntry(i: number, j: number): number {
  const [a, b] = i > j ? [i, j] : [j, i];
  return ((a * 31 + b * 17) % 201) / 64 - 1;
}

/** Fills a tile in the arena, and its padding with rubbish. */
export function fillTile(
  workspace: Workspace,
  shape: MatrixShape,
  index: { readonly row: number; readonly column: number },
  address: number,
  entry: (i: number, j: number) => number,
): void {
  new Uint8Array(workspace.arena.buffer, address, slotBytes(shape)).fill(0x55);
  const entries = entriesOf(workspace.arena.buffer, shape.dtype);
  const { firstRow, rows, firstColumn, columns } = extentOf(shape, index);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      entries.set(
        address / dtypeBytes[shape.dtype] + r * shape.tileSize + c,
        entry(firstRow + r, firstColumn + c),
      );
}

/**
 * Makes the missing tiles of a kernel, as generate does, at most `most` of them, and returns its description. An error
 * closes the writer as a job does; `kill` leaves everything as it is.
 */
export async function generateToy(
  storage: Storage,
  identity: KernelIdentity,
  options: {
    readonly tileSize?: number;
    readonly most?: number;
    readonly syncMs?: number;
    readonly kill?: boolean;
    readonly entry?: (i: number, j: number) => number;
  } = {},
): Promise<KernelDescription> {
  const { tileSize = balancedTileSize(identity.n, 32), syncMs = 0, entry = toyEntry } = options;
  const description = await findOrDescribeKernel(storage, KERNELS, identity, tileSize);
  const workspace = workspaceOf([
    ...kernelWriterRegions(description),
    { name: 'slot', bytes: slotBytes(description), align: SLOT_ALIGN },
  ]);
  const writer = await KernelWriter.open(storage, KERNELS, description, workspace, { syncMs });
  try {
    let made = 0;
    for (const index of writer.missing()) {
      if (made++ === (options.most ?? Infinity)) break;
      const address = workspace.arena.address('slot');
      fillTile(workspace, description, index, address, entry);
      await writer.writeTile(index, address);
    }
    await writer.finish();
  } catch (error) {
    if (options.kill) throw error;
    await writer.close();
    throw error;
  }
  await writer.close();
  return (await readKernelDescription(storage, writer.folder))!;
}

/** Opens a stored kernel with `bytes` for its regions. */
export async function openToy(
  storage: Storage,
  description: KernelDescription,
  bytes = 0,
  kernels = KERNELS,
): Promise<{ matrix: StoredKernelMatrix; workspace: Workspace }> {
  const workspace = workspaceOf([
    ...planStoredKernel(description, bytes).regions,
    { name: 'work', bytes: 1 << 18 },
  ]);
  const matrix = await StoredKernelMatrix.open(storage, kernels, description, workspace);
  return { matrix, workspace };
}

/** The real file system, a folder of it standing for the root. */
export function below(folder: string): Storage {
  const real = (path: string) => join(folder, path);
  return new Proxy(nodeStorage, {
    get: (target, name: keyof Storage) => (path: string, second?: unknown) =>
      (target[name] as (...given: unknown[]) => unknown)(
        real(path),
        name === 'rename' ? real(second as string) : second,
      ),
  });
}
