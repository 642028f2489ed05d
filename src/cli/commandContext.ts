import type { ProgressStream } from '../run/progressReporter.js';
import type { Services } from './services.js';

/** The world a command runs in; tests give a small one. */
export interface CommandContext {
  readonly services: Services;
  readonly stdout: {
    readonly isTTY: boolean;
    /** Settles when the text has been taken, so that a slow reader slows the writer. */
    write(data: string | Uint8Array): Promise<void>;
  };
  readonly stderr: ProgressStream;
  /** What comes in by a pipe. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** From now on SIGHUP calls this, and does not stop the command. */
  readonly onHangUp?: (listener: () => void) => void;
  /** Milliseconds from any origin, never going back. */
  readonly clock: () => number;
  readonly now: () => Date;
  /** Resident bytes now, and the most so far. */
  readonly residentBytes: () => number;
  readonly peakBytes: () => number;
}
