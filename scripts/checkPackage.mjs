// Checks the package as a stranger gets it: packs it, installs the tarball in an empty folder, runs the command there,
// and compiles and runs a TypeScript program against the library.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main, root, ToolError } from './child.mjs';
import { setUp } from './setUp.mjs';

/** Runs a program in a folder and gives its standard output; any failure ends the check with what it said. */
function run(folder, program, ...args) {
  const options = { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 240_000 };
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (status === 0) return stdout;
  const output = `${stdout ?? ''}${stderr ?? ''}${error ?? ''}`.trimEnd();
  throw new ToolError(`package check: ${program} ${args.join(' ')} failed (${status}):\n${output}`);
}

function checkContents(files) {
  const strays = files.filter((path) => /\.test\.|^(src|test|bench|scripts|assembly)\//.test(path));
  if (strays.length > 0)
    throw new ToolError(`package check: these do not belong in it: ${strays.join(', ')}`);
  const needed = [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'package.json',
    'dist/bundle/cli/main.js',
    'dist/bundle/cli/kernelWorker.js',
    'dist/bundle/cli/linearWorker.js',
    'dist/bundle/predictor/predictor.js',
  ];
  const builds = ['dist/assembly/kernels.simd.wasm', 'dist/assembly/kernels.relaxed.wasm'];
  const missing = [...needed, ...builds].filter((path) => !files.includes(path));
  if (missing.length > 0)
    throw new ToolError(`package check: these are missing from it: ${missing.join(', ')}`);
}

/** A program that imports every entry of the package, so that all its types are compiled. */
function programFor(entries) {
  const lines = entries.flatMap((entry, index) => [
    `import * as entry${index} from '${entry}';`,
    `console.log('${entry}:', Object.keys(entry${index}).join(' '));`,
  ]);
  return `${lines.join('\n')}\n`;
}

const compilerOptions = {
  target: 'es2023',
  module: 'nodenext',
  strict: true,
  skipLibCheck: false,
  types: ['node'],
  // The only thing taken from the checkout: the compiler, and Node's own types.
  typeRoots: [join(root, 'node_modules', '@types')],
};

async function checkPackage(folder) {
  const npm = (...args) => run(folder, 'npm', ...args, '--loglevel=error');
  run(root, 'npm', 'pack', '--loglevel=error', '--pack-destination', folder);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  const files = run(folder, 'tar', '-tzf', tarball).trim().split('\n');
  checkContents(files.map((path) => path.replace(/^package\//, '')));

  writeFileSync(join(folder, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }\n');
  npm('install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`);
  const json = run(folder, 'npx', '--no', 'mlml', 'ssgd', 'digits', '--n=5000', '--buffer=1', '--json');
  const { test } = JSON.parse(json);
  console.log(
    `package: ${files.length} files; mlml ssgd digits --n=5000 --buffer=1: accuracy ${test.accuracy}`,
  );

  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.keys(exports).filter((name) => !name.endsWith('.json'));
  writeFileSync(join(folder, 'program.ts'), programFor(entries.map((name) => name.replace('.', 'mlml'))));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  run(folder, process.execPath, join(root, 'node_modules', 'typescript', 'bin', 'tsc'));
  const printed = run(folder, process.execPath, 'program.js').trimEnd();
  const empty = printed.split('\n').find((line) => line.endsWith(': '));
  if (empty !== undefined) throw new ToolError(`package check: ${empty} exports nothing`);
  console.log(printed.replace(/^/gm, 'package: '));
}

await main(async () => {
  await setUp();
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'mlml-package-'));
  try {
    await checkPackage(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
