import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { MlmlError } from '../errors.js';
import { crc32c } from '../storage/crc32c.js';
import { type Lock, lockFolder } from '../storage/lock.js';
import { ownedName, removeLeftovers } from '../storage/ownedFolder.js';
import type { ReadableFile, Storage } from '../storage/storage.js';
import { savingInterval } from './savingInterval.js';
import type { Checkpoint } from './solvers/solver.js';
import { canonicalJson } from './store/kernelDescription.js';

const MAGIC = 'MLMLJOB1';
const FILES = ['state-0', 'state-1'] as const;
const CHUNK_BYTES = 1 << 20;
const USUAL_MS = 30_000;
const LARGEST_HEADER = 16 << 20;
/** Bytes before the header: magic, u32 length of the header, u32 CRC32C of the header. */
const PREFIX_BYTES = 16;

interface StateHeader {
  readonly key: string;
  /** One more than that of the state before. */
  readonly sequence: number;
  readonly header: unknown;
  /** The blocks that follow, in order. */
  readonly blocks: readonly { readonly name: string; readonly bytes: number; readonly crc32c: number }[];
}

/** 16 hexadecimal digits for `key`, plain data with everything that determines the bits a job ends in. */
export function jobId(key: unknown): string {
  return createHash('sha256').update(canonicalJson(key)).digest('hex').slice(0, 16);
}

/** Folder of a job's states: below its stored kernel, or in the scratch folder. */
export function jobFolder(
  place: { readonly kernelFolder: string } | { readonly scratchFolder: string },
  key: unknown,
): string {
  return 'kernelFolder' in place
    ? join(place.kernelFolder, 'jobs', jobId(key))
    : join(place.scratchFolder, `.mlml-job-${jobId(key)}`);
}

export interface CheckpointOptions {
  /** Milliseconds between states. Default: `savingInterval`, 30000. */
  readonly everyMs?: number;
  /** The clock, in milliseconds. */
  readonly now?: () => number;
}

/** A checkpoint whose folder this process holds. */
export class JobCheckpoint implements Checkpoint {
  readonly path: string;
  readonly #storage: Storage;
  readonly #key: string;
  readonly #lock: Lock;
  readonly #everyMs: number;
  readonly #now: () => number;
  #last: number;
  /** Of the last good state, and the file it is in. */
  #sequence = 0;
  #current: 0 | 1 = 1;

  constructor(
    storage: Storage,
    path: string,
    key: string,
    lock: Lock,
    options: CheckpointOptions & { readonly everyMs: number },
  ) {
    this.#storage = storage;
    this.path = path;
    this.#key = key;
    this.#lock = lock;
    this.#everyMs = options.everyMs;
    this.#now = options.now ?? (() => performance.now());
    this.#last = this.#now();
  }

  async load(blocks: Readonly<Record<string, Uint8Array>>): Promise<unknown> {
    const found: { header: StateHeader; file: 0 | 1 }[] = [];
    for (const file of [0, 1] as const) {
      const header = await this.#read(file, blocks, false);
      if (header !== undefined) found.push({ header, file });
    }
    const best = found.sort((a, b) => b.header.sequence - a.header.sequence)[0];
    if (best === undefined) return undefined;
    // Only now, so that a damaged state leaves the blocks as they are.
    if ((await this.#read(best.file, blocks, true)) === undefined)
      throw new MlmlError('MLML_IO', `${join(this.path, FILES[best.file])}: changed while it was read`);
    this.#sequence = best.header.sequence;
    this.#current = best.file;
    return best.header.header;
  }

  due(): boolean {
    return this.#now() - this.#last >= this.#everyMs;
  }

  async save(header: unknown, blocks: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const state: StateHeader = {
      key: this.#key,
      sequence: this.#sequence + 1,
      header,
      blocks: Object.entries(blocks).map(([name, bytes]) => ({
        name,
        bytes: bytes.length,
        crc32c: crc32c(bytes),
      })),
    };
    const file = this.#current === 0 ? 1 : 0;
    const path = join(this.path, FILES[file]);
    const temporary = `${path}.tmp`;
    try {
      const out = await this.#storage.create(temporary);
      try {
        const text = new TextEncoder().encode(JSON.stringify(state));
        const prefix = new Uint8Array(PREFIX_BYTES + text.length);
        prefix.set(new TextEncoder().encode(MAGIC));
        const view = new DataView(prefix.buffer);
        view.setUint32(8, text.length, true);
        view.setUint32(12, crc32c(text), true);
        prefix.set(text, PREFIX_BYTES);
        await out.write(prefix, 0);
        let position = prefix.length;
        for (const bytes of Object.values(blocks)) {
          await out.write(bytes, position);
          position += bytes.length;
        }
        await out.sync();
      } finally {
        await out.close();
      }
      await this.#storage.rename(temporary, path);
      await this.#storage.syncFolder(this.path);
    } catch (error) {
      await this.#storage.remove(temporary).catch(() => {});
      throw error;
    }
    this.#sequence++;
    this.#current = file;
    this.#last = this.#now();
  }

  async clear(): Promise<void> {
    // The files of the job may only go once no state speaks of them.
    for (const file of FILES) await this.#storage.remove(join(this.path, file));
    await this.#storage.syncFolder(this.path);
    await this.#storage.remove(join(this.path, 'files'));
    this.#sequence = 0;
    this.#current = 1;
  }

  async folder(): Promise<string> {
    const path = join(this.path, 'files');
    await this.#storage.makeFolder(path);
    return path;
  }

  /** Lets other processes have the job; what is left of its folder goes when it holds no state and no files. */
  async release(): Promise<void> {
    const names = [
      ...(await this.#storage.list(this.path)).filter((name) => (FILES as readonly string[]).includes(name)),
      ...(await this.#storage.list(join(this.path, 'files'))),
    ];
    if (names.length > 0) {
      await this.#lock.release();
      return;
    }
    // Under another name first: nobody may find a folder that is about to go.
    const gone = join(dirname(this.path), ownedName('removed'));
    await this.#storage.rename(this.path, gone);
    await this.#storage.remove(gone);
  }

  /** Header of a state that is whole and for these blocks; with `copy` they are filled. */
  async #read(
    number: 0 | 1,
    blocks: Readonly<Record<string, Uint8Array>>,
    copy: boolean,
  ): Promise<StateHeader | undefined> {
    const path = join(this.path, FILES[number]);
    if ((await this.#storage.status(path)) === undefined) return undefined;
    const file = await this.#storage.openRead(path);
    try {
      const { state, end } = await readHeader(file);
      if (state === undefined || state.key !== this.#key) return undefined;
      if (Object.keys(blocks).length !== state.blocks.length) return undefined;
      let position = end;
      for (const { name, bytes, crc32c: wanted } of state.blocks) {
        if (blocks[name]?.length !== bytes) return undefined;
        const target = copy ? blocks[name] : undefined;
        if ((await readBlock(file, position, bytes, target)) !== wanted) return undefined;
        position += bytes;
      }
      return position === file.byteLength ? state : undefined;
    } catch (error) {
      // Cut short or unreadable: the other state may be whole.
      if (error instanceof MlmlError && (error.code === 'MLML_BAD_FILE' || error.code === 'MLML_IO'))
        return undefined;
      throw error;
    } finally {
      await file.close();
    }
  }
}

async function readHeader(file: ReadableFile): Promise<{ state: StateHeader | undefined; end: number }> {
  const prefix = new Uint8Array(PREFIX_BYTES);
  await file.readInto(prefix, 0);
  const view = new DataView(prefix.buffer);
  const length = view.getUint32(8, true);
  const known = new TextDecoder().decode(prefix.subarray(0, 8)) === MAGIC;
  if (!known || length > Math.min(LARGEST_HEADER, file.byteLength)) return { state: undefined, end: 0 };
  const text = new Uint8Array(length);
  await file.readInto(text, PREFIX_BYTES);
  if (crc32c(text) !== view.getUint32(12, true)) return { state: undefined, end: 0 };
  return { state: JSON.parse(new TextDecoder().decode(text)) as StateHeader, end: PREFIX_BYTES + length };
}

/** Checksum of a block, read piece by piece, into the target when there is one. */
async function readBlock(
  file: ReadableFile,
  position: number,
  bytes: number,
  target?: Uint8Array,
): Promise<number> {
  const piece = new Uint8Array(Math.min(CHUNK_BYTES, bytes));
  let crc = 0;
  for (let from = 0; from < bytes; from += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, bytes - from));
    await file.readInto(part, position + from);
    crc = crc32c(part, crc);
    target?.set(part, from);
  }
  return crc;
}

/**
 * Opens the states of the job `key` in `folder` (see `jobFolder`), which is made when it is not there. `MLML_BUSY` when
 * another process works on the same job. Release it at the end, done or failed.
 */
export async function openCheckpoint(
  storage: Storage,
  folder: string,
  key: unknown,
  options: CheckpointOptions = {},
): Promise<JobCheckpoint> {
  const everyMs = options.everyMs ?? savingInterval(USUAL_MS);
  await storage.makeFolder(folder);
  await removeLeftovers(storage, dirname(folder));
  const lock = await lockFolder(storage, folder, 'writer');
  return new JobCheckpoint(storage, folder, canonicalJson(key), lock, { ...options, everyMs });
}
