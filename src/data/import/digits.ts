import { setImmediate } from 'node:timers/promises';
import type { Dtype } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { DatasetWriter } from '../datasetWriter.js';
import { PIXELS, SIDE } from '../digits/rasteriser.js';
import { DIGIT_ROW_BYTES, writeDigit } from '../digits/sample.js';
import type { DatasetDescription, PartName } from '../format.js';
import { rowLayout } from '../rowLayout.js';
import { RowBatch } from './rowBatch.js';

/** Rows made between two turns for timers and signals. */
const BLOCK_ROWS = Math.floor(2 ** 18 / DIGIT_ROW_BYTES);
/** Test rows are the samples from this index on: no training set is long enough to reach them. */
export const FIRST_TEST_INDEX = 2 ** 52;
/** Part of the description: changes whenever the same (seed, index) gives other bytes. */
const GENERATOR_VERSION = 1;

export interface DigitsOptions {
  /** Folder to be made. */
  readonly out: string;
  /** Training rows; those of a smaller n are the first of a larger one. Default 60000. */
  readonly n?: number;
  /** Test rows. Default 10000. */
  readonly nt?: number;
  /** Number type to store. Default uint8. */
  readonly dtype?: Dtype;
  /** A non-negative integer. Default 0. */
  readonly seed?: number;
  /** Called after each block with the rows made and the rows wanted, training and test together. */
  readonly onProgress?: (rowsDone: number, rowsTotal: number) => void;
  /** Aborting rejects with the signal's reason and leaves nothing behind. */
  readonly signal?: AbortSignal;
}

/**
 * Makes a data set of generated handwritten digits (28 x 28 bytes, 10 classes), streaming, in memory that does not
 * depend on n. The same options give the same bytes on every machine.
 * `MLML_USAGE` for impossible sizes, `MLML_EXISTS` when the folder is there, `MLML_DISK_FULL` before anything is
 * written when the rows cannot fit.
 */
export async function importDigits(storage: Storage, options: DigitsOptions): Promise<DatasetDescription> {
  const { out, n = 60000, nt = 10000, seed = 0, dtype = 'uint8', onProgress, signal } = options;
  checkInteger('--n', n, 1);
  checkInteger('--nt', nt, 0);
  checkInteger('--seed', seed, 0);
  signal?.throwIfAborted();
  await checkSpace(storage, out, (n + nt) * rowLayout(PIXELS, dtype).rowBytes);

  const writer = await DatasetWriter.create(storage, out, {
    name: 'digits',
    task: 'classification',
    d: PIXELS,
    k: 10,
    dtype,
    classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
    image: { height: SIDE, width: SIDE, channels: 1 },
  });
  const digit = new Uint8Array(DIGIT_ROW_BYTES);
  const view = new DataView(digit.buffer);
  const write = async (part: PartName, rows: number, firstIndex: number, rowsBefore: number) => {
    const batch = new RowBatch(writer, part, 'uint8');
    for (let from = 0; from < rows; from += BLOCK_ROWS) {
      // Lets timers, signals and the progress display have their turn, also when the storage never waits.
      await setImmediate();
      signal?.throwIfAborted();
      const count = Math.min(BLOCK_ROWS, rows - from);
      for (let row = 0; row < count; row++) {
        const label = writeDigit(digit, 0, seed, firstIndex + from + row);
        if (batch.add(view, 0, label, () => `${part} row ${from + row}`)) await batch.flush();
      }
      onProgress?.(rowsBefore + from + count, n + nt);
    }
    await batch.flush();
  };
  try {
    await write('train', n, 0, 0);
    await write('test', nt, FIRST_TEST_INDEX, n);
    signal?.throwIfAborted();
    return await writer.finish({
      description: `digits generator, version ${GENERATOR_VERSION}, seed ${seed}`,
      files: [],
    });
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Sizes in bytes must stay safe integers too, hence the upper bound. */
function checkInteger(option: string, value: number, smallest: number): void {
  const largest = option === '--seed' ? Number.MAX_SAFE_INTEGER : 2 ** 42;
  if (Number.isInteger(value) && value >= smallest && value <= largest) return;
  throw new MlmlError(
    'MLML_USAGE',
    `${option}=${value}: is not possible; give a whole number from ${smallest} to ${largest}`,
  );
}

async function checkSpace(storage: Storage, out: string, bytes: number): Promise<void> {
  const free = await storage.freeBytes(out);
  if (bytes <= free) return;
  throw new MlmlError(
    'MLML_DISK_FULL',
    `${out}: ${bytes} bytes are needed and ${free} are free; free some space, lower --n or choose another --out`,
  );
}
