import type { ByteReader } from './byteReader.js';
import { PickledArray, readPickle } from './pickle.js';
import type { RowBatch } from './rowBatch.js';

/** Features of an image, in the order [channel][row][column]: as stored in every version of the files. */
export const PIXELS = 32 * 32 * 3;
const RECORD = 1 + PIXELS;
const IMAGES_AT_ONCE = 16;

/** Adds the images of one binary batch (a label byte, then the pixels); returns their number. */
export async function readBinaryBatch(
  reader: ByteReader,
  byteLength: number,
  rows: RowBatch,
): Promise<number> {
  if (byteLength === 0 || byteLength % RECORD !== 0) {
    const whole = byteLength - (byteLength % RECORD);
    throw reader.fault(
      `the file has ${byteLength} bytes, not a whole number of ${RECORD}-byte records; the last one begins here`,
      whole,
    );
  }
  const count = byteLength / RECORD;
  const records = new Uint8Array(IMAGES_AT_ONCE * RECORD);
  const view = new DataView(records.buffer);
  for (let first = 0; first < count; first += IMAGES_AT_ONCE) {
    const many = Math.min(IMAGES_AT_ONCE, count - first);
    const start = reader.position;
    await reader.read(
      records.subarray(0, many * RECORD),
      `records ${first} to ${first + many - 1} of ${count}`,
    );
    for (let i = 0; i < many; i++) {
      const label = records[i * RECORD]!;
      if (label > 9) {
        throw reader.fault(
          `label ${label} of image ${first + i} is not a class number from 0 to 9`,
          start + i * RECORD,
          'MLML_BAD_DATA',
        );
      }
      const full = rows.add(view, i * RECORD + 1, label, (j) =>
        reader.place(start + i * RECORD + (j === PIXELS ? 0 : 1 + j)),
      );
      if (full) await rows.flush();
    }
  }
  await reader.expectEnd();
  return count;
}

/** Where the pixels of a pickled batch lie, and its labels. */
export interface PickledBatch {
  readonly offset: number;
  readonly labels: Uint8Array;
}

/** A value of a pickle for a message: lists may hold themselves, or nest deeper than any stack. */
function plain(value: unknown): string {
  return typeof value === 'object' ? 'an object' : String(value);
}

/** Reads a pickled batch but for its pixels: the labels may come before or after them. */
export async function readPickledLabels(reader: ByteReader): Promise<PickledBatch> {
  const dict = await readPickle(reader);
  await reader.expectEnd();
  const end = reader.position;
  const data = dict instanceof Map ? dict.get('data') : undefined;
  const labels = dict instanceof Map ? dict.get('labels') : undefined;
  if (!(data instanceof PickledArray) || !Array.isArray(labels)) {
    throw reader.fault("the pickle is not a dict with an array 'data' and a list 'labels'", 0);
  }
  const [rows, columns] = data.shape;
  if (data.shape.length !== 2 || columns !== PIXELS || data.type !== 'u1' || data.columnMajor) {
    throw reader.fault(
      `'data' is an array of type ${data.type} and shape (${data.shape.map(plain).join(', ')}); ` +
        `bytes (u1) in rows of ${PIXELS} are needed`,
      data.bytes.offset,
    );
  }
  if (data.bytes.byteLength !== (rows as number) * PIXELS) {
    throw reader.fault(
      `'data' says ${rows} rows of ${PIXELS} bytes but holds ${data.bytes.byteLength} bytes`,
      data.bytes.offset,
    );
  }
  if (labels.length !== rows) {
    throw reader.fault(`there are ${labels.length} labels for ${rows} images`, end);
  }
  for (const [row, label] of labels.entries()) {
    if (typeof label !== 'number' || !Number.isInteger(label) || label < 0 || label > 9) {
      throw reader.fault(
        `label ${plain(label)} of image ${row} is not a class number from 0 to 9`,
        end,
        'MLML_BAD_DATA',
      );
    }
  }
  return { offset: data.bytes.offset, labels: Uint8Array.from(labels as number[]) };
}

/** Adds the images of a pickled batch whose labels were read before; returns their number. */
export async function readPickledImages(
  reader: ByteReader,
  batch: PickledBatch,
  rows: RowBatch,
): Promise<number> {
  const { offset, labels } = batch;
  await reader.skip(offset, 'the pickle');
  const pixels = new Uint8Array(PIXELS);
  const view = new DataView(pixels.buffer);
  for (const [row, label] of labels.entries()) {
    await reader.read(pixels, `image ${row} of ${labels.length}`);
    const full = rows.add(view, 0, label, (j) =>
      reader.place(offset + row * PIXELS + Math.min(j, PIXELS - 1)),
    );
    if (full) await rows.flush();
  }
  return labels.length;
}
