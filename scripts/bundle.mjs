// Bundles the command line into dist/bundle/cli/: one file for what every training run loads, a few for what few runs
// need, and one for worker threads. And what exported predictors begin with, into dist/bundle/predictor/.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './child.mjs';

const outdir = join(root, 'dist', 'bundle', 'cli');
const common = {
  absWorkingDir: root,
  outdir,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  logLevel: 'warning',
};

// The names of the parts follow their contents: those of the last build would stay.
rmSync(outdir, { recursive: true, force: true });
await build({
  ...common,
  entryPoints: ['src/cli/main.ts'],
  splitting: true,
  // Every part imports these, so that all that they import lies in one part and not in one for each set of users.
  // main.ts cannot be among them: it waits for the parts that it loads, which would then wait for it.
  inject: ['src/cli/runCommand.ts', 'src/cli/nodeServices.ts'],
  chunkNames: '[name]-[hash]',
});
// Builds of their own, beside the parts that start them by their name: a worker loads its one file and nothing of the rest.
await build({ ...common, entryPoints: ['src/kernel/kernelWorker.ts'] });
await build({ ...common, entryPoints: ['src/ssgd/linearWorker.ts'] });
// The same for the process that runs DuckDB.
await build({ ...common, entryPoints: ['src/data/table/duckdb/duckdbProcess.ts'] });
await build({
  ...common,
  outdir: join(root, 'dist', 'bundle', 'predictor'),
  entryPoints: ['src/model/export/predictor/predictor.ts'],
  // It runs in browsers too, as the beginning of a module that calls it by this name.
  platform: 'neutral',
  target: 'es2022',
  format: 'iife',
  globalName: 'mlml',
  minify: true,
});
