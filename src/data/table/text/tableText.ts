/** The text of a table, read from front to back. */
export interface TableText {
  /** For messages. */
  readonly name: string;
  /** False for a pipe, whose text can be read once (and its head before that). */
  readonly repeatable: boolean;
  /** The text, decompressed. A chunk is valid until the next is asked for. */
  bytes(signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Name and sha256 of the whole. */
  record(): Promise<{ readonly name: string; readonly sha256: string }>;
}
