import { MlmlError } from '../../errors.js';
import { alignUp, type Region } from '../../memory/plan.js';
import type { Workspace } from '../../threads/workspace.js';
import type { BlockEvaluator } from '../functions/blockEvaluator.js';
import { BlockCache } from './blockCache.js';
import { type RowSource, readChosenRows } from './rowSource.js';

/** Rows that one call packs. */
const PACK_STRIP = 64;
/** Number under which a block of chosen rows lies in the cache. */
const CHOSEN = -2;

/** What blocks of rows take. */
export interface BlockSize {
  /** Rows of a block, a multiple of 16. */
  readonly blockRows: number;
  readonly rowBytes: number;
  /** Bytes of a packed block of so many rows; see `BlockEvaluator`. */
  readonly packedBytes: (capacity: number) => number;
}

const slotBytes = ({ blockRows, packedBytes }: BlockSize) => alignUp(packedBytes(blockRows), 64);

/** Regions for `slots` packed blocks and for the stored rows of one on its way; `name` tells them from others. */
export function packedBlockRegions(name: string, size: BlockSize, slots: number): Region[] {
  return [
    { name: `${name} rows`, bytes: size.blockRows * size.rowBytes },
    { name: `${name} blocks`, bytes: slots * slotBytes(size) },
  ];
}

/**
 * Rows in equal blocks, read and packed when they are needed and kept while there is room: when all fit, each is read
 * once. One block can be on its way while others are worked with.
 */
export class PackedBlocks {
  /** To be given as `keep` while chosen rows are in use. */
  static readonly CHOSEN = CHOSEN;
  /** Rows of a block, and of its packed form. */
  readonly blockRows: number;
  readonly rows: number;
  /** Number of blocks. */
  readonly count: number;
  readonly #workspace: Workspace;
  readonly #source: RowSource;
  readonly #rowBytes: number;
  readonly #cache: BlockCache;
  readonly #stage: Uint8Array;
  readonly #stageAddress: number;
  readonly #blocksAddress: number;
  readonly #slotBytes: number;
  #coming: { block: number; read: Promise<void> } | undefined;
  #bytesRead = 0;

  /** The workspace's arena has `packedBlockRegions(name, …)`; as many blocks are kept as they have room for. */
  constructor(
    workspace: Workspace,
    name: string,
    source: RowSource,
    evaluator: BlockEvaluator,
    rowBytes: number,
    blockRows: number,
  ) {
    const { arena } = workspace;
    this.#workspace = workspace;
    this.#source = source;
    this.#rowBytes = rowBytes;
    this.blockRows = blockRows;
    this.rows = source.rows;
    this.count = Math.ceil(source.rows / blockRows);
    const packedBytes = (capacity: number) => evaluator.packedBytes(capacity);
    this.#slotBytes = slotBytes({ blockRows, rowBytes, packedBytes });
    this.#cache = new BlockCache(Math.floor(arena.byteLength(`${name} blocks`) / this.#slotBytes));
    this.#stage = arena.uint8(`${name} rows`);
    this.#stageAddress = arena.address(`${name} rows`);
    this.#blocksAddress = arena.address(`${name} blocks`);
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  rowsOf(block: number): number {
    return Math.min(this.blockRows, this.rows - block * this.blockRows);
  }

  /** Whether the block is packed in the arena. */
  has(block: number): boolean {
    return this.#cache.find(block) >= 0;
  }

  /** Begins to read a block that will be asked for; nothing happens when another is on its way. */
  expect(block: number): void {
    if (this.has(block) || this.#coming !== undefined) return;
    const count = this.rowsOf(block);
    const read = this.#source.readRows(this.#stage, block * this.blockRows, count);
    // It is waited for later; until then a failure is not unhandled.
    read.catch(() => {});
    this.#coming = { block, read };
    this.#bytesRead += count * this.#rowBytes;
  }

  /**
   * Address of a packed block, valid until another is placed. Block `keep` stays where it is; `upcoming` are the blocks
   * that will be asked for, in that order.
   */
  async load(block: number, keep: number, upcoming: Iterable<number>): Promise<number> {
    let slot = this.#cache.find(block);
    if (slot < 0) {
      if (this.#coming?.block !== block) await this.settle();
      this.expect(block);
      await this.#arrival();
      slot = this.#pack(block, this.rowsOf(block), keep, upcoming);
    }
    this.#cache.use(slot);
    return this.#addressOf(slot);
  }

  /** Address of a packed block of chosen rows, at most `blockRows`; it stays until `dropChosen`. */
  async loadChosen(indices: Uint32Array): Promise<number> {
    await this.settle();
    // Those chosen before would else be the ones that stay.
    this.dropChosen();
    this.#bytesRead += indices.length * this.#rowBytes;
    await readChosenRows(this.#source, this.#rowBytes, indices, this.#stage);
    return this.#addressOf(this.#pack(CHOSEN, indices.length, CHOSEN, []));
  }

  dropChosen(): void {
    const slot = this.#cache.find(CHOSEN);
    if (slot >= 0) this.#cache.drop(slot);
  }

  #addressOf(slot: number): number {
    return this.#blocksAddress + slot * this.#slotBytes;
  }

  async #arrival(): Promise<void> {
    try {
      await this.#coming!.read;
    } finally {
      this.#coming = undefined;
    }
  }

  #pack(block: number, count: number, keep: number, upcoming: Iterable<number>): number {
    const { threads } = this.#workspace;
    const slot = this.#cache.place(block, keep, upcoming);
    if (slot < 0) throw new MlmlError('MLML_INTERNAL', 'blocks of rows need at least two slots');
    const target = this.#addressOf(slot);
    for (let first = 0; first < count; first += PACK_STRIP) {
      const rows = Math.min(PACK_STRIP, count - first);
      const source = this.#stageAddress + first * this.#rowBytes;
      threads.add('packRows', source, rows, target, this.blockRows, first);
    }
    try {
      threads.run();
    } catch (error) {
      this.#cache.drop(slot);
      throw error;
    }
    return slot;
  }

  /** Waits for the block on its way and forgets it, so that nothing is read any more. */
  async settle(): Promise<void> {
    await this.#coming?.read.catch(() => {});
    this.#coming = undefined;
  }
}
