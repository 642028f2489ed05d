// Checks the house rule on file sizes: a source file holds one concept, and none is above 400 lines.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './child.mjs';

const LARGEST = 400;

const tooLong = ['assembly', 'src', 'scripts']
  .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, file)))
  .filter((file) => /(?<!\.test)\.(ts|mjs)$/.test(file))
  .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
  .filter(({ lines }) => lines > LARGEST);

for (const { file, lines } of tooLong) {
  console.error(`${file}: ${lines} lines, at most ${LARGEST}; take a concept out into a file of its own`);
}
if (tooLong.length > 0) process.exitCode = 1;
else console.log(`sizes: no source file above ${LARGEST} lines`);
