import { MlmlError } from '../errors.js';
import { defaultOptions } from '../ssgd/options.js';

/** Something that happened to a server. */
export type ServeEvent =
  | { readonly type: 'reloaded'; readonly fingerprint: string }
  | { readonly type: 'warning'; readonly message: string };

/** Options of `startServer`; all have defaults. */
export interface ServeOptions {
  /** Address to listen on. Default 127.0.0.1: this machine only. There is no authentication. */
  readonly host?: string;
  /** Port, 0 for a free one. Default 8080. */
  readonly port?: number;
  /** Bound, in bytes, on the memory of the model and of all requests together. Default 10 MB. */
  readonly bufferBytes?: number;
  /** The longest body. Default 1 MB, or a hundredth of `bufferBytes` when that is less. */
  readonly maxBodyBytes?: number;
  /** The most rows of a request. Default 10 000. */
  readonly maxRows?: number;
  /** How long a request may take to arrive, and an answer to be taken. Default 30 000 ms. */
  readonly timeoutMs?: number;
  /** Threads at most; see `openPredictor`. */
  readonly nthreads?: number;
  /** Is told what happens. Default: nobody. */
  readonly onEvent?: (event: ServeEvent) => void;
  /** Called often while bodies are read and answers are made: a place to free what is no longer needed. */
  readonly onActivity?: (bytes: number) => void;
}

/** Multiples of the longest body: of bodies that are arriving or waiting and answers that are being taken, all together … */
const HELD_BODIES = 16;
/** … and of what one body becomes while it is predicted: its values (a list of empty objects takes 24 times its text), its answer. */
const PARSED_BODIES = 40;
/** Bytes of the longest answer, in bodies. */
const ANSWER_BODIES = 8;
const DEFAULT_BODY = 1e6;
const DEFAULT_SHARE = 1 / 100;
const SMALLEST_BODY = 1024;

/** How a server divides its memory. */
export interface ServePlan {
  readonly maxBodyBytes: number;
  readonly maxRows: number;
  readonly timeoutMs: number;
  /** For bodies and answers that are held at one time. */
  readonly heldBytes: number;
  /** The longest answer. */
  readonly answerBytes: number;
  /** What is left for the model. */
  readonly modelBytes: number;
}

/** Divides the budget. Pure. `MLML_BUDGET_TOO_SMALL` when nothing would be left for the model. */
export function planServing(options: ServeOptions): ServePlan {
  const { bufferBytes = defaultOptions.bufferBytes, maxRows = 10_000, timeoutMs = 30_000 } = options;
  const maxBodyBytes =
    options.maxBodyBytes ??
    Math.max(SMALLEST_BODY, Math.floor(Math.min(DEFAULT_BODY, DEFAULT_SHARE * bufferBytes)));
  const requests = (HELD_BODIES + PARSED_BODIES) * maxBodyBytes;
  if (requests >= bufferBytes) {
    throw new MlmlError(
      'MLML_BUDGET_TOO_SMALL',
      `bodies of ${maxBodyBytes} bytes (--max-body) need ${HELD_BODIES + PARSED_BODIES} times that for requests, beside the model; --buffer is ${bufferBytes / 1e6} MB`,
    );
  }
  return {
    maxBodyBytes,
    maxRows,
    timeoutMs,
    heldBytes: HELD_BODIES * maxBodyBytes,
    answerBytes: ANSWER_BODIES * maxBodyBytes,
    modelBytes: bufferBytes - requests,
  };
}
