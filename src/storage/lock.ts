import { hostname } from 'node:os';
import { join } from 'node:path';
import { MlmlError } from '../errors.js';
import { ownedName, ownerOf } from './ownedFolder.js';
import type { Storage } from './storage.js';

/** A folder held by this process until it is released. */
export interface Lock {
  release(): Promise<void>;
}

/** One process (or one job of this process) that holds a folder. */
export interface Holder {
  readonly kind: 'reader' | 'writer';
  readonly machine: string;
  readonly pid: number;
}

/** How often, and after how many milliseconds, two that met while locking try again. */
const TRIES = 4;
const PAUSE_MS = 5;

/** Who holds a folder now. Locks of dead processes do not count. */
export async function holdersOf(storage: Storage, folder: string): Promise<Holder[]> {
  return (await lockNames(storage, folder)).map(({ holder }) => holder);
}

async function lockNames(storage: Storage, folder: string): Promise<{ name: string; holder: Holder }[]> {
  const found = [];
  for (const name of await storage.list(folder)) {
    const owner = ownerOf(name);
    if (owner === undefined || owner.dead) continue;
    const { kind, machine, pid } = owner;
    if (kind === 'reader' || kind === 'writer') found.push({ name, holder: { kind, machine, pid } });
  }
  return found;
}

/**
 * Locks an existing folder for one writer or for many readers, over all processes; `MLML_BUSY` names the process in the
 * way. The lock is a file named after its owner: who has made his own and then sees no other that excludes it holds
 * the folder, so two can never both succeed. Locks of dead processes are removed. A reader that may not write to the folder
 * goes on without a lock.
 */
export async function lockFolder(storage: Storage, folder: string, kind: 'reader' | 'writer'): Promise<Lock> {
  for (const name of await storage.list(folder)) {
    const owner = ownerOf(name);
    if (owner?.dead && (owner.kind === 'reader' || owner.kind === 'writer'))
      await storage.remove(join(folder, name)).catch(() => {});
  }
  for (let attempt = 1; ; attempt++) {
    const name = ownedName(kind);
    const path = join(folder, name);
    try {
      await (await storage.create(path, { exclusive: true })).close();
    } catch (error) {
      if (kind === 'reader' && isReadOnly(error)) return { release: async () => {} };
      // It may be there although it is said to have failed.
      await storage.remove(path).catch(() => {});
      throw error;
    }
    let locks: Awaited<ReturnType<typeof lockNames>>;
    try {
      locks = await lockNames(storage, folder);
    } catch (error) {
      await storage.remove(path).catch(() => {});
      throw error;
    }
    const other = locks.find(
      (lock) => lock.name !== name && (kind === 'writer' || lock.holder.kind === 'writer'),
    );
    // A lock that is not there went with its folder, which another process has removed: it locks nothing.
    const isThere = locks.some((lock) => lock.name === name);
    if (other === undefined && isThere) return { release: () => storage.remove(path) };
    await storage.remove(path);
    if (attempt === TRIES) throw busy(folder, other);
    // Both may have given way to each other: the next tries fall at different times.
    await new Promise((resolve) => setTimeout(resolve, attempt * PAUSE_MS * (1 + (process.pid % 7))));
  }
}

/** The same; undefined while another process is in the way. */
export async function lockIfFree(
  storage: Storage,
  folder: string,
  kind: 'reader' | 'writer',
): Promise<Lock | undefined> {
  try {
    return await lockFolder(storage, folder, kind);
  } catch (error) {
    if (error instanceof MlmlError && error.code === 'MLML_BUSY') return undefined;
    throw error;
  }
}

/** Whether an error says that a folder may be read but not written to. */
export function isReadOnly(error: unknown): boolean {
  const code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code;
  return code === 'EACCES' || code === 'EROFS' || code === 'EPERM';
}

function busy(folder: string, other: { name: string; holder: Holder } | undefined): MlmlError {
  if (other === undefined)
    return new MlmlError('MLML_BUSY', `${folder}: another process is removing it; try again`);
  const { kind, machine, pid } = other.holder;
  const doing = kind === 'writer' ? 'is writing to' : 'is reading from';
  // Whether a process of another machine lives cannot be seen from here.
  const advice =
    machine === hostname()
      ? 'wait until it has ended, or stop it'
      : `wait until it has ended; if it has, or there is no such machine any more, remove ${join(folder, other.name)}`;
  return new MlmlError('MLML_BUSY', `${folder}: process ${pid} on ${machine} ${doing} it; ${advice}`);
}
