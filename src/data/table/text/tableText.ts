/** Memory that pieces of a text may be read into, for whoever would copy them there. */
export type TextBuffers = readonly [Uint8Array, Uint8Array];

/** The text of a table, read from front to back. */
export interface TableText {
  /** For messages. */
  readonly name: string;
  /** False for a pipe, whose text can be read once (and its head before that). */
  readonly repeatable: boolean;
  /**
   * The text, decompressed. A chunk is valid until the next is asked for. With `buffers`, a file that needs no decompressing reads its
   * pieces into them in turn, while the other may still be worked on, and those are the chunks; other texts may leave them alone.
   */
  bytes(signal?: AbortSignal, buffers?: TextBuffers): AsyncIterable<Uint8Array>;
  /** Name and sha256 of the whole. */
  record(): Promise<{ readonly name: string; readonly sha256: string }>;
}
