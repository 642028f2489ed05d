// npm run docs: makes the site of the API in docs/api. With --check it makes nothing, and fails when something public has no
// documentation, or names a type that cannot be imported.
import { join } from 'node:path';
import { main, root, runNode } from './child.mjs';
import { install, isInstalled } from './install.mjs';

await main(async () => {
  if (!isInstalled()) await install();
  // A package of its own: TypeDoc works with another version of TypeScript than the one that compiles the project.
  const folder = join(root, 'docs', 'site');
  const flags = process.argv.includes('--check') ? ['--emit', 'none'] : ['--cleanOutputDir', 'true'];
  const script = join(folder, 'node_modules', 'typedoc', 'bin', 'typedoc');
  return await runNode([script, '--options', join(folder, 'typedoc.json'), '--logLevel', 'Warn', ...flags], {
    cwd: root,
  });
});
