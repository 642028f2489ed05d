import { shownSource } from '../data/table/databaseKind.js';
import type { CommandName } from './optionSpec.js';
import { importOptionsOf } from './optionsOf.js';
import type { Arguments } from './parseArguments.js';

/** Options that name or describe the data. */
const OPTIONS = ['train', 'test', 'n', 'nt', 'd', 'k', 'one-hot', 'data-dir'] as const;

/** The words of a command that say which data it works on, without passwords. */
export function dataWords(given: Arguments, verb: CommandName): string[] {
  const names: string[] = given.kind === 'linear' ? [...OPTIONS, 'dtype'] : [...OPTIONS];
  for (const { name } of importOptionsOf(verb, given.kind)) if (!names.includes(name)) names.push(name);
  const options = names.filter((name) => given.has(name)).map((name) => `--${name}=${given.text(name)}`);
  return [...given.positionals.map(shownSource), ...options];
}
