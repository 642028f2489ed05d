import { basename, join } from 'node:path';
import { loadKernels } from '../../arithmetic/kernels.js';
import { MlmlError } from '../../errors.js';
import { Arena } from '../../memory/arena.js';
import { budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import { removeLeftovers } from '../../storage/leftovers.js';
import { holdersOf, lockFolder } from '../../storage/lock.js';
import { ownedName } from '../../storage/ownedFolder.js';
import type { Storage } from '../../storage/storage.js';
import { OneThread } from '../../threads/oneThread.js';
import type { KernelListener } from '../events.js';
import type { StoredKernel } from '../jobs.js';
import { kernelTasks } from '../tasks/tasks.js';
import {
  KERNEL_FILE,
  type KernelDescription,
  kernelAdvice,
  kernelFolder,
  readKernelDescription,
  requireKernelDescription,
  writeKernelDescription,
} from './kernelDescription.js';
import { TileChecksums, tileChecksumRegion } from './tileChecksums.js';
import { TILE_FILE, TileFile } from './tileFile.js';
import { SLOT_ALIGN, slotBytes, tileName, tilesOf } from './tileLayout.js';
import { appendToLog, LOG_FILE, readTileLog, TileCount } from './tileLog.js';
import { TileTable } from './tileTable.js';

/** Damaged tiles that a message names; it gives the number of the others. */
const NAMED = 5;

/** Every stored kernel in a folder, by name. A description that is damaged is an error naming its file. */
export async function listKernels(storage: Storage, folder: string): Promise<StoredKernel[]> {
  const kernels: StoredKernel[] = [];
  for (const name of await storage.list(folder)) {
    if (name.startsWith('.')) continue;
    const description = await readKernelDescription(storage, join(folder, name));
    if (description !== undefined) kernels.push(await summary(storage, join(folder, name), description));
  }
  return kernels;
}

/** The stored kernel of a memId. `MLML_NOT_FOUND` when there is none. */
export async function findKernel(storage: Storage, folder: string, memId: string): Promise<StoredKernel> {
  const description = await requireKernelDescription(storage, folder, memId);
  return await summary(storage, kernelFolder(folder, memId), description);
}

async function summary(
  storage: Storage,
  folder: string,
  description: KernelDescription,
): Promise<StoredKernel> {
  const count = new TileCount(tilesOf(description));
  await readTileLog(storage, join(folder, LOG_FILE), count);
  const { kernel, rows, tileSize, dtype, scale, data } = description;
  return {
    // The folder's name is what `--memId` takes, also when somebody has renamed it.
    memId: basename(folder),
    folder,
    kernel,
    n: rows,
    tileSize,
    dtype,
    scale,
    bytes: (await storage.status(join(folder, TILE_FILE)))?.byteLength ?? 0,
    tiles: count.tiles,
    tilesDone: count.done,
    complete: count.done === count.tiles,
    dataset: {
      name: data.name,
      fingerprint: data.fingerprint,
      subset: data.subset,
      ...(data.sampleSeed === undefined ? {} : { sampleSeed: data.sampleSeed }),
    },
    busy: (await holdersOf(storage, folder)).length > 0,
  };
}

/** Removes a stored kernel with everything below its folder. `MLML_BUSY` when a process uses it. */
export async function removeKernel(storage: Storage, folder: string, memId: string): Promise<void> {
  const path = kernelFolder(folder, memId);
  // Any folder with a description, whole or damaged; no other folder is ours to remove.
  if ((await storage.status(join(path, KERNEL_FILE))) === undefined)
    await requireKernelDescription(storage, folder, memId);
  const lock = await lockFolder(storage, path, 'writer');
  // Under another name it is gone at once, whatever happens to this process; a later one removes the rest.
  const gone = join(folder, ownedName('removed'));
  try {
    await storage.rename(path, gone);
  } catch (error) {
    await lock.release();
    // It may have been renamed although that is said to have failed.
    await storage.remove(gone).catch(() => {});
    throw error;
  }
  await storage.syncFolder(folder);
  await storage.remove(gone);
  await removeLeftovers(storage, folder);
}

/** Memory of `verifyKernel`. Pure. */
export function planVerify(description: KernelDescription): Region[] {
  return [
    tileChecksumRegion(),
    { name: 'tile', bytes: slotBytes(description), align: SLOT_ALIGN },
    { name: 'tile table', bytes: 5 * tilesOf(description) },
  ];
}

/** See `KernelJobs.verifyKernel`. Tiles not made yet are no fault. */
export async function verifyKernel(
  storage: Storage,
  folder: string,
  memId: string,
  options: {
    readonly bufferBytes: number;
    readonly signal?: AbortSignal;
    readonly onEvent?: KernelListener;
  },
): Promise<StoredKernel> {
  const path = kernelFolder(folder, memId);
  const description = await requireKernelDescription(storage, folder, memId);
  const regions = planVerify(description);
  const { totalBytes } = layOut(regions);
  if (totalBytes > options.bufferBytes)
    throw budgetTooSmall(`verifying ${memId}`, totalBytes, options.bufferBytes);
  const lock = await lockFolder(storage, path, 'reader');
  let wrong: { readonly tile: number; readonly checksum: number }[];
  try {
    wrong = await findDamage(storage, path, description, new Arena(regions), options);
  } finally {
    await lock.release();
  }
  if (wrong.length === 0) return await summary(storage, path, description);
  await withdrawTiles(storage, path, description, wrong);
  const named = wrong.slice(0, NAMED).map(({ tile }) => tileName(description, tile));
  if (wrong.length > NAMED) named.push(`${wrong.length - NAMED} more`);
  throw new MlmlError(
    'MLML_CHECKSUM',
    `${join(path, TILE_FILE)}: ${named.join(', ')}: damaged or cut short, and marked now; ` +
      `the same generate command makes only that again, or remove the kernel with \`mlml kernels rm ${memId}\``,
  );
}

async function findDamage(
  storage: Storage,
  folder: string,
  description: KernelDescription,
  arena: Arena,
  options: { readonly signal?: AbortSignal; readonly onEvent?: KernelListener },
): Promise<{ tile: number; checksum: number }[]> {
  const kernels = loadKernels(arena.memory);
  const environment = { kernels, buffer: arena.buffer, thread: 0, scratch: 0 };
  const threads = new OneThread(kernelTasks(environment, {}));
  const checksums = new TileChecksums({ arena, kernels, threads });
  const table = new TileTable(tilesOf(description), arena.buffer, arena.address('tile table'));
  await readTileLog(storage, join(folder, LOG_FILE), table);
  const wrong: { tile: number; checksum: number }[] = [];
  const each = slotBytes(description);
  const length = (await storage.status(join(folder, TILE_FILE)))?.byteLength ?? 0;
  for (let tile = Math.floor(length / each); tile < table.end; tile++)
    if (table.isDone(tile)) wrong.push({ tile, checksum: table.checksum(tile) });
  for (const { tile } of wrong) table.withdraw(tile);
  if (table.done === 0) return wrong;
  const total = table.done;
  const file = await TileFile.openWith(storage, folder, description, table, kernelAdvice(description.memId));
  try {
    const slot = arena.uint8('tile');
    for (let tile = 0, done = 0; tile < table.end; tile++) {
      if (!table.isDone(tile)) continue;
      options.signal?.throwIfAborted();
      await file.read(tile, slot);
      const checksum = table.checksum(tile);
      if (checksums.of(arena.address('tile'), each) !== checksum) wrong.push({ tile, checksum });
      options.onEvent?.({
        type: 'progress',
        phase: 'verify',
        done: ++done,
        total,
        epoch: 0,
        bytesRead: file.bytesRead,
        bytesWritten: 0,
      });
    }
  } finally {
    await file.close();
  }
  return wrong.sort((a, b) => a.tile - b.tile);
}

/** Marks tiles as not done, unless they were made again in the meantime. */
async function withdrawTiles(
  storage: Storage,
  folder: string,
  description: KernelDescription,
  wrong: readonly { readonly tile: number; readonly checksum: number }[],
): Promise<void> {
  const lock = await lockFolder(storage, folder, 'writer');
  try {
    const table = new TileTable(tilesOf(description));
    const logPath = join(folder, LOG_FILE);
    const end = await readTileLog(storage, logPath, table);
    const still = wrong.filter(
      ({ tile, checksum }) => table.isDone(tile) && table.checksum(tile) === checksum,
    );
    const log = await storage.openWrite(logPath);
    try {
      await appendToLog(
        log,
        end,
        still.map(({ tile }) => ({ tile, checksum: undefined })),
      );
    } finally {
      await log.close();
    }
    const there = await readKernelDescription(storage, folder);
    if (there !== undefined) await writeKernelDescription(storage, folder, { ...there, state: 'incomplete' });
  } finally {
    await lock.release();
  }
}
