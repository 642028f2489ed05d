// npm run test:torture -- [job …]: kills jobs at random points and compares what they end in with unbroken runs.
import { join } from 'node:path';
import { main, root, runNode } from './child.mjs';
import { setUp } from './setUp.mjs';

await main(async () => {
  await setUp();
  return runNode([join('dist', 'test', 'torture', 'torture.js'), ...process.argv.slice(2)], { cwd: root });
});
