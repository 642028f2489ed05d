import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { MlmlError } from '../../src/errors.js';
import { collectGarbage } from '../../src/memory/collectGarbage.js';
import { Random } from '../../src/memory/random.js';
import { FaultyStorage, type LateFault, type Operation } from '../../src/storage/faultyStorage.js';
import { ownerOf } from '../../src/storage/ownedFolder.js';
import { PowerLossStorage } from '../../src/storage/powerLossStorage.js';
import { assertClear } from './fuzz/fuzz.js';
import { commandOn } from './memoryCommand.js';

/** A command that writes, on files that are there. */
export interface DiskJob {
  readonly name: string;
  readonly words: readonly string[];
  /** What is given instead when the command was stopped; default: the same words. */
  readonly again?: readonly string[] | 'never';
  /** Another job done in the same place; default: a run beside it. */
  readonly next?: readonly string[];
  /** Paths, or the beginnings of paths, of what it is for; everything below must be the same bytes each time. */
  readonly results: readonly string[];
  /** Files that it works on and may change before it comes to its end: states that it goes on from. */
  readonly mayChange?: (path: string) => boolean;
}

/**
 * What happens to the k-th operation: it fails; it is carried out and fails all the same; of a write only half is carried out;
 * or it and all after it fail, and the process finds afterwards what a kill or a power cut leaves.
 */
export const faults = [
  'fails',
  'fails late',
  'full',
  'killed',
  'power cut',
  'power cut, part',
  'full from here',
] as const;
export type Fault = (typeof faults)[number];

type Image = ReadonlyMap<string, Uint8Array>;

/** The number of a process that does not live. */
const DEAD = 999_999_999;

/** Names of files of this process, as those of one that is dead. */
function ofDead(name: string): string {
  const owner = ownerOf(name);
  return owner === undefined ? name : name.replace(`-${process.pid}-`, `-${DEAD}-`);
}

/** What the next process finds: whose number stands in the files of the one before is dead. */
function nextProcess(storage: PowerLossStorage, chance: () => number): PowerLossStorage {
  return ofDeadProcess(storage.afterPowerLoss(chance, ofDead));
}

function ofDeadProcess(storage: PowerLossStorage): PowerLossStorage {
  for (const path of storage.paths().filter((each) => each.endsWith('/run.json'))) {
    const text = new TextDecoder().decode(storage.bytesOf(path));
    const dead = text.replace(`"pid": ${process.pid}`, `"pid": ${DEAD}`);
    if (dead !== text) storage.put(path, new TextEncoder().encode(dead));
  }
  return storage;
}

export function imageOf(storage: PowerLossStorage): Image {
  return new Map(storage.paths().map((path) => [path, storage.bytesOf(path)]));
}

function storageWith(image: Image): PowerLossStorage {
  const storage = new PowerLossStorage();
  for (const [path, bytes] of image) storage.put(path, bytes);
  return storage;
}

/** Everything that is made as the command makes it, before it. */
export async function prepare(put: Image, commands: readonly (readonly string[])[]): Promise<Image> {
  const storage = storageWith(put);
  for (const words of commands) await commandOn(storage, words);
  return imageOf(ofDeadProcess(storage));
}

const isResult = (job: DiskJob) => (path: string) => job.results.some((start) => path.startsWith(start));

function results(storage: PowerLossStorage, job: DiskJob): Map<string, string> {
  const paths = storage.paths().filter(isResult(job));
  const content = (path: string) => Buffer.from(storage.bytesOf(path));
  return new Map(
    paths.map((path) => [
      path,
      // A stored kernel tells when it was begun.
      path.endsWith('/kernel.json')
        ? content(path)
            .toString()
            .replace(/"created": .*/, '')
        : content(path).toString('base64'),
    ]),
  );
}

/** The operations of the job when nothing fails, and what it makes. */
export async function unbroken(image: Image, job: DiskJob) {
  const storage = storageWith(image);
  const operations: Operation[] = [];
  await commandOn(new FaultyStorage(storage, (operation) => void operations.push(operation)), job.words);
  return { operations, expected: results(storage, job), paths: storage.paths() };
}

class DiskFault extends MlmlError {}

function faultRule(fault: Fault, k: number): (operation: Operation) => LateFault | undefined {
  let seen = 0;
  return ({ kind, path, bytes }) => {
    const at = seen++;
    const stays = fault === 'killed' || fault.startsWith('power cut');
    if (fault === 'full from here') {
      const takesRoom = kind === 'write' || kind === 'create' || kind === 'makeFolder';
      if (at < k || !takesRoom) return undefined;
      throw new DiskFault('MLML_DISK_FULL', `${path}: the disk is full`);
    }
    if (stays ? at < k : at !== k) return undefined;
    if (fault === 'full' && kind === 'write')
      return { error: new DiskFault('MLML_DISK_FULL', `${path}: the disk is full`), bytes: bytes >> 1 };
    const error = new DiskFault('MLML_IO', `${path}: ${kind} failed (EIO)`);
    // A process that is killed may have been in the middle of what it was doing.
    if (stays && at === k && kind === 'write') return { error, bytes: bytes >> 1 };
    if (fault === 'fails late' && kind !== 'read') return { error };
    throw error;
  };
}

/**
 * One case: the k-th operation meets the fault. Afterwards the error is clear, what was there before is there as it was, what
 * the job makes is whole or not there, and the command given again makes it, to the same bytes, and leaves nothing else.
 */
export async function checkFault(
  image: Image,
  job: DiskJob,
  whole: Awaited<ReturnType<typeof unbroken>>,
  fault: Fault,
  k: number,
): Promise<void> {
  const what = `${job.name}: operation ${k} (${whole.operations[k]?.kind} ${whole.operations[k]?.path}): ${fault}`;
  try {
    const storage = storageWith(image);
    let failed = false;
    try {
      await commandOn(new FaultyStorage(storage, faultRule(fault, k)), job.words);
    } catch (error) {
      failed = true;
      assertClear(error);
    }
    const random = Random.of(k, 5);
    const after =
      fault === 'killed'
        ? nextProcess(storage, () => 1)
        : fault === 'power cut'
          ? // What is told to be done is there.
            nextProcess(storage, () => (failed ? 0 : 1))
          : fault === 'power cut, part'
            ? nextProcess(storage, () => random.uniform())
            : storage;
    for (const [path, bytes] of image) {
      if (job.mayChange?.(path)) continue;
      assert.ok(after.paths().includes(path), `${path} is gone`);
      assert.ok(Buffer.from(bytes).equals(after.bytesOf(path)), `${path} was changed`);
    }
    // Only a disk that does not even remove files keeps what the job wanted to be rid of.
    if (!stopsAll(fault) && whole.operations[k]?.kind !== 'remove')
      assert.deepEqual(after.paths().filter(isOwned), [], 'stray files');
    if (!failed && !fault.startsWith('power cut')) {
      assert.deepEqual(results(after, job), whole.expected, 'it said it had done it');
      return;
    }
    if (job.again === 'never') return;
    const later = nextProcess(after, () => 1);
    await commandOn(later, job.again ?? job.words).catch((error) => {
      // It was complete, and who gives the same name again is told so.
      const told = error instanceof MlmlError && error.code === 'MLML_EXISTS';
      if (!told || results(later, job).size === 0) throw error;
    });
    assert.deepEqual(results(later, job), whole.expected, 'given again, it made something else');
    // A run that is gone on with, or told again, leaves nothing of what a kill had left but the lock of a kernel's dead reader.
    if (job.again !== undefined)
      assert.deepEqual(
        later.paths().filter((path) => isLeft(path) && !path.includes('/.mlml-reader-')),
        [],
        'left by the run that was gone on with',
      );
    // What a process left that was killed when all was done goes with the next command that works there.
    if (later.paths().some(isLeft))
      await commandOn(later, job.next ?? ['closed', '/set', `--out=${folderOf(job)}/later`, '--quiet']);
    assert.deepEqual(
      later.paths().filter(isLeft),
      whole.paths.filter(isLeft),
      'stray files after it was given again',
    );
  } catch (error) {
    (error as Error).message = `${what}: ${(error as Error).message}`;
    throw error;
  }
}

function stopsAll(fault: Fault): boolean {
  return fault === 'killed' || fault.startsWith('power cut');
}

const isLeft = (path: string) => path.split('/').some((name) => name.startsWith('.mlml-'));
/** Of a process, not of a job, whose states outlive it. */
const isOwned = (path: string) => isLeft(path) && !/\/\.mlml-job-|\/jobs\//.test(path);

/** Where the command makes what it makes. */
function folderOf({ words }: DiskJob): string {
  const out = words.find((word) => word.startsWith('--out='))?.slice('--out='.length) ?? '/runs/x';
  return dirname(out);
}

/** Runs every `step`-th operation of the job into each fault; returns the number of cases. */
export async function sweep(image: Image, job: DiskJob, which: readonly Fault[], step = 1): Promise<number> {
  const whole = await unbroken(image, job);
  let cases = 0;
  for (const fault of which) {
    for (let k = 0; k < whole.operations.length; k += step, cases++) {
      await checkFault(image, job, whole, fault, k);
      // The engine does not see how large the memories are that each run leaves behind.
      if (cases % 8 === 7) collectGarbage('major');
    }
  }
  return cases;
}
