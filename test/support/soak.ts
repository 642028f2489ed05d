import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** One look at a process that runs for long. */
export interface SoakSample {
  readonly seconds: number;
  readonly rssBytes: number;
  readonly handles: number;
}

export interface SoakResult {
  readonly samples: readonly SoakSample[];
  readonly output: string;
}

export const soakUnavailable =
  process.platform === 'linux' ? false : 'memory and handles of another process are told by Linux only';

const SETTLED_SHARE = 0.2;
const LONGEST_WARM_UP = 120;
/** Bytes that resident memory may grow by, from the end of the warm-up to the end. */
export const MOST_GROWTH = 3e6;

function look(pid: number, started: number): SoakSample | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const rss = /^VmRSS:\s+(\d+) kB$/m.exec(status);
    if (rss === null) return undefined;
    return {
      seconds: (performance.now() - started) / 1000,
      rssBytes: Number(rss[1]) * 1024,
      handles: readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch {
    return undefined;
  }
}

/** Runs Node on `args` for so long, looking at it all the while, then asks it to stop. It may not have ended by itself. */
export async function soak(args: readonly string[], seconds: number, cwd: string): Promise<SoakResult> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      // Progress of half an hour is not kept.
      output = (output + text).slice(-4000);
    });
  let ended = false;
  const closed = new Promise<void>((resolve) =>
    child.on('close', () => {
      ended = true;
      resolve();
    }),
  );
  const samples: SoakSample[] = [];
  const started = performance.now();
  const pause = Math.min(1000, (seconds * 1000) / 40);
  while (!ended && performance.now() - started < seconds * 1000) {
    const sample = look(child.pid!, started);
    if (sample !== undefined) samples.push(sample);
    await sleep(pause);
  }
  assert.equal(ended, false, `ended by itself: ${output}`);
  child.kill('SIGTERM');
  await closed;
  return { samples, output };
}

/** Figures of a soak, once it had settled: the largest resident memory in its first and in its last quarter. */
export function settledGrowth(samples: readonly SoakSample[]) {
  const all = samples.at(-1)!.seconds;
  const warm = Math.min(LONGEST_WARM_UP, SETTLED_SHARE * all);
  const settled = samples.filter(({ seconds }) => seconds > warm);
  const quarter = Math.ceil(settled.length / 4);
  const peak = (some: readonly SoakSample[]) => Math.max(...some.map(({ rssBytes }) => rssBytes));
  const first = settled.slice(0, quarter);
  const handles = settled.map((sample) => sample.handles);
  return {
    seconds: all,
    firstPeak: peak(first),
    lastPeak: peak(settled.slice(-quarter)),
    highest: peak(settled),
    lowest: Math.min(...settled.map(({ rssBytes }) => rssBytes)),
    fewestHandles: Math.min(...handles),
    mostHandles: Math.max(...handles),
  };
}

/**
 * Fails when memory grew, or handles were left open. Returns the figures in words. `uneven`: memory goes up and down by
 * itself, as between jobs of different kinds; then only its peaks at first and at last are compared.
 */
export function assertFlat(samples: readonly SoakSample[], uneven = false): string {
  assert.ok(samples.length >= 20, `only ${samples.length} samples`);
  const figures = settledGrowth(samples);
  const { seconds, firstPeak, lastPeak, highest, lowest, fewestHandles, mostHandles } = figures;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(2);
  const words =
    `${Math.round(seconds)} s, ${samples.length} samples: RSS ${megabytes(lowest)} to ${megabytes(highest)} MB, ` +
    `peak ${megabytes(firstPeak)} at first and ${megabytes(lastPeak)} at last, ${fewestHandles} to ${mostHandles} handles`;
  assert.ok(uneven || highest - firstPeak <= MOST_GROWTH, `memory grows: ${words}`);
  assert.ok(lastPeak - firstPeak <= MOST_GROWTH, `memory grows: ${words}`);
  // A file more may be open at the moment of a look.
  const settled = samples.slice(Math.floor(samples.length * SETTLED_SHARE));
  const half = settled.length >> 1;
  const least = (some: readonly SoakSample[]) => Math.min(...some.map(({ handles }) => handles));
  assert.ok(least(settled.slice(half)) <= least(settled.slice(0, half)), `handles are left open: ${words}`);
  return words;
}
