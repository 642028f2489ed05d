import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

let made = 0;
/** Names of folders that this process has no more use for, but leaves to the next job. */
const handedOn = new Set<string>();

/** What owned names are for: temporary folders, files and folders that get their name once they are whole (new), folders about to be removed, files that lock a folder. */
export type OwnedKind = 'scratch' | 'import' | 'new' | 'removed' | 'reader' | 'writer';

/**
 * A name for a temporary folder or file that belongs to this process: `.mlml-<kind>-<machine>-<process>-<start>-<count>`.
 * It tells later processes whether its owner is dead; the start time is there since process numbers come back.
 */
export function ownedName(kind: OwnedKind): string {
  return `.mlml-${kind}-${hostname()}-${process.pid}-${startTime(process.pid) ?? 0}-${made++}`;
}

/** From now on a folder of this process counts, for its own later jobs, as one that a dead process left. */
export function handOn(name: string): void {
  handedOn.add(name);
}

/** Fields of /proc/pid/stat from the third on; undefined when unknown or dead. */
function processFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in parentheses and may hold anything.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Clock ticks from boot to the start of a process (field 22). */
function startTime(pid: number): number | undefined {
  const fields = processFields(pid);
  return fields && Number(fields[19]);
}

export interface Owner {
  readonly kind: OwnedKind;
  readonly machine: string;
  readonly pid: number;
  /** Its process has ended, or is this one and has handed it on. Those of other machines count as alive. */
  readonly dead: boolean;
}

/** The owner that a name tells of; undefined for other names. */
export function ownerOf(name: string): Owner | undefined {
  const match = /^\.mlml-(scratch|import|new|removed|reader|writer)-(.*)-([0-9]+)-([0-9]+)-[0-9]+$/.exec(
    name,
  );
  if (match === null) return undefined;
  const [kind, machine, pid, start] = [match[1] as OwnedKind, match[2]!, Number(match[3]), Number(match[4])];
  return { kind, machine, pid, dead: handedOn.has(name) || (machine === hostname() && isDead(pid, start)) };
}

function isDead(pid: number, start: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  // A killed process keeps its number until its parent has asked for its exit status.
  if (/^[ZX]/.test(processFields(pid)?.[0] ?? '')) return true;
  const started = startTime(pid);
  return started !== undefined && start !== 0 && started !== start;
}

/** Whether the process that made a folder of this name is dead. */
export function isLeftover(name: string): boolean {
  return ownerOf(name)?.dead ?? false;
}
