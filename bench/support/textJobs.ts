import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { medianOf, printTable } from './report.js';

export interface Figures {
  readonly seconds: number;
  /** Of all threads of the process. */
  readonly processorSeconds: number;
}

/** What is measured, by its name in the table. */
export type Job = readonly [string, () => Promise<Figures> | Figures];

/** Writes a header and the same lines again and again, so that making them takes no time. */
export function writeLines(path: string, header: string, lines: readonly string[], bytes: number): void {
  const block = Buffer.from(`${lines.join('\n')}\n`);
  const file = openSync(path, 'w');
  writeSync(file, `${header}\n`);
  for (let written = 0; written < bytes; written += block.length) writeSync(file, block);
  closeSync(file);
}

export function readPlain(path: string): void {
  const buffer = new Uint8Array(256 * 1024);
  const file = openSync(path, 'r');
  while (readSync(file, buffer) > 0);
  closeSync(file);
}

export async function measure(work: () => Promise<void> | void): Promise<Figures> {
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, processorSeconds: (user + system) / 1e6 };
}

/** Runs jobs that each read the file in turns and prints the medians; the title begins with the size of the file. */
export async function compareJobs(
  path: string,
  title: string,
  jobs: readonly Job[],
  runs: number,
): Promise<void> {
  const megabytes = statSync(path).size / 1e6;
  const figures = jobs.map((): Figures[] => []);
  for (let run = 0; run < runs; run++)
    for (const [i, [, work]] of jobs.entries()) figures[i]!.push(await work());
  const table = [['job', 'seconds', 'processor s', 'MB/s', 'MB/s of a processor']];
  for (const [i, [name]] of jobs.entries()) {
    const seconds = medianOf(figures[i]!.map((each) => each.seconds));
    const processor = medianOf(figures[i]!.map((each) => each.processorSeconds));
    table.push([
      name,
      seconds.toFixed(2),
      processor.toFixed(2),
      (megabytes / seconds).toFixed(0),
      (megabytes / processor).toFixed(0),
    ]);
  }
  printTable(`${megabytes.toFixed(0)} MB of ${title}`, table);
}
