import { type CommandName, commandNames, type OptionSpec } from './optionSpec.js';
import { importOptionsOf, optionsOf } from './optionsOf.js';
import { optionTable } from './optionTable.js';
import { valueShape } from './parseArguments.js';
import { verbTable } from './verbTable.js';
import { version } from './version.js';

const WIDTH = 100;

/** Breaks text at spaces; every line starts with `indent` spaces. */
function wrap(text: string, indent: number, width = WIDTH): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((each) => ' '.repeat(indent) + each);
}

function optionLines(option: OptionSpec): string[] {
  const name = option.negatable ? `--[no-]${option.name}` : `--${option.name}`;
  const long = option.kind === 'choice' && valueShape(option).length > 24;
  const shape = option.kind === 'flag' ? '' : `=${long ? '<name>' : valueShape(option)}`;
  const choices = long ? `; one of ${option.choices!.join(', ')}` : '';
  const shown = option.shownDefault === undefined ? '' : ` [${option.shownDefault}]`;
  const [first, ...rest] = wrap(option.help + choices + shown, 28);
  const head = `  ${name}${shape}`;
  if (head.length > 26) return [head, first!, ...rest];
  return [head.padEnd(28) + first!.trimStart(), ...rest];
}

const isLabel = ({ name }: OptionSpec) => name === 'label';

/** Options of linear training are shown on each of its verbs; those of kernels only where they change something. */
function shows(option: OptionSpec, command: CommandName): boolean {
  return option.effective === undefined || optionTable.includes(option) || option.effective.includes(command);
}

/** `mlml <verb> --help`. */
export function verbHelp(command: CommandName): string {
  const { summary, synopsis, details, examples } = verbTable[command];
  const lines = [`mlml ${command}: ${summary}`, ''];
  for (const line of synopsis) lines.push(`  ${line}`);
  for (const paragraph of details) lines.push('', ...wrap(paragraph, 0));
  lines.push('', 'Options [default]:');
  const linear = optionsOf(command, 'linear');
  for (const option of linear) if (shows(option, command)) lines.push(...optionLines(option));
  const kernel = optionsOf(command, 'kernel').filter((option) => !linear.includes(option));
  if (kernel.length > 0) {
    lines.push('', 'Options with --memId, which solves with a stored kernel [default]:');
    for (const option of kernel)
      if (shows(option, command) && !option.ofKernel) lines.push(...optionLines(option));
  }
  const imports = importOptionsOf(command, 'linear').filter((option) => !kernel.includes(option));
  if (imports.length > 0) {
    const names = [...imports.filter(isLabel), ...imports.filter((option) => !isLabel(option))]
      .map(({ name, negatable }) => `--${negatable ? '[no-]' : ''}${name}`)
      .join(', ');
    lines.push(
      '',
      'Options when a file, query or database is given, which is imported first (mlml import --help):',
    );
    lines.push(...wrap(names, 2));
  }
  lines.push('', 'Examples:');
  for (const [line, what] of examples) lines.push(`  ${line}`, `      ${what}`);
  return `${lines.join('\n')}\n`;
}

/** `mlml --help`. */
export function overallHelp(): string {
  const lines = [
    `mlml ${version}: memory-limited machine learning`,
    '',
    'Trains linear and kernel models on data larger than memory, inside a byte budget (--buffer).',
    '',
    'Verbs:',
  ];
  for (const name of commandNames) lines.push(`  ${name.padEnd(10)}${verbTable[name].summary}`);
  lines.push(
    '',
    'Start with:',
    '  mlml ssgd digits --buffer=1 --simulated',
    '',
    '`mlml <verb> --help` explains the options of a verb; `mlml --version` prints the version.',
    'Results go to stdout, progress and warnings to stderr. Exit status: 0 done, 1 failed, 2 wrong usage,',
    '129, 130 or 143 interrupted. MLML_DEBUG=1 adds a stack trace to errors.',
  );
  return `${lines.join('\n')}\n`;
}
