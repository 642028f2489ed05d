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

/** What lies where a state may be. `other`: whole, as far as was looked, but of another job. */
export type FoundState =
  | { readonly kind: 'none' }
  | { readonly kind: 'whole'; readonly state: SavedState }
  | { readonly kind: 'other' }
  /** `sequence`: where it can still be told. */
  | { readonly kind: 'damaged'; readonly why: string; readonly sequence?: number };

/** The state of this key and for these blocks; with `copy` they are filled. */
export async function readState(
  storage: Storage,
  path: string,
  key: string,
  blocks: Blocks,
  copy: boolean,
): Promise<FoundState> {
  return await withHeader(storage, path, async (file, state, end) => {
    const isOwn =
      state.key === key &&
      Object.keys(blocks).length === state.blocks.length &&
      state.blocks.every(({ name, bytes }) => blocks[name]?.length === bytes);
    return isOwn ? await readBlocks(file, state, end, copy ? blocks : undefined) : { kind: 'other' };
  });
}

/** The state of whatever job, read whole. */
export async function checkState(storage: Storage, path: string): Promise<FoundState> {
  return await withHeader(storage, path, (file, state, end) => readBlocks(file, state, end, undefined));
}

/** What is told of a state without its blocks; undefined when there is none whose header is whole. */
export async function readStateHeader(storage: Storage, path: string): Promise<SavedState | undefined> {
  const found = await withHeader(storage, path, async (file, state, end) => {
    return wrongLength(file, state, end) ?? { kind: 'whole', state };
  });
  return found.kind === 'whole' ? found.state : undefined;
}

function wrongLength(
  { byteLength }: ReadableFile,
  { blocks, sequence }: StateHeader,
  end: number,
): FoundState | undefined {
  const wanted = blocks.reduce((sum, { bytes }) => sum + bytes, end);
  if (wanted === byteLength) return undefined;
  return { kind: 'damaged', sequence, why: `it has ${byteLength} bytes, not ${wanted}` };
}

async function readBlocks(
  file: ReadableFile,
  state: StateHeader,
  end: number,
  target: Blocks | undefined,
): Promise<FoundState> {
  const { sequence } = state;
  const wrong = wrongLength(file, state, end);
  if (wrong !== undefined) return wrong;
  let position = end;
  for (const { name, bytes, crc32c: wanted } of state.blocks) {
    const crc = await readBlock(file, position, bytes, target?.[name]);
    if (crc !== wanted) return { kind: 'damaged', sequence, why: `the checksum of its ${name} is wrong` };
    position += bytes;
  }
  return { kind: 'whole', state };
}

async function withHeader(
  storage: Storage,
  path: string,
  use: (file: ReadableFile, state: StateHeader, end: number) => Promise<FoundState>,
): Promise<FoundState> {
  if ((await storage.status(path)) === undefined) return { kind: 'none' };
  const damaged = (why: string): FoundState => ({ kind: 'damaged', why });
  const file = await storage.openRead(path);
  try {
    if (file.byteLength < PREFIX_BYTES) return damaged(`it has ${file.byteLength} bytes`);
    const prefix = new Uint8Array(PREFIX_BYTES);
    await file.readInto(prefix, 0);
    const view = new DataView(prefix.buffer);
    const length = view.getUint32(8, true);
    const known = new TextDecoder().decode(prefix.subarray(0, 8)) === MAGIC;
    if (!known) return damaged(`it does not begin with ${MAGIC}`);
    if (length > Math.min(LARGEST_HEADER, file.byteLength - PREFIX_BYTES))
      return damaged(`its header of ${length} bytes does not fit in its ${file.byteLength}`);
    const text = new Uint8Array(length);
    await file.readInto(text, PREFIX_BYTES);
    if (crc32c(text) !== view.getUint32(12, true)) return damaged('the checksum of its header is wrong');
    const state = JSON.parse(new TextDecoder().decode(text)) as StateHeader;
    return await use(file, state, PREFIX_BYTES + length);
  } catch (error) {
    // Cut short or unreadable: the other state may be whole.
    if (error instanceof MlmlError && (error.code === 'MLML_BAD_FILE' || error.code === 'MLML_IO'))
      return damaged(`it cannot be read (${error.message})`);
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
