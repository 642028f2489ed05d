import { MlmlError } from '../errors.js';

/** How often the state of a job is saved. */
export type SavingInterval =
  /** 0 milliseconds: after every step. */
  | { readonly kind: 'time'; readonly milliseconds: number }
  | { readonly kind: 'rows'; readonly rows: number }
  | { readonly kind: 'never' };

/** Names the variable below in messages. */
const VARIABLE = 'MLML_CHECKPOINT_SECONDS';
const USUAL_MS = 30_000;

/** `30s` (seconds; `0s`: after every step), `100000` (rows), or 0 for never. */
export function parseInterval(text: string, option: string): SavingInterval {
  const seconds = /^(\d+\.?\d*|\.\d+)s$/i.exec(text);
  if (seconds !== null) return { kind: 'time', milliseconds: 1000 * Number(seconds[1]) };
  const rows = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (rows === 0) return { kind: 'never' };
  if (Number.isSafeInteger(rows)) return { kind: 'rows', rows };
  throw new MlmlError(
    'MLML_USAGE',
    `${option}=${text}: must be a number of seconds such as 30s, a whole number of rows such as 1000000, or 0 for never`,
  );
}

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

/** Every 30 seconds, or as MLML_CHECKPOINT_SECONDS says. */
export function usualInterval(): SavingInterval {
  return { kind: 'time', milliseconds: savingInterval(USUAL_MS) };
}
