/** Spare slots: one is taken for each slot being written, which becomes spare itself when its write has ended. */
export class SlotPool {
  readonly #spare: number[] = [];
  #inFlight = 0;
  #failure: unknown;
  #failed = false;
  #wake: (() => void) | undefined;

  constructor(address: number, slotBytes: number, count: number) {
    for (let i = count - 1; i >= 0; i--) this.#spare.push(address + i * slotBytes);
  }

  /** Addresses of the spare slots; all of them when no write is in flight. */
  get spare(): readonly number[] {
    return this.#spare;
  }

  /** Goes on with these spare slots. */
  goOn(spare: readonly number[]): void {
    this.#spare.splice(0, this.#spare.length, ...spare);
  }

  /** Address of a spare slot, or undefined when all are being written. Throws when a write failed. */
  take(): number | undefined {
    if (this.#failed) throw this.#failure;
    return this.#spare.pop();
  }

  /** The slot is spare once `written` has settled. */
  giveBackAfter(slot: number, written: Promise<void> | undefined): void {
    if (written === undefined) this.#spare.push(slot);
    else this.watch(written, slot);
  }

  /** Counts a write in flight; its failure is thrown by the next call. */
  watch(written: Promise<void>, slot?: number): void {
    this.#inFlight++;
    const ended = () => {
      this.#inFlight--;
      if (slot !== undefined) this.#spare.push(slot);
      this.#wake?.();
    };
    written.then(ended, (error) => {
      this.#failed = true;
      this.#failure ??= error;
      ended();
    });
  }

  /** Waits until a write in flight ends. */
  async oneFree(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
    if (this.#failed) throw this.#failure;
  }

  /** Waits until no write is in flight; throws the first failure. */
  async drain(): Promise<void> {
    while (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#failed) throw this.#failure;
  }
}
