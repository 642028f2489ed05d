import { ComputedKernel } from '../tiles/computedKernel.js';
import { RowBandKernel, type RowBandOptions } from '../tiles/rowBandKernel.js';
import type { TileMaker } from '../tiles/tileMaker.js';
import type { GenerationPlan } from './planGeneration.js';

/** What makes the tiles of a generation, in the way its plan has chosen. The arena has the plan's regions. */
export function makeTiles(
  { tileSize, width }: Pick<GenerationPlan, 'tileSize' | 'width'>,
  options: Omit<RowBandOptions, 'tileSize' | 'width'>,
): TileMaker {
  return width === 0
    ? new ComputedKernel({ ...options, tileSize })
    : new RowBandKernel({ ...options, tileSize, width });
}
