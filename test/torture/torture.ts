/**
 * npm run test:torture -- kills [--kills=<count>] [--seed=<seed>] [job …]: kills each job at random points over the whole of its
 * life, several times in a row, goes on with it until it is done, and compares what came out with an unbroken run; until
 * `count` kills (default 200) have been survived.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../src/memory/random.js';
import { type TortureJob, tortureJobs } from './jobs.js';
import { assertSameOutcome, makeTortureFolder, type TortureFolder, Victim } from './killing.js';

const MOST_KILLS_OF_A_RUN = 6;

function option(name: string, usual: number): number {
  const given = process.argv.find((word) => word.startsWith(`--${name}=`));
  return given === undefined ? usual : Number(given.split('=')[1]);
}

/** Kills, runs and lines of the log compared. */
async function torture(folder: TortureFolder, job: TortureJob, wanted: number, random: Random) {
  const whole = new Victim(folder, job, join(job.name, 'whole'));
  const expected = await whole.finish();
  const started = performance.now();
  await new Victim(folder, job, join(job.name, 'timed')).finish();
  const wholeMs = performance.now() - started;
  let [kills, runs, resumed, states] = [0, 0, 0, 0];
  while (kills < wanted) {
    const victim = new Victim(folder, job, join(job.name, `run-${runs++}`));
    for (let i = 0; i < MOST_KILLS_OF_A_RUN; i++) {
      // A little beyond the end, so that the end is met too.
      const moment = 1.1 * wholeMs * random.uniform();
      const killed = await victim.runAndKill((_, ms) => ms >= moment);
      if (/^resumed: /m.test(victim.stderr)) resumed++;
      states += [...victim.stderr.matchAll(/ (saved|checkpoint) after /g)].length;
      if (!killed) break;
      kills++;
    }
    assertSameOutcome(job.name, await victim.finish(), expected);
    if (/^resumed: /m.test(victim.stderr)) resumed++;
    victim.remove();
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(
    `${job.name.padEnd(14)} ${kills} kills of ${runs} runs, ${resumed} times gone on from a state, ${states} states saved, ` +
      `${expected.log.length} lines of log, all as unbroken; ${seconds} s`,
  );
  return kills;
}

const names = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const jobs = tortureJobs.filter(
  ({ name }) => names.length === 0 || names.some((word) => name.startsWith(word)),
);
const [kills, seed, parallel] = [
  option('kills', 200),
  option('seed', Date.now() % 1e6),
  option('parallel', 2),
];
console.log(`seed ${seed}: ${kills} kills of each of ${jobs.length} jobs`);
const cwd = mkdtempSync(join(tmpdir(), 'mlml-torture-'));
const total: number[] = [];
try {
  const folder = await makeTortureFolder(cwd);
  const waiting = [...jobs.entries()];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      total.push(await torture(folder, next[1], kills, Random.of(seed, next[0])));
  };
  const outcomes = await Promise.allSettled(Array.from({ length: parallel }, lane));
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    console.error(outcome.reason);
    process.exitCode = 1;
  }
} finally {
  if (process.exitCode === undefined) rmSync(cwd, { recursive: true });
  else console.error(`what is left lies in ${cwd}`);
}
console.log(`${total.reduce((sum, each) => sum + each, 0)} kills in all`);
