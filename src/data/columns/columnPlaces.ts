/** Tells the place of each of the columns by its name, -1 for others: looking each up in the list takes the square of their number. */
export function columnPlaces(columns: readonly string[]): (name: string) => number {
  const places = new Map<string, number>();
  for (const [place, name] of columns.entries()) if (!places.has(name)) places.set(name, place);
  return (name) => places.get(name) ?? -1;
}
