/**
 * Length of the parts, but for the last, into which [0, end) is divided for `parts` threads at most: a multiple of `step`.
 * To be used in a plain loop, which allocates nothing.
 */
export function shareLength(end: number, step: number, parts: number): number {
  return step * Math.ceil(end / step / parts);
}
