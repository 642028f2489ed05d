/** How many uses a cache looks ahead to choose what to give up. */
export const LOOKAHEAD = 1024;

/**
 * Which blocks lie in which slots. When a slot is needed, the block is given up whose next use is farthest (Belady
 * 1966): uses are known, tiles being asked for in a known order. Blocks not used within the look-ahead are farthest of
 * all, the one used last first, for what is visited in rounds comes back latest when it was just there.
 */
export class BlockCache {
  readonly slots: number;
  /** Block in each slot, or -1. */
  readonly #blocks: Int32Array;
  /** Slot of each block that is there: the look-ahead asks for up to two thousand blocks at a time. */
  readonly #slotOf = new Map<number, number>();
  readonly #lastUse: Float64Array;
  readonly #unseen: Uint8Array;
  #time = 0;

  constructor(slots: number) {
    this.slots = slots;
    this.#blocks = new Int32Array(slots).fill(-1);
    this.#lastUse = new Float64Array(slots);
    this.#unseen = new Uint8Array(slots);
  }

  /** Slot of a block, or -1. */
  find(block: number): number {
    return this.#slotOf.get(block) ?? -1;
  }

  /** Notes that a slot is used now. */
  use(slot: number): void {
    this.#lastUse[slot] = ++this.#time;
  }

  /**
   * Gives a block a slot, which is another than that of block `keep`; -1 when there is none. `upcoming`: blocks in the order
   * of their use.
   */
  place(block: number, keep: number, upcoming: Iterable<number>): number {
    const empty = this.#blocks.indexOf(-1);
    const slot = empty >= 0 ? empty : this.#victim(keep, upcoming);
    if (slot < 0) return slot;
    this.drop(slot);
    this.#blocks[slot] = block;
    this.#slotOf.set(block, slot);
    return slot;
  }

  #victim(keep: number, upcoming: Iterable<number>): number {
    const unseen = this.#unseen.fill(1);
    let left = this.slots;
    const see = (block: number) => {
      const slot = this.find(block);
      if (slot < 0 || unseen[slot] === 0) return;
      unseen[slot] = 0;
      left--;
    };
    see(keep);
    for (const block of upcoming) {
      if (left <= 1) break;
      see(block);
    }
    let victim = -1;
    for (let slot = 0; slot < this.slots; slot++) {
      if (unseen[slot] === 1 && (victim < 0 || this.#lastUse[slot]! > this.#lastUse[victim]!)) victim = slot;
    }
    return victim;
  }

  /** Forgets what lies in a slot. */
  drop(slot: number): void {
    this.#slotOf.delete(this.#blocks[slot]!);
    this.#blocks[slot] = -1;
  }
}
