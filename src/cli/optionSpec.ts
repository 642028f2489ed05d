import { verbs as trainingVerbs } from '../ssgd/options.js';

/** Verbs that always train a kernel model; `closed` and `ssgd` do with `--memId`. */
export const kernelTrainingVerbs = ['cg', 'bcd', 'nystrom', 'krr'] as const;
/** Verbs that always work on a kernel of a data set. */
export const kernelVerbs = ['generate', ...kernelTrainingVerbs] as const;

export const commandNames = [
  'import',
  ...trainingVerbs,
  ...kernelVerbs,
  'kernels',
  'prune',
  'plan',
  'predict',
  'evaluate',
  'calibrate',
  'serve',
  'export',
  'resume',
  'info',
  'help',
] as const;
export type CommandName = (typeof commandNames)[number];

/**
 * `integer`, `number`: with a range. `numbers`: one or several, between commas. `size`: bytes, written as megabytes or
 * with a unit. `flag`: no value needed. `grid`: words name=value,value of other options.
 */
export type OptionKind = 'integer' | 'number' | 'numbers' | 'size' | 'choice' | 'text' | 'flag' | 'grid';

export interface OptionSpec {
  readonly name: string;
  /** Other ways of writing it. */
  readonly aliases?: readonly string[];
  readonly kind: OptionKind;
  readonly help: string;
  /** How a text is written in the help. Default `<path>`. */
  readonly shape?: string;
  /** A text that may be empty. */
  readonly mayBeEmpty?: boolean;
  /** Shown in the help; the parser does not fill it in. */
  readonly shownDefault?: string;
  readonly min?: number;
  readonly max?: number;
  /** The range excludes `min` itself. */
  readonly aboveMin?: boolean;
  readonly choices?: readonly string[];
  /** A word accepted beside numbers. */
  readonly word?: string;
  readonly negatable?: boolean;
  /** A flag that may be followed by true or false as a word of its own, as in 2016. */
  readonly wordAfter?: boolean;
  readonly verbs: readonly CommandName[];
  /** Verbs on which it changes anything; all when absent. Others accept it with a warning. */
  readonly effective?: readonly CommandName[];
  /** It describes raw row files; given with a data set it changes nothing and earns a warning. */
  readonly rawOnly?: boolean;
  /** It changes nothing in a kernel job. */
  readonly linearOnly?: boolean;
  /** It is a property of a kernel, which a stored one (`--memId`) brings along. */
  readonly ofKernel?: boolean;
}
