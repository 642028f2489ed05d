// Makes a clone ready to run: installs and builds what is missing or out of date.
import { lstatSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { root, ToolError } from './child.mjs';
import { build, isBuilt } from './compile.mjs';
import { install, isInstalled, isShared } from './install.mjs';
import { withLock } from './lock.mjs';

function checkNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new ToolError(`Node 20.19 or newer is needed; this is ${process.versions.node}`);
}

const link = join(root, 'node_modules', '.bin', 'mlml');

/** npm links the commands of dependencies only; a link of our own makes `npx mlml` run the clone itself. */
function isLinked() {
  // Windows may refuse links; there, and with shared packages, npx finds the command through package.json.
  if (process.platform === 'win32' || isShared()) return true;
  return lstatSync(link, { throwIfNoEntry: false }) !== undefined;
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
    if (!isLinked()) symlinkSync('../../dist/src/cli/main.js', link);
  });
}
