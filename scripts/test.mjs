// npm test: sets the clone up, then runs every test, or those whose file name contains one of the arguments.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { main, root, runNode, ToolError } from './child.mjs';
import { setUp } from './setUp.mjs';

// Memory tests measure whole processes; more at once than this would make them wait for each other.
const CONCURRENCY = 2;
const TIMEOUT_MS = 240_000;

function testFiles(filters) {
  const files = readdirSync(join(root, 'dist'), { recursive: true })
    // The long suites have a command of their own: npm run test:torture.
    .filter((file) => file.endsWith('.test.js') && !file.includes(join('test', 'torture')))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
  if (files.length > 0) return files.map((file) => join('dist', file));
  throw new ToolError(`no test file matches ${filters.join(' ')}`);
}

await main(async () => {
  await setUp();
  const files = testFiles(
    process.argv.slice(2).map((filter) => relative('', filter).replace(/\.[jt]s$/, '')),
  );
  const flags = ['--test', `--test-concurrency=${CONCURRENCY}`, `--test-timeout=${TIMEOUT_MS}`];
  return runNode([...flags, '--test-reporter=spec', ...files], { cwd: root });
});
