import { dtypeBytes } from '../../arithmetic/dtype.js';
import type { Dataset } from '../../data/dataset.js';
import { Arena } from '../../memory/arena.js';
import { collectGarbage } from '../../memory/collectGarbage.js';
import { budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import { missingFolders, removeEmptyFolders } from '../../storage/madeFolders.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import {
  type EvaluatingWorkspace,
  type Evaluation,
  evaluationRegions,
  evaluatorOf,
  packedBytesOf,
  startEvaluation,
} from '../job/evaluation.js';
import { evaluateTile } from '../tiles/evaluateTile.js';
import type { Tile } from '../tiles/kernelMatrix.js';
import { addTimesTile, addTimesTransposedTile, type ProductPrecision } from '../tiles/multiply.js';

/** What this machine does now, all threads together. */
export interface Speeds {
  /** Kernel entries evaluated in a second, on these rows. */
  readonly entries: number;
  /** Multiply-adds in a second of tiles with blocks of vectors. */
  readonly products: number;
  /** The same where products may be in float32. */
  readonly floatProducts: number;
  /** Bytes of tiles written to and read from the disk in a second, past the page cache. */
  readonly written: number;
  readonly read: number;
}

const MOST_ROWS = 512;
const LEAST_ROWS = 16;
const MOST_CHUNK = 1 << 20;
const LEAST_CHUNK = 4096;
const DISK_CHUNKS = 48;
/** Each speed is the best of some trials: what others do on the machine only slows down. */
const TRIALS = 3;

function regionsFor(
  rows: number,
  chunk: number,
  dataset: Dataset,
  evaluation: Evaluation,
  width: number,
  threads: number,
): Region[] {
  const packed = packedBytesOf(evaluation)(rows);
  return [
    ...evaluationRegions(evaluation, threads),
    { name: 'trial rows', bytes: rows * dataset.layout.rowBytes },
    { name: 'trial block 0', bytes: packed },
    { name: 'trial block 1', bytes: packed },
    {
      name: 'trial tile',
      bytes: Math.max(chunk, rows * rows * dtypeBytes[evaluation.dtype]),
      align: 4096,
    },
    { name: 'trial vectors', bytes: 8 * rows * width },
    { name: 'trial sums', bytes: 8 * rows * width },
  ];
}

/** Memory that measuring takes at least. */
export function measuringBytes(
  dataset: Dataset,
  evaluation: Evaluation,
  width: number,
  threads: number,
): number {
  return layOut(regionsFor(LEAST_ROWS, LEAST_CHUNK, dataset, evaluation, width, threads)).totalBytes;
}

/**
 * Measures speeds on a sample of the rows, in some tenths of a second, in the memory of a job.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`
 */
export async function measureSpeeds(
  dataset: Dataset,
  evaluation: Evaluation,
  job: {
    readonly width: number;
    readonly threads: number;
    readonly memory: WebAssembly.Memory;
    readonly bufferBytes: number;
  },
  storage: Storage,
  folder: string,
): Promise<Speeds> {
  const { width, threads, memory, bufferBytes } = job;
  let rows = MOST_ROWS;
  let chunk = MOST_CHUNK;
  const regions = () => regionsFor(rows, chunk, dataset, evaluation, width, threads);
  const needed = () => layOut(regions()).totalBytes;
  while (rows > LEAST_ROWS && needed() > bufferBytes) {
    rows /= 2;
    chunk = Math.max(LEAST_CHUNK, chunk / 4);
  }
  if (needed() > bufferBytes)
    throw budgetTooSmall('krr, to measure how fast this machine is,', needed(), bufferBytes);
  const arena = new Arena(regions(), memory);
  const workspace = await startEvaluation(arena, evaluation, threads);
  try {
    const disk = await diskSpeeds(storage, folder, arena, chunk);
    return { ...(await arithmeticSpeeds(dataset, evaluation, workspace, rows, width)), ...disk };
  } finally {
    await workspace.threads.close();
    // What the threads and the trials leave behind is gone before the job itself takes memory.
    collectGarbage('major');
  }
}

async function arithmeticSpeeds(
  dataset: Dataset,
  evaluation: Evaluation,
  workspace: EvaluatingWorkspace,
  rows: number,
  width: number,
): Promise<Pick<Speeds, 'entries' | 'products' | 'floatProducts'>> {
  const { arena, threads } = workspace;
  const evaluator = evaluatorOf(workspace);
  const block = async (number: number) => {
    const count = Math.min(rows, dataset.train.rows);
    const first = number === 0 ? 0 : dataset.train.rows - count;
    await dataset.train.readRows(arena.uint8('trial rows'), first, count);
    const address = arena.address(`trial block ${number}`);
    evaluator.pack(arena.address('trial rows'), count, address, rows, 0);
    return { address, capacity: rows, rows: count };
  };
  // One after the other: both are read into the same place.
  const a = await block(0);
  const b = await block(1);
  const target = { address: arena.address('trial tile'), stride: rows, dtype: evaluation.dtype };
  const entries = best(() => {
    evaluateTile(threads, a, b, target);
    return a.rows * b.rows;
  });
  const extent = { row: 1, column: 0, firstRow: 0, rows: a.rows, firstColumn: 0, columns: b.rows };
  const tile: Tile = { ...extent, ...target };
  const [v, sums] = [arena.address('trial vectors'), arena.address('trial sums')];
  const products = (precision: ProductPrecision) =>
    best(() => {
      addTimesTile(threads, tile, v, width, sums, precision);
      threads.run();
      addTimesTransposedTile(threads, tile, v, width, sums, precision);
      threads.run();
      return 2 * a.rows * b.rows * width;
    });
  return { entries, products: products('float64'), floatProducts: products('float32') };
}

/** Work done in a second: the best of some trials after one to warm up, each long enough to be measured. */
function best(work: () => number): number {
  work();
  let fastest = 0;
  for (let trial = 0; trial < TRIALS; trial++) {
    const start = performance.now();
    let done = 0;
    let elapsed = 0;
    while (elapsed < 15) {
      done += work();
      elapsed = performance.now() - start;
    }
    fastest = Math.max(fastest, (done / elapsed) * 1000);
  }
  return fastest;
}

async function diskSpeeds(
  storage: Storage,
  folder: string,
  arena: Arena,
  chunkBytes: number,
): Promise<Pick<Speeds, 'written' | 'read'>> {
  const bytes = chunkBytes * DISK_CHUNKS;
  if ((await storage.freeBytes(folder)) < 2 * bytes) return { written: 0, read: 0 };
  const made = await missingFolders(storage, folder);
  const scratch = await Scratch.open(storage, folder, bytes);
  try {
    const chunk = arena.uint8('trial tile').subarray(0, chunkBytes);
    const file = await scratch.create('speed', { direct: true });
    const timed = async (work: (position: number) => Promise<void>) => {
      const start = performance.now();
      // As tiles are written and read: some requests under way at once.
      for (let i = 0; i < DISK_CHUNKS; i += 4)
        await Promise.all([0, 1, 2, 3].map((j) => work((i + j) * chunkBytes)));
      return (bytes / (performance.now() - start)) * 1000;
    };
    const written = await timed((position) => file.write(chunk, position));
    const read = await timed((position) => file.readInto(chunk, position));
    return { written, read };
  } finally {
    await scratch.close();
    // Who only plans leaves nothing.
    await removeEmptyFolders(storage, made);
  }
}
