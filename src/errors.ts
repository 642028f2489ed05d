/** Every error code mlml can raise, with the exit status of the command line and what it means. */
export const errorCodes = {
  MLML_USAGE: { exitStatus: 2, meaning: 'the command line or an option is wrong' },
  MLML_BUDGET_TOO_SMALL: {
    exitStatus: 2,
    meaning: 'the job cannot run inside --buffer; the message names the minimum',
  },
  MLML_NOT_FOUND: { exitStatus: 1, meaning: 'a file, data set, model or run does not exist' },
  MLML_EXISTS: { exitStatus: 1, meaning: 'the folder to be made exists already' },
  MLML_BAD_FILE: {
    exitStatus: 1,
    meaning: 'a file is damaged, truncated, over-long or not of the expected format',
  },
  MLML_CHECKSUM: { exitStatus: 1, meaning: 'stored bytes do not match their checksum' },
  MLML_BAD_DATA: {
    exitStatus: 1,
    meaning: 'the data hold values that cannot be used (NaN, a label out of range)',
  },
  MLML_VERSION: { exitStatus: 1, meaning: 'a file was written by a newer version of mlml' },
  MLML_IO: { exitStatus: 1, meaning: 'reading or writing failed' },
  MLML_DISK_FULL: { exitStatus: 1, meaning: 'not enough free disk space' },
  MLML_MISSING_PACKAGE: {
    exitStatus: 1,
    meaning: 'an optional package is needed that is not installed',
  },
  MLML_DOWNLOAD: { exitStatus: 1, meaning: 'a download failed' },
  MLML_DIVERGED: {
    exitStatus: 1,
    meaning: 'training diverged, and did not recover where the learning rate is automatic',
  },
  MLML_NOT_DEFINITE: {
    exitStatus: 1,
    meaning: 'a system of equations is singular or indefinite; --reg is too small',
  },
  MLML_MISMATCH: {
    exitStatus: 1,
    meaning: 'a stored kernel or a model was made from other data, rows or scaling than those given',
  },
  MLML_BUSY: { exitStatus: 1, meaning: 'another process is working on the same stored kernel or job' },
  MLML_INTERRUPTED: { exitStatus: 130, meaning: 'the job was interrupted' },
  MLML_INTERNAL: { exitStatus: 1, meaning: 'a bug in mlml' },
} as const;

/** The code of an error, one of `errorCodes`. */
export type ErrorCode = keyof typeof errorCodes;

/** The only error class mlml throws on purpose. The message says what, where, the offending value, what to do. */
export class MlmlError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MlmlError';
    this.code = code;
  }

  /** Exit status of the command line for this error. */
  get exitStatus(): number {
    return errorCodes[this.code].exitStatus;
  }
}

/** Letters of a message: what comes from damaged files may be as long as they are. */
const LONGEST_MESSAGE = 1600;
const LONGEST_END = 400;

/**
 * A message as one line of bounded length. Names and pieces of damaged files come with control characters, which would break the
 * line or move the cursor. A long one loses its middle: its beginning says what is wrong, its end what to do.
 */
export function oneLine(message: string): string {
  const short =
    message.length <= LONGEST_MESSAGE
      ? message
      : `${message.slice(0, LONGEST_MESSAGE - LONGEST_END)} … ${message.slice(-LONGEST_END)}`;
  return short.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}
