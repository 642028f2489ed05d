import { dirname } from 'node:path';
import { MlmlError } from '../errors.js';
import type { Storage, WritableFile } from '../storage/storage.js';

const FIRST_BYTES = 16384;
/** Above this, lines that are no news to a reader are dropped rather than kept in memory. */
const LARGEST_BYTES = 1 << 20;
const FLUSH_BYTES = 16384;
const FLUSH_MS = 1000;

/**
 * An append-only text file fed from code that cannot wait. Lines are gathered in one of two buffers while the
 * other is being written; both stay below 1 MiB. A failed write is thrown by the next call.
 */
export class LineFile {
  readonly path: string;
  /** Lines that were dropped because the disk was slower than the log. */
  dropped = 0;
  readonly #file: WritableFile;
  readonly #clock: () => number;
  readonly #encoder = new TextEncoder();
  #filling = new Uint8Array(FIRST_BYTES);
  #spare = new Uint8Array(FIRST_BYTES);
  #used = 0;
  #position: number;
  #lastFlush: number;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  private constructor(file: WritableFile, clock: () => number, path: string, position: number) {
    this.path = path;
    this.#position = position;
    this.#file = file;
    this.#clock = clock;
    this.#lastFlush = clock();
  }

  /** Makes the file, or empties it. `clock`: milliseconds. */
  static async create(storage: Storage, path: string, clock: () => number): Promise<LineFile> {
    const file = await storage.create(path);
    try {
      await storage.syncFolder(dirname(path));
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
    return new LineFile(file, clock, path, 0);
  }

  /**
   * Goes on with a file behind its first `length` bytes; what lay there is gone. A file that is shorter, or not there,
   * is `MLML_BAD_FILE`; with a length of 0 it is made.
   */
  static async goOn(storage: Storage, path: string, length: number, clock: () => number): Promise<LineFile> {
    const there = (await storage.status(path))?.byteLength ?? 0;
    if (there < length) {
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${path}: has ${there} bytes; ${length} had been written when the run was saved`,
      );
    }
    const temporary = `${path}.tmp`;
    const file = await storage.create(temporary);
    try {
      await copyBytes(storage, path, file, length);
      await file.sync();
      await storage.rename(temporary, path);
      // A state that is saved later counts on this file, not on the one before.
      await storage.syncFolder(dirname(path));
    } catch (error) {
      await file.close().catch(() => {});
      await storage.remove(temporary).catch(() => {});
      throw error;
    }
    return new LineFile(file, clock, path, length);
  }

  /** Adds a line (without its line break). A line that is `needed` is never dropped. */
  append(line: string, needed = true): void {
    if (this.#failure !== undefined) throw this.#failure;
    // UTF-8 needs at most three bytes for a UTF-16 unit.
    const most = 3 * line.length + 1;
    if (this.#used + most > this.#filling.length && !this.#grow(most, needed)) {
      this.dropped++;
      return;
    }
    this.#used += this.#encoder.encodeInto(line, this.#filling.subarray(this.#used)).written;
    this.#filling[this.#used++] = 0x0a;
    const due = this.#used >= FLUSH_BYTES || this.#clock() - this.#lastFlush >= FLUSH_MS;
    if (due && this.#writing === undefined) this.#write();
  }

  #grow(most: number, needed: boolean): boolean {
    const wanted = Math.max(2 * this.#filling.length, this.#used + most);
    if (wanted > LARGEST_BYTES && !needed) return false;
    const grown = new Uint8Array(wanted);
    grown.set(this.#filling.subarray(0, this.#used));
    this.#filling = grown;
    return true;
  }

  #write(): void {
    const bytes = this.#filling.subarray(0, this.#used);
    const emptied = this.#spare;
    this.#spare = this.#filling;
    this.#filling = emptied;
    this.#used = 0;
    this.#lastFlush = this.#clock();
    this.#writing = this.#file.write(bytes, this.#position).then(
      () => {
        this.#writing = undefined;
      },
      (error) => {
        this.#writing = undefined;
        this.#failure = error;
      },
    );
    this.#position += bytes.length;
  }

  /** Waits until everything appended so far is written. */
  async flush(): Promise<void> {
    while (this.#failure === undefined && (this.#writing !== undefined || this.#used > 0)) {
      if (this.#writing === undefined) this.#write();
      await this.#writing;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Forces everything appended so far to the disk; returns the length of the file then. */
  async mark(): Promise<number> {
    await this.flush();
    await this.#file.sync();
    return this.#position;
  }

  /** Writes the rest, syncs and closes; the file is closed also when that fails. */
  async close(): Promise<void> {
    try {
      await this.flush();
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
  }
}

async function copyBytes(storage: Storage, from: string, to: WritableFile, length: number): Promise<void> {
  if (length === 0) return;
  const source = await storage.openRead(from);
  try {
    const piece = new Uint8Array(Math.min(length, LARGEST_BYTES));
    for (let at = 0; at < length; at += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, length - at));
      await source.readInto(part, at);
      await to.write(part, at);
    }
  } finally {
    await source.close();
  }
}
