import { dirname } from 'node:path';
import { MlmlError } from '../errors.js';
import type { SavedProgress } from './checkpoint.js';
import { crc32c } from './crc32c.js';
import type { ReadableFile, Storage } from './storage.js';

/** The two files in which states alternate. */
export const STATE_FILES = ['state-0', 'state-1'] as const;

const MAGIC = 'MLMLJOB1';
const CHUNK_BYTES = 1 << 20;
const LARGEST_HEADER = 16 << 20;
/** Bytes before the header: magic, u32 length of the header, u32 CRC32C of the header. */
const PREFIX_BYTES = 16;

/** Pieces of memory that belong to a state, by name. */
export type Blocks = Readonly<Record<string, Uint8Array>>;

export interface SavedState {
  /** Canonical JSON of what determines the bits the job ends in. */
  readonly key: string;
  /** One more than that of the state before. */
  readonly sequence: number;
  readonly header: unknown;
  readonly progress?: SavedProgress;
  readonly kept?: unknown;
}

interface StateHeader extends SavedState {
  /** The blocks that follow, in order. */
  readonly blocks: readonly { readonly name: string; readonly bytes: number; readonly crc32c: number }[];
}

/** Writes a state under a temporary name, syncs and renames it. */
export async function writeState(
  storage: Storage,
  path: string,
  state: SavedState,
  blocks: Blocks,
): Promise<void> {
  const temporary = `${path}.tmp`;
  const header: StateHeader = {
    ...state,
    blocks: Object.entries(blocks).map(([name, bytes]) => ({
      name,
      bytes: bytes.length,
      crc32c: crc32c(bytes),
    })),
  };
  try {
    const out = await storage.create(temporary);
    try {
      const text = new TextEncoder().encode(JSON.stringify(header));
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
    await storage.rename(temporary, path);
    await storage.syncFolder(dirname(path));
  } catch (error) {
    await storage.remove(temporary).catch(() => {});
    throw error;
  }
}

/** A state that is whole, of this key and for these blocks, else undefined; with `copy` they are filled. */
export async function readState(
  storage: Storage,
  path: string,
  key: string,
  blocks: Blocks,
  copy: boolean,
): Promise<SavedState | undefined> {
  return await withHeader(storage, path, async (file, state, end) => {
    if (state.key !== key) return undefined;
    if (Object.keys(blocks).length !== state.blocks.length) return undefined;
    let position = end;
    for (const { name, bytes, crc32c: wanted } of state.blocks) {
      if (blocks[name]?.length !== bytes) return undefined;
      const target = copy ? blocks[name] : undefined;
      if ((await readBlock(file, position, bytes, target)) !== wanted) return undefined;
      position += bytes;
    }
    return position === file.byteLength ? state : undefined;
  });
}

/** What is told of a state without its blocks; undefined when there is none whose header is whole. */
export async function readStateHeader(storage: Storage, path: string): Promise<SavedState | undefined> {
  return await withHeader(storage, path, async (file, state, end) => {
    const blockBytes = state.blocks.reduce((sum, { bytes }) => sum + bytes, 0);
    return end + blockBytes === file.byteLength ? state : undefined;
  });
}

async function withHeader(
  storage: Storage,
  path: string,
  use: (file: ReadableFile, state: StateHeader, end: number) => Promise<StateHeader | undefined>,
): Promise<SavedState | undefined> {
  if ((await storage.status(path)) === undefined) return undefined;
  const file = await storage.openRead(path);
  try {
    const prefix = new Uint8Array(PREFIX_BYTES);
    await file.readInto(prefix, 0);
    const view = new DataView(prefix.buffer);
    const length = view.getUint32(8, true);
    const known = new TextDecoder().decode(prefix.subarray(0, 8)) === MAGIC;
    if (!known || length > Math.min(LARGEST_HEADER, file.byteLength)) return undefined;
    const text = new Uint8Array(length);
    await file.readInto(text, PREFIX_BYTES);
    if (crc32c(text) !== view.getUint32(12, true)) return undefined;
    const state = JSON.parse(new TextDecoder().decode(text)) as StateHeader;
    return await use(file, state, PREFIX_BYTES + length);
  } catch (error) {
    // Cut short or unreadable: the other state may be whole.
    if (error instanceof MlmlError && (error.code === 'MLML_BAD_FILE' || error.code === 'MLML_IO'))
      return undefined;
    throw error;
  } finally {
    await file.close();
  }
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
