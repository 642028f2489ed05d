// npm start: sets the clone up, then runs mlml with the arguments given, or else its main job.
import { join } from 'node:path';
import { main, root, runNode } from './child.mjs';
import { setUp } from './setUp.mjs';

const mainJob = ['ssgd', 'digits', '--buffer=1', '--simulated'];

await main(async () => {
  await setUp();
  const given = process.argv.slice(2);
  return runNode([join(root, 'dist', 'src', 'cli', 'main.js'), ...(given.length > 0 ? given : mainJob)]);
});
