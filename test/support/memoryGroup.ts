import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A control group (cgroup) with a limit on memory: the kernel kills what goes above it. */
export interface MemoryGroup {
  /** Write a process id here to put the process, with all it starts, into the group. */
  readonly processesFile: string;
  /** How many processes the kernel has killed because of the limit. */
  killCount(): number;
  remove(): Promise<void>;
}

interface GroupVersion {
  readonly limitFile: string;
  readonly swapFile: string;
  /** The swap file's value for "no swap at all beyond the limit". */
  swapLimit(limitBytes: number): string;
  readonly eventsFile: string;
  /** Folders under which a group may be made, best first. */
  parents(): string[];
}

/** The path of this process in a hierarchy of /proc/self/cgroup. */
function ownPath(pattern: RegExp): string {
  return readFileSync('/proc/self/cgroup', 'utf8').match(pattern)?.[1] ?? '/';
}

const version1: GroupVersion = {
  limitFile: 'memory.limit_in_bytes',
  swapFile: 'memory.memsw.limit_in_bytes',
  swapLimit: String,
  eventsFile: 'memory.oom_control',
  parents: () => {
    const top = '/sys/fs/cgroup/memory';
    return [join(top, ownPath(/^\d+:memory:(.*)$/m)), top];
  },
};

const version2: GroupVersion = {
  limitFile: 'memory.max',
  swapFile: 'memory.swap.max',
  swapLimit: () => '0',
  eventsFile: 'memory.events',
  parents: () => {
    const top = '/sys/fs/cgroup';
    const own = join(top, ownPath(/^0::(.*)$/m));
    // A group with processes of its own cannot hand the memory controller down, but its parent may.
    return [own, join(own, '..'), top].filter((folder) => folder.startsWith(top));
  },
};

let groupsMade = 0;

function makeUnder(parent: string, version: GroupVersion, limitBytes: number): MemoryGroup {
  accessSync(join(parent, 'cgroup.procs'), constants.W_OK);
  if (version === version2) writeFileSync(join(parent, 'cgroup.subtree_control'), '+memory');
  groupsMade += 1;
  const folder = join(parent, `mlml-test-${process.pid}-${groupsMade}`);
  mkdirSync(folder);
  try {
    writeFileSync(join(folder, version.limitFile), String(limitBytes));
    if (existsSync(join(folder, version.swapFile))) {
      writeFileSync(join(folder, version.swapFile), version.swapLimit(limitBytes));
    }
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  return {
    processesFile: join(folder, 'cgroup.procs'),
    killCount() {
      return Number(
        readFileSync(join(folder, version.eventsFile), 'utf8').match(/^oom_kill (\d+)$/m)?.[1] ?? 0,
      );
    },
    async remove() {
      // The kernel needs a moment after the last process has ended.
      for (let attempt = 0; attempt < 50; attempt++) {
        try {
          rmdirSync(folder);
          return;
        } catch {
          await sleep(20);
        }
      }
    },
  };
}

/** Makes a group with a limit, or returns why this machine does not allow one. */
export function makeMemoryGroup(limitBytes: number): MemoryGroup | { readonly unavailable: string } {
  if (process.platform !== 'linux') return { unavailable: 'memory limits (cgroups) exist on Linux only' };
  const problems: string[] = [];
  for (const version of [version1, version2]) {
    for (const parent of version.parents()) {
      if (!existsSync(join(parent, 'cgroup.procs'))) continue;
      try {
        return makeUnder(parent, version, limitBytes);
      } catch (error) {
        problems.push((error as Error).message);
      }
    }
  }
  return { unavailable: `no memory cgroup can be made: ${problems[0] ?? 'none is mounted'}` };
}
