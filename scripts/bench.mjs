// npm run bench -- NAME: sets the clone up, then runs bench/NAME.ts with the remaining arguments.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, runNode, ToolError } from './child.mjs';
import { setUp } from './setUp.mjs';

const folder = join(root, 'dist', 'bench');

function benchNames() {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.js') && !file.endsWith('.test.js'))
    .map((file) => file.slice(0, -'.js'.length))
    .sort();
}

await main(async () => {
  await setUp();
  const [name, ...args] = process.argv.slice(2);
  const names = benchNames();
  if (!names.includes(name)) {
    const problem = name === undefined ? 'which bench?' : `there is no bench "${name}";`;
    throw new ToolError(`${problem} npm run bench -- NAME, with NAME one of: ${names.join(', ')}`);
  }
  return runNode([join(folder, `${name}.js`), ...args]);
});
