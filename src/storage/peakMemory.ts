import { readFileSync } from 'node:fs';

/**
 * Largest resident memory of this process so far, in bytes. On Linux from the kernel's high-water mark of the
 * address space: `process.resourceUsage().maxRSS` there also counts the parent that started the process.
 */
export function peakResidentBytes(): number {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
    if (match !== null) return Number(match[1]) * 1024;
  } catch {
    // No /proc: another operating system.
  }
  return process.resourceUsage().maxRSS * 1024;
}
