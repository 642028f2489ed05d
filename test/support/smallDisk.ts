import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Mounts a disk of so many bytes at the folder, or returns why that is not possible. */
function mount(folder: string, bytes: number): string | undefined {
  if (process.platform !== 'linux') return 'small disks (tmpfs) are made on Linux only';
  const { status, stderr, error } = spawnSync(
    'mount',
    ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder],
    { encoding: 'utf8' },
  );
  return status === 0 ? undefined : `no disk can be mounted: ${error?.message ?? stderr.trim()}`;
}

const unmount = (folder: string) => spawnSync('umount', ['-l', folder]);

function whyUnavailable(): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'mlml-disk-'));
  const why = mount(folder, 1 << 20);
  if (why === undefined) unmount(folder);
  rmSync(folder, { recursive: true, force: true });
  return why ?? false;
}

/** For `{ skip }` of a test that needs a disk that becomes full: false, or why this machine cannot make one. */
export const smallDiskUnavailable = whyUnavailable();

/** The folder of a disk of so many bytes of its own, gone when the test ends. */
export function smallDisk(test: TestContext, bytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'mlml-disk-'));
  const why = mount(folder, bytes);
  if (why !== undefined) throw new Error(why);
  test.after(() => {
    unmount(folder);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Takes all that is free on a disk, in a file at the path given. */
export function fillDisk(path: string): void {
  for (let bytes = 1 << 22; bytes >= 4096; bytes /= 2) {
    for (;;) {
      try {
        writeFileSync(path, Buffer.alloc(bytes), { flag: 'a' });
      } catch {
        break;
      }
    }
  }
}
