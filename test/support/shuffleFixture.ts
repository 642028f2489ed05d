import { loadKernels } from '../../src/arithmetic/kernels.js';
import { RowFile } from '../../src/data/rowFile.js';
import { rowLayout } from '../../src/data/rowLayout.js';
import { Arena } from '../../src/memory/arena.js';
import type { ShuffleName } from '../../src/ssgd/options.js';
import { scatterPlan } from '../../src/ssgd/shuffle/planScatter.js';
import { openRowStream, type RowStream, type ShuffleContext } from '../../src/ssgd/shuffle/rowStream.js';
import {
  minimumShuffleBytes,
  planShuffle,
  type ShufflePlan,
  type ShuffleRequest,
} from '../../src/ssgd/shuffle/shufflePlan.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import type { Storage } from '../../src/storage/storage.js';

/** Writes rows that hold their own number (little-endian, as many bytes as fit, at most four) and then a pattern. */
export async function writeNumberedRows(storage: Storage, path: string, rows: number, rowBytes: number) {
  const bytes = new Uint8Array(rows * rowBytes);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < rowBytes; i++) {
      bytes[row * rowBytes + i] = i < 4 ? Math.floor(row / 256 ** i) : row + 7 * i;
    }
  }
  const file = await storage.create(path);
  await file.write(bytes, 0);
  await file.close();
}

export function openNumberedRows(storage: Storage, path: string, rows: number, rowBytes: number) {
  return RowFile.open(storage, rowLayout(rowBytes - 1, 'uint8'), [{ path, rows }]);
}

/** The number of a row lying in memory; throws when its bytes are not those of one numbered row. */
export function numberAt(memory: Uint8Array, address: number, rowBytes: number): number {
  let row = 0;
  for (let i = Math.min(4, rowBytes) - 1; i >= 0; i--) row = row * 256 + memory[address + i]!;
  for (let i = 4; i < rowBytes; i++) {
    if (memory[address + i] !== ((row + 7 * i) & 255)) throw new Error(`row ${row} is damaged at byte ${i}`);
  }
  return row;
}

/** Row numbers of one epoch in the order in which the stream gives them. */
export async function orderOf(
  stream: RowStream,
  epoch: number,
  arena: Arena,
  rowBytes: number,
  fromRow?: number,
) {
  const memory = new Uint8Array(arena.buffer);
  const words = new Uint32Array(arena.buffer);
  const numbers: number[] = [];
  for await (const { base, order, from, to } of stream.epoch(epoch, fromRow)) {
    for (let i = from; i < to; i++) {
      const row = order === 0 ? i : words[(order >>> 2) + i]!;
      numbers.push(numberAt(memory, base + row * rowBytes, rowBytes));
    }
  }
  return numbers;
}

export interface ShuffleRun {
  readonly orders: number[][];
  readonly plan: ShufflePlan;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** Every way of shuffling `rows` rows in three epochs, in as little memory as possible and in more. */
export function plansFor(rows: number, rowBytes: number): { name: string; plan: ShufflePlan }[] {
  const plans: { name: string; plan: ShufflePlan }[] = [];
  const add = (name: string, plan: ShufflePlan) => plans.push({ name: `${name}: ${plan.kind}`, plan });
  const sizes = { rows, rowBytes, epochs: 3, reshuffle: 'epoch' as const };
  for (const algo of ['external_shuffle', 'external_sort', 'block_shuffle', 'none'] as ShuffleName[]) {
    const minimum = minimumShuffleBytes({ ...sizes, algo });
    for (const bytes of [minimum, Math.floor(1.7 * minimum), 4 * minimum, 2 * rows * rowBytes + 4096]) {
      add(`${algo} in ${bytes} bytes`, planShuffle({ ...sizes, algo, bytes }));
    }
  }
  for (const reshuffle of ['epoch', 'once'] as const) {
    const request = { ...sizes, algo: 'external_shuffle' as const, reshuffle };
    for (const depth of [1, 2, 3]) {
      for (const buckets of [2, 5]) {
        for (const chunkBytes of [rowBytes, 3 * rowBytes]) {
          const shape = { depth, buckets, direct: false, chunkBytes };
          add(`${depth} levels of ${buckets}`, scatterPlan(request, shape));
        }
        for (const chunkBytes of [4096, 12288]) {
          const shape = { depth, buckets, direct: true, chunkBytes };
          add(`${depth} direct levels of ${buckets}`, scatterPlan(request, shape));
        }
      }
    }
  }
  return plans;
}

/** Plans, opens and runs all epochs over numbered rows; closes the stream in any case. */
export async function runShuffle(
  request: ShuffleRequest,
  context: Partial<ShuffleContext> = {},
): Promise<ShuffleRun> {
  return await runPlan(planShuffle(request), context);
}

export async function runPlan(plan: ShufflePlan, context: Partial<ShuffleContext> = {}): Promise<ShuffleRun> {
  const storage = context.storage ?? new MemoryStorage();
  const { rows, rowBytes } = plan;
  if ((await storage.status('/data/rows')) === undefined) {
    await writeNumberedRows(storage, '/data/rows', rows, rowBytes);
  }
  const file = await openNumberedRows(storage, '/data/rows', rows, rowBytes);
  const arena = new Arena(plan.regions);
  const kernels = loadKernels(arena.memory);
  const stream = await openRowStream(plan, file, arena, kernels, {
    scratchFolder: '/scratch',
    seed: 1,
    ...context,
    storage,
  });
  try {
    const orders: number[][] = [];
    for (let epoch = 0; epoch < plan.epochs; epoch++) {
      orders.push(await orderOf(stream, epoch, arena, rowBytes));
    }
    return { orders, plan, bytesRead: stream.bytesRead, bytesWritten: stream.bytesWritten };
  } finally {
    await stream.close();
    await file.close();
  }
}
