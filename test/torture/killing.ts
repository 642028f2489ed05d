import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/memory/random.js';
import { runProcess } from '../support/childProcess.js';
import { commandFile } from '../support/cli.js';
import { runAndKill, type SignalOptions } from '../support/signalled.js';
import { randomText } from '../support/sparseRows.js';
import type { TortureJob } from './jobs.js';

/** A folder with the data sets and the stored kernel of the jobs. */
export interface TortureFolder {
  readonly cwd: string;
  readonly memId: string;
}

/** What is left of a run that must be the same whether it was killed or not. */
export interface Outcome {
  /** Of the model, or of the tiles and their log. */
  readonly bits: Buffer;
  /** Lines of the CSV log without their time. */
  readonly log: readonly string[];
  readonly result: Readonly<Record<string, unknown>>;
}

async function run(cwd: string, words: readonly string[], env: TortureJob['env'] = {}) {
  const options = { cwd, env: { MLML_DATA: undefined, ...env } };
  const { status, stdout, stderr } = await runProcess(process.execPath, [commandFile, ...words], options);
  assert.equal(status, 0, `mlml ${words.join(' ')}: ${stderr}`);
  return { stdout, stderr };
}

/** Makes the data sets and the stored kernel in an empty folder. */
export async function makeTortureFolder(cwd: string): Promise<TortureFolder> {
  await run(cwd, ['import', 'digits', '--n=1000', '--nt=300', '--out=small', '--quiet']);
  await run(cwd, ['import', 'digits', '--n=4000', '--nt=1000', '--out=many', '--quiet']);
  const random = Random.of(11);
  // About 20 of 400 features in each row.
  writeFileSync(
    join(cwd, 'words.txt'),
    randomText(5000, 400, 20, () => random.uniform()),
  );
  await run(cwd, ['import', 'words.txt', '--out=sparse', '--quiet']);
  await run(cwd, ['import', 'digits', '--n=600', '--nt=200', '--out=kernel', '--quiet']);
  const kernel = ['generate', 'kernel', '--kernel=rbf', '--sigma=5', '--buffer=8', '--tile=128', '--json'];
  return { cwd, memId: JSON.parse((await run(cwd, kernel)).stdout).memId };
}

/** One job that is run in a sub-folder of its own, whole or in pieces. */
export class Victim {
  readonly #job: TortureJob;
  readonly #cwd: string;
  readonly #words: readonly string[];
  readonly #generates: boolean;
  /** What the last process said on stderr. */
  stderr = '';

  constructor({ cwd, memId }: TortureFolder, job: TortureJob, place: string) {
    this.#job = job;
    this.#generates = job.words[0] === 'generate';
    this.#cwd = cwd;
    const words = job.words.map((word) => word.replace('ID', memId));
    // A place of its own, since scratch lies beside the run.
    const out = this.#generates
      ? [`--kernels=${join(place, 'kernels')}`]
      : [`--out=${join(place, 'run')}`, '--resume'];
    this.#words = [...words, ...out, '--json'];
    this.#place = join(cwd, place);
  }
  readonly #place: string;

  /** Runs, with more options, until `when`, then kills; false when it ended before. */
  async runAndKill(when: SignalOptions['when'], more: readonly string[] = []): Promise<boolean> {
    const { killed, stderr } = await runAndKill([...this.#words, ...more], {
      cwd: this.#cwd,
      env: { ...this.#job.env },
      when,
    });
    this.stderr = stderr;
    // It may have ended by an error, which is none of ours.
    if (!killed) assert.doesNotMatch(stderr, /^MLML_/m, `${this.#job.name}: ${stderr}`);
    return killed;
  }

  /** Runs to the end and says what came out. */
  async finish(): Promise<Outcome> {
    const { stdout, stderr } = await run(this.#cwd, this.#words, this.#job.env);
    this.stderr = stderr;
    const result = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual(
      readdirSync(this.#place).filter((name) => name.startsWith('.')),
      [],
      `${this.#job.name}: left in the folder of runs`,
    );
    if (this.#generates) return this.#tiles(result);
    const folder = join(this.#place, 'run');
    assert.deepEqual(readdirSync(folder).sort(), ['events.jsonl', 'model', 'run.json'], this.#job.name);
    const { log } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as { log?: string };
    return {
      bits: readFileSync(join(folder, 'model', 'weights.bin')),
      log: log === undefined ? [] : logLines(join(this.#cwd, log)),
      result: pick(result, [
        'test',
        'train',
        'holdout',
        'epochs',
        'samples',
        'residual',
        'passes',
        'leaveOneOut',
      ]),
    };
  }

  #tiles(result: Record<string, unknown>): Outcome {
    const folder = join(this.#place, 'kernels', String(result['memId']));
    assert.deepEqual(readdirSync(folder).sort(), ['kernel.json', 'tiles.bin', 'tiles.log']);
    return {
      bits: readFileSync(join(folder, 'tiles.bin')),
      log: [],
      result: pick(result, ['memId', 'tiles']),
    };
  }

  remove(): void {
    if (existsSync(this.#place)) rmSync(this.#place, { recursive: true });
  }
}

function pick(result: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => name in result).map((name) => [name, result[name]]));
}

/** Times differ; everything else is the same. */
function logLines(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.split(',').toSpliced(1, 1).join(','));
}

export function assertSameOutcome(name: string, got: Outcome, wanted: Outcome): void {
  assert.ok(got.bits.equals(wanted.bits), `${name}: the bits differ from those of an unbroken run`);
  assert.deepEqual(got.log, wanted.log, `${name}: the log`);
  assert.deepEqual(got.result, wanted.result, `${name}: the result`);
}
