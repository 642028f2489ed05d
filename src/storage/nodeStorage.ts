import { constants, read, readSync, type Stats, write, writeSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MlmlError } from '../errors.js';
import type { FileStatus, ReadableFile, Storage, WritableFile } from './storage.js';

/** Largest single request to the kernel: read(2) and write(2) stop short of 2 GiB. */
const LARGEST_REQUEST = 1 << 30;

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code ?? '');
}

/** Translates an operating-system error into ours, naming the path. */
function translate(error: unknown, what: string, path: string): MlmlError {
  if (error instanceof MlmlError) return error;
  const code = codeOf(error);
  const options = { cause: error };
  if (code === 'ENOENT') return new MlmlError('MLML_NOT_FOUND', `${path}: no such file or folder`, options);
  if (code === 'EEXIST') return new MlmlError('MLML_EXISTS', `${path}: exists already`, options);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new MlmlError(
      'MLML_DISK_FULL',
      `${path}: the disk is full; free some space or choose another folder`,
      options,
    );
  }
  // A socket, or a device without a driver.
  if (code === 'ENXIO') return noFile(path, 'a socket or device', options);
  const detail = code === '' ? String(error) : code;
  return new MlmlError('MLML_IO', `${path}: ${what} failed (${detail})`, options);
}

function noFile(path: string, what: string, options?: { cause: unknown }): MlmlError {
  const instead = 'a file is needed; a table can be piped in with - in place of its name';
  return new MlmlError('MLML_BAD_FILE', `${path}: is ${what}, ${instead}`, options);
}

/** @throws MlmlError `MLML_BAD_FILE` for all that has no bytes at a position and no size */
function checkIsFile(path: string, status: Stats): void {
  if (status.isFile()) return;
  if (status.isDirectory()) throw new MlmlError('MLML_BAD_FILE', `${path}: is a folder, a file is needed`);
  throw noFile(path, status.isFIFO() ? 'a pipe' : status.isSocket() ? 'a socket' : 'a device');
}

/**
 * Makes a folder and its parents. Not by Node's recursive mkdir, which never ends where a file system has no such folder
 * and takes none, as below /proc.
 */
async function makeFolders(path: string): Promise<void> {
  const make = async () => {
    try {
      await mkdir(path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
    }
  };
  try {
    await make();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await make();
  }
}

class NodeFile implements WritableFile {
  readonly path: string;
  readonly byteLength: number;
  readonly #handle: FileHandle;

  constructor(path: string, byteLength: number, handle: FileHandle) {
    this.path = path;
    this.byteLength = byteLength;
    this.#handle = handle;
  }

  async readInto(target: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const length = Math.min(target.length - done, LARGEST_REQUEST);
      const bytesRead = await this.#read(target, done, length, position + done);
      if (bytesRead === 0) throw this.#endsEarly(position + done, position, position + target.length);
      done += bytesRead;
    }
  }

  /** The descriptor. */
  get #open(): number {
    const { fd } = this.#handle;
    if (fd >= 0) return fd;
    throw new MlmlError(
      'MLML_USAGE',
      `${this.path}: has been closed; close a data set only when all that works on it has ended`,
    );
  }

  #endsEarly(end: number, from: number, to: number): MlmlError {
    return new MlmlError(
      'MLML_BAD_FILE',
      `${this.path}: ends at byte ${end}, but bytes ${from} to ${to} are needed`,
    );
  }

  // Callbacks leave a third of the garbage on the heap that the promises of FileHandle do.
  #read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#open, target, offset, length, position, (error, bytesRead) => {
        if (error === null) resolve(bytesRead);
        else reject(translate(error, `reading at byte ${position}`, this.path));
      });
    });
  }

  #write(source: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#open, source, offset, length, position, (error, bytesWritten) => {
        if (error === null) resolve(bytesWritten);
        else reject(translate(error, `writing at byte ${position}`, this.path));
      });
    });
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < source.length; ) {
      const length = Math.min(source.length - done, LARGEST_REQUEST);
      done += await this.#write(source, done, length, position + done);
    }
  }

  readNow(target: Uint8Array, offset: number, length: number, position: number): void {
    for (let done = 0; done < length; ) {
      const request = Math.min(length - done, LARGEST_REQUEST);
      let bytesRead: number;
      try {
        bytesRead = readSync(this.#open, target, offset + done, request, position + done);
      } catch (error) {
        throw translate(error, `reading at byte ${position + done}`, this.path);
      }
      if (bytesRead === 0) throw this.#endsEarly(position + done, position, position + length);
      done += bytesRead;
    }
  }

  writeNow(source: Uint8Array, offset: number, length: number, position: number): void {
    try {
      for (let done = 0; done < length; ) {
        const request = Math.min(length - done, LARGEST_REQUEST);
        done += writeSync(this.#open, source, offset + done, request, position + done);
      }
    } catch (error) {
      throw translate(error, `writing at byte ${position}`, this.path);
    }
  }

  async sync(): Promise<void> {
    await this.#handle.sync().catch((error) => {
      throw translate(error, 'syncing', this.path);
    });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function openHandle(path: string, flags: number, direct: boolean): Promise<FileHandle> {
  // O_DIRECT exists on Linux only, and some file systems refuse it with EINVAL.
  if (direct && constants.O_DIRECT !== undefined) {
    try {
      return await open(path, flags | constants.O_DIRECT, 0o666);
    } catch (error) {
      if (codeOf(error) !== 'EINVAL') throw error;
    }
  }
  return await open(path, flags, 0o666);
}

/** The real file system. */
export const nodeStorage: Storage = {
  async openRead(path, options = {}): Promise<ReadableFile> {
    try {
      // Otherwise a pipe is opened when somebody writes to it, which nothing can interrupt; files are read as ever.
      const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
      const handle = await openHandle(path, flags, options.direct ?? false);
      try {
        const status = await handle.stat();
        checkIsFile(path, status);
        return new NodeFile(path, status.size, handle);
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      throw translate(error, 'opening', path);
    }
  },

  async create(path, options = {}): Promise<WritableFile> {
    const exclusive = options.exclusive ? constants.O_EXCL : constants.O_TRUNC;
    try {
      await mkdir(dirname(path), { recursive: true });
      const flags = constants.O_RDWR | constants.O_CREAT | exclusive;
      return new NodeFile(path, 0, await openHandle(path, flags, options.direct ?? false));
    } catch (error) {
      throw translate(error, 'creating', path);
    }
  },

  async openWrite(path, options = {}): Promise<WritableFile> {
    try {
      const handle = await openHandle(path, constants.O_RDWR, options.direct ?? false);
      return new NodeFile(path, (await handle.stat()).size, handle);
    } catch (error) {
      throw translate(error, 'opening', path);
    }
  },

  async makeFolder(path) {
    try {
      await makeFolders(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT')
        throw new MlmlError('MLML_IO', `${path}: making the folder failed (ENOENT)`, { cause: error });
      throw translate(error, 'making the folder', path);
    }
  },

  async rename(from, to) {
    // rename(2) would replace an empty folder.
    if ((await nodeStorage.status(to))?.isFolder) throw new MlmlError('MLML_EXISTS', `${to}: exists already`);
    await rename(from, to).catch((error) => {
      // Another process made it in the meantime.
      if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST')
        throw new MlmlError('MLML_EXISTS', `${to}: exists already`, { cause: error });
      throw translate(error, `renaming to ${to}`, from);
    });
  },

  async remove(path) {
    await rm(path, { recursive: true, force: true }).catch((error) => {
      throw translate(error, 'removing', path);
    });
  },

  async removeEmpty(folder) {
    await rmdir(folder).catch((error) => {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'].includes(codeOf(error)))
        throw translate(error, 'removing', folder);
    });
  },

  async list(folder) {
    try {
      return (await readdir(folder)).sort();
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
      throw translate(error, 'listing', folder);
    }
  },

  async status(path): Promise<FileStatus | undefined> {
    try {
      const status = await stat(path);
      return { byteLength: status.size, isFolder: status.isDirectory(), modifiedMs: status.mtimeMs };
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
      throw translate(error, 'looking at', path);
    }
  },

  async syncFolder(path) {
    try {
      const handle = await open(path, constants.O_RDONLY);
      await handle.sync().finally(() => handle.close());
    } catch (error) {
      // Windows cannot open folders, and needs no sync for a rename to be durable.
      if (process.platform !== 'win32') throw translate(error, 'syncing', path);
    }
  },

  async freeBytes(path) {
    let folder = resolve(path);
    for (;;) {
      try {
        const status = await statfs(folder);
        return status.bavail * status.bsize;
      } catch (error) {
        if (dirname(folder) === folder) throw translate(error, 'asking for the free space', path);
        folder = dirname(folder);
      }
    }
  },
};
