import { MlmlError } from '../errors.js';

/** Names the variable below in messages. */
const VARIABLE = 'MLML_CHECKPOINT_SECONDS';

/**
 * Milliseconds of work that a kill may cost: those of the environment variable MLML_CHECKPOINT_SECONDS (0 saves after
 * every step), or `usualMs`.
 */
export function savingInterval(
  usualMs: number,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): number {
  const given = environment[VARIABLE];
  if (given === undefined || given === '') return usualMs;
  const seconds = Number(given);
  if (seconds >= 0 && Number.isFinite(seconds)) return 1000 * seconds;
  throw new MlmlError('MLML_USAGE', `${VARIABLE}=${given}: must be a number of seconds, 0 or more`);
}
