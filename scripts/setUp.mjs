// Makes a clone ready to run: installs and builds what is missing or out of date.
import { readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root, ToolError } from './child.mjs';
import { build, commandFile, isBuilt } from './compile.mjs';
import { install, isInstalled, isShared } from './install.mjs';
import { withLock } from './lock.mjs';

function checkNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new ToolError(`Node 20.19 or newer is needed; this is ${process.versions.node}`);
}

const link = join(root, 'node_modules', '.bin', 'mlml');
const linkTarget = relative(dirname(link), commandFile);

/** npm links the commands of dependencies only; a link of our own makes `npx mlml` run the clone itself. */
function isLinked() {
  // Windows may refuse links; there, and with shared packages, npx finds the command through package.json.
  if (process.platform === 'win32' || isShared()) return true;
  try {
    return readlinkSync(link) === linkTarget;
  } catch {
    return false;
  }
}

function makeLink() {
  // An older build may have left one to another file.
  rmSync(link, { force: true });
  symlinkSync(linkTarget, link);
}

export async function setUp() {
  checkNodeVersion();
  if (isInstalled() && isBuilt() && isLinked()) return;
  const onWait = () =>
    process.stderr.write('mlml: another set-up is running in this folder; waiting for it\n');
  await withLock(join(root, '.setup.lock'), onWait, async () => {
    if (!isInstalled()) {
      process.stderr.write('mlml: setting up this clone: packages are missing or out of date\n');
      await install();
    }
    if (!isBuilt()) await build();
    if (!isLinked()) makeLink();
  });
}
