import type { Arguments } from './parseArguments.js';

/** Options that name or describe the data. */
const OPTIONS = ['train', 'test', 'n', 'nt', 'd', 'k', 'one-hot', 'data-dir'] as const;

/** The words of a command that say which data it works on. */
export function dataWords(given: Arguments): string[] {
  const names: string[] = given.kind === 'linear' ? [...OPTIONS, 'dtype'] : [...OPTIONS];
  const options = names.filter((name) => given.has(name)).map((name) => `--${name}=${given.text(name)}`);
  return [...given.positionals, ...options];
}
