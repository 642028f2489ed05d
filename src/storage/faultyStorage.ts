import type { CreateOptions, ReadableFile, Storage, WritableFile } from './storage.js';

/** One operation about to be carried out, as a fault rule sees it. */
export interface Operation {
  readonly kind: 'read' | 'write' | 'sync' | 'create' | 'rename' | 'remove';
  readonly path: string;
  readonly bytes: number;
  /** Bytes written through this storage before this operation. */
  readonly bytesWritten: number;
}

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

  async readInto(target: Uint8Array, position: number): Promise<void> {
    this.#storage.check('read', this.path, target.length);
    await this.#file.readInto(target, position);
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    this.#storage.check('write', this.path, source.length);
    await (this.#file as WritableFile).write(source, position);
  }

  readNow(target: Uint8Array, offset: number, length: number, position: number): void {
    this.#storage.check('read', this.path, length);
    this.#file.readNow(target, offset, length, position);
  }

  writeNow(source: Uint8Array, offset: number, length: number, position: number): void {
    this.#storage.check('write', this.path, length);
    (this.#file as WritableFile).writeNow(source, offset, length, position);
  }

  async sync(): Promise<void> {
    this.#storage.check('sync', this.path, 0);
    await (this.#file as WritableFile).sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Wraps a storage and lets a rule throw before any operation: full disks and failing disks for tests. */
export class FaultyStorage implements Storage {
  bytesRead = 0;
  bytesWritten = 0;
  readonly #inner: Storage;
  readonly #rule: (operation: Operation) => void;

  constructor(inner: Storage, rule: (operation: Operation) => void = () => {}) {
    this.#inner = inner;
    this.#rule = rule;
  }

  check(kind: Operation['kind'], path: string, bytes: number): void {
    this.#rule({ kind, path, bytes, bytesWritten: this.bytesWritten });
    if (kind === 'read') this.bytesRead += bytes;
    if (kind === 'write') this.bytesWritten += bytes;
  }

  async openRead(path: string, options?: { readonly direct?: boolean }): Promise<ReadableFile> {
    return new FaultyFile(await this.#inner.openRead(path, options), this);
  }

  async openWrite(path: string, options?: { readonly direct?: boolean }): Promise<WritableFile> {
    return new FaultyFile(await this.#inner.openWrite(path, options), this);
  }

  async create(path: string, options?: CreateOptions): Promise<WritableFile> {
    this.check('create', path, 0);
    return new FaultyFile(await this.#inner.create(path, options), this);
  }

  async rename(from: string, to: string): Promise<void> {
    this.check('rename', from, 0);
    await this.#inner.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    this.check('remove', path, 0);
    await this.#inner.remove(path);
  }

  makeFolder(path: string): Promise<void> {
    return this.#inner.makeFolder(path);
  }
  list(folder: string): Promise<string[]> {
    return this.#inner.list(folder);
  }
  status(path: string) {
    return this.#inner.status(path);
  }
  syncFolder(path: string): Promise<void> {
    return this.#inner.syncFolder(path);
  }
  freeBytes(path: string): Promise<number> {
    return this.#inner.freeBytes(path);
  }
}
