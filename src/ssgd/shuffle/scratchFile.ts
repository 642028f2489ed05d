import { MlmlError } from '../../errors.js';
import type { WritableFile } from '../../storage/storage.js';
import type { Traffic } from './streams.js';

/**
 * A scratch file whose reads and writes go to and from arena addresses. Small scratch lives in the page cache and
 * is read and written at once; large scratch is read and written in the background.
 */
export class ScratchFile {
  readonly #file: WritableFile;
  readonly #memory: Uint8Array;
  readonly #background: boolean;
  readonly #traffic: Traffic;

  constructor(file: WritableFile, buffer: SharedArrayBuffer, background: boolean, traffic: Traffic) {
    this.#file = file;
    this.#memory = new Uint8Array(buffer);
    this.#background = background;
    this.#traffic = traffic;
  }

  /** Fills memory from `address`; undefined when that is done already. */
  read(address: number, length: number, position: number): Promise<void> | undefined {
    this.#traffic.bytesRead += length;
    if (this.#background) {
      return this.#file.readInto(this.#memory.subarray(address, address + length), position);
    }
    this.#file.readNow(this.#memory, address, length, position);
    return undefined;
  }

  /** Writes memory from `address`; undefined when that is done already. A full disk says what to do. */
  write(address: number, length: number, position: number): Promise<void> | undefined {
    this.#traffic.bytesWritten += length;
    try {
      if (!this.#background) {
        this.#file.writeNow(this.#memory, address, length, position);
        return undefined;
      }
    } catch (error) {
      throw this.#explain(error);
    }
    return this.#file.write(this.#memory.subarray(address, address + length), position).catch((error) => {
      throw this.#explain(error);
    });
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof MlmlError) || error.code !== 'MLML_DISK_FULL') return error;
    return new MlmlError(
      'MLML_DISK_FULL',
      `${this.#file.path}: the disk became full while shuffling; free some space or give another folder with --scratch`,
      { cause: error },
    );
  }
}
