// Installs the packages of package-lock.json when node_modules does not hold them.
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runStep } from './child.mjs';

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Whether node_modules is a link: then it is another checkout's, which may be used but not changed. */
export function isShared() {
  return lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** Whether node_modules holds what the lock file asks for, by the record that npm leaves when it has finished. */
export function isInstalled() {
  if (isShared()) return true;
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([name, { version, optional }]) => {
    // Optional packages are builds for other platforms.
    if (name === '' || (optional && present[name] === undefined)) return true;
    return present[name]?.version === version;
  });
}

/** npm's message without the screen of usage that it adds when package.json and the lock file disagree. */
const withoutUsage = (output) =>
  output.replace(/^npm error\nnpm error Clean install a project\n[\s\S]*/m, '');

export async function install() {
  // Under `npm start` this is the npm that is running, whatever else the PATH offers.
  const running = process.env['npm_execpath'];
  const npm = running?.endsWith('npm-cli.js') ? [process.execPath, running] : ['npm'];
  const flags = ['--include=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await runStep(
    'installing packages',
    [[...npm, 'ci', ...flags]],
    'npm needs its registry once: check the network connection if that is what failed, then try again.',
    { shell: process.platform === 'win32' && npm.length === 1, worthShowing: withoutUsage },
  );
}
