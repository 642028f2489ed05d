import { type ChildProcess, spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { commandFile } from './cli.js';

export interface SignalOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Looked at every millisecond or so: true when it is time. It gets what the command has written to stderr. */
  readonly when: (stderr: string, milliseconds: number) => boolean;
}

export interface KilledRun {
  /** False when it came to its end before. */
  readonly killed: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** True when it came to the moment, false when the command ended before. */
  readonly moment: Promise<boolean>;
}

function start(args: readonly string[], { cwd, env, when }: SignalOptions): Running {
  const child = spawn(process.execPath, [commandFile, ...args], {
    cwd,
    env: { ...process.env, MLML_DATA: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (output.stderr += text));
  const started = performance.now();
  const moment = new Promise<boolean>((resolve) => {
    const timer = setInterval(() => {
      if (!when(output.stderr, performance.now() - started)) return;
      clearInterval(timer);
      resolve(true);
    }, 1);
    child.on('exit', () => {
      clearInterval(timer);
      resolve(false);
    });
  });
  return { child, output, moment };
}

/** Runs the built command line and kills it with SIGKILL, which it can neither see nor do anything about. */
export async function runAndKill(args: readonly string[], options: SignalOptions): Promise<KilledRun> {
  const { child, output, moment } = start(args, options);
  const closed = new Promise((resolve) => child.on('close', (_status, signal) => resolve(signal)));
  if (await moment) child.kill('SIGKILL');
  return { killed: (await closed) === 'SIGKILL', ...output };
}

export interface PausedRun {
  kill(): Promise<void>;
  /** Lets it go on to its end. */
  goOn(): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>;
}

/**
 * Starts the built command line and stops it in its tracks (SIGSTOP), alive, until the test ends or something is done with
 * it. Fails when it had ended before.
 */
export async function startAndPause(
  test: TestContext,
  args: readonly string[],
  options: SignalOptions,
): Promise<PausedRun> {
  const { child, output, moment } = start(args, options);
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  const kill = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  test.after(kill);
  if (!(await moment)) throw new Error(`it had ended: ${output.stderr}`);
  child.kill('SIGSTOP');
  return {
    kill,
    async goOn() {
      child.kill('SIGCONT');
      return { status: await closed, ...output };
    },
  };
}
