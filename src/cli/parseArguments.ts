import { nearest } from '../data/suggest.js';
import { MlmlError } from '../errors.js';
import { parseByteSize } from '../memory/byteSize.js';
import { sweepNames } from '../ssgd/options.js';
import { kernelOptionTable } from './kernelOptionTable.js';
import type { CommandName, OptionSpec } from './optionSpec.js';
import { importOptionsOf, type JobKind, jobKind, optionsOf } from './optionsOf.js';
import { optionTable } from './optionTable.js';

/** The values of several options, by name. */
export type Grid = Readonly<Record<string, readonly (string | number)[]>>;
type Value = string | number | boolean | readonly number[] | Grid;

/** What was written after a verb. Only options that were given have a value. */
export class Arguments {
  readonly kind: JobKind;
  readonly positionals: readonly string[];
  readonly #values: ReadonlyMap<string, Value>;

  constructor(kind: JobKind, positionals: readonly string[], values: ReadonlyMap<string, Value>) {
    this.kind = kind;
    this.positionals = positionals;
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }
  text(name: string): string | undefined {
    return this.#values.get(name) as string | undefined;
  }
  number(name: string): number | undefined {
    return this.#values.get(name) as number | undefined;
  }
  numbers(name: string): readonly number[] | undefined {
    return this.#values.get(name) as readonly number[] | undefined;
  }
  grid(name: string): Grid | undefined {
    return this.#values.get(name) as Grid | undefined;
  }
  flag(name: string): boolean | undefined {
    return this.#values.get(name) as boolean | undefined;
  }
}

/**
 * Parses `--option=value`, `--option value`, flags and `--no-flag`; `--` ends the options, a repeated option
 * keeps its last value. Anything wrong is `MLML_USAGE`, naming the option, the value and what is allowed.
 */
export function parseArguments(command: CommandName, words: readonly string[]): Arguments {
  const kind = jobKind(command, words);
  const options = [...optionsOf(command, kind), ...importOptionsOf(command, kind)];
  const positionals: string[] = [];
  const values = new Map<string, Value>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--') {
      positionals.push(...words.slice(i + 1));
      break;
    }
    if (word === '-h') {
      values.set('help', true);
      continue;
    }
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const name = equals === -1 ? word : word.slice(0, equals);
    let value = equals === -1 ? undefined : word.slice(equals + 1);
    const { option, negated } = findOption(command, options, name);
    if (option.kind === 'flag') {
      const next = words[i + 1];
      if (value === undefined && option.wordAfter && !negated && /^(true|false)$/i.test(next ?? '')) {
        value = next;
        i++;
      }
      values.set(option.name, parseFlag(name, value) !== negated);
      continue;
    }
    if (option.kind === 'grid') {
      const parts = value === undefined ? [] : [value];
      while (/^[a-z][a-z0-9]*=/i.test(words[i + 1] ?? '')) parts.push(words[++i]!);
      const already = values.get(option.name) as Grid | undefined;
      values.set(option.name, { ...already, ...parseGrid(options, option, parts) });
      continue;
    }
    if (value === undefined) {
      const next = words[i + 1];
      if (next === undefined || (next.startsWith('-') && !/^-(\.?\d|$)/.test(next))) {
        throw new MlmlError('MLML_USAGE', `${name}: needs a value; write ${name}=${valueShape(option)}`);
      }
      value = next;
      i++;
    }
    values.set(option.name, parseValue(option, value));
  }
  return new Arguments(kind, positionals, values);
}

function findOption(
  command: CommandName,
  options: readonly OptionSpec[],
  written: string,
): { option: OptionSpec; negated: boolean } {
  const name = written.replace(/^--?/, '');
  if (written.startsWith('--')) {
    const plain = options.find((option) => option.name === name || option.aliases?.includes(name));
    if (plain !== undefined) return { option: plain, negated: false };
    const negative = options.find((option) => option.negatable && `no-${option.name}` === name);
    if (negative !== undefined) return { option: negative, negated: true };
  }
  const elsewhere = [...optionTable, ...kernelOptionTable].find((option) => option.name === name);
  if (elsewhere !== undefined && written.startsWith('--')) {
    if (elsewhere.verbs.includes(command)) {
      throw new MlmlError(
        'MLML_USAGE',
        `${written}: ${command} takes it only with --memId=<id>, a stored kernel: make one with mlml generate; ` +
          'cg, bcd, nystrom and krr do without',
      );
    }
    throw new MlmlError(
      'MLML_USAGE',
      `${written}: is not an option of ${command}, but of ${elsewhere.verbs.join(', ')}; see mlml ${command} --help`,
    );
  }
  const names = options.flatMap((option) =>
    option.negatable ? [option.name, `no-${option.name}`] : [option.name],
  );
  const suggestion = nearest(name, names);
  const hint = suggestion === undefined ? '' : `; did you mean --${suggestion}?`;
  throw new MlmlError(
    'MLML_USAGE',
    `${written}: ${command} has no such option${hint}${hint === '' ? `; see mlml ${command} --help` : ''}`,
  );
}

function parseFlag(name: string, value: string | undefined): boolean {
  if (value === undefined || /^true$/i.test(value)) return true;
  if (/^false$/i.test(value)) return false;
  throw new MlmlError(
    'MLML_USAGE',
    `${name}=${value}: is a flag; write ${name}, ${name}=true or ${name}=false`,
  );
}

/** The words of a grid, each the name of an option and values it may have. */
function parseGrid(
  options: readonly OptionSpec[],
  { name, shape }: OptionSpec,
  parts: readonly string[],
): Grid {
  if (parts.length === 0) {
    throw new MlmlError('MLML_USAGE', `--${name}: needs values; write --${name} ${shape}`);
  }
  const grid: Record<string, readonly (string | number)[]> = {};
  for (const part of parts) {
    const equals = part.indexOf('=');
    const varied = part.slice(0, equals);
    const names: readonly string[] = sweepNames;
    const option = options.find((each) => each.name === varied);
    if (equals === -1 || option === undefined || !names.includes(varied)) {
      const suggestion = nearest(varied, names);
      const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
      throw new MlmlError(
        'MLML_USAGE',
        `--${name} ${part}: must be ${shape!.replace(' ...', '')} with one of ${names.join(', ')}${hint}`,
      );
    }
    if (grid[varied] !== undefined) {
      throw new MlmlError('MLML_USAGE', `--${name} ${part}: ${varied} has its values already`);
    }
    const values = part.slice(equals + 1).split(',');
    grid[varied] = values.map((value) => parseValue(option, value, `--${name} ${varied}`) as string | number);
  }
  return grid;
}

function parseValue(option: OptionSpec, value: string, label = `--${option.name}`): Value {
  const { kind, choices, word } = option;
  const bad = (wanted: string) => new MlmlError('MLML_USAGE', `${label}=${value}: must be ${wanted}`);
  if (kind === 'size') return parseByteSize(value, label);
  if (kind === 'text') {
    if (value === '' && !option.mayBeEmpty)
      throw bad(`${option.shape === undefined ? 'a path' : 'something'}, not empty`);
    return value;
  }
  if (kind === 'choice') {
    if (choices!.includes(value)) return value;
    const suggestion = nearest(value, choices!);
    const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
    throw bad(`one of ${choices!.join(', ')}${hint}`);
  }
  if (word !== undefined && value === word) return word;
  if (kind === 'numbers') {
    const numbers = value.split(',').map((part) => numberIn(option, part));
    if (numbers.every((number) => number !== undefined)) return numbers as number[];
    throw bad(`${rangeText(option)}, or several with commas between them`);
  }
  const number = numberIn(option, value);
  if (number !== undefined) return number;
  throw bad(`${rangeText(option)}${word === undefined ? '' : ` or ${word}`}`);
}

/** The number written, or undefined when it is none in the range of the option. */
function numberIn(option: OptionSpec, value: string): number | undefined {
  const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value) ? Number(value) : Number.NaN;
  const { min = -Infinity, max = Infinity, aboveMin = false } = option;
  const low = aboveMin ? number > min : number >= min;
  const whole = option.kind !== 'integer' || Number.isSafeInteger(number);
  return Number.isFinite(number) && low && number <= max && whole ? number : undefined;
}

/** The values a numeric option takes, in words. */
function rangeText(option: OptionSpec): string {
  const { kind, min, max, aboveMin = false } = option;
  const parts: string[] = [];
  if (min !== undefined) parts.push(aboveMin ? `above ${min}` : `of at least ${min}`);
  // A limit that only keeps integers exact is no news to anyone.
  if (max !== undefined && max < Number.MAX_SAFE_INTEGER) parts.push(`at most ${max}`);
  return [kind === 'integer' ? 'a whole number' : 'a number', parts.join(' and ')].join(' ').trim();
}

/** How the value of an option is written in the help. */
export function valueShape(option: OptionSpec): string {
  if (option.kind === 'choice') return option.choices!.join('|');
  if (option.kind === 'size') return '<MB>';
  if (option.kind === 'text') return option.shape ?? '<path>';
  if (option.kind === 'grid') return option.shape!;
  if (option.kind === 'numbers') return '<number>[,<number>...]';
  const number = option.kind === 'integer' ? '<count>' : '<number>';
  return option.word === undefined ? number : `${option.word}|${number}`;
}
