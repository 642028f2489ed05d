import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { MlmlError } from '../errors.js';
import { canonicalJson } from './canonicalJson.js';
import { removeHeldFolder, removeLeftovers } from './leftovers.js';
import { type Lock, lockFolder, lockIfFree } from './lock.js';
import { type SavingInterval, usualInterval } from './savingInterval.js';
import {
  type Blocks,
  type FoundState,
  readState,
  readStateHeader,
  STATE_FILES,
  writeState,
} from './stateFile.js';
import type { Storage } from './storage.js';

/** A save that took t is followed by at least so many t without one, unless every step is to be saved. */
const WORK_PER_SAVE = 50;

/**
 * State on disk with which a killed job goes on to the same bits. Two states are kept; a damaged one is not used.
 */
export interface Checkpoint {
  /** The header of the last state, its blocks copied into `blocks` (same names and sizes); undefined when there is none. */
  load(blocks: Blocks): Promise<unknown>;
  /**
   * True when it is time to save again: enough time or rows have passed, or the job is asked to stop.
   * `rows`: rows worked on so far, those of earlier passes included.
   */
  due(rows: number): boolean;
  /** True when every step may have to be saved: `due` is to be asked after each. Otherwise every few steps will do. */
  readonly eager: boolean;
  /** Where states lie, and the number of the last; undefined when none are saved. */
  readonly states: { readonly folder: string; readonly sequence: number } | undefined;
  /** Saves a state. When the job is asked to stop, the signal's reason is thrown once the state is on the disk. */
  save(header: unknown, blocks: Blocks, progress?: SavedProgress): Promise<void>;
  /**
   * Says that memory is as `save` would write it, from now on until the next call: a job that is stopped in the middle of a
   * step saves that. Undefined: from now on memory changes.
   */
  atRest(save: (() => Promise<void>) | undefined): void;
  /** After a failure: a job that was asked to stop saves what is at rest. */
  rescue(): Promise<void>;
  /** Removes all states: the job is done. */
  clear(): Promise<void>;
  /** Folder for large files of this job that outlive a kill (factors); made when first asked for. */
  folder(): Promise<string>;
}

/** How far a job was when it was saved, for people. */
export interface SavedProgress {
  readonly done: number;
  readonly total: number;
  /** What is counted: `rows`, `passes`, `iterations`. */
  readonly unit: string;
}

/** 16 hexadecimal digits for `key`, plain data with everything that determines the bits a job ends in. */
export function jobId(key: unknown): string {
  return createHash('sha256').update(canonicalJson(key)).digest('hex').slice(0, 16);
}

/** Folder of a job's states: below its stored kernel, or in the scratch folder. */
export function jobFolder(
  place: { readonly kernelFolder: string } | { readonly scratchFolder: string },
  key: unknown,
): string {
  return 'kernelFolder' in place
    ? join(place.kernelFolder, 'jobs', jobId(key))
    : join(place.scratchFolder, `.mlml-job-${jobId(key)}`);
}

/** How often states are saved, and what is kept with them. */
export interface CheckpointOptions {
  /** Default: `usualInterval()`. */
  readonly every?: SavingInterval;
  /** The clock, in milliseconds. */
  readonly now?: () => number;
  readonly signal?: AbortSignal;
  /** Called before a state is written; what it returns is kept in the state (plain data). */
  readonly onSave?: () => Promise<unknown>;
  /** Called by `load` before it returns, with what `onSave` returned for the state found; undefined without one that can be used. `states`: whether there are any. */
  readonly onLoad?: (kept: unknown, states: 'none' | 'some') => Promise<void>;
  /** Called by `load`, after `onLoad`, with what is wrong with states that it cannot use. */
  readonly onWarning?: (message: string) => void;
  /**
   * Takes over the end of a job: it is given what ends it, to call with 'remove' once the result is safe (a model that has been
   * written), or with 'keep' when that failed, and the folder with the states, for `removeFinishedJob`. Default: states are
   * removed when the job is done.
   */
  readonly onDone?: (end: (states: 'remove' | 'keep') => Promise<void>, folder: string) => void;
}

/** A checkpoint whose folder this process holds. */
export class JobCheckpoint implements Checkpoint {
  readonly path: string;
  readonly #storage: Storage;
  readonly #key: string;
  readonly #lock: Lock;
  readonly #options: CheckpointOptions;
  readonly #every: SavingInterval;
  readonly #now: () => number;
  /** When the last save ended and, by the cost of it, when the next may be. */
  #last: number;
  #earliest = 0;
  /** Rows at the last state; undefined when it was loaded, until the job first tells. */
  #lastRows: number | undefined = 0;
  #rows = 0;
  #atRest: (() => Promise<void>) | undefined;
  #handedOver = false;
  /** Of the last good state, and the file it is in. */
  #sequence = 0;
  #current: 0 | 1 = 1;

  constructor(storage: Storage, path: string, key: string, lock: Lock, options: CheckpointOptions) {
    this.#storage = storage;
    this.path = path;
    this.#key = key;
    this.#lock = lock;
    this.#options = options;
    this.#every = options.every ?? usualInterval();
    this.#now = options.now ?? (() => performance.now());
    this.#last = this.#now();
  }

  /** The number is 0 before a state is saved or loaded. */
  get states(): { readonly folder: string; readonly sequence: number } | undefined {
    return this.#every.kind === 'never' ? undefined : { folder: this.path, sequence: this.#sequence };
  }

  get eager(): boolean {
    const every = this.#every;
    return every.kind === 'rows' || (every.kind === 'time' && every.milliseconds === 0);
  }

  async load(blocks: Blocks): Promise<unknown> {
    const files = [0, 1] as const;
    const found = [await this.#read(0, blocks, false), await this.#read(1, blocks, false)];
    const whole = files.flatMap((file) => {
      const state = found[file]!;
      return state.kind === 'whole' ? [{ file, state: state.state }] : [];
    });
    const best = whole.sort((a, b) => b.state.sequence - a.state.sequence)[0];
    const warning = this.#warningOf(found, best?.state.sequence);
    if (best === undefined) {
      await this.#options.onLoad?.(undefined, found.every(({ kind }) => kind === 'none') ? 'none' : 'some');
      if (warning !== undefined) this.#options.onWarning?.(warning);
      return undefined;
    }
    // Only now, so that a damaged state leaves the blocks as they are.
    if ((await this.#read(best.file, blocks, true)).kind !== 'whole')
      throw new MlmlError('MLML_IO', `${join(this.path, STATE_FILES[best.file])}: changed while it was read`);
    this.#sequence = best.state.sequence;
    this.#current = best.file;
    this.#lastRows = undefined;
    await this.#options.onLoad?.(best.state.kept ?? undefined, 'some');
    if (warning !== undefined) this.#options.onWarning?.(warning);
    return best.state.header;
  }

  /** What is lost by states that cannot be used; `used`: number of the one that is. */
  #warningOf(found: readonly FoundState[], used: number | undefined): string | undefined {
    const faults = found.flatMap((state, file) => {
      const path = join(this.path, STATE_FILES[file as 0 | 1]);
      // One that is older than that which is used is no loss; nor is one of another job.
      if (state.kind === 'damaged' && !(state.sequence! < (used ?? 0)))
        return [`${path} is damaged: ${state.why}`];
      if (state.kind === 'other' && used === undefined)
        return [`${path} is of a job on other data, with other options or from another model`];
      return [];
    });
    if (faults.length === 0) return undefined;
    return `${faults.join('; ')}; ${used === undefined ? 'begins anew' : 'goes on from the other state'}`;
  }

  due(rows: number): boolean {
    const every = this.#every;
    const { signal } = this.#options;
    if (signal?.aborted) {
      if (every.kind === 'never') throw signal.reason;
      return true;
    }
    if (every.kind === 'never') return false;
    if (every.kind === 'rows') {
      this.#rows = rows;
      this.#lastRows ??= rows;
      return rows - this.#lastRows >= every.rows && this.#now() >= this.#earliest;
    }
    if (every.milliseconds === 0) return true;
    const now = this.#now();
    return now - this.#last >= every.milliseconds && now >= this.#earliest;
  }

  async save(header: unknown, blocks: Blocks, progress?: SavedProgress): Promise<void> {
    const started = this.#now();
    const kept = await this.#options.onSave?.();
    const file = this.#current === 0 ? 1 : 0;
    const path = join(this.path, STATE_FILES[file]);
    const state = { key: this.#key, sequence: this.#sequence + 1, header, ...(progress && { progress }) };
    await writeState(this.#storage, path, { ...state, ...(kept === undefined ? {} : { kept }) }, blocks);
    this.#sequence++;
    this.#current = file;
    this.#atRest = undefined;
    this.#lastRows = this.#rows;
    this.#last = this.#now();
    this.#earliest = this.#last + WORK_PER_SAVE * (this.#last - started);
    if (this.#options.signal?.aborted) throw this.#options.signal.reason;
  }

  atRest(save: (() => Promise<void>) | undefined): void {
    this.#atRest = save;
  }

  async rescue(): Promise<void> {
    const save = this.#atRest;
    this.#atRest = undefined;
    if (!this.#options.signal?.aborted || save === undefined || this.#every.kind === 'never') return;
    // It ends with the signal's reason; a disk that refuses leaves the state before.
    await save().catch(() => {});
  }

  /** Removes the states, or hands that over to whoever makes the result safe. The job's work is done. */
  async done(): Promise<void> {
    this.#atRest = undefined;
    const { onDone } = this.#options;
    if (onDone === undefined) return await this.clear();
    this.#handedOver = true;
    onDone(async (states) => {
      this.#handedOver = false;
      try {
        if (states === 'remove') await this.clear();
      } finally {
        await this.release();
      }
    }, this.path);
  }

  async clear(): Promise<void> {
    // The files of the job may only go once no state speaks of them.
    for (const file of STATE_FILES) await this.#storage.remove(join(this.path, file));
    await this.#storage.syncFolder(this.path);
    await this.#storage.remove(join(this.path, 'files'));
    this.#sequence = 0;
    this.#current = 1;
    this.#atRest = undefined;
  }

  async folder(): Promise<string> {
    const path = join(this.path, 'files');
    await this.#storage.makeFolder(path);
    return path;
  }

  /** Lets other processes have the job; what is left of its folder goes when it holds no state and no files. */
  async release(): Promise<void> {
    // Whoever took over the end of the job releases it.
    if (this.#handedOver) return;
    try {
      const names = [
        ...(await this.#storage.list(this.path)).filter((name) =>
          (STATE_FILES as readonly string[]).includes(name),
        ),
        ...(await this.#storage.list(join(this.path, 'files'))),
      ];
      if (names.length === 0) await removeHeldFolder(this.#storage, this.path);
    } finally {
      await this.#lock.release();
    }
  }

  async #read(file: 0 | 1, blocks: Blocks, copy: boolean): Promise<FoundState> {
    return await readState(this.#storage, join(this.path, STATE_FILES[file]), this.#key, blocks, copy);
  }
}

/**
 * Opens the states of the job `key` in `folder` (see `jobFolder`), which is made when it is not there. `MLML_BUSY` when
 * another process works on the same job. Release it at the end, done or failed.
 */
export async function openCheckpoint(
  storage: Storage,
  folder: string,
  key: unknown,
  options: CheckpointOptions = {},
): Promise<JobCheckpoint> {
  await storage.makeFolder(folder);
  await removeLeftovers(storage, dirname(folder));
  const lock = await lockFolder(storage, folder, 'writer');
  return new JobCheckpoint(storage, folder, canonicalJson(key), lock, options);
}

/**
 * Removes what is left of a job whose result is safe and whose process was killed before it could clear up. States that are
 * not its own stay (`isOwn` is given what `onSave` returned for each), as does everything while another process has the job.
 */
export async function removeFinishedJob(
  storage: Storage,
  folder: string,
  isOwn: (kept: unknown) => boolean,
): Promise<void> {
  // It may have been killed when the folder had its last name already.
  await removeLeftovers(storage, dirname(folder));
  if ((await storage.status(folder))?.isFolder !== true) return;
  const lock = await lockIfFree(storage, folder, 'writer');
  if (lock === undefined) return;
  const job = new JobCheckpoint(storage, folder, '', lock, {});
  try {
    const states = await Promise.all(
      STATE_FILES.map(async (file) => await readStateHeader(storage, join(folder, file))),
    );
    if (states.every((state) => state === undefined || isOwn(state.kept))) await job.clear();
  } finally {
    await job.release();
  }
}

/** For jobs that save nothing: `due` throws the signal's reason when they are asked to stop. */
export function noCheckpoint(signal: AbortSignal | undefined): Checkpoint {
  return {
    eager: false,
    states: undefined,
    load: async () => undefined,
    due: () => {
      signal?.throwIfAborted();
      return false;
    },
    save: async () => {},
    atRest: () => {},
    rescue: async () => {},
    clear: async () => {},
    folder: async () => {
      throw new MlmlError('MLML_INTERNAL', 'a job that saves nothing has no folder');
    },
  };
}
