/** A number in messages: three digits. */
export function formatFigure(value: number): string {
  return String(Number(value.toPrecision(3)));
}
