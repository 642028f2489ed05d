import { basename, dirname } from 'node:path';
import { MlmlError } from '../errors.js';
import type { CreateOptions, FileStatus, Storage, WritableFile } from './storage.js';

/** Decides what survives: a number from 0 (inclusive) to 1. */
export type Chance = () => number;

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Bytes of a file: what a sync made safe, and what was written since. */
class FileNode {
  content: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  length = 0;
  synced: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  readonly writes: Write[] = [];

  write(source: Uint8Array, position: number): void {
    const end = position + source.length;
    if (end > this.content.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.content.length));
      grown.set(this.content.subarray(0, this.length));
      this.content = grown;
    }
    this.content.set(source, position);
    this.length = Math.max(this.length, end);
  }

  sync(): void {
    this.synced = this.content.slice(0, this.length);
    this.writes.length = 0;
  }

  /** What is found after a power cut: each write since the last sync is there, in part, or not at all. */
  survivor(chance: Chance): FileNode {
    const node = new FileNode();
    node.write(this.synced, 0);
    for (const { position, bytes } of this.writes) {
      const kept = Math.round(bytes.length * Math.min(1, 1.5 * chance()));
      if (kept > 0) node.write(bytes.subarray(0, kept), position);
    }
    node.sync();
    return node;
  }
}

type Node = FileNode | FolderNode;

/** Names in a folder: as a program sees them, and as they are on the disk. */
class FolderNode {
  readonly names = new Map<string, Node>();
  readonly durable = new Map<string, Node>();
}

/** One or two names that change together; undefined takes a name away. */
interface Change {
  readonly parts: readonly {
    readonly folder: FolderNode;
    readonly name: string;
    readonly node: Node | undefined;
  }[];
}

class OpenFile implements WritableFile {
  readonly path: string;
  readonly byteLength: number;
  readonly #node: FileNode;

  constructor(path: string, node: FileNode) {
    this.path = path;
    this.byteLength = node.length;
    this.#node = node;
  }

  async readInto(target: Uint8Array, position: number): Promise<void> {
    this.readNow(target, 0, target.length, position);
  }

  readNow(target: Uint8Array, offset: number, length: number, position: number): void {
    if (position + length > this.#node.length) {
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${this.path}: ends at byte ${this.#node.length}, but bytes ${position} to ${position + length} are needed`,
      );
    }
    target.set(this.#node.content.subarray(position, position + length), offset);
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    this.writeNow(source, 0, source.length, position);
  }

  writeNow(source: Uint8Array, offset: number, length: number, position: number): void {
    const bytes = source.slice(offset, offset + length);
    this.#node.write(bytes, position);
    this.#node.writes.push({ position, bytes });
  }

  async sync(): Promise<void> {
    this.#node.sync();
  }

  async close(): Promise<void> {}
}

/**
 * A file system in memory, for tests, that can lose power. It promises no more than it must: bytes are safe once their file
 * was synced, names (new, renamed, removed) once their folder was, each by itself and in any order.
 */
export class PowerLossStorage implements Storage {
  #root = new FolderNode();
  readonly #changes: Change[] = [];

  /** Paths of all files, sorted, for assertions. */
  paths(): string[] {
    const found: string[] = [];
    const walk = (folder: FolderNode, path: string) => {
      for (const [name, node] of folder.names) {
        if (node instanceof FolderNode) walk(node, `${path}/${name}`);
        else found.push(`${path}/${name}`);
      }
    };
    walk(this.#root, '');
    return found.sort();
  }

  /** Bytes of a file, for assertions. */
  bytesOf(path: string): Uint8Array {
    const node = this.#file(path);
    return node.content.slice(0, node.length);
  }

  /** Puts a file there that is safe, whatever happens. */
  put(path: string, bytes: Uint8Array): void {
    let folder = this.#root;
    for (const name of this.#parts(dirname(path))) {
      let next = folder.names.get(name);
      if (next === undefined) {
        next = new FolderNode();
        folder.names.set(name, next);
        folder.durable.set(name, next);
      }
      folder = next as FolderNode;
    }
    const node = new FileNode();
    node.write(bytes, 0);
    node.sync();
    folder.names.set(basename(path), node);
    folder.durable.set(basename(path), node);
  }

  /**
   * What is found after a power cut. `chance` decides of each change that was not synced whether it survives: 1 always, 0
   * never. `rename` gives names a new form (those of processes that are dead by then).
   */
  afterPowerLoss(chance: Chance, rename: (name: string) => string = (name) => name): PowerLossStorage {
    for (const change of this.#changes) if (chance() >= 0.5) makeDurable(change);
    const storage = new PowerLossStorage();
    const copied = new Map<FileNode, FileNode>();
    const walk = (from: FolderNode): FolderNode => {
      const folder = new FolderNode();
      for (const [name, node] of from.durable) {
        let copy: Node;
        if (node instanceof FolderNode) copy = walk(node);
        else {
          copy = copied.get(node) ?? node.survivor(chance);
          copied.set(node, copy as FileNode);
        }
        folder.names.set(rename(name), copy);
        folder.durable.set(rename(name), copy);
      }
      return folder;
    };
    storage.#root = walk(this.#root);
    return storage;
  }

  #parts(path: string): string[] {
    return path.split('/').filter((name) => name !== '' && name !== '.');
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of this.#parts(path)) {
      if (!(node instanceof FolderNode)) return undefined;
      node = node.names.get(name);
    }
    return node;
  }

  #file(path: string): FileNode {
    const node = this.#find(path);
    if (node instanceof FolderNode)
      throw new MlmlError('MLML_BAD_FILE', `${path}: is a folder, a file is needed`);
    if (node === undefined) throw notFound(path);
    return node;
  }

  #change(parts: Change['parts']): void {
    for (const { folder, name, node } of parts) {
      if (node === undefined) folder.names.delete(name);
      else folder.names.set(name, node);
    }
    this.#changes.push({ parts });
  }

  #folder(path: string): FolderNode {
    let folder = this.#root;
    for (const name of this.#parts(path)) {
      let next = folder.names.get(name);
      if (next === undefined) {
        next = new FolderNode();
        this.#change([{ folder, name, node: next }]);
      }
      if (!(next instanceof FolderNode))
        throw new MlmlError('MLML_IO', `${path}: making the folder failed (ENOTDIR)`);
      folder = next;
    }
    return folder;
  }

  async openRead(path: string): Promise<WritableFile> {
    return new OpenFile(path, this.#file(path));
  }

  async openWrite(path: string): Promise<WritableFile> {
    return new OpenFile(path, this.#file(path));
  }

  async create(path: string, options: CreateOptions = {}): Promise<WritableFile> {
    const there = this.#find(path);
    if (options.exclusive && there !== undefined)
      throw new MlmlError('MLML_EXISTS', `${path}: exists already`);
    if (there instanceof FolderNode) throw new MlmlError('MLML_IO', `${path}: creating failed (EISDIR)`);
    const folder = this.#folder(dirname(path));
    // Emptying a file at once loses what it held: a new one under the same name is as bad, and what survives is the old or
    // the new.
    const node = new FileNode();
    this.#change([{ folder, name: basename(path), node }]);
    return new OpenFile(path, node);
  }

  async makeFolder(path: string): Promise<void> {
    this.#folder(path);
  }

  async rename(from: string, to: string): Promise<void> {
    if (this.#find(to) instanceof FolderNode) throw new MlmlError('MLML_EXISTS', `${to}: exists already`);
    const source = this.#find(dirname(from));
    const target = this.#find(dirname(to));
    const node = this.#find(from);
    if (node === undefined || !(source instanceof FolderNode)) throw notFound(from);
    if (!(target instanceof FolderNode)) throw notFound(dirname(to));
    this.#change([
      { folder: source, name: basename(from), node: undefined },
      { folder: target, name: basename(to), node },
    ]);
  }

  async remove(path: string): Promise<void> {
    const folder = this.#find(dirname(path));
    const node = this.#find(path);
    if (node === undefined || !(folder instanceof FolderNode)) return;
    if (node instanceof FolderNode)
      for (const name of [...node.names.keys()]) await this.remove(`${path}/${name}`);
    this.#change([{ folder, name: basename(path), node: undefined }]);
  }

  async removeEmpty(folder: string): Promise<void> {
    const node = this.#find(folder);
    if (node instanceof FolderNode && node.names.size === 0) await this.remove(folder);
  }

  async list(path: string): Promise<string[]> {
    const node = this.#find(path);
    return node instanceof FolderNode ? [...node.names.keys()].sort() : [];
  }

  async status(path: string): Promise<FileStatus | undefined> {
    const node = this.#find(path);
    if (node === undefined) return undefined;
    const isFolder = node instanceof FolderNode;
    return { byteLength: isFolder ? 0 : node.length, isFolder, modifiedMs: 0 };
  }

  async syncFolder(path: string): Promise<void> {
    const folder = this.#find(path);
    if (!(folder instanceof FolderNode)) throw notFound(path);
    for (let i = 0; i < this.#changes.length; ) {
      const change = this.#changes[i]!;
      if (change.parts.some((part) => part.folder === folder)) {
        makeDurable(change);
        this.#changes.splice(i, 1);
      } else i++;
    }
  }

  async freeBytes(): Promise<number> {
    return Number.MAX_SAFE_INTEGER;
  }
}

function makeDurable({ parts }: Change): void {
  for (const { folder, name, node } of parts) {
    if (node === undefined) folder.durable.delete(name);
    else folder.durable.set(name, node);
  }
}

function notFound(path: string): MlmlError {
  return new MlmlError('MLML_NOT_FOUND', `${path}: no such file or folder`);
}
