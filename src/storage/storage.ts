/** A file opened for reading. Calls may run concurrently; the target belongs to the caller until the promise settles. */
export interface ReadableFile {
  readonly path: string;
  /** Size when it was opened. */
  readonly byteLength: number;
  /** Fills the whole target from `position`; a file that ends early is `MLML_BAD_FILE`. */
  readInto(target: Uint8Array, position: number): Promise<void>;
  /**
   * Reads `length` bytes at `position` into `target[offset…)` before it returns. For small requests that the
   * page cache answers: a microsecond each, where a promise costs twenty. Blocks the thread on a slow disk.
   */
  readNow(target: Uint8Array, offset: number, length: number, position: number): void;
  /** Closes the file; nothing may be asked of it then. */
  close(): Promise<void>;
}

/** A file opened for reading and writing. */
export interface WritableFile extends ReadableFile {
  /** Writes all of `source` at `position`. A full disk is `MLML_DISK_FULL`. */
  write(source: Uint8Array, position: number): Promise<void>;
  /** Writes `source[offset, offset + length)` at `position` before it returns; see `readNow`. */
  writeNow(source: Uint8Array, offset: number, length: number, position: number): void;
  /** Forces what was written to the disk. */
  sync(): Promise<void>;
}

/** What there is at a path. */
export interface FileStatus {
  readonly byteLength: number;
  readonly isFolder: boolean;
  readonly modifiedMs: number;
}

/** How a file is made. */
export interface CreateOptions {
  /** Fail with `MLML_EXISTS` when the file is there. Default false: it is emptied. */
  readonly exclusive?: boolean;
  /**
   * Bypass the page cache where the file system can (addresses, positions and lengths must then be
   * multiples of 4096). Falls back to ordinary writes where it cannot. Default false.
   */
  readonly direct?: boolean;
}

/** Everything mlml asks of a file system. Implementations: node, memory, faulty (the last two for tests). */
export interface Storage {
  /** Opens a file for reading. */
  openRead(path: string, options?: { readonly direct?: boolean }): Promise<ReadableFile>;
  /** Makes a file, in the place of one that is there. */
  create(path: string, options?: CreateOptions): Promise<WritableFile>;
  /** Opens an existing file for reading and writing without emptying it (appending, resuming a download). */
  openWrite(path: string, options?: { readonly direct?: boolean }): Promise<WritableFile>;
  /** Makes the folder and its parents; no error when it exists. */
  makeFolder(path: string): Promise<void>;
  /** Atomic within one file system. Replaces a file; replacing a folder is an error. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole folder; no error when it is not there. */
  remove(path: string): Promise<void>;
  /** Removes a folder in which nothing is, in one step; does nothing when there is something in it, or it is not there. */
  removeEmpty(folder: string): Promise<void>;
  /** Names in a folder, sorted; empty when it is not there. */
  list(folder: string): Promise<string[]>;
  /** `undefined` when there is nothing at that path. */
  status(path: string): Promise<FileStatus | undefined>;
  /** Makes renames and new names in a folder durable. */
  syncFolder(path: string): Promise<void>;
  /** Free bytes for an ordinary user on the file system of `path` (or its nearest existing parent). */
  freeBytes(path: string): Promise<number>;
}
