import { defaultOptions, type SweepGrid, type TrainOptions, type Verb } from '../ssgd/options.js';
import { optionsOf } from './optionsOf.js';
import type { Arguments } from './parseArguments.js';

/** The options of training that were given, over the defaults. */
export function trainOptions(given: Arguments): TrainOptions {
  const scratch = given.text('scratch');
  const init = given.text('init');
  const sweep = given.grid('sweep');
  const bufferBytes = given.number('buffer');
  const changes: Record<string, unknown> = {};
  for (const name of Object.keys(defaultOptions)) {
    // classWeight is --class-weight.
    const written = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (given.has(written)) changes[name] = given.text(written);
  }
  return {
    ...defaultOptions,
    ...changes,
    ...(bufferBytes === undefined ? {} : { bufferBytes }),
    ...(scratch === undefined ? {} : { scratch }),
    ...(init === undefined ? {} : { init }),
    ...(sweep === undefined ? {} : { sweep: sweep as SweepGrid }),
  };
}

/** One sentence for each option that was given but changes nothing. `isFile`: the data are a file, which is imported first. */
export function uselessOptions(verb: Verb, given: Arguments, isFile: boolean): string[] {
  const rawRows = isFile || given.has('train');
  const warnings: string[] = [];
  for (const { name, effective, rawOnly } of optionsOf(verb, 'linear')) {
    if (!given.has(name)) continue;
    if (effective !== undefined && !(effective as readonly string[]).includes(verb)) {
      warnings.push(`--${name} has no effect on ${verb}, only on ${effective.join(', ')}`);
    } else if (rawOnly && !rawRows) {
      warnings.push(`--${name} has no effect on a data set; it describes raw row files (--train)`);
    }
  }
  return warnings;
}
