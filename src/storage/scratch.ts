import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MlmlError } from '../errors.js';
import type { CreateOptions, Storage, WritableFile } from './storage.js';

const PREFIX = '.mlml-scratch';
let opened = 0;

/** Names a folder by machine, process and the start time of that process, since process numbers come back. */
function scratchName(): string {
  return `${PREFIX}-${hostname()}-${process.pid}-${startTime(process.pid) ?? 0}-${opened++}`;
}

/** Clock ticks from boot to the start of a process (field 22 of /proc/pid/stat); undefined when unknown or dead. */
function startTime(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in parentheses and may hold anything.
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}

/** Whether the process that made a scratch folder of this name is dead. Folders of other machines count as alive. */
export function isLeftover(name: string): boolean {
  const match = /^\.mlml-scratch-(.*)-([0-9]+)-([0-9]+)-[0-9]+$/.exec(name);
  if (match === null || match[1] !== hostname()) return false;
  const pid = Number(match[2]);
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const started = startTime(pid);
  return started !== undefined && Number(match[3]) !== 0 && started !== Number(match[3]);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
}

/** A folder for files that live as long as one job. */
export class Scratch {
  readonly path: string;
  readonly #storage: Storage;
  readonly #files: WritableFile[] = [];

  private constructor(storage: Storage, path: string) {
    this.#storage = storage;
    this.path = path;
  }

  /**
   * Removes what dead runs left in `folder`, checks that `neededBytes` are free (`MLML_DISK_FULL`), and makes
   * a new folder in it.
   */
  static async open(storage: Storage, folder: string, neededBytes: number): Promise<Scratch> {
    for (const name of await storage.list(folder)) {
      if (name.startsWith(PREFIX) && isLeftover(name)) await storage.remove(join(folder, name));
    }
    const free = await storage.freeBytes(folder);
    if (free < neededBytes) {
      throw new MlmlError(
        'MLML_DISK_FULL',
        `${folder}: needs ${megabytes(neededBytes)} of scratch space, ${megabytes(free)} are free; ` +
          'free some space or give another folder with --scratch',
      );
    }
    const scratch = new Scratch(storage, join(folder, scratchName()));
    await storage.makeFolder(scratch.path);
    return scratch;
  }

  /** A new file in the folder; `close` closes it. */
  async create(name: string, options: CreateOptions): Promise<WritableFile> {
    const file = await this.#storage.create(join(this.path, name), options);
    this.#files.push(file);
    return file;
  }

  /** Closes the files and removes the folder. Requests in flight must have ended. */
  async close(): Promise<void> {
    const files = this.#files.splice(0);
    await Promise.all(files.map((file) => file.close().catch(() => {})));
    await this.#storage.remove(this.path);
  }
}
