import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { crc32c } from '../../storage/crc32c.js';
import { bootId, findKept, type KeptScratch, writeKept } from '../../storage/keptScratch.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import type { BucketStore } from './bucketStore.js';

/** The file of the first level. */
export const FIRST_LEVEL = 'level0.rows';
/** Pieces of the file that are read again before it is believed, and their bytes. */
const SAMPLES = 16;
const SAMPLE_BYTES = 4096;

/** What a state says of the scratch that belongs to it. Plain data. */
export interface ScratchMark {
  readonly id: string;
  readonly boot: string;
  /** Bytes the file has at least. */
  readonly bytes: number;
  readonly samples: readonly { readonly position: number; readonly length: number }[];
  readonly crc32c: number;
}

/** Where states of the job lie, and the number of the last. */
export interface KeepingStates {
  readonly folder: string;
  readonly sequence: () => number;
}

/** Keeps the scratch of a stream in step with the states of its job. */
export class ScratchKeeper {
  readonly #storage: Storage;
  readonly #scratch: Scratch;
  #kept: KeptScratch;

  private constructor(storage: Storage, scratch: Scratch, kept: KeptScratch) {
    this.#storage = storage;
    this.#scratch = scratch;
    this.#kept = kept;
  }

  /** Marks fresh scratch; undefined where nothing tells whether the machine has been started again. */
  static async begin(
    storage: Storage,
    scratch: Scratch,
    states: KeepingStates,
  ): Promise<ScratchKeeper | undefined> {
    const boot = bootId();
    if (boot === undefined) return undefined;
    const kept = { id: randomUUID(), states: states.folder, sequence: states.sequence(), boot };
    await writeKept(storage, scratch.path, kept);
    return new ScratchKeeper(storage, scratch, kept);
  }

  /**
   * Takes over the scratch that a dead process left for the state numbered `states.sequence()`; undefined when there is none
   * that can be all there. What is of no use is removed.
   */
  static async find(
    storage: Storage,
    folder: string,
    states: KeepingStates,
    mark: ScratchMark | undefined,
  ): Promise<{ keeper: ScratchKeeper; scratch: Scratch } | undefined> {
    let result: { keeper: ScratchKeeper; scratch: Scratch } | undefined;
    for (const { path, kept } of await findKept(storage, folder, states.folder)) {
      // The state before that of the mark may have lost extents; the state after it was not on the disk when the mark was.
      const steps = states.sequence() - kept.sequence;
      const right =
        mark !== undefined && mark.id === kept.id && mark.boot === bootId() && (steps === 0 || steps === 1);
      if (right && result === undefined) {
        const scratch = await Scratch.adopt(storage, folder, path);
        result = { scratch, keeper: new ScratchKeeper(storage, scratch, kept) };
      } else await storage.remove(path);
    }
    return result;
  }

  get #path(): string {
    return join(this.#scratch.path, FIRST_LEVEL);
  }

  /** What the state to be saved says of the scratch; all writes have ended. */
  async mark(store: BucketStore): Promise<ScratchMark> {
    let [count, bytes] = [0, 0];
    for (const piece of store.heldPieces()) {
      count++;
      bytes = Math.max(bytes, piece.extent * store.extentBytes + piece.bytes);
    }
    const step = Math.max(1, Math.floor(count / SAMPLES));
    const samples = [];
    let number = 0;
    for (const piece of store.heldPieces()) {
      if (number++ % step === 0)
        samples.push({
          position: piece.extent * store.extentBytes,
          length: Math.min(SAMPLE_BYTES, piece.bytes),
        });
    }
    const { id, boot } = this.#kept;
    return { id, boot, bytes, samples, crc32c: await this.#checksum(samples) };
  }

  /** Whether the file is as a mark says, as far as can be seen in a few milliseconds. */
  async isWhole(mark: ScratchMark): Promise<boolean> {
    const status = await this.#storage.status(this.#path);
    if (status === undefined || status.byteLength < mark.bytes) return false;
    return (await this.#checksum(mark.samples)) === mark.crc32c;
  }

  async #checksum(samples: ScratchMark['samples']): Promise<number> {
    const file = await this.#storage.openRead(this.#path);
    try {
      const piece = new Uint8Array(SAMPLE_BYTES);
      let crc = 0;
      for (const { position, length } of samples) {
        await file.readInto(piece.subarray(0, length), position);
        crc = crc32c(piece.subarray(0, length), crc);
      }
      return crc;
    } finally {
      await file.close();
    }
  }

  /** The state with this number is on the disk, and counts on the scratch as it is. */
  async saved(sequence: number): Promise<void> {
    this.#kept = { ...this.#kept, sequence };
    await writeKept(this.#storage, this.#scratch.path, this.#kept);
  }
}
