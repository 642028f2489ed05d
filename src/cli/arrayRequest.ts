import type { ImportOptions } from '../data/import/importOptions.js';
import { arrayOptionTable } from './arrayOptionTable.js';
import type { Arguments } from './parseArguments.js';

/** The options of importing arrays that were given. */
export function arrayRequest(given: Arguments): Partial<ImportOptions> {
  const camelCase = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(
    arrayOptionTable
      .filter(({ name }) => given.has(name))
      .map(({ name }) => [camelCase(name), given.text(name)]),
  );
}
