import type { CreateOptions, FileStatus, ReadableFile, Storage, WritableFile } from './storage.js';

/** One operation about to be carried out, as a fault rule sees it. */
export interface Operation {
  readonly kind:
    | 'read'
    | 'write'
    | 'sync'
    | 'open'
    | 'create'
    | 'rename'
    | 'remove'
    | 'makeFolder'
    | 'syncFolder'
    | 'list'
    | 'status';
  readonly path: string;
  readonly bytes: number;
  /** Bytes written through this storage before this operation. */
  readonly bytesWritten: number;
}

/** A fault that comes in the middle of an operation, or after it, though it looks as if it had not been carried out. */
export interface LateFault {
  readonly error: Error;
  /** Bytes of a write that are written before; everything else is carried out whole. */
  readonly bytes?: number;
}

/** Throws to fail an operation before it begins, or returns a fault to fail it later. */
export type FaultRule = ((operation: Operation) => void) | ((operation: Operation) => LateFault | undefined);

class FaultyFile implements WritableFile {
  readonly path: string;
  readonly byteLength: number;
  readonly #file: ReadableFile | WritableFile;
  readonly #storage: FaultyStorage;

  constructor(file: ReadableFile | WritableFile, storage: FaultyStorage) {
    this.path = file.path;
    this.byteLength = file.byteLength;
    this.#file = file;
    this.#storage = storage;
  }

  readInto(target: Uint8Array, position: number): Promise<void> {
    return this.#storage.perform('read', this.path, target.length, () =>
      this.#file.readInto(target, position),
    );
  }

  write(source: Uint8Array, position: number): Promise<void> {
    return this.#storage.perform('write', this.path, source.length, (bytes) =>
      (this.#file as WritableFile).write(source.subarray(0, bytes), position),
    );
  }

  readNow(target: Uint8Array, offset: number, length: number, position: number): void {
    const fault = this.#storage.check('read', this.path, length);
    this.#file.readNow(target, offset, length, position);
    if (fault !== undefined) throw fault.error;
  }

  writeNow(source: Uint8Array, offset: number, length: number, position: number): void {
    const fault = this.#storage.check('write', this.path, length);
    (this.#file as WritableFile).writeNow(source, offset, fault?.bytes ?? length, position);
    if (fault !== undefined) throw fault.error;
  }

  sync(): Promise<void> {
    return this.#storage.perform('sync', this.path, 0, () => (this.#file as WritableFile).sync());
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Wraps a storage and lets a rule fail any operation: full disks and failing disks for tests. */
export class FaultyStorage implements Storage {
  bytesRead = 0;
  bytesWritten = 0;
  readonly #inner: Storage;
  readonly #rule: FaultRule;

  constructor(inner: Storage, rule: FaultRule = () => undefined) {
    this.#inner = inner;
    this.#rule = rule;
  }

  check(kind: Operation['kind'], path: string, bytes: number): LateFault | undefined {
    const fault = this.#rule({ kind, path, bytes, bytesWritten: this.bytesWritten }) as LateFault | undefined;
    if (kind === 'read') this.bytesRead += bytes;
    if (kind === 'write') this.bytesWritten += bytes;
    return fault;
  }

  /** Carries out an operation as far as the rule lets it; `work` gets the bytes that may be written. */
  async perform<Result>(
    kind: Operation['kind'],
    path: string,
    bytes: number,
    work: (bytes: number) => Promise<Result>,
  ): Promise<Result> {
    const fault = this.check(kind, path, bytes);
    const result = await work(fault?.bytes ?? bytes);
    if (fault !== undefined) throw fault.error;
    return result;
  }

  openRead(path: string, options?: { readonly direct?: boolean }): Promise<ReadableFile> {
    return this.perform(
      'open',
      path,
      0,
      async () => new FaultyFile(await this.#inner.openRead(path, options), this),
    );
  }

  openWrite(path: string, options?: { readonly direct?: boolean }): Promise<WritableFile> {
    return this.perform(
      'open',
      path,
      0,
      async () => new FaultyFile(await this.#inner.openWrite(path, options), this),
    );
  }

  create(path: string, options?: CreateOptions): Promise<WritableFile> {
    return this.perform(
      'create',
      path,
      0,
      async () => new FaultyFile(await this.#inner.create(path, options), this),
    );
  }

  rename(from: string, to: string): Promise<void> {
    return this.perform('rename', from, 0, () => this.#inner.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.perform('remove', path, 0, () => this.#inner.remove(path));
  }

  removeEmpty(folder: string): Promise<void> {
    return this.perform('remove', folder, 0, () => this.#inner.removeEmpty(folder));
  }

  makeFolder(path: string): Promise<void> {
    return this.perform('makeFolder', path, 0, () => this.#inner.makeFolder(path));
  }

  list(folder: string): Promise<string[]> {
    return this.perform('list', folder, 0, () => this.#inner.list(folder));
  }

  status(path: string): Promise<FileStatus | undefined> {
    return this.perform('status', path, 0, () => this.#inner.status(path));
  }

  syncFolder(path: string): Promise<void> {
    return this.perform('syncFolder', path, 0, () => this.#inner.syncFolder(path));
  }

  freeBytes(path: string): Promise<number> {
    return this.#inner.freeBytes(path);
  }
}
