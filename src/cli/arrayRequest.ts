import type { ImportOptions } from '../data/import/importOptions.js';
import { arrayOptionTable, imageOptionTable } from './arrayOptionTable.js';
import type { Arguments } from './parseArguments.js';

/** The options of importing arrays and images (and of test rows in a file of their own) that were given. */
export function arrayRequest(given: Arguments): Partial<ImportOptions> {
  const camelCase = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const names = ['test-file', ...[...arrayOptionTable, ...imageOptionTable].map(({ name }) => name)];
  return Object.fromEntries(
    names.filter((name) => given.has(name)).map((name) => [camelCase(name), given.text(name)]),
  );
}
