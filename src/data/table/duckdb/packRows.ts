import type { DataChunk } from '@duckdb/node-bindings';
import { FRAME_BYTES, FRAME_HEADER, padded, ROWS, type SentAs } from './messages.js';
import { type ReadPointer, TEXT_BYTES, TextColumn } from './textColumn.js';

/** What is needed of the package `@duckdb/node-bindings`. */
export interface ChunkAccess {
  data_chunk_get_size(chunk: DataChunk): number;
  data_chunk_get_vector(chunk: DataChunk, column: number): object;
  vector_get_data(vector: object, bytes: number): Uint8Array;
  get_data_from_pointer: ReadPointer;
}

/** A row that has no room in a frame. */
export class LongRow extends Error {
  /** Its number in the chunk. */
  readonly row: number;
  readonly bytes: number;

  constructor(row: number, bytes: number) {
    super(`${bytes} bytes`);
    this.row = row;
    this.bytes = bytes;
  }
}

/** Writes the rows of chunks as frames, into a buffer that is used again. */
export class RowPacker {
  /** Bytes of all rows packed so far. */
  packed = 0;
  readonly #access: ChunkAccess;
  readonly #columns: readonly SentAs[];
  readonly #longestRow: number;
  #buffer: Buffer = Buffer.allocUnsafeSlow(FRAME_HEADER + FRAME_BYTES);

  constructor(access: ChunkAccess, columns: readonly SentAs[], longestRow: number) {
    this.#access = access;
    this.#columns = columns;
    this.#longestRow = longestRow;
  }

  /** The frames of a chunk, each valid until the next is asked for. */
  *frames(chunk: DataChunk): Generator<Buffer> {
    const rows = this.#access.data_chunk_get_size(chunk);
    const { numbers, texts } = this.#columnsOf(chunk, rows);
    const rowBytes = 8 * numbers.length + 4 * texts.length;
    // At the ends of sections.
    const spare = 8 + 24 * (numbers.length + texts.length);
    for (let from = 0; from < rows; ) {
      let to = from;
      let bytes = spare;
      for (; to < rows; to++) {
        let next = rowBytes;
        for (const text of texts) next += text.length(to);
        if (to > from && bytes + next > FRAME_BYTES) break;
        if (next > this.#longestRow) throw new LongRow(to, next);
        bytes += next;
      }
      yield this.#frame(numbers, texts, from, to, FRAME_HEADER + bytes);
      from = to;
    }
  }

  #columnsOf(chunk: DataChunk, rows: number): { numbers: Uint8Array[]; texts: TextColumn[] } {
    const numbers: Uint8Array[] = [];
    const texts: TextColumn[] = [];
    let position = 0;
    const next = (bytes: number) => {
      const vector = this.#access.data_chunk_get_vector(chunk, position++);
      return this.#access.vector_get_data(vector, rows * bytes);
    };
    for (const sent of this.#columns) {
      if (sent !== 'texts') numbers.push(next(8));
      if (sent !== 'doubles')
        texts.push(new TextColumn(next(TEXT_BYTES), this.#access.get_data_from_pointer));
    }
    return { numbers, texts };
  }

  #frame(
    numbers: readonly Uint8Array[],
    texts: readonly TextColumn[],
    from: number,
    to: number,
    most: number,
  ): Buffer {
    if (this.#buffer.length < most) this.#buffer = Buffer.allocUnsafeSlow(most);
    const buffer = this.#buffer;
    const rows = to - from;
    let at = FRAME_HEADER;
    buffer.writeUInt32LE(rows, at);
    buffer.writeUInt32LE(0, at + 4);
    at += 8;
    let number = 0;
    let text = 0;
    for (const sent of this.#columns) {
      if (sent !== 'texts') {
        buffer.set(numbers[number++]!.subarray(8 * from, 8 * to), at);
        at += 8 * rows;
      }
      if (sent !== 'doubles') at = writeTexts(texts[text++]!, from, to, buffer, at, sent === 'texts');
    }
    this.packed += at - FRAME_HEADER;
    buffer.fill(0, 0, FRAME_HEADER);
    buffer.writeUInt32LE(ROWS, 0);
    buffer.writeUInt32LE(at - FRAME_HEADER, 4);
    return buffer.subarray(0, at);
  }
}

/** Their bytes, and 1 when there are any; where each ends; the texts. Where all are empty nothing follows the first, unless `always`. */
function writeTexts(
  texts: TextColumn,
  from: number,
  to: number,
  buffer: Buffer,
  at: number,
  always: boolean,
): number {
  let total = 0;
  for (let row = from; row < to; row++) total += texts.length(row);
  const present = always || total > 0;
  buffer.writeUInt32LE(total, at);
  buffer.writeUInt32LE(present ? 1 : 0, at + 4);
  if (!present) return at + 8;
  const start = at + 8 + 4 * (to - from);
  let end = 0;
  for (let row = from; row < to; row++) {
    texts.copy(row, buffer, start + end);
    end += texts.length(row);
    buffer.writeUInt32LE(end, at + 8 + 4 * (row - from));
  }
  const next = FRAME_HEADER + padded(start + end - FRAME_HEADER);
  buffer.fill(0, start + end, next);
  return next;
}
