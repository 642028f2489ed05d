// Makes dist/ when it is not up to date: AssemblyScript becomes WebAssembly (plain and relaxed SIMD), TypeScript becomes
// JavaScript file by file, and the command line is bundled.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { root, runStep } from './child.mjs';

const dist = join(root, 'dist');
/** What `mlml` runs. */
export const commandFile = join(dist, 'bundle', 'cli', 'main.js');
const stampPath = join(dist, 'stamp.json');
const kernelBuilds = ['simd', 'relaxed'];
const kernelSources = ['assembly', 'asconfig.json'];
const typeScriptSources = ['src', 'test', 'bench', 'tsconfig.json'];
// A new compiler or another way to call it makes another build.
const toolSources = ['package-lock.json', 'scripts/compile.mjs', 'scripts/bundle.mjs'];

/** Paths of all files in a folder below the root, or of the one file, relative to the root and sorted. */
function listFiles(name) {
  const path = join(root, name);
  if (!existsSync(path)) return [];
  const entries = readdirSync(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

/** SHA-256 over the names and contents of files and folders. */
function hashOf(names) {
  const hash = createHash('sha256');
  for (const name of names) {
    const files = name.includes('.') ? [name] : listFiles(name);
    for (const file of files) {
      const bytes = readFileSync(join(root, file));
      hash.update(`${file}\0${bytes.length}\0`).update(bytes);
    }
  }
  return hash.digest('hex');
}

function currentHashes() {
  return {
    kernels: hashOf([...kernelSources, ...toolSources]),
    typeScript: hashOf([...typeScriptSources, ...toolSources]),
  };
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampPath, 'utf8'));
  } catch {
    return undefined;
  }
}

const kernelOutputs = () => kernelBuilds.map((build) => join(dist, 'assembly', `kernels.${build}.wasm`));

const typeScriptOutputs = () =>
  ['src', 'test', 'bench']
    .flatMap(listFiles)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => join(dist, file.replace(/\.ts$/, '.js')));

/** Removes outputs whose source is gone, so that a deleted or renamed module cannot be imported or tested. */
function removeOrphans() {
  const wanted = new Set(typeScriptOutputs());
  for (const file of ['dist/src', 'dist/test', 'dist/bench'].flatMap(listFiles)) {
    const path = join(root, file);
    if (!wanted.has(path.replace(/(\.d\.ts|\.js)$/, '.js'))) rmSync(path);
  }
}

export function isBuilt() {
  const stamp = readStamp();
  if (stamp === undefined) return false;
  const hashes = currentHashes();
  return (
    stamp.kernels === hashes.kernels &&
    stamp.typeScript === hashes.typeScript &&
    [...kernelOutputs(), ...typeScriptOutputs()].every((path) => existsSync(path)) &&
    stamp.bundle.every((file) => existsSync(join(root, file)))
  );
}

export async function build() {
  const stamp = readStamp();
  const hashes = currentHashes();
  // Without a stamp the last build failed or was interrupted, and nothing in dist/ can be relied on.
  if (stamp === undefined) rmSync(dist, { recursive: true, force: true });
  else rmSync(stampPath);
  mkdirSync(dist, { recursive: true });
  removeOrphans();
  const tool = (script, ...args) => [process.execPath, join(root, 'node_modules', script), ...args];
  const commands = [
    tool('typescript/bin/tsc', '--pretty', 'false'),
    [process.execPath, join(root, 'scripts', 'bundle.mjs')],
  ];
  if (stamp?.kernels !== hashes.kernels || !kernelOutputs().every((path) => existsSync(path))) {
    for (const target of kernelBuilds) {
      commands.push(tool('assemblyscript/bin/asc.js', '--config', 'asconfig.json', '--target', target));
    }
  }
  await runStep('building', commands, 'Mend what the compiler reports, then try again.');
  chmodSync(commandFile, 0o755);
  // The hashes are those from before compiling: a source edited meanwhile makes the build stale, not silently old.
  writeFileSync(`${stampPath}.tmp`, `${JSON.stringify({ ...hashes, bundle: listFiles('dist/bundle') })}\n`);
  renameSync(`${stampPath}.tmp`, stampPath);
}
