// npm start: sets the clone up, then runs mlml with the arguments given, or else its main job.
import { main, runNode } from './child.mjs';
import { commandFile } from './compile.mjs';
import { setUp } from './setUp.mjs';

const mainJob = ['ssgd', 'digits', '--buffer=1', '--simulated'];

await main(async () => {
  await setUp();
  const given = process.argv.slice(2);
  return runNode([commandFile, ...(given.length > 0 ? given : mainJob)]);
});
