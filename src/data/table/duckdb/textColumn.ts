/** The bytes at a pointer that is stored at `offset` of `buffer`. */
export type ReadPointer = (buffer: ArrayBuffer, offset: number, bytes: number) => Uint8Array;

/** Bytes that a text takes in a column of DuckDB: its length, and the text itself up to 12 bytes, or its beginning and a pointer. */
export const TEXT_BYTES = 16;
const MOST_INLINE = 12;
/** Memory between two texts that are so close lies in their pages, so that it can be read. */
const NEAR = 4096;
const MOST_WINDOWS = 32;

/**
 * A column of texts as DuckDB holds it. Fetching each long text by its pointer would take a call into native code and an object for
 * each; texts that lie near each other are fetched at once.
 */
export class TextColumn {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #readPointer: ReadPointer;
  readonly #starts = new Float64Array(MOST_WINDOWS);
  readonly #ends = new Float64Array(MOST_WINDOWS);
  readonly #windows: (Uint8Array | undefined)[] = [];
  readonly #pointer = new BigUint64Array(1);
  #count = 0;

  /** `bytes`: TEXT_BYTES for each text, none of them missing. */
  constructor(bytes: Uint8Array, readPointer: ReadPointer) {
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    this.#readPointer = readPointer;
    for (let row = 0; row < bytes.byteLength / TEXT_BYTES; row++)
      if (this.length(row) > MOST_INLINE) this.#extend(this.#pointerOf(row), this.length(row));
  }

  /** Bytes of a text. */
  length(row: number): number {
    return this.#words[4 * row]!;
  }

  /** Writes the bytes of a text at target[at …). */
  copy(row: number, target: Uint8Array, at: number): void {
    const length = this.length(row);
    if (length <= MOST_INLINE) return copyBytes(this.#bytes, TEXT_BYTES * row + 4, length, target, at);
    const pointer = this.#pointerOf(row);
    const window = this.#holding(pointer, length);
    // Windows may have grown into each other, so that none has all of a text.
    if (window < 0) {
      const offset = this.#bytes.byteOffset + TEXT_BYTES * row + 8;
      target.set(this.#readPointer(this.#bytes.buffer as ArrayBuffer, offset, length), at);
      return;
    }
    const start = this.#starts[window]!;
    this.#windows[window] ??= this.#fetch(start, this.#ends[window]! - start);
    copyBytes(this.#windows[window], pointer - start, length, target, at);
  }

  #pointerOf(row: number): number {
    return this.#words[4 * row + 3]! * 2 ** 32 + this.#words[4 * row + 2]!;
  }

  #holding(pointer: number, length: number): number {
    for (let window = this.#count - 1; window >= 0; window--)
      if (pointer >= this.#starts[window]! && pointer + length <= this.#ends[window]!) return window;
    return -1;
  }

  #near(pointer: number, length: number): number {
    for (let window = this.#count - 1; window >= 0; window--)
      if (pointer + length > this.#starts[window]! - NEAR && pointer < this.#ends[window]! + NEAR)
        return window;
    return -1;
  }

  #extend(pointer: number, length: number): void {
    let window = this.#near(pointer, length);
    if (window < 0) {
      // Texts in none of the windows are fetched one by one.
      if (this.#count === MOST_WINDOWS) return;
      window = this.#count++;
      this.#starts[window] = pointer;
      this.#ends[window] = pointer + length;
    }
    this.#starts[window] = Math.min(this.#starts[window]!, pointer);
    this.#ends[window] = Math.max(this.#ends[window]!, pointer + length);
  }

  #fetch(start: number, bytes: number): Uint8Array {
    this.#pointer[0] = BigInt(start);
    return this.#readPointer(this.#pointer.buffer as ArrayBuffer, 0, bytes);
  }
}

/** Short copies are faster in place than as calls. */
function copyBytes(from: Uint8Array, offset: number, length: number, target: Uint8Array, at: number): void {
  if (length > 48) target.set(from.subarray(offset, offset + length), at);
  else for (let i = 0; i < length; i++) target[at + i] = from[offset + i]!;
}
