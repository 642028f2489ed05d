// npm run test:torture: sets the clone up, then kills jobs at random points (`kills`, test/torture/torture.ts) and runs the
// long suites (test/torture/*.test.ts). The first word picks: `kills [job …]`, or suites whose path contains a word. Words with
// dashes are settings: --kills and --seed of the kills; of the suites, --minutes=30 becomes MLML_TORTURE_MINUTES=30.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { main, root, runNode, ToolError } from './child.mjs';
import { setUp } from './setUp.mjs';

const folder = join('dist', 'test', 'torture');
/** None of them ends sooner by waiting for another. */
const TIMEOUT_MS = 6 * 3600_000;

function suites(words) {
  for (const word of words.filter((each) => each.startsWith('--'))) {
    const [name, value = '1'] = word.slice(2).split('=');
    process.env[`MLML_TORTURE_${name.toUpperCase().replaceAll('-', '_')}`] = value;
  }
  const filters = words
    .filter((word) => !word.startsWith('--'))
    .map((word) => relative('', word).replace(/\.[jt]s$/, ''));
  const all = readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => join(folder, file));
  const files = all
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
  if (files.length === 0)
    throw new ToolError(`no long suite matches ${filters.join(' ')}; there are kills and ${all.join(', ')}`);
  const flags = ['--test', '--test-concurrency=1', `--test-timeout=${TIMEOUT_MS}`, '--test-reporter=spec'];
  return runNode([...flags, ...files], { cwd: root });
}

const kills = (words) => runNode([join(folder, 'torture.js'), ...words], { cwd: root });

await main(async () => {
  await setUp();
  const words = process.argv.slice(2);
  const named = words.filter((word) => !word.startsWith('--'));
  if (named[0] === 'kills') return kills(words.filter((word) => word !== 'kills'));
  if (named.length > 0) return suites(words);
  return (await kills(words)) || (await suites(words));
});
