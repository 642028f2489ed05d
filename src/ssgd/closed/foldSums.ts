import { packedLength } from '../../arithmetic/gram.js';
import { padded4 } from '../../arithmetic/normalProduct.js';
import type { Arena } from '../../memory/arena.js';
import type { Region } from '../../memory/plan.js';
import type { ProblemSize } from './fit.js';
import { foldGroupRegions } from './foldGroups.js';

/** Addresses of the raw sums of some rows. */
export interface SumPlace {
  readonly gram: number;
  /** Of bytes: k × d, and d. */
  readonly cross: number;
  readonly mean: number;
  /** Of other types: panels of k columns and one of ones. */
  readonly panels: number;
}

/** What is summed beside them. */
export interface RunningSums {
  /** Column sums and sum of squares of the targets about their origins. */
  readonly targets: Float64Array;
  squares: number;
  /** Sum of the weights: the number of rows when all count once. */
  total: number;
}

/** The regions of raw sums and their bytes. */
function sumRegions({ d, k, bytes }: ProblemSize): Region[] {
  const gram = { name: 'gram', bytes: 8 * packedLength(d) };
  if (!bytes) return [gram, { name: 'cross panels', bytes: 8 * (padded4(k) + 4) * padded4(d) }];
  return [gram, { name: 'cross', bytes: 8 * d * k }, { name: 'mean', bytes: 8 * d }];
}

/** Regions beside those of the normal equations: the raw sums of each fold, and a block brought together by fold. */
export function foldRegions(size: ProblemSize, folds: number, blockRows: number): Region[] {
  const sums = Array.from({ length: folds }, (_, fold) =>
    sumRegions(size).map(({ name, bytes }) => ({ name: `fold ${fold} ${name}`, bytes })),
  );
  return [...sums.flat(), ...foldGroupRegions(folds, size.rowBytes, blockRows)];
}

/** Names of the regions that the pass fills: of the sums of all rows, or of each fold. */
export function filledRegions(size: ProblemSize, folds: number): string[] {
  const names = sumRegions(size).map(({ name }) => name);
  if (folds === 0) return names;
  return Array.from({ length: folds }, (_, fold) => names.map((name) => `fold ${fold} ${name}`)).flat();
}

/** Where the sums go: of all rows, or of each fold. */
export function sumPlaces(arena: Arena, size: ProblemSize, folds: number): SumPlace[] {
  const placeOf = (prefix: string): SumPlace => {
    const address = (name: string) => (arena.has(`${prefix}${name}`) ? arena.address(`${prefix}${name}`) : 0);
    const [gram, cross, mean] = [address('gram'), address('cross'), address('mean')];
    return { gram, cross, mean, panels: size.bytes ? 0 : address('cross panels') };
  };
  return folds === 0 ? [placeOf('')] : Array.from({ length: folds }, (_, fold) => placeOf(`fold ${fold} `));
}

/** Adds up the sums of all folds, or of all but one, where those of all rows would be. */
export function addFolds(
  arena: Arena,
  size: ProblemSize,
  sums: readonly RunningSums[],
  without: number | undefined,
): RunningSums {
  const all: RunningSums = { targets: new Float64Array(size.k), squares: 0, total: 0 };
  for (const { name } of sumRegions(size)) arena.float64(name).fill(0);
  for (const [fold, { targets, squares, total }] of sums.entries()) {
    if (fold === without) continue;
    for (const { name } of sumRegions(size)) {
      const target = arena.float64(name);
      const part = arena.float64(`fold ${fold} ${name}`);
      for (let i = 0; i < target.length; i++) target[i]! += part[i]!;
    }
    for (let c = 0; c < size.k; c++) all.targets[c]! += targets[c]!;
    all.squares += squares;
    all.total += total;
  }
  return all;
}
