import { layOut, type Region } from '../../memory/plan.js';

/** Regions and the arena bytes they take. */
export interface Layout<C> {
  readonly choice: C;
  readonly regions: readonly Region[];
  readonly totalBytes: number;
}

/** The first choice, most wanted first, whose regions fit the budget; else the last, which `fits` tells. */
export function firstFitting<C>(
  choices: readonly C[],
  regionsOf: (choice: C) => readonly Region[],
  budgetBytes: number,
): Layout<C> & { readonly fits: boolean } {
  let layout: Layout<C> | undefined;
  for (const choice of choices) {
    const regions = regionsOf(choice);
    layout = { choice, regions, totalBytes: layOut(regions).totalBytes };
    if (layout.totalBytes <= budgetBytes) return { ...layout, fits: true };
  }
  return { ...layout!, fits: false };
}
