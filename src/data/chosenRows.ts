import type { RowLayout } from './rowLayout.js';

/** A gap between rows is read over when it is no longer than so many bytes: that takes no longer than another request. */
const GAP_BYTES = 1 << 15;
/** Rows with their gaps are read so many bytes at a time. */
const WINDOW_BYTES = 1 << 17;
/** Requests for single rows under way at a time. */
const REQUESTS = 64;

/** Rows that can be read by number, at once too. */
interface ReadableRows {
  readonly layout: Pick<RowLayout, 'rowBytes'>;
  readRows(target: Uint8Array, firstRow: number, count: number): Promise<void>;
  readRowsNow(target: Uint8Array, firstRow: number, count: number): void;
}

/** Rows of the file that are read together: `count` of those that are wanted lie in `span` rows from `first`. */
interface Piece {
  readonly first: number;
  readonly span: number;
  readonly count: number;
}

/**
 * Reads chosen rows of a file, the i-th of which is number `numberOf(i)`. Rows that follow one another, or lie near, are read together,
 * so that a dense choice costs what reading the file costs, and a thin one what its rows cost. Beside the target it needs two windows of
 * fixed size at most, whatever the number of calls under way: they take turns.
 */
export class ChosenRows {
  readonly #file: ReadableRows;
  readonly #numberOf: (position: number) => number;
  /** Of reads that are waited for, and of those that are not, which may come between. Made when first needed. */
  #window: Uint8Array | undefined;
  #windowNow: Uint8Array | undefined;
  /** When the window is free. */
  #turn: Promise<void> = Promise.resolve();

  constructor(file: ReadableRows, numberOf: (position: number) => number) {
    this.#file = file;
    this.#numberOf = numberOf;
  }

  /** Reads `count` chosen rows from position `from` into the start of `target`. */
  async readRows(target: Uint8Array, from: number, count: number): Promise<void> {
    const { rowBytes } = this.#file.layout;
    const requests: Promise<void>[] = [];
    try {
      for (let done = 0; done < count; ) {
        const piece = this.#pieceAt(from + done, count - done);
        const end = done + piece.count;
        if (piece.span === piece.count) {
          const rows = target.subarray(done * rowBytes, end * rowBytes);
          requests.push(this.#file.readRows(rows, piece.first, piece.span));
          if (requests.length === REQUESTS) {
            await Promise.all(requests);
            requests.length = 0;
          }
        } else {
          await this.#readOver(piece, from + done, target, done);
        }
        done = end;
      }
    } finally {
      // The target belongs to the caller again when this returns.
      await Promise.allSettled(requests);
    }
    await Promise.all(requests);
  }

  /** The same before it returns: for rows that the page cache holds or has read ahead. */
  readRowsNow(target: Uint8Array, from: number, count: number): void {
    const { rowBytes } = this.#file.layout;
    for (let done = 0; done < count; ) {
      const piece = this.#pieceAt(from + done, count - done);
      const end = done + piece.count;
      if (piece.span === piece.count) {
        this.#file.readRowsNow(target.subarray(done * rowBytes, end * rowBytes), piece.first, piece.span);
      } else {
        this.#windowNow ??= new Uint8Array(WINDOW_BYTES);
        const window = this.#windowNow;
        this.#file.readRowsNow(window.subarray(0, piece.span * rowBytes), piece.first, piece.span);
        this.#take(window, piece, from + done, target, done);
      }
      done = end;
    }
  }

  /** Reads rows with their gaps into the window, when it is free, and takes those that are wanted. */
  async #readOver(piece: Piece, position: number, target: Uint8Array, at: number): Promise<void> {
    const mine = this.#turn.then(async () => {
      this.#window ??= new Uint8Array(WINDOW_BYTES);
      const window = this.#window;
      const rows = window.subarray(0, piece.span * this.#file.layout.rowBytes);
      await this.#file.readRows(rows, piece.first, piece.span);
      this.#take(window, piece, position, target, at);
    });
    this.#turn = mine.catch(() => {});
    await mine;
  }

  /** What to read for the rows from a position on. */
  #pieceAt(position: number, most: number): Piece {
    const { rowBytes } = this.#file.layout;
    const first = this.#numberOf(position);
    let [count, last] = [1, first];
    // Rows without a gap go straight to the target, however many.
    while (count < most && this.#numberOf(position + count) === last + 1) {
      count++;
      last++;
    }
    if (count > 1 && count * rowBytes > WINDOW_BYTES / 2) return { first, span: count, count };
    const longest = Math.floor(WINDOW_BYTES / rowBytes);
    while (count < most) {
      const next = this.#numberOf(position + count);
      const gap = (next - last - 1) * rowBytes;
      if (next <= last || gap > GAP_BYTES || next - first + 1 > longest) break;
      last = next;
      count++;
    }
    return { first, span: last - first + 1, count };
  }

  /** Copies the wanted rows of a window to their places. */
  #take(window: Uint8Array, { first, count }: Piece, position: number, target: Uint8Array, at: number): void {
    const { rowBytes } = this.#file.layout;
    for (let i = 0; i < count; i++) {
      const start = (this.#numberOf(position + i) - first) * rowBytes;
      target.set(window.subarray(start, start + rowBytes), (at + i) * rowBytes);
    }
  }
}
