import { spawn } from 'node:child_process';

export interface ProcessResult {
  /** Exit status, or null when a signal ended the process. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to the child's standard input, which is empty otherwise. */
  readonly input?: string | Uint8Array;
  /** Ends the child with SIGTERM. */
  readonly signal?: AbortSignal;
  /** Ends the child with SIGKILL when it takes longer. Default 120 000 ms. */
  readonly timeoutMs?: number;
  /** Sees each piece of output as it arrives. */
  readonly onOutput?: (text: string, stream: 'stdout' | 'stderr') => void;
}

const DEFAULT_TIMEOUT_MS = 120_000;

/** Runs a program to its end and collects what it wrote. A non-zero exit status is a result, not an error. */
export function runProcess(
  program: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    env: { ...process.env, ...options.env },
    stdio: 'pipe',
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (piece: string) => {
      text[stream] += piece;
      options.onOutput?.(piece, stream);
    });
  }
  // A child that ends without reading its input is no failure of the test.
  child.stdin.on('error', () => {}).end(options.input);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      if (error.name !== 'AbortError') reject(error);
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, ...text });
    });
  });
}
