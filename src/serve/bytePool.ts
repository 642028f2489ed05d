/** Bytes that requests may hold together. Whoever takes some gives them back. */
export class BytePool {
  readonly bytes: number;
  #held = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  get held(): number {
    return this.#held;
  }

  /** False when there are not so many left. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.bytes) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}
