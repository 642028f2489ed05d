// Child processes: one helper for steps whose output matters only when they fail, one for programs in the foreground.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The checkout's root folder, without a slash at the end. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

const TAIL_LINES = 25;

/** A problem to be shown as its message alone, without a stack. */
export class ToolError extends Error {}

let interrupted = false;

/** Passes on the signals that ask this process to end, so that no child outlives it. Returns the way back. */
function forwardSignals(child) {
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
    const handler = () => {
      interrupted = true;
      // A terminal sends Ctrl-C to the whole group: the child has it already, and a second one could mean "at once".
      const sentToGroup = signal === 'SIGINT' && (process.stdin.isTTY || process.stderr.isTTY);
      if (!sentToGroup) child.kill(signal);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}

/** Waits for the child; 128 + signal number stands for death by a signal, as in a shell. */
function statusOf(child) {
  const stopForwarding = forwardSignals(child);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve(status ?? 128 + constants.signals[signal]));
  }).finally(stopForwarding);
}

/** Shows `mlml: <label> ... 3.1 s` on stderr; on a terminal the seconds run. Returns the function that ends the line. */
function showProgress(label) {
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
  const terminal = process.stderr.isTTY;
  process.stderr.write(`mlml: ${label} ...`);
  const redraw = () => process.stderr.write(`\rmlml: ${label} ... ${seconds()} s`);
  const timer = terminal ? setInterval(redraw, 200) : undefined;
  return (outcome) => {
    clearInterval(timer);
    if (terminal) redraw();
    else if (outcome === 'done') process.stderr.write(` ${seconds()} s`);
    process.stderr.write(outcome === 'done' ? '\n' : ` ${outcome}\n`);
  };
}

/**
 * Runs commands side by side, each `[program, ...arguments]`, with one progress line. When one fails, throws a
 * ToolError with the end of its output (of that, what is `worthShowing`) and `advice`.
 */
export async function runStep(
  label,
  commands,
  advice,
  { worthShowing = (output) => output, ...options } = {},
) {
  const finish = showProgress(label);
  const runs = commands.map(async ([program, ...args]) => {
    const child = spawn(program, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    const status = await statusOf(child).catch((error) => {
      output.push(Buffer.from(String(error)));
      return 1;
    });
    return { status, output: Buffer.concat(output).toString() };
  });
  const failed = (await Promise.all(runs)).find(({ status }) => status !== 0);
  finish(failed === undefined ? 'done' : 'failed');
  if (failed === undefined) return;
  if (interrupted) throw new ToolError(`${label} was interrupted; the next start does it again`);
  const lines = worthShowing(failed.output).trimEnd().split('\n');
  const heading =
    lines.length > TAIL_LINES ? `the last ${TAIL_LINES} of ${lines.length} lines of output` : 'the output';
  const tail = lines.slice(-TAIL_LINES).map((line) => `  ${line}`);
  throw new ToolError(
    `${label} failed (exit status ${failed.status}); ${heading}:\n${tail.join('\n')}\n${advice}`,
  );
}

/** Runs Node on a script with the terminal handed through; resolves to the exit status. */
export function runNode(args, options = {}) {
  return statusOf(spawn(process.execPath, args, { stdio: 'inherit', ...options }));
}

/** Runs the body of a script: a ToolError becomes one message and exit status 1. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    process.stderr.write(`mlml: ${error.message}\n`);
    process.exitCode = 1;
  }
}
