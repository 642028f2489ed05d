/**
 * Calls `add(from, to)` for at most `parts` ranges that together are [0, end), each but the last a multiple of `step` long.
 */
export function forShares(
  end: number,
  step: number,
  parts: number,
  add: (from: number, to: number) => void,
): void {
  const length = step * Math.ceil(end / step / parts);
  for (let from = 0; from < end; from += length) add(from, Math.min(end, from + length));
}
