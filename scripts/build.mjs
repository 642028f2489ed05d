// Compiles AssemblyScript to WebAssembly (plain and relaxed SIMD) and TypeScript to dist/.
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [`${root}/node_modules/${script}`, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

run('assemblyscript/bin/asc.js', '--config', 'asconfig.json', '--target', 'simd');
run('assemblyscript/bin/asc.js', '--config', 'asconfig.json', '--target', 'relaxed');
run('typescript/bin/tsc');
try {
  chmodSync(`${root}/dist/src/cli/main.js`, 0o755);
} catch {}
