/** Number types in which weights are written and scores are computed. */
export const precisions = ['float64', 'float32'] as const;
export type Precision = (typeof precisions)[number];
