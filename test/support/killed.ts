import { spawn } from 'node:child_process';
import { commandFile } from './cli.js';

export interface KilledRun {
  /** False when it came to its end before. */
  readonly killed: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KillOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Looked at every millisecond or so: true when it is time. It gets what the command has written to stderr. */
  readonly when: (stderr: string, milliseconds: number) => boolean;
}

/** Runs the built command line and kills it with SIGKILL, which it can neither see nor do anything about. */
export async function runAndKill(args: readonly string[], options: KillOptions): Promise<KilledRun> {
  const child = spawn(process.execPath, [commandFile, ...args], {
    cwd: options.cwd,
    env: { ...process.env, MLML_DATA: undefined, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const start = performance.now();
  const timer = setInterval(() => {
    if (!options.when(stderr, performance.now() - start)) return;
    clearInterval(timer);
    child.kill('SIGKILL');
  }, 1);
  const signal = await new Promise((resolve) => child.on('close', (_status, signal) => resolve(signal)));
  clearInterval(timer);
  return { killed: signal === 'SIGKILL', stdout, stderr };
}
