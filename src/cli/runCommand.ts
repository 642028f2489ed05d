import { nearest } from '../data/suggest.js';
import { MlmlError } from '../errors.js';
import type { SolverName } from '../kernel/options.js';
import type { CommandContext } from './commandContext.js';
import { type CommandName, commandNames } from './optionSpec.js';
import { type Arguments, parseArguments } from './parseArguments.js';

import { trainVerb } from './trainVerb.js';
import { version } from './version.js';

/** Runs one command line (the words after `mlml`). Everything that goes wrong is thrown. */
export async function runCommand(context: CommandContext, words: readonly string[]): Promise<void> {
  const [first, ...rest] = words;
  if (first === '--version' || first === '-v') return await context.stdout.write(`${version}\n`);
  if (first === undefined || first === '--help' || first === '-h') return await help(context, undefined);
  const command = commandNames.find((name) => name === first);
  if (command === undefined) throw unknownVerb(first);
  if (command === 'help')
    return await help(
      context,
      rest.find((word) => !word.startsWith('-')),
    );
  if (asksForHelp(rest)) return await help(context, command);
  if (command === 'plan') {
    const { planVerb } = await import('./planVerb.js');
    return await planVerb(context, rest);
  }
  const given = parseArguments(command, rest);
  switch (command) {
    case 'generate': {
      const { generateVerb } = await import('./generateVerb.js');
      return await generateVerb(context, given);
    }
    case 'kernels': {
      const { kernelsVerb } = await import('./kernelsVerb.js');
      return await kernelsVerb(context, given);
    }
    case 'prune': {
      const { pruneVerb } = await import('./pruneVerb.js');
      return await pruneVerb(context, given);
    }
    case 'import': {
      const { importVerb } = await import('./importVerb.js');
      return await importVerb(context, given);
    }
    case 'predict': {
      const { predictVerb } = await import('./predictVerb.js');
      return await predictVerb(context, given);
    }
    case 'calibrate': {
      const { calibrateVerb } = await import('./calibrateVerb.js');
      return await calibrateVerb(context, given);
    }
    case 'evaluate': {
      const { evaluateVerb } = await import('./evaluateVerb.js');
      return await evaluateVerb(context, given);
    }
    case 'serve': {
      const { serveVerb } = await import('./serveVerb.js');
      return await serveVerb(context, given);
    }
    case 'export': {
      const { exportVerb } = await import('./exportVerb.js');
      return await exportVerb(context, given);
    }
    case 'resume': {
      const { resumedCommand } = await import('./resumeVerb.js');
      return await runCommand(context, await resumedCommand(context, given));
    }
    case 'info': {
      const { infoVerb } = await import('./infoVerb.js');
      return await infoVerb(context, given);
    }
    case 'cg':
    case 'bcd':
    case 'nystrom':
    case 'krr':
      return await kernelTraining(context, command, given, words);
    default:
      if (given.kind === 'kernel') return await kernelTraining(context, command as SolverName, given, words);
      return await trainVerb(context, command, given, words);
  }
}

/** Loaded by kernel jobs alone: it would add to the memory of linear training. */
async function kernelTraining(
  context: CommandContext,
  solver: SolverName,
  given: Arguments,
  words: readonly string[],
): Promise<void> {
  const { kernelTrainVerb } = await import('./kernelTrainVerb.js');
  await kernelTrainVerb(context, solver, given, words);
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return (end === -1 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h');
}

function unknownVerb(word: string): MlmlError {
  const suggestion = nearest(word, commandNames);
  const hint =
    suggestion === undefined ? `the verbs are ${commandNames.join(', ')}` : `did you mean ${suggestion}?`;
  const what = word.startsWith('-') ? 'the verb comes first' : 'there is no such verb';
  return new MlmlError('MLML_USAGE', `${word}: ${what}; ${hint}`);
}

async function help(context: CommandContext, verb: string | undefined): Promise<void> {
  const { overallHelp, verbHelp } = await import('./help.js');
  if (verb === undefined) return await context.stdout.write(overallHelp());
  if (!(commandNames as readonly string[]).includes(verb)) throw unknownVerb(verb);
  await context.stdout.write(verbHelp(verb as CommandName));
}
