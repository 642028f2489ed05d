import { Scratch } from '../../storage/scratch.js';
import type { Storage, WritableFile } from '../../storage/storage.js';
import type { SparsePart } from '../format.js';
import type { RowSample } from '../rowSample.js';
import { offsetsPath, SparseRowFile } from './sparseRowFile.js';

/** Bytes read, and written, at a time. */
const WINDOW_BYTES = 1 << 18;
/** Offsets read, and written, at a time. */
const OFFSETS = 4096;

/** Collects bytes and writes them a buffer at a time. */
class Appender {
  readonly #file: WritableFile;
  readonly #buffer: Uint8Array;
  #used = 0;
  #written = 0;

  constructor(file: WritableFile, bytes: number) {
    this.#file = file;
    this.#buffer = new Uint8Array(bytes);
  }

  get bytes(): number {
    return this.#written + this.#used;
  }

  async add(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const piece = bytes.subarray(from, from + this.#buffer.length - this.#used);
      this.#buffer.set(piece, this.#used);
      this.#used += piece.length;
      from += piece.length;
      if (this.#used === this.#buffer.length) await this.flush();
    }
  }

  async flush(): Promise<void> {
    await this.#file.write(this.#buffer.subarray(0, this.#used), this.#written);
    this.#written += this.#used;
    this.#used = 0;
  }
}

/**
 * Copies a sample of sparse rows to scratch, in one pass over them, in buffers of fixed size. Needs `most.bytes` there, and 8 bytes for
 * each row. `release` removes the copy.
 */
export async function copySparseSample(
  source: SparseRowFile,
  sample: RowSample,
  most: SparsePart,
  {
    storage,
    scratchFolder,
    signal,
  }: { readonly storage: Storage; readonly scratchFolder: string; readonly signal?: AbortSignal },
): Promise<{ readonly file: SparseRowFile; release(): Promise<void> }> {
  const scratch = await Scratch.open(storage, scratchFolder, most.bytes + 8 * (sample.size + 1));
  try {
    const path = `${scratch.path}/train.rows`;
    const rows = new Appender(await scratch.create('train.rows', {}), WINDOW_BYTES);
    const offsets = new Appender(await scratch.create(offsetsPath('train.rows'), {}), 8 * OFFSETS);
    const offset = new Uint8Array(8);
    const offsetView = new DataView(offset.buffer);
    const reader = new RecordReader(source);
    let [nonzeros, longestRow] = [0, 0];
    for (let i = 0; i < sample.size; i++) {
      if (i % OFFSETS === 0) signal?.throwIfAborted();
      offsetView.setBigUint64(0, BigInt(rows.bytes), true);
      await offsets.add(offset);
      let first = true;
      for await (const piece of reader.record(sample.rowAt(i))) {
        if (first) {
          const count = new DataView(piece.buffer, piece.byteOffset, 4).getUint32(0, true);
          nonzeros += count;
          longestRow = Math.max(longestRow, count);
        }
        first = false;
        await rows.add(piece);
      }
    }
    offsetView.setBigUint64(0, BigInt(rows.bytes), true);
    await offsets.add(offset);
    for (const appender of [rows, offsets]) await appender.flush();
    const sizes = { bytes: rows.bytes, nonzeros, longestRow };
    const file = await SparseRowFile.open(storage, source.layout, path, sample.size, sizes, source.part);
    return {
      file,
      async release() {
        await file.close();
        await scratch.close();
      },
    };
  } catch (error) {
    await scratch.close();
    throw error;
  }
}

/** Records of a file by rising row numbers, read through windows. */
class RecordReader {
  readonly #file: SparseRowFile;
  readonly #offsets = new Float64Array(OFFSETS);
  #firstOffset = 0;
  #offsetCount = 0;
  readonly #window = new Uint8Array(WINDOW_BYTES);
  #position = 0;
  #length = 0;

  constructor(file: SparseRowFile) {
    this.#file = file;
  }

  /** The bytes of a record: one piece, or several of one that is longer than the window. */
  async *record(row: number): AsyncGenerator<Uint8Array> {
    if (row < this.#firstOffset || row + 1 >= this.#firstOffset + this.#offsetCount) {
      this.#firstOffset = row;
      this.#offsetCount = Math.min(OFFSETS, this.#file.rows + 1 - row);
      await this.#file.readOffsets(this.#offsets, row, this.#offsetCount);
    }
    const [start, end] = [
      this.#offsets[row - this.#firstOffset]!,
      this.#offsets[row + 1 - this.#firstOffset]!,
    ];
    if (start + 4 > end) throw this.#file.fault(row, start, 0);
    for (let at = start; at < end; ) {
      const to = Math.min(end, at + WINDOW_BYTES);
      if (at < this.#position || to > this.#position + this.#length) {
        this.#position = at;
        this.#length = Math.min(WINDOW_BYTES, this.#file.sizes.bytes - at);
        await this.#file.readInto(this.#window.subarray(0, this.#length), at);
      }
      yield this.#window.subarray(at - this.#position, to - this.#position);
      at = to;
    }
  }
}
