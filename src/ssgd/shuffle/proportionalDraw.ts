import type { Random } from '../../memory/random.js';

/**
 * Draws from groups without replacement: each draw takes a group with probability proportional to the members it
 * has left. Filling buckets of fixed sizes this way makes every assignment of rows to buckets equally likely, so
 * buckets never overflow and the order stays exactly uniform; emptying shuffled runs this way is a uniform merge.
 *
 * A binary tree over the groups: `left[node]` counts the members left below the left child. O(log groups) a draw.
 */
export class ProportionalDraw {
  #left: Uint32Array;
  #leaves: number;
  #remaining = 0;

  /** 32-bit words the tree over `groups` groups takes. */
  static words(groups: number): number {
    return 2 ** Math.ceil(Math.log2(Math.max(1, groups)));
  }

  /** `memory` has `ProportionalDraw.words(groups)` words. */
  constructor(memory: Uint32Array) {
    this.#left = memory;
    this.#leaves = memory.length;
  }

  /** Starts afresh; group g has `start(g + 1) − start(g)` members, for g in [0, groups). */
  fill(groups: number, start: (group: number) => number): void {
    this.#remaining = start(groups);
    this.#leaves = ProportionalDraw.words(groups);
    for (let node = 1, size = this.#leaves; size > 1; size /= 2) {
      for (let group = 0; group < this.#leaves; group += size, node++) {
        this.#left[node] = start(Math.min(groups, group + size / 2)) - start(Math.min(groups, group));
      }
    }
  }

  get remaining(): number {
    return this.#remaining;
  }

  /** Goes on with a tree over `groups` groups that lies in the memory given, when so many members remain. */
  goOn(groups: number, remaining: number): void {
    this.#leaves = ProportionalDraw.words(groups);
    this.#remaining = remaining;
  }

  /** The group drawn; at least one member must remain. */
  draw(random: Random): number {
    const left = this.#left;
    const leaves = this.#leaves;
    let ticket = random.below(this.#remaining--);
    let node = 1;
    while (node < leaves) {
      const below = left[node]!;
      if (ticket < below) {
        left[node] = below - 1;
        node *= 2;
      } else {
        ticket -= below;
        node = 2 * node + 1;
      }
    }
    return node - leaves;
  }
}
