import fc from 'fast-check';
import { type CommandName, commandNames, type OptionSpec } from '../../../src/cli/optionSpec.js';
import { optionsOf } from '../../../src/cli/optionsOf.js';
import { MemoryStorage } from '../../../src/storage/memoryStorage.js';
import { commandOn } from '../memoryCommand.js';
import { put } from '../originalFiles.js';
import type { FuzzTarget } from './fuzz.js';

const storage = new MemoryStorage();
await put(
  storage,
  '/raw',
  Uint8Array.from({ length: 160 }, (_, i) => (i % 4 === 3 ? (i >> 2) % 2 : (i * 7919) % 251)),
);
await commandOn(storage, [
  'import',
  '/raw',
  '--n=40',
  '--d=3',
  '--k=2',
  '--dtype=uint8',
  '--out=/set',
  '--quiet',
]);
const image = new Map(storage.paths().map((path) => [path, storage.bytesOf(path)]));

const numbers = fc.oneof(
  fc.integer({ min: -3, max: 50 }).map(String),
  fc.double().map(String),
  fc.constantFrom(
    '',
    '0',
    '1e999',
    '-0',
    '0x10',
    '1_000',
    '9007199254740993',
    '1e-320',
    ' 3',
    '3 ',
    '3MB',
    '1,2',
  ),
);
const sizes = fc.oneof(
  fc.constantFrom('1', '0.02', '1KB', '512KB', '2GiB', '1e30', '-1', '5XB', '4097MiB', '0', '1TB', 'GB'),
  numbers,
);
const kernels = fc.oneof(
  fc.constantFrom(
    'rbf',
    'linear',
    'sum(rbf,linear)',
    'product(rbf',
    '0.5*rbf',
    '))',
    'sum()',
    'precomputed',
    'custom',
  ),
  fc
    .array(fc.constantFrom('rbf', 'sum', '(', ')', ',', '*', '+', '2', 'matern', ' '), { maxLength: 30 })
    .map((parts) => parts.join('')),
  fc.nat(3000).map((depth) => 'sum('.repeat(depth)),
);
const texts = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom('/set', '/nowhere', '..', '-', '', '/raw', '\u001b[2J', '/set/dataset.json'),
);

function valuesOf(option: OptionSpec): fc.Arbitrary<string> {
  if (option.kind === 'flag') return fc.constantFrom('true', 'false', 'yes', '');
  if (option.kind === 'choice') return fc.oneof(fc.constantFrom(...(option.choices ?? ['x'])), texts);
  if (option.name === 'kernel') return kernels;
  if (option.kind === 'text') return texts;
  if (option.kind === 'size') return sizes;
  return fc.oneof(numbers, fc.constant(option.word ?? '1'));
}

function optionOf(command: CommandName): fc.Arbitrary<string> {
  const options = [...optionsOf(command, 'linear'), ...optionsOf(command, 'kernel')];
  const known = fc
    .constantFrom(...options)
    .chain((option) => valuesOf(option).map((value) => `--${option.name}=${value}`));
  const others = fc.oneof(
    texts,
    fc.string({ maxLength: 12 }).map((name) => `--${name}`),
    fc.constantFrom('--', '---', '-x', '--=', '--buffer', '--no-bias', '--memId=x', '--help', '--kernel'),
  );
  return fc.oneof({ weight: 6, arbitrary: known }, { weight: 1, arbitrary: others });
}

const plannable = commandNames.filter(
  // krr measures this machine, which takes its time.
  (name) =>
    !['import', 'kernels', 'prune', 'plan', 'predict', 'evaluate', 'info', 'help', 'krr'].includes(name),
);
// No known name: those would be downloaded.
const subjects = fc.constantFrom('/set', '/nowhere', '/raw', './set');

/** Lines that only plan, or that read what is there: nothing of any length is begun. */
const lines: fc.Arbitrary<readonly string[]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(...plannable)
      .chain((verb) => fc.tuple(fc.constant(verb), subjects, fc.array(optionOf(verb), { maxLength: 5 })))
      .map(([verb, subject, options]) => ['plan', verb, subject, ...options]),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('import', 'kernels', 'prune', 'predict', 'evaluate', 'info', 'help')
      .chain((verb) =>
        fc.tuple(
          fc.constant(verb),
          fc.array(subjects, { maxLength: 3 }),
          fc.array(optionOf(verb), { maxLength: 4 }),
        ),
      )
      .map(([verb, names, options]) => [verb, ...names, ...options]),
  },
  { weight: 1, arbitrary: fc.array(fc.string({ maxLength: 20 }), { maxLength: 4 }) },
);

/** Any command line: an answer, or one line that says what is wrong with it. */
export const commandTargets: readonly FuzzTarget[] = [
  {
    name: 'command lines',
    cases: lines,
    async run(words: readonly string[]) {
      const fresh = new MemoryStorage();
      for (const [path, bytes] of image) await put(fresh, path, bytes);
      await commandOn(fresh, words);
      return true;
    },
  },
];
