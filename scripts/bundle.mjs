// Bundles the command line into dist/bundle/cli/: one file for what every training run loads, a few for what few runs need.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './child.mjs';

const outdir = join(root, 'dist', 'bundle', 'cli');
// The names of the parts follow their contents: those of the last build would stay.
rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts'],
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  // Every part imports these, so that all that they import lies in one part and not in one for each set of users.
  // main.ts cannot be among them: it waits for the parts that it loads, which would then wait for it.
  inject: ['src/cli/runCommand.ts', 'src/cli/nodeServices.ts'],
  chunkNames: '[name]-[hash]',
  logLevel: 'warning',
});
