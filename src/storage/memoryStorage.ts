import { dirname } from 'node:path';
import { MlmlError } from '../errors.js';
import type { CreateOptions, Storage, WritableFile } from './storage.js';

/** One file's bytes, growing by doubling. */
class Content {
  bytes = new Uint8Array(0);
  length = 0;

  write(source: Uint8Array, position: number): void {
    const end = position + source.length;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(source, position);
    this.length = Math.max(this.length, end);
  }
}

class MemoryFile implements WritableFile {
  readonly path: string;
  readonly byteLength: number;
  readonly #content: Content;

  constructor(path: string, content: Content) {
    this.path = path;
    this.byteLength = content.length;
    this.#content = content;
  }

  async readInto(target: Uint8Array, position: number): Promise<void> {
    this.readNow(target, 0, target.length, position);
  }

  readNow(target: Uint8Array, offset: number, length: number, position: number): void {
    if (position + length > this.#content.length) {
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${this.path}: ends at byte ${this.#content.length}, but bytes ${position} to ${position + length} are needed`,
      );
    }
    target.set(this.#content.bytes.subarray(position, position + length), offset);
  }

  writeNow(source: Uint8Array, offset: number, length: number, position: number): void {
    this.#content.write(source.subarray(offset, offset + length), position);
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    this.#content.write(source, position);
  }

  async sync(): Promise<void> {}
  async close(): Promise<void> {}
}

/** A file system in memory, for tests. Folders exist as soon as a file lies below them. */
export class MemoryStorage implements Storage {
  readonly #files = new Map<string, Content>();
  readonly #folders = new Set<string>();

  /** Bytes of a file, for assertions. */
  bytesOf(path: string): Uint8Array {
    const content = this.#content(path);
    return content.bytes.slice(0, content.length);
  }

  /** Paths of all files, sorted, for assertions. */
  paths(): string[] {
    return [...this.#files.keys()].sort();
  }

  #content(path: string): Content {
    const content = this.#files.get(path);
    if (this.#folders.has(path))
      throw new MlmlError('MLML_BAD_FILE', `${path}: is a folder, a file is needed`);
    if (content === undefined) throw new MlmlError('MLML_NOT_FOUND', `${path}: no such file or folder`);
    return content;
  }

  /** Opens a file for reading. */
  async openRead(path: string): Promise<WritableFile> {
    return new MemoryFile(path, this.#content(path));
  }

  async openWrite(path: string): Promise<WritableFile> {
    return new MemoryFile(path, this.#content(path));
  }

  /** Makes a file, in the place of one that is there. */
  async create(path: string, options: CreateOptions = {}): Promise<WritableFile> {
    await this.makeFolder(dirname(path));
    if (options.exclusive && this.#files.has(path))
      throw new MlmlError('MLML_EXISTS', `${path}: exists already`);
    const content = new Content();
    this.#files.set(path, content);
    return new MemoryFile(path, content);
  }

  async makeFolder(path: string): Promise<void> {
    for (let folder = path; !this.#folders.has(folder); folder = dirname(folder)) this.#folders.add(folder);
  }

  async rename(from: string, to: string): Promise<void> {
    if (this.#folders.has(to)) throw new MlmlError('MLML_EXISTS', `${to}: exists already`);
    const file = this.#files.get(from);
    if (file !== undefined) {
      this.#files.delete(from);
      this.#files.set(to, file);
      return;
    }
    if (!this.#folders.delete(from)) throw new MlmlError('MLML_NOT_FOUND', `${from}: no such file or folder`);
    await this.makeFolder(to);
    for (const path of [...this.#folders]) {
      if (path.startsWith(`${from}/`) && this.#folders.delete(path))
        this.#folders.add(to + path.slice(from.length));
    }
    for (const [path, content] of [...this.#files]) {
      if (!path.startsWith(`${from}/`)) continue;
      this.#files.delete(path);
      this.#files.set(to + path.slice(from.length), content);
    }
  }

  async remove(path: string): Promise<void> {
    for (const name of [...this.#files.keys()]) {
      if (name === path || name.startsWith(`${path}/`)) this.#files.delete(name);
    }
    for (const name of [...this.#folders]) {
      if (name === path || name.startsWith(`${path}/`)) this.#folders.delete(name);
    }
  }

  async removeEmpty(folder: string): Promise<void> {
    if ((await this.list(folder)).length === 0) this.#folders.delete(folder);
  }

  async list(folder: string): Promise<string[]> {
    const names = new Set<string>();
    for (const path of [...this.#files.keys(), ...this.#folders]) {
      if (path.startsWith(`${folder}/`)) names.add(path.slice(folder.length + 1).split('/')[0]!);
    }
    return [...names].sort();
  }

  async status(path: string) {
    const file = this.#files.get(path);
    if (file !== undefined) return { byteLength: file.length, isFolder: false, modifiedMs: 0 };
    if (this.#folders.has(path)) return { byteLength: 0, isFolder: true, modifiedMs: 0 };
    return undefined;
  }

  async syncFolder(): Promise<void> {}

  async freeBytes(): Promise<number> {
    return Number.MAX_SAFE_INTEGER;
  }
}
