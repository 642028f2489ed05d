import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Storage } from './storage.js';

let made = 0;

/**
 * A name for a temporary folder that belongs to this process: `.mlml-<kind>-<machine>-<process>-<start>-<count>`.
 * It tells later processes whether its owner is dead; the start time is there since process numbers come back.
 */
export function ownedName(kind: 'scratch' | 'import'): string {
  return `.mlml-${kind}-${hostname()}-${process.pid}-${startTime(process.pid) ?? 0}-${made++}`;
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

/** Whether the process that made a folder of this name is dead. Folders of other machines count as alive. */
export function isLeftover(name: string): boolean {
  const match = /^\.mlml-(?:scratch|import)-(.*)-([0-9]+)-([0-9]+)-[0-9]+$/.exec(name);
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

/** Removes what dead processes left in a folder. */
export async function removeLeftovers(storage: Storage, folder: string): Promise<void> {
  for (const name of await storage.list(folder)) {
    if (isLeftover(name)) await storage.remove(join(folder, name));
  }
}
