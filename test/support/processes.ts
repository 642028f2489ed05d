import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** Processes that this one has started and that are not gone, zombies too; undefined where the system does not tell. */
export function childProcesses(): number[] | undefined {
  try {
    const text = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'latin1');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return undefined;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits at most ten seconds for a process to be gone. */
export async function isGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 200; i++) {
    if (!isAlive(pid)) return true;
    await setTimeout(50);
  }
  return false;
}
