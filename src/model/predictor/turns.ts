/** Runs work one after the other, in the order in which it comes; a failure is its caller's alone. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs work when all before it has ended. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => {});
    return mine;
  }

  /** When all that has come by now has ended. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
