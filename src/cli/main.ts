#!/usr/bin/env node
import './leanRuntime.js';
import { MlmlError } from '../errors.js';
import { peakResidentBytes } from '../storage/peakMemory.js';
import type { CommandContext } from './commandContext.js';
import { errorReport, interruptionStatus } from './errorReport.js';
import { nodeServices } from './nodeServices.js';
import { runCommand } from './runCommand.js';

const interruption = new AbortController();
let stoppedBy: string | undefined;
let hangUp: (() => void) | undefined;

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (name === 'SIGHUP' && hangUp !== undefined) return hangUp();
    // The first asks the job to clean up and stop; whoever insists is obeyed at once.
    if (stoppedBy !== undefined) process.exit(interruptionStatus(name));
    stoppedBy = name;
    interruption.abort(new MlmlError('MLML_INTERRUPTED', `stopped by ${name}`));
  });
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`MLML_IO: writing to stdout failed (${error.code})\n`);
  process.exit(1);
});
// Progress that nobody can read is no reason to stop.
process.stderr.on('error', () => {});

let stdinUsed = false;
const context: CommandContext = {
  services: nodeServices,
  stdout: {
    isTTY: process.stdout.isTTY ?? false,
    write: (data) =>
      new Promise((resolve, reject) => {
        process.stdout.write(data, (error) => (error ? reject(error) : resolve()));
      }),
  },
  stderr: process.stderr,
  // Not touched before somebody reads: it would keep the process alive.
  get stdin() {
    stdinUsed = true;
    return process.stdin;
  },
  signal: interruption.signal,
  onHangUp: (listener) => {
    hangUp = listener;
  },
  clock: () => performance.now(),
  now: () => new Date(),
  residentBytes: () => process.memoryUsage.rss(),
  peakBytes: peakResidentBytes,
};

try {
  await runCommand(context, process.argv.slice(2));
} catch (error) {
  const report = errorReport(error, stoppedBy, Boolean(process.env['MLML_DEBUG']));
  process.stderr.write(report.text);
  process.exitCode = report.exitStatus;
} finally {
  // Who writes the pipe may go on, or be silent, for ever.
  if (stdinUsed) process.stdin.destroy();
}
