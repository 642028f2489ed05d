import type { Arena } from '../../../memory/arena.js';
import type { Checkpoint } from '../../../storage/checkpoint.js';

/** What is done, as checkpoints keep it. */
export interface ClosedState {
  /** What the state belongs to; another key starts afresh. */
  readonly key: string;
  /** Index of the regularization at work. */
  readonly index: number;
  /** `factor`: `done` tile columns of L are on disk. `inverse`: so is all of L, its system is solved, and `done` tile rows of the inverse are summed. */
  readonly stage: 'factor' | 'inverse';
  readonly done: number;
  /** Added to the diagonal besides λ, because L broke down in float32 without. */
  readonly shift: number;
  /** How often that happened. */
  readonly breakdowns: number;
  readonly passes: number;
  /** Of regularizations solved. */
  readonly residuals: readonly number[];
  readonly validations: readonly number[];
  /** Some system stopped above its tolerance. */
  readonly short: boolean;
}

export function initialState(key: string): ClosedState {
  return {
    key,
    index: 0,
    stage: 'factor',
    done: 0,
    shift: 0,
    breakdowns: 0,
    passes: 0,
    residuals: [],
    validations: [],
    short: false,
  };
}

/** Blocks kept with a state. */
export function stateBlocks(arena: Arena, coefficients: Float64Array): Record<string, Uint8Array> {
  const { buffer, byteOffset, byteLength } = coefficients;
  return {
    coefficients: new Uint8Array(buffer, byteOffset, byteLength),
    checksums: arena.uint8('closed checksums'),
    inverseDiagonal: arena.uint8('closed inverse diagonal'),
  };
}

/** The last state of the job with this key, its blocks in place; undefined when there is none. */
export async function loadState(
  checkpoint: Checkpoint,
  key: string,
  blocks: Record<string, Uint8Array>,
): Promise<ClosedState | undefined> {
  const state = (await checkpoint.load(blocks)) as ClosedState | undefined;
  if (state?.key === key) return state;
  if (state !== undefined) for (const block of Object.values(blocks)) block.fill(0);
  return undefined;
}
