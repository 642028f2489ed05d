import { MlmlError, oneLine } from '../errors.js';

export interface ErrorReport {
  /** For stderr, with its line break. */
  readonly text: string;
  readonly exitStatus: number;
}

/** What a shell says of a process that ended by this signal: 128 and its number. */
export function interruptionStatus(signal: string): number {
  return { SIGHUP: 129, SIGTERM: 143 }[signal] ?? 130;
}

/**
 * What is told of an error: one line `MLML_CODE: message`, and a stack trace only when `debug` (MLML_DEBUG) is
 * set. `signal` is the name of the signal that stopped the job, if one did.
 */
export function errorReport(error: unknown, signal: string | undefined, debug: boolean): ErrorReport {
  const stack = debug && error instanceof Error ? `${error.stack}\n` : '';
  if (signal !== undefined) {
    const told =
      error instanceof MlmlError && error.code === 'MLML_INTERRUPTED'
        ? oneLine(error.message)
        : `stopped by ${signal}`;
    const text = `MLML_INTERRUPTED: ${told}\n${stack}`;
    return { text, exitStatus: interruptionStatus(signal) };
  }
  if (error instanceof MlmlError) {
    return { text: `${error.code}: ${oneLine(error.message)}\n${stack}`, exitStatus: error.exitStatus };
  }
  const message = oneLine((error instanceof Error ? error.message : String(error)).split('\n')[0]!);
  const hint = debug ? '' : ' (this is a bug; set MLML_DEBUG=1 to see where)';
  return { text: `MLML_INTERNAL: ${message}${hint}\n${stack}`, exitStatus: 1 };
}
