import { verbs as trainingVerbs } from '../ssgd/options.js';
import { imageOptionTable } from './arrayOptionTable.js';
import { kernelOptionTable } from './kernelOptionTable.js';
import { type CommandName, kernelVerbs, type OptionSpec } from './optionSpec.js';
import { optionTable } from './optionTable.js';

/** `linear`: a linear model, or no training at all. `kernel`: a stored or computed kernel. */
export type JobKind = 'linear' | 'kernel';

/** Verbs that work on a kernel when they are given a stored one, and train a linear model otherwise. */
const eitherVerbs: readonly CommandName[] = ['closed', 'ssgd'];
const MEM_ID = /^--mem-?id(=|$)/i;

/** What a command line is about: `closed` and `ssgd` work on a kernel when `--memId` is among the words. */
export function jobKind(command: CommandName, words: readonly string[]): JobKind {
  if (!eitherVerbs.includes(command)) return isKernelVerb(command) ? 'kernel' : 'linear';
  const end = words.indexOf('--');
  return (end === -1 ? words : words.slice(0, end)).some((word) => MEM_ID.test(word)) ? 'kernel' : 'linear';
}

function isKernelVerb(command: CommandName): boolean {
  return (kernelVerbs as readonly CommandName[]).includes(command);
}

/** The options a verb knows. In a kernel job those of kernels come first and stand for others of the same name. */
export function optionsOf(command: CommandName, kind: JobKind): readonly OptionSpec[] {
  const has = (option: OptionSpec) => option.verbs.includes(command);
  const common = optionTable.filter(has);
  if (kind === 'linear' && eitherVerbs.includes(command)) return common;
  const own = kernelOptionTable.filter(has);
  return [...own, ...common.filter(({ name }) => own.every((option) => option.name !== name))];
}

/** Verbs that take a file, query or database too, and import it first. */
const importingVerbs: readonly CommandName[] = [...trainingVerbs, ...kernelVerbs];

/** The options of imports that a verb which imports first takes beside its own. One that it has itself keeps its own meaning. */
export function importOptionsOf(command: CommandName, kind: JobKind): readonly OptionSpec[] {
  if (!importingVerbs.includes(command)) return [];
  const own = optionsOf(command, kind);
  // Folders are data sets here, never images.
  return optionsOf('import', 'linear').filter(
    (option) => !imageOptionTable.includes(option) && own.every(({ name }) => name !== option.name),
  );
}
