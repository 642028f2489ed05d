/** What goes between mlml and the process that runs DuckDB: requests as lines of JSON, answers as frames. */

/** The first request: how the database is opened. */
export interface OpenRequest {
  /** What DuckDB manages itself, in bytes. It takes more than that. */
  readonly memoryLimit: number;
  /** Resident memory in bytes at which the process ends itself. */
  readonly residentLimit: number;
  /** Where DuckDB may write what does not fit; it makes the folder when it needs it. */
  readonly temporaryFolder: string;
  /** Bytes that one row may take in a frame. */
  readonly longestRow: number;
  /** Statements run before anything else. */
  readonly setup: readonly string[];
}

/** Asks for a small result: the answer is JSON, all values as texts. */
export interface AskRequest {
  readonly ask: string;
}

/** How a column of a result is sent: as doubles; as doubles, those that are not exact as texts beside them; as texts. */
export type SentAs = 'doubles' | 'doubles and texts' | 'texts';

/** Asks for all rows of a result. A column of doubles and texts takes two columns of the result. */
export interface RowsRequest {
  readonly rows: string;
  readonly columns: readonly SentAs[];
}

/** Kinds of frames. */
export const ANSWER = 1;
export const ROWS = 2;
export const END = 3;
export const FAILED = 4;

/** A frame begins with its kind and the bytes of its payload, both 32 bits, and 8 bytes for alignment. */
export const FRAME_HEADER = 16;
/** Rows are gathered in frames up to this size; a longer row has a frame of its own. The same for every budget, as the hash of all frames tells whether two passes saw the same rows. */
export const FRAME_BYTES = 256 * 1024;

/** The last frame of a pass. */
export interface EndOfRows {
  readonly rows: number;
  /** Of all frames of rows. */
  readonly sha256: string;
}

/** Before it ends itself, the process says so on its standard error, followed by its resident bytes. */
export const TOO_LARGE = 'mlml: resident bytes above the limit: ';

/** Sections of frames begin at multiples of 8. */
export const padded = (bytes: number) => (bytes + 7) & ~7;
